"""How MaCo sends a mail: SMTP (RFC 5321) from the client's side, by the same ways as it reads."""
