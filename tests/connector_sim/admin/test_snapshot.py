"""What the audit log shows of a change: the values that differ, each with the way to it, and no secret."""

from __future__ import annotations

from typing import Any

import pytest

from connector_sim.admin.snapshot import differing


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ({"a": False}, {"a": True}, ("{a=false}", "{a=true}")),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}, ("{b=2}", "{b=3, c=4}")),
        (None, {"a": 1, "_links": {"self": 1}}, ("", "{a=1}")),
        ({"a": 1}, None, ("{a=1}", "")),
        (None, None, ("", "")),
        ({"t": {"state": "x"}}, {"t": {"state": "y"}}, ("{t.state=x}", "{t.state=y}")),
        ([{"alias": "t.1", "dn": "A"}], [], ("{[t.1].alias=t.1, [t.1].dn=A}", "")),
        ([{"virtualHost": "h", "virtualPort": "1"}], None, ("{[h:1].virtualHost=h, [h:1].virtualPort=1}", "")),
        (["x", "y"], ["x", "z"], ("{[1]=y}", "{[1]=z}")),
        ("master", "shadow", ("{value=master}", "{value=shadow}")),
        ({"password": "x", "clientSecret": "y"}, None, ("{password=***, clientSecret=***}", "")),
    ],
)
def test_what_differs_is_shown(before: Any, after: Any, shown: tuple[str, str]) -> None:
    assert differing(before, after) == shown
