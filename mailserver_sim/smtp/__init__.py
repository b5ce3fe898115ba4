"""SMTP (RFC 5321) and submission (RFC 6409) by aiosmtpd on the caller's loop, delivering into the store."""
