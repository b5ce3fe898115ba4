"""A MaCo tenant that runs in this process, as the lab sees it."""

from __future__ import annotations

from collections.abc import Mapping

from maco_client.configuration import Configuration
from maco_client.results import PollResult
from maco_client.settings import Schedule
from maco_client.tenant import Tenant
from maco_lab.maco_model import MaCo
from maco_lab.maco_section import section_of
from maco_lab.pki import LabPki


class LocalMaco:
    """See ``RunningMaco``; ``written`` is the section of the lab file."""

    def __init__(self, tenant: Tenant, written: MaCo, pki: LabPki) -> None:
        self.tenant = tenant
        self._written = written
        self._pki = pki
        self._shown: tuple[Configuration, MaCo] | None = None

    @property
    def section(self) -> MaCo:
        """What is configured; made anew only after a change, because certificate files may have to be read."""
        configuration = self.tenant.configuration
        if self._shown is None or self._shown[0] is not configuration:
            self._shown = configuration, section_of(configuration, self._written, self._pki)
        return self._shown[1]

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """When each e-mail connection is polled."""
        return {name: each.scheduler for name, each in self.tenant.configuration.connections.items()}

    async def poll(self, name: str) -> PollResult:
        """Poll one e-mail connection once. Raises UnknownEntry."""
        return await self.tenant.poll(name)

    async def aclose(self) -> None:
        """Close what stays open between polls."""
        await self.tenant.aclose()

    async def changed(self) -> None:
        """Return as soon as the configuration has changed."""
        await self.tenant.changed()
