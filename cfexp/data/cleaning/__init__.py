"""Cleaning: rules that take rows out of a log, or change them, before it is split."""
