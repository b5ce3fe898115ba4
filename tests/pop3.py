"""The lab with POP3 beside IMAP: what the default lab file has in its comments, as a change of its data."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML

from maco_lab.lab_file import default_text

POP3_A, POP3_B = "pop3-a", "pop3-b"
"""STLS by MaCo through a TCP mapping, and TLS by the connector."""


def text_with_pop3() -> str:
    """Return the default lab file as it is once its lines for POP3 are used as it says."""
    text = re.sub(r"^( *)# POP3: ", r"\1", default_text(), flags=re.MULTILINE)
    return re.sub(r"(  ports: .*)\} +# POP3: and (.*)", r"\1, \2}", text)


def with_pop3(data: dict[str, Any]) -> None:
    """Change a lab file's data so that mail can be read by POP3 too."""
    wanted = YAML(typ="safe").load(text_with_pop3())
    data["mail_server"]["ports"] = wanted["mail_server"]["ports"]
    data["hosts"] = wanted["hosts"]
    ours, theirs = data["cloud_connectors"][0], wanted["cloud_connectors"][0]
    ours["subaccounts"][0]["mappings"] = theirs["subaccounts"][0]["mappings"]
    for name in ("email_servers", "email_connections"):
        data["maco"][name] = wanted["maco"][name]
