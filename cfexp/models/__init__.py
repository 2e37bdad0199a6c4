"""Models: recipes that train into scorers."""
