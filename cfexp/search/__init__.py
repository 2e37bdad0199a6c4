"""Studies: spaces, trials, the coordinator and the store."""
