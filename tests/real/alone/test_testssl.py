"""testssl.sh finds nothing above LOW: neither a protocol, nor a cipher, nor a vulnerability."""

from __future__ import annotations

import pytest

from tests.real.alone.scanning import SCANNED, Scan, scan_of

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800)]

SERIOUS = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}
"""testssl.sh(1), severity levels above LOW; WARN says that the scanner itself could not look."""
NOT_COUNTED = {"cert_revocation"}
"""A throw-away CA has nowhere to publish what it has revoked."""


@pytest.mark.parametrize("protocol", SCANNED)
def test_a_scan_has_no_finding_above_low(scans: dict[str, Scan], protocol: str) -> None:
    findings = scan_of(scans, protocol).findings()

    looked_at = {each["id"] for each in findings}
    assert {"TLS1_2", "TLS1_3", "cipherlist_NULL", "heartbleed", "LUCKY13"} <= looked_at
    serious = [each for each in findings if each["severity"] in SERIOUS and each["id"] not in NOT_COUNTED]
    assert serious == []
