"""How good a list of recommendations is, user by user."""
