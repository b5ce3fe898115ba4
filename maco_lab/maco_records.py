"""MaCo's configuration as records, one for each entry by kind and name, and back. Pure.

Contents have the names of the lab file's section, secrets included, and every setting, whatever its default will be. A
certificate of the lab's own PKI is kept by its name, and is what has it then; any other one as PEM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from connector_sim.admin.records import Change, Delete, Put, Record
from maco_client.configuration import (
    CREDENTIAL,
    EMAIL_CONNECTION,
    EMAIL_SERVER,
    KEY_STORE_ENTRY,
    SENDING_CONNECTION,
    Configuration,
    Difference,
    Kind,
)
from maco_client.failures import SettingsError
from maco_lab.maco_model import MaCo
from maco_lab.maco_section import as_data, configuration_of, section_of
from maco_lab.pki import CertificateFileError, LabPki

CERTIFICATE = "certificate"
_LISTS: Mapping[str, Kind] = MappingProxyType(
    {
        "credentials": CREDENTIAL,
        "email_servers": EMAIL_SERVER,
        "email_connections": EMAIL_CONNECTION,
        "sending_connections": SENDING_CONNECTION,
    }
)
_V = TypeVar("_V")


class UnreadableRecords(Exception):
    """Records are not those of a configuration; the text never says what is in them."""


class MacoRecords:
    """Writes and reads the records of one MaCo; ``written`` is the section of the lab file."""

    def __init__(self, written: MaCo, pki: LabPki) -> None:
        self._written = written
        self._without_files = written.model_copy(update={"key_store": {}})
        self._pki = pki

    def records(self, configuration: Configuration) -> Iterator[Record]:
        """Return a record for each entry."""
        data = as_data(section_of(configuration, self._without_files, self._pki), defaults=True)
        for alias, certificate in data["key_store"].items():
            yield Record(KEY_STORE_ENTRY, alias, {CERTIFICATE: certificate})
        for section, kind in _LISTS.items():
            for entry in data[section]:
                yield Record(kind, entry["name"], entry)

    def changes(self, configuration: Configuration, found: Sequence[Difference]) -> list[Change]:
        """Return what ``found`` differs in ``configuration`` from what it was before."""
        gone: list[Change] = [Delete((each.kind, "", each.name)) for each in found if each.change == "removed"]
        changed = {(each.kind, each.name) for each in found if each.change != "removed"}
        return [*gone, *map(Put, self.records(_part(configuration, changed)))]

    def section(self, records: Iterable[Record]) -> MaCo:
        """Return the section that configures this. Raises UnreadableRecords."""
        data: dict[str, Any] = {"key_store": {}, **{name: [] for name in _LISTS}}
        sections: dict[str, str] = {kind: name for name, kind in _LISTS.items()}
        try:
            for record in records:
                if record.kind == KEY_STORE_ENTRY:
                    data["key_store"][record.name] = record.content[CERTIFICATE]
                else:
                    data[sections[record.kind]].append(record.content)
            section = MaCo.model_validate({**as_data(self._written), **data})
            configuration_of(section, self._pki)
        except (KeyError, ValueError, TypeError, SettingsError, CertificateFileError) as error:
            raise UnreadableRecords(f"not the configuration of a MaCo ({type(error).__name__})") from error
        return section


def _part(configuration: Configuration, of: set[tuple[Kind, str]]) -> Configuration:
    def kept(kind: Kind, entries: Mapping[str, _V]) -> Mapping[str, _V]:
        return {name: entries[name] for name in entries if (kind, name) in of}

    return Configuration(
        kept(KEY_STORE_ENTRY, configuration.key_store),
        kept(CREDENTIAL, configuration.credentials),
        kept(EMAIL_SERVER, configuration.servers),
        kept(EMAIL_CONNECTION, configuration.connections),
        kept(SENDING_CONNECTION, configuration.sending),
    )
