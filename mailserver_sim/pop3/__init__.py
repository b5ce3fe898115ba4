"""POP3 (RFC 1939 with 2449, 2595, 3206 and 5034) over the transport that IMAP has, on the same store."""
