"""One request on its way through an endpoint: what was asked, by whom, of which connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector_sim.admin.fields import Fields
from connector_sim.admin.installation import Installation
from connector_sim.admin.roles import Role
from connector_sim.admin.sessions import Session
from connector_sim.http_server import HttpRequest


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be answered; ``base`` is ``https://host:port`` as the client called it."""

    installation: Installation
    request: HttpRequest = field(repr=False)
    parameters: Mapping[str, str]
    base: str
    user: str = ""
    roles: frozenset[Role] = frozenset()
    session: Session | None = None

    @property
    def url(self) -> str:
        """The absolute URL of what was called, as it was written."""
        return self.base + self.request.path

    def fields(self) -> Fields:
        """Return the JSON object of the body. Raises Refused."""
        return Fields.parse(self.request.body)

    def accepts(self, content_type: str) -> bool:
        """Tell whether the client names a media type in ``Accept``."""
        accepted = self.request.headers.get("accept", "*/*").lower().split(",")
        return content_type in {each.partition(";")[0].strip() for each in accepted}
