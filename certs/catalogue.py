"""The catalogue of mail servers' certificates as a page: ``python -m certs.catalogue > docs/certificates.md``.

Its rule: all rows are read from ``certs.plans`` and ``certs.verdicts``, so that the page cannot say anything else.
"""

from __future__ import annotations

import sys

from certs.plans import MAIL_SERVERS, MEMBERS
from certs.verdicts import STORE_VERDICTS, VERDICTS, StoreVerdict, Verdict
from maco_net.alerts import alert_for_verify_code

HEAD = """# Certificates of the mail server

Every certificate that the lab's mail server can present, by the name that `mail_server.certificate` in the
[lab file](lab-file.md) takes, for the whole server or for one port of it. They are issued when the lab starts and are
always fresh: one that expired did so yesterday.

## Verdicts: Java, OpenSSL and the lab's MaCo

"Java 17" is what the real MaCo runs on: PKIX, and the check of the server's name that Jakarta Mail asks for ("LDAPS");
the text is the beginning of its innermost one. "OpenSSL" is what most other programs say, with the security level 2 of
today's distributions. "Lab" is what the lab's MaCo does by default, with `maco.verification: java`: it accepts and
refuses what Java does, in Java's words. With `maco.verification: openssl` it does what the column OpenSSL says. The
lab's Cloud Connector verifies as OpenSSL does, but takes any listed certificate for the end of a path.

All these verdicts hold for a client that trusts the mail servers' root (and, for `expired_root`, that root) and looks
for the name of the mail host. Each row is what real programs said when the tests asked them: OpenSSL by Python's `ssl`
and by `openssl s_client`, Java by a JVM and by JavaMail, the lab's MaCo in polls under both profiles, and side by side
with the JVM. This page is written by `python -m certs.catalogue`.

| name | what it is | Java 17 | OpenSSL | lab | why |
|---|---|---|---|---|---|
"""

STORES = """
## Which certificate ends the path

Java ends a path at any certificate in its key store, whatever that one's dates, and looks at nothing but the name of a
server whose own certificate is listed. OpenSSL ends it at a root. The lab's MaCo does as Java, on OpenSSL's own
verification; that still checks a listed certificate as every other, and what the server sends above it. So the lab is
stricter in the rows that say so.

| key store | the server presents | Java 17 | OpenSSL | lab | why |
|---|---|---|---|---|---|
"""

TAIL = """
## What goes over the wire

In a handshake that OpenSSL refuses, the lab's MaCo sends OpenSSL's alert; the alert that Java would have sent stands in
the journal beside it (`java_alert` of a [handshake](journal.md)). "Behind the handshake" means that OpenSSL at security
level 0 lets the certificate through, which the Java profile needs for SHA-1: then MaCo refuses it itself before it says
anything inside TLS, and closes the connection without an alert. The same holds for dates while some certificate in the
key store is out of its own: OpenSSL, which would refuse that one, leaves all dates to MaCo then.

Level 0 is for certificates alone. Under both profiles MaCo speaks TLS 1.2 and 1.3, offers the same cipher suites, and
refuses Diffie-Hellman groups below 2048 bits and TLS 1.2 handshakes signed over SHA-1 or MD5.

Where the lab's MaCo is stricter than Java, beside the rows above: an alternative name such as `ma*.example.com`, and an
intermediate whose extended key usage lacks serverAuth, which Java accepts.

## How the server presents them

The server can load all of them: for `sha1`, `rsa_1024` and `rsa_768` OpenSSL's security level is 0 on the ports
that present them, and nowhere else.
"""


def page() -> str:
    """Return the whole page."""
    catalogue = "".join(_row(name, VERDICTS[name]) for name in MAIL_SERVERS)
    return HEAD + catalogue + STORES + "".join(_store_row(case) for case in STORE_VERDICTS) + TAIL


def _row(name: str, verdict: Verdict) -> str:
    lab = "accepts"
    if verdict.java:
        lab = _refuses(verdict.openssl, behind=verdict.openssl_lenient)
    return _cells(f"`{name}`", MEMBERS[name].purpose, _java(verdict), _openssl(verdict), lab, verdict.why)


def _store_row(case: StoreVerdict) -> str:
    store = ", ".join("itself" if name == "leaf" else f"`{name}`" for name in case.store) or "empty"
    lab = _refuses(case.lab, behind=case.verdict.openssl_lenient) if case.lab else "accepts"
    if case.is_stricter:
        lab = f"**stricter**: {lab}"
    return _cells(store, f"`{case.certificate}`", _java(case.verdict), _openssl(case.verdict), lab, case.verdict.why)


def _java(verdict: Verdict) -> str:
    return f"`{verdict.java.strip()}`; alert {verdict.java_alert}" if verdict.java else "accepts"


def _openssl(verdict: Verdict) -> str:
    return f"error {verdict.openssl}; alert {alert_for_verify_code(verdict.openssl)}" if verdict.openssl else "accepts"


def _refuses(code: int, *, behind: bool) -> str:
    return "refuses behind the handshake" if behind else f"refuses; alert {alert_for_verify_code(code)}"


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
