"""Whose rules decide whether a mail server's certificate is good."""

from __future__ import annotations

import enum


class VerificationProfile(enum.StrEnum):
    """Whose verdict MaCo gives.

    ``JAVA`` is the real MaCo's: any certificate of the key store ends a path whatever its dates, SHA-1 and RSA with
    1024 bits are good enough below it. ``OPENSSL`` is what a program on OpenSSL's defaults says, with the security
    level 2 of today's distributions: paths end at a root that is within its dates, SHA-256 and RSA with 2048 bits at
    least.
    """

    JAVA = "java"
    OPENSSL = "openssl"
