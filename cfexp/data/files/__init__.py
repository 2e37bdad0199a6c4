"""Files of rows: found, decompressed, read as columns; CSV, JSON lines, Parquet."""
