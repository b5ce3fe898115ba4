"""What is measured: our pair of services, the peers as two proxies each, and nothing at all as the ceiling."""
