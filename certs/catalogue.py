"""The catalogue of mail servers' certificates as a page: ``python -m certs.catalogue > docs/certificates.md``.

Its rule: all rows are read from ``certs.plans`` and ``certs.verdicts``, so that the page cannot say anything else.
"""

from __future__ import annotations

import sys

from certs.plans import MAIL_SERVERS, MEMBERS
from certs.verdicts import VERDICTS, Verdict

HEAD = """# Certificates of the mail server

Every certificate that the lab's mail server can present, by the name that `mail_server.certificate` in the
[lab file](lab-file.md) takes, for the whole server or for one port of it. They are issued when the lab starts and are
always fresh: one that expired did so yesterday.

"MaCo" stands for Java's rules: PKIX, and the check of the server's name that Jakarta Mail asks for ("LDAPS").
"OpenSSL" is what most other clients do, with the security level 2 of today's distributions; the lab's own MaCo and
Cloud Connector verify with OpenSSL too, but accept any listed certificate as the end of a path, as Java does. So the
lab's MaCo refuses what only OpenSSL refuses; the real one would not. All verdicts hold for a client that trusts the
mail servers' root (and, for `expired_root`, that root) and looks for the name of the mail host.

Each row is what real programs said when the tests asked them: OpenSSL by Python's `ssl` and by `openssl s_client`, Java
by a JVM and by JavaMail. This page is written by `python -m certs.catalogue`.

The server can load all of them: for `sha1` and `rsa_1024` OpenSSL's security level is 0 on the ports that present
them, and nowhere else.

| name | what it is | who refuses it | why | OpenSSL | Java 17 |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(_row(name, VERDICTS[name]) for name in MAIL_SERVERS)


def _row(name: str, verdict: Verdict) -> str:
    refused_by = {"nobody": "nobody", "OpenSSL": "OpenSSL only", "both": "MaCo and OpenSSL"}[verdict.refused_by]
    openssl = f"error {verdict.openssl}" if verdict.openssl else "accepts"
    java = f"`{verdict.java.strip()}`" if verdict.java else "accepts"
    what = MEMBERS[name].purpose
    return f"| `{name}` | {what} | {refused_by} | {verdict.why} | {openssl} | {java} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
