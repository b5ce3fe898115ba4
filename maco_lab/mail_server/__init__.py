"""The mail server by itself: ``python -m mailserver_sim``, with accounts from its command line or from a lab file."""
