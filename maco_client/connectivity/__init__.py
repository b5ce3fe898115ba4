"""The connectivity tests of Cloud Integration: IMAP, TLS, and Cloud Connector. They change nothing anywhere."""
