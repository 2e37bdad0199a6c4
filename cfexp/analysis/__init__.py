"""For whom a result holds, and whether a difference is real."""
