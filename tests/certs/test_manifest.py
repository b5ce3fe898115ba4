from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from certs.cast import CastSettings
from certs.manifest import MANIFEST, Manifest

SETTINGS = CastSettings(dt.datetime(2026, 11, 22, 10, 30, 5, 250, tzinfo=dt.UTC), "rsa", "a.example", "b.example")


def _put(folder: Path, document: object) -> None:
    (folder / MANIFEST).write_text(json.dumps(document))


def _good() -> dict[str, Any]:
    document = json.loads(Manifest(SETTINGS, ("root.pem",), ("s",)).to_json())
    assert isinstance(document, dict)
    return document


def test_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = Manifest(SETTINGS, ("root.pem", "root.key"), ("s",))
    (tmp_path / MANIFEST).write_bytes(manifest.to_json())
    assert Manifest.read(tmp_path) == manifest


def test_folder_without_manifest_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("document", [[], {}, {"format": "maco-lab cast 2"}])
def test_other_format_is_refused(tmp_path: Path, document: object) -> None:
    _put(tmp_path, document)
    with pytest.raises(ValueError, match="expected the format"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("file", ["../root.pem", "/etc/passwd", "a/b"])
def test_file_outside_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    _put(tmp_path, {**_good(), "files": [file]})
    with pytest.raises(ValueError, match="is not the name of a file"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("now", "yesterday"), ("now", None), ("key_type", "dsa"), ("mail_host", 5), ("files", "root.pem"), ("files", [1])],
)
def test_nonsense_in_a_field_is_refused(tmp_path: Path, key: str, value: object) -> None:
    _put(tmp_path, {**_good(), key: value})
    with pytest.raises(ValueError, match=r"."):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("key", ["now", "key_type", "mail_host", "tunnel_host", "files", "subaccounts"])
def test_missing_field_is_refused(tmp_path: Path, key: str) -> None:
    document = _good()
    del document[key]
    _put(tmp_path, document)
    with pytest.raises(ValueError, match=key):
        Manifest.read(tmp_path)
