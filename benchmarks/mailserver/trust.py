"""The certificate of both servers, and whom the client believes."""

from __future__ import annotations

import datetime as dt
import ssl

from cryptography.hazmat.primitives.serialization import Encoding

from certs.cast import Cast

HOST_NAME = "mail.stadtwerke.example"
"""What both servers are called; the client checks it."""


def new_cast() -> Cast:
    """Return certificates that are made now."""
    return Cast(dt.datetime.now(dt.UTC), mail_host=HOST_NAME)


def root_pem(cast: Cast) -> str:
    """Return the root that the mail server's certificate leads to."""
    return cast.root_certificate.public_bytes(Encoding.PEM).decode("ascii")


def client_context(root: str) -> ssl.SSLContext:
    """Return what verifies a server against ``root``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=root)
    return context
