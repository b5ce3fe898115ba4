"""POP3 (RFC 1939 with 2449, 2595 and 5034) from MaCo's side: the pure client, its session, and a poll's way with it."""
