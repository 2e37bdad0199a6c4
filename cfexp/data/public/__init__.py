"""Public data sets: the catalogue, downloads into the cache, and the sources that read them."""
