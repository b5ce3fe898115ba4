"""MaCo beside mbsync: the same mails from the same Dovecot through the same chain, and what MaCo's memory does."""
