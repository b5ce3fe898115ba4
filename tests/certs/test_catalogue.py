from __future__ import annotations

from pathlib import Path

from certs.catalogue import page
from certs.plans import MAIL_SERVERS
from certs.verdicts import STORE_VERDICTS

PAGE = Path(__file__).parents[2] / "docs/certificates.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m certs.catalogue > docs/certificates.md"


def test_the_page_has_a_row_for_every_certificate() -> None:
    catalogue, stores = page().split("## Which certificate ends the path")

    assert [line.split("`")[1] for line in catalogue.splitlines() if line.startswith("| `")] == list(MAIL_SERVERS)
    rows = [line for line in stores.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(STORE_VERDICTS)
