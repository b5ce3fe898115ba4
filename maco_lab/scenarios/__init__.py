"""Teaching scenarios: one wrong or insecure setting at a time, switched on and off in the lab that runs."""
