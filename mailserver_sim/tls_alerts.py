"""The names of TLS alerts by their numbers: RFC 8446, section 6, and those of older versions it still lists."""

from __future__ import annotations

from types import MappingProxyType

CLOSE_NOTIFY = "close_notify"
USER_CANCELED = "user_canceled"

ALERT_NAMES = MappingProxyType(
    {
        0: CLOSE_NOTIFY,
        10: "unexpected_message",
        20: "bad_record_mac",
        21: "decryption_failed",  # RFC 5246, appendix A.3
        22: "record_overflow",
        30: "decompression_failure",  # RFC 5246
        40: "handshake_failure",
        41: "no_certificate",  # SSL 3.0
        42: "bad_certificate",
        43: "unsupported_certificate",
        44: "certificate_revoked",
        45: "certificate_expired",
        46: "certificate_unknown",
        47: "illegal_parameter",
        48: "unknown_ca",
        49: "access_denied",
        50: "decode_error",
        51: "decrypt_error",
        60: "export_restriction",  # RFC 5246
        70: "protocol_version",
        71: "insufficient_security",
        80: "internal_error",
        86: "inappropriate_fallback",
        90: USER_CANCELED,
        100: "no_renegotiation",  # RFC 5246
        109: "missing_extension",
        110: "unsupported_extension",
        112: "unrecognized_name",
        113: "bad_certificate_status_response",
        115: "unknown_psk_identity",
        116: "certificate_required",
        120: "no_application_protocol",
    }
)


def alert_name(number: int) -> str:
    """Return the name of an alert, ``alert_N`` for one that has no name."""
    return ALERT_NAMES.get(number, f"alert_{number}")
