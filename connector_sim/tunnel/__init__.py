"""What both ends of the tunnel share: the HTTP Upgrade that opens it and the yamux session that runs in it."""
