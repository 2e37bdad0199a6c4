"""Reading interactions: files and generators in, one frozen table out."""
