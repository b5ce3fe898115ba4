from __future__ import annotations

import pytest

from mailserver_sim.tls_alerts import alert_name


@pytest.mark.parametrize(
    ("number", "name"),
    # RFC 8446, section 6: enum AlertDescription
    [
        (0, "close_notify"),
        (42, "bad_certificate"),
        (46, "certificate_unknown"),
        (48, "unknown_ca"),
        (70, "protocol_version"),
    ],
)
def test_an_alert_has_the_name_of_the_rfc(number: int, name: str) -> None:
    assert alert_name(number) == name


def test_an_unknown_alert_keeps_its_number() -> None:
    assert alert_name(199) == "alert_199"
