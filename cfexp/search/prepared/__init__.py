"""Data made ready for a study, kept, found again and shared."""
