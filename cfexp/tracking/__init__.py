"""MLflow, a projection of the store; nothing else imports it."""
