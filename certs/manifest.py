"""The list of contents of a kept cast, ``cast.json``: what it was made from and which files belong to it.

Its rule: what is not in the list was not written by the lab.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certs.cast import CastSettings
from certs.keys import KEY_TYPES

MANIFEST = "cast.json"
FORMAT = "maco-lab cast 1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a cast was made from, its files' names, and the IDs of the subaccounts that have a certificate."""

    settings: CastSettings
    files: tuple[str, ...]
    subaccounts: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read ``cast.json`` in ``folder``; OSError if there is none, ValueError if it is not ours."""
        document = json.loads((folder / MANIFEST).read_bytes())
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"{MANIFEST}: expected the format {FORMAT!r}")
        try:
            return cls(_settings(document), _texts(document["files"]), _texts(document["subaccounts"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{MANIFEST}: {error!r}") from error

    def __post_init__(self) -> None:
        for file in self.files:
            if Path(file).name != file:  # never lead out of the folder
                raise ValueError(f"{MANIFEST}: {file!r} is not the name of a file")

    def to_json(self) -> bytes:
        """Return the content of ``cast.json``."""
        document = {
            "format": FORMAT,
            "now": self.settings.now.isoformat(),
            "key_type": self.settings.key_type,
            "mail_host": self.settings.mail_host,
            "tunnel_host": self.settings.tunnel_host,
            "subaccounts": self.subaccounts,
            "files": self.files,
        }
        return json.dumps(document, indent=2).encode() + b"\n"


def _settings(document: dict[str, Any]) -> CastSettings:
    key_type = next((each for each in KEY_TYPES if each == document["key_type"]), None)
    if key_type is None:
        raise ValueError(f"{MANIFEST}: {document['key_type']!r} is not a kind of key")
    mail_host, tunnel_host = _texts([document["mail_host"], document["tunnel_host"]])
    return CastSettings(dt.datetime.fromisoformat(document["now"]), key_type, mail_host, tunnel_host)


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{MANIFEST}: expected a list of names, got {values!r}")
    return tuple(values)
