"""IMAP4rev1 (RFC 3501) on Twisted's transport, TLS and timeouts, one module for each family of commands.

``reader``, ``tokens``, ``sequence``, ``fetch_items``, ``search_keys``, ``search``, ``mime``, ``envelope``,
``sections``, ``view`` and ``wire`` are pure: bytes in, values out. ``connection`` is the shell that owns the transport.
"""
