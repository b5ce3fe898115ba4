from __future__ import annotations

import ssl

import pytest

from maco_net.alerts import alert_for_reason, alert_for_verify_code, alert_received


def _error(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "text")
    error.reason = reason  # type: ignore[assignment]  # the library leaves it None for codes it has no name for
    return error


@pytest.mark.parametrize(
    ("reason", "alert"),  # names of <openssl/sslerr.h> and of RFC 8446, section 6
    [
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "certificate_expired"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake_failure"),
        ("TLSV1_ALERT_UNKNOWN_CA", "unknown_ca"),
        ("TLSV1_UNRECOGNIZED_NAME", "unrecognized_name"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "certificate_required"),
    ],
)
def test_a_received_alert_is_named(reason: str, alert: str) -> None:
    assert alert_received(_error(reason)) == alert


@pytest.mark.parametrize("reason", ["WRONG_VERSION_NUMBER", "CERTIFICATE_VERIFY_FAILED", None])
def test_an_error_of_this_end_is_no_received_alert(reason: str | None) -> None:
    assert alert_received(_error(reason)) == ""


def test_a_verification_result_without_an_entry_is_certificate_unknown() -> None:
    # OpenSSL, ssl_x509err2alert(): the last entry, "return this if we don't find the value above".
    assert alert_for_verify_code(50) == "certificate_unknown"


def test_a_cause_whose_alert_is_not_known_names_none() -> None:
    assert alert_for_reason(_error("WRONG_VERSION_NUMBER")) == ""
