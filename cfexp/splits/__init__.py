"""Which rows are fitted, which are history, which are held out."""
