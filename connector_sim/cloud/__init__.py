"""The cloud side: token service, SOCKS5 proxy and tunnel endpoint of the Connectivity service."""
