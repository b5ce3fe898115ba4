"""MaCo's mail side: e-mail servers and connections, key store, token, dialling, IMAP, poller and the durable inbox."""
