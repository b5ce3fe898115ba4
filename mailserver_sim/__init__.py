"""The customer's mail server: IMAP by Twisted, SMTP by aiosmtpd, mail in an SQLite file.

``settings`` describes one; ``server.MailServer`` runs it on the asyncio loop of the caller. Importing this package, or
its settings, loads neither Twisted nor aiosmtpd.
"""
