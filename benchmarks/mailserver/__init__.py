"""The mail server beside Dovecot: the same commands over the same bytes, on the same machine in the same run.

``python -m benchmarks.mailserver`` measures all of it; ``--only``, ``--rounds`` and ``--quick`` less.
"""
