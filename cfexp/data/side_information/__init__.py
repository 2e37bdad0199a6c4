"""What is known of users and items beside their rows: attributes and features."""
