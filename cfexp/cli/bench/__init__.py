"""`cfexp bench`: cfexp measured against its peers, and with tracking on and off."""
