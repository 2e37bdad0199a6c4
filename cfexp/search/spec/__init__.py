"""The study file: what it may say, what it means, and where its files lie."""
