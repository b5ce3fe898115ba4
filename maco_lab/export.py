"""Write a running landscape back as a lab file: the text that it was started with, changed where it has changed.

What has not changed keeps its text, comments and all. The result is checked as every lab file is.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, MutableMapping
from typing import Any, TypeAlias

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from maco_lab.lab_file import LabFile, parse_lab
from maco_lab.lab_model import CloudConnector
from maco_lab.maco_model import MaCo
from maco_lab.maco_section import as_data

HEADER = "# Written by maco-lab export. It may hold passwords and private keys: keep it from others.\n"

_NOT_EXPORTED = ("serve", "host", "port")
"""Keys of an administration that nothing changes at run time."""

_WIDTH = 4096  # no long text is folded: its line breaks would be new

Node: TypeAlias = MutableMapping[str, Any]


def exported(file: LabFile, connectors: Mapping[str, Mapping[str, Any]], maco: MaCo) -> str:
    """Return the text of a lab file that starts what runs.

    ``connectors`` has, by name, those keys of a Cloud Connector that ``described_by`` returns; ``maco`` is what MaCo is
    by now. Raises LabFileError if the result is no lab file, which would be a defect of this program.
    """
    yaml = _yaml()
    document = yaml.load(file.text)
    for was, node in zip(file.model.cloud_connectors, document.get("cloud_connectors", ()), strict=True):
        if was.name in connectors:
            _change_connector(node, was, connectors[was.name])
    _change(document["maco"], file.model.maco, maco, as_data(maco))
    written = io.StringIO()
    yaml.dump(document, written)
    text = HEADER + written.getvalue().removeprefix(HEADER)
    parse_lab(text, name="the exported lab file", folder=file.folder)
    return text


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _change_connector(node: Node, was: CloudConnector, keys: Mapping[str, Any]) -> None:
    before = node.get("administration", {})
    administration = {name: before[name] for name in _NOT_EXPORTED if name in before} | keys["administration"]
    now = CloudConnector.model_validate({**node, **keys, "administration": administration})
    same = {"administration"}
    if was.administration != now.administration:
        _change(node.setdefault("administration", {}), was.administration, now.administration, administration)
    if [each.subaccount for each in was.subaccounts] == [each.subaccount for each in now.subaccounts]:
        same.add("subaccounts")
        for at, subaccount in enumerate(keys["subaccounts"]):
            _change(node["subaccounts"][at], was.subaccounts[at], now.subaccounts[at], subaccount)
    _change(node, was, now, keys, besides=frozenset(same))


def _change(
    node: Node, was: BaseModel, now: BaseModel, keys: Mapping[str, Any], *, besides: frozenset[str] = frozenset()
) -> None:
    """Change the keys of a section whose value has changed."""
    for name in set(type(was).model_fields) - besides:
        if getattr(was, name) == getattr(now, name):
            continue
        if name in keys:
            node[name] = _written(keys[name])
        else:
            node.pop(name, None)


def _written(value: Any) -> Any:
    """Return a value so that text of several lines is written as lines."""
    match value:
        case str() if "\n" in value:
            return LiteralScalarString(value)
        case Mapping():
            return {name: _written(each) for name, each in value.items()}
        case list():
            return [_written(each) for each in value]
    return value
