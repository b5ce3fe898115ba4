"""How MaCo verifies a mail server: OpenSSL's own verification, and Java's rules where the two differ."""
