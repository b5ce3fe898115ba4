"""Whether a server asks for a client certificate: ``ssl`` has no question for that, but OpenSSL shows its messages.

In TLS 1.2 the request is in clear, in TLS 1.3 it is encrypted; the message callback sees both. It is private to ``ssl``
and made for debugging, so a Python that has it no more cannot tell.
"""

from __future__ import annotations

import ssl

_HANDSHAKE = 22  # RFC 8446, section 5.1: ContentType
_CERTIFICATE_REQUEST = 13  # RFC 8446, section 4: HandshakeType


class CertificateRequests:
    """Listens to the handshakes of one context, which must be nobody else's: traffic must not pay for it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._can_tell = hasattr(context, "_msg_callback")
        self._seen = False
        if self._can_tell:
            context._msg_callback = self._message  # type: ignore[attr-defined]  # noqa: SLF001 - see above

    @property
    def asked(self) -> bool | None:
        """Whether a server has asked for one; None if it cannot be told."""
        return self._seen if self._can_tell else None

    def _message(
        self, _conn: object, direction: str, _version: int, content_type: int, message_type: int, _data: bytes
    ) -> None:
        if direction == "read" and (content_type, message_type) == (_HANDSHAKE, _CERTIFICATE_REQUEST):
            self._seen = True
