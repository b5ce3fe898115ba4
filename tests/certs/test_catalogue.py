from __future__ import annotations

from pathlib import Path

from certs.catalogue import page
from certs.plans import MAIL_SERVERS

PAGE = Path(__file__).parents[2] / "docs/certificates.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m certs.catalogue > docs/certificates.md"


def test_the_page_has_a_row_for_every_certificate() -> None:
    rows = [line.split("`")[1] for line in page().splitlines() if line.startswith("| `")]

    assert rows == list(MAIL_SERVERS)
