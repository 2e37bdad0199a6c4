"""The report as one HTML page that stands alone: a chapter per file, in the order of `contents`."""
