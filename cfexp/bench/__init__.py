"""Measuring cfexp against its peers: same data, same machine, same run."""
