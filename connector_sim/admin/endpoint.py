"""One endpoint as a value: method and path, who may call it, what body it takes, and what answers it. Pure.

A path is a template: ``{name}`` stands for one segment. Families of endpoints are tables of these.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from connector_sim.admin.call import Call
from connector_sim.admin.replies import Reply
from connector_sim.admin.roles import Role

LAB = "/maco-lab"
"""Where everything is that the product does not have."""

Answers: TypeAlias = Callable[[Call], Reply | Awaitable[Reply]]
Body: TypeAlias = Literal["none", "json", "multipart", "lenient"]
"""What a request brings; "lenient": JSON whatever its Content-Type says, where SAP's own examples send none."""

State: TypeAlias = Literal["acts", "stored", "empty", "as it is"]
"""Whether it acts on the connector that runs, or is kept and shown without any effect.

"empty": it shows what a connector like this one never has; "as it is": it takes nothing but what is so already.
"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path; ``roles`` None lets everybody call it without signing in."""

    method: str
    path: str
    roles: frozenset[Role] | None
    answers: Answers
    body: Body = "none"
    state: State = "acts"
    before_first_change: bool = False
    """Whether it answers while the initial password is still to be changed."""
    only_asks: bool = False
    """Whether it changes nothing although it is no GET."""
    most_body_bytes: int = 0
    """How large the body of who has the roles may be; 0: as large as every one."""
    on_shadow: bool = False
    """Whether a shadow takes it too; what only reads it always takes."""

    @property
    def changes(self) -> bool:
        """Whether it is one that changes something."""
        return self.method != "GET" and not self.only_asks


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to: the endpoints by method, and the values of the path's names."""

    methods: Mapping[str, Endpoint]
    parameters: Mapping[str, str] = field(default_factory=dict)
