"""What answers the operations of the API; each method has the name of its operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, TypeAlias

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from maco_client.configuration import UnknownEntry
from maco_http import requests
from maco_http.operations import Operation
from maco_lab import client
from maco_lab.journal_schema import journal_schema
from maco_lab.lab_model import LabModel
from maco_lab.page import landscape, openapi, shapes, trust
from maco_lab.page.eavesdropping import hop_bytes
from maco_lab.page.events import Events
from maco_lab.page.landscape import Lab
from maco_lab.page.operations import OPERATIONS
from maco_lab.page.scenarios import scenarios_shape
from maco_lab.page.sights import connection_shape, sights
from maco_lab.page.timeline import Connection, connections_of, newest
from maco_lab.page.tunnels import TunnelBook, mappings_of
from maco_lab.pki import CertificateFileError
from maco_lab.poll_answer import poll_answer
from maco_lab.scenarios.switchboard import Switchboard, UnknownScenario
from maco_lab.scenarios.table import NotPossible
from maco_lab.sight import HOPS
from maco_lab.state import RunNote

MAX_LAST_EVENT_ID = 64

MAX_WALK = 5_000
"""In how many of the newest entries connections are looked for: the lab's own loop does it, in some milliseconds."""

Answer: TypeAlias = Callable[["Api", Request, Mapping[str, int]], Awaitable[BaseModel | Response]]
"""A method of ``Api``: it gets the request and its query."""


class Api:
    """The API of one running lab."""

    def __init__(self, lab: Lab, board: Switchboard, tunnels: TunnelBook, events: Events) -> None:
        self._lab = lab
        self._board = board
        self._tunnels = tunnels
        self._events = events

    @property
    def _model(self) -> LabModel:
        """What runs now: the lab file, changed by the scenario that is on, and MaCo as it is configured."""
        return self._board.model.model_copy(update={"maco": self._lab.maco.section})

    def routes(self) -> list[Route]:
        """Return a route for each operation."""
        return [Route(each.path, self._endpoint(each), methods=[each.method]) for each in OPERATIONS]

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        answer = self._answers[operation.name]

        async def endpoint(request: Request) -> Response:
            found = await answer(self, request, requests.numbers(request, operation))
            return found if isinstance(found, Response) else JSONResponse(found.model_dump(mode="json"))

        return endpoint

    def _connections(self) -> list[Connection]:
        return connections_of(self._lab.journal.entries()[-MAX_WALK:])

    async def landscape(self, _request: Request, _query: Mapping[str, int]) -> shapes.Landscape:
        """Return the systems."""
        return landscape.landscape(self._lab, self._model, impostor=self._board.impostor)

    async def trust(self, _request: Request, _query: Mapping[str, int]) -> shapes.Trust:
        """Return the trust stores."""
        try:
            back_ends = trust.back_ends_of(self._lab)
            return trust.trust(self._model, self._lab.pki, back_ends, impostor=self._board.impostor)
        except CertificateFileError as error:
            raise HTTPException(500, str(error)) from error

    async def tunnels(self, _request: Request, _query: Mapping[str, int]) -> shapes.Tunnels:
        """Return the tunnels."""
        return self._tunnels.tunnels(self._board.model, mappings_of(self._lab))

    async def sights(self, _request: Request, _query: Mapping[str, int]) -> shapes.Sights:
        """Return where TLS ended in each newest poll."""
        return sights(self._lab)

    async def sight(self, request: Request, _query: Mapping[str, int]) -> shapes.Sight:
        """Return where TLS ended in the newest poll of one e-mail connection."""
        name = request.path_params["email_connection"]
        for each in sights(self._lab).sights:
            if each.connection == name:
                return shapes.Sight(each)
        raise self._never_polled()

    async def hop(self, request: Request, query: Mapping[str, int]) -> shapes.HopBytes:
        """Return what an eavesdropper saw of the newest poll of one e-mail connection."""
        name, number = request.path_params["email_connection"], query["hop"]
        if not number:
            raise HTTPException(404, f"found hop 0, allowed: 1 to {len(HOPS)}")
        if name in self._lab.maco.connections:
            hop = HOPS[number - 1]
            found = await hop_bytes(self._lab, name, hop, offset=query["offset"], limit=query["limit"])
            if found is not None:
                return found
        raise self._never_polled()

    def _never_polled(self) -> HTTPException:
        known = ", ".join(self._lab.maco.connections) or "none is defined"
        return HTTPException(404, f"no poll of such an e-mail connection has ended; there are: {known}")

    async def connections(self, _request: Request, query: Mapping[str, int]) -> shapes.Connections:
        """Return the newest connections."""
        found = newest(self._connections(), query["limit"])
        return shapes.Connections(connections=[connection_shape(each) for each in found])

    async def timeline(self, request: Request, _query: Mapping[str, int]) -> shapes.Timeline:
        """Return one connection with everything that was observed of it."""
        for each in self._connections():
            if each.id == request.path_params["id"]:
                entries = [entry.as_data() for entry in each.timeline[: shapes.MAX_ENTRIES]]
                return shapes.Timeline(connection=connection_shape(each), timeline=entries)
        raise HTTPException(404, "the journal has no such connection, or no longer")

    async def journal(self, _request: Request, query: Mapping[str, int]) -> shapes.JournalPart:
        """Return entries of the journal."""
        entries = self._lab.journal.entries(after=query["after"])[: query["limit"]]
        return shapes.JournalPart(last=self._lab.journal.last, entries=[entry.as_data() for entry in entries])

    async def events(self, request: Request, _query: Mapping[str, int]) -> Response:
        """Return the journal as a stream."""
        last = request.headers.get("last-event-id", "")
        stream = self._events.stream(last if len(last) <= MAX_LAST_EVENT_ID else "")
        return StreamingResponse(stream, media_type="text/event-stream")

    async def poll(self, request: Request, _query: Mapping[str, int]) -> shapes.PollResults:
        """Let MaCo poll now."""
        wanted = await requests.body(request, shapes.PollRequest)
        try:
            results = await poll_answer(self._lab.maco, self._lab.journal, list(dict.fromkeys(wanted.connections)))
        except UnknownEntry as error:
            raise HTTPException(404, str(error)) from error
        return shapes.PollResults(results=[shapes.PollResult.model_validate(each) for each in results])

    async def send_mail(self, request: Request, _query: Mapping[str, int]) -> shapes.MailSent:
        """Send a sample market message, from a thread, as `maco-lab send` does."""
        wanted = await requests.body(request, shapes.MailRequest)
        note = RunNote(0, self._lab.file.name, "", self._lab.addresses, ())
        try:
            subject = await asyncio.get_running_loop().run_in_executor(None, client.send, note, wanted.to, None)
        except client.SendError as error:
            raise HTTPException(409, str(error)) from error
        return shapes.MailSent(to=wanted.to, subject=subject)

    async def scenarios(self, _request: Request, _query: Mapping[str, int]) -> shapes.Scenarios:
        """Return the teaching scenarios."""
        return scenarios_shape(self._board)

    async def switch_on(self, request: Request, _query: Mapping[str, int]) -> shapes.Scenarios:
        """Switch a scenario on."""
        return await self._switched(request, self._board.switch_on)

    async def switch_off(self, request: Request, _query: Mapping[str, int]) -> shapes.Scenarios:
        """Switch a scenario off."""
        return await self._switched(request, self._board.switch_off)

    async def _switched(self, request: Request, switch: Callable[[str], Awaitable[None]]) -> shapes.Scenarios:
        await requests.body(request, shapes.SwitchRequest)
        try:
            await switch(request.path_params["scenario"])
        except UnknownScenario as error:
            raise HTTPException(404, str(error)) from error
        except NotPossible as error:
            raise HTTPException(409, str(error)) from error
        return scenarios_shape(self._board)

    async def openapi(self, _request: Request, _query: Mapping[str, int]) -> Response:
        """Return the OpenAPI document."""
        return JSONResponse(openapi.document())

    async def journal_schema(self, _request: Request, _query: Mapping[str, int]) -> Response:
        """Return the schema of an entry of the journal."""
        return JSONResponse(journal_schema())

    _answers: ClassVar[Mapping[str, Answer]] = {
        "landscape": landscape, "trust": trust, "tunnels": tunnels, "sights": sights, "sight": sight, "hop": hop,
        "connections": connections, "timeline": timeline, "journal": journal, "events": events, "poll": poll,
        "send_mail": send_mail, "scenarios": scenarios, "switch_on": switch_on, "switch_off": switch_off,
        "openapi": openapi, "journal_schema": journal_schema,
    }  # fmt: skip
