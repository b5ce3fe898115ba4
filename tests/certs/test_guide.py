from __future__ import annotations

from pathlib import Path

import pytest

from certs.cast import Cast
from certs.files import write_cast
from certs.guide import NEEDS, guide
from certs.plans import MAIL_SERVERS


def test_guide_fits_80_columns() -> None:
    assert max(len(line) for line in guide().splitlines()) <= 80


def test_guide_names_every_odd_and_bad_mail_server() -> None:
    assert [name for name in MAIL_SERVERS[1:] if f"  {name} " not in guide()] == []


@pytest.mark.slow
def test_every_file_of_the_guide_is_really_written(cast: Cast, tmp_path: Path) -> None:
    written = {file.path.name for file in write_cast(cast, tmp_path / "pki", pkcs12_password="changeit")}
    assert {need.file for need in NEEDS} - written == set()
