"""What answers the operations of the API; each method has the name of its operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ClassVar, TypeAlias, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from maco_http import requests
from maco_http.openapi import MAIL_TYPE
from maco_http.operations import Operation
from maco_http.shapes import Shape
from mailserver_sim import finding
from mailserver_sim.api import describing, openapi, shapes
from mailserver_sim.api.operations import HIGHEST_UID, OPERATIONS
from mailserver_sim.finding import Found, Wanted
from mailserver_sim.server import MailServer
from mailserver_sim.setting_errors import SettingsError
from mailserver_sim.store.errors import NoSuchAccount, NoSuchMailbox
from mailserver_sim.store.values import Content

_OWN_WORDS = frozenset({"self", "step", "count", "after", "protocol"})
"""What ``MailServer.break_at`` takes beside a fault's own parameters."""


class Asked:
    """What a request asks for: its path and its query, checked."""

    def __init__(self, request: Request, operation: Operation) -> None:
        self.request = request
        self._numbers = requests.numbers(request, operation)
        self._texts = requests.texts(request, operation)

    @property
    def user(self) -> str:
        """Whose mailbox."""
        return self._texts["user"]

    @property
    def mailbox(self) -> str:
        """Which mailbox."""
        return self._texts["mailbox"]

    @property
    def wanted(self) -> Wanted:
        """What a message must be like."""
        texts = self._texts
        return Wanted(texts["subject"], texts["from"], texts["to"], self._numbers["after_uid"])

    @property
    def uid(self) -> int:
        """The UID in the path. Raises HTTPException 404 for what is none."""
        text = self.request.path_params["uid"]
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST_UID))):
            raise _no_such_message()
        return int(text)

    def number(self, name: str) -> int:
        """Return a number of the query."""
        return self._numbers[name]


_T = TypeVar("_T")
Answer: TypeAlias = Callable[["Api", Asked], Awaitable[Shape | Response]]


class Api:
    """The API of one running mail server."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._store = server.store

    def routes(self) -> list[Route]:
        """Return a route for each operation."""
        return [Route(each.path, self._endpoint(each), methods=[each.method]) for each in OPERATIONS]

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        answer = self._answers[operation.name]

        async def endpoint(request: Request) -> Response:
            try:
                found = await answer(self, Asked(request, operation))
            except (NoSuchAccount, NoSuchMailbox) as error:
                raise HTTPException(404, str(error)) from error
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            if isinstance(found, Response):
                return found
            return JSONResponse(found.model_dump(mode="json", by_alias=True))

        return endpoint

    async def accounts(self, _asked: Asked) -> shapes.Accounts:
        """Return the accounts."""
        accounts = self._server.settings.accounts
        return shapes.Accounts(
            accounts=[shapes.Account(user=each.user, addresses=list(each.addresses)) for each in accounts]
        )

    async def mailboxes(self, asked: Asked) -> shapes.Mailboxes:
        """Return a user's mailboxes with their numbers; those that are mere parents have none."""
        names = [each.name for each in await self._store.list_mailboxes(asked.user) if each.selectable]
        return shapes.Mailboxes(user=asked.user, mailboxes=[await self._mailbox(asked.user, name) for name in names])

    async def _mailbox(self, user: str, name: str) -> shapes.Mailbox:
        status = await self._store.status(user, name)
        return shapes.Mailbox(
            name=name,
            messages=status.messages,
            unseen=status.unseen,
            recent=status.recent,
            uid_next=status.mailbox.uid_next,
            uid_validity=status.mailbox.uid_validity,
            size=status.size,
        )

    async def messages(self, asked: Asked) -> shapes.Messages:
        """Return messages of a mailbox."""
        found = await finding.find(self._store, asked.user, asked.mailbox, asked.wanted, asked.number("limit"))
        return shapes.Messages(messages=[describing.message(each) for each in found])

    async def message(self, asked: Asked) -> shapes.WholeMessage:
        """Return one message, parsed in a thread: it may be large."""
        found, content = await self._one(asked)
        return await asyncio.get_running_loop().run_in_executor(None, describing.whole_message, found, content)

    async def raw_message(self, asked: Asked) -> Response:
        """Return one message as it is."""
        _, content = await self._one(asked)
        return Response(content.raw, media_type=MAIL_TYPE)

    async def _one(self, asked: Asked) -> tuple[Found, Content]:
        wanted = Wanted(after_uid=asked.uid - 1)
        for found in await finding.find(self._store, asked.user, asked.mailbox, wanted, 1):
            mailbox = await self._store.find_mailbox(asked.user, asked.mailbox)
            content = await self._store.read_content(mailbox.id, asked.uid)
            if found.info.uid == asked.uid and content is not None:
                return found, content
        raise _no_such_message()

    async def wait(self, asked: Asked) -> shapes.Message:
        """Return a message as soon as it is there, unless the client goes before."""
        users = [asked.user] if asked.user else [each.user for each in self._server.settings.accounts]
        timeout_s = asked.number("timeout_s")
        waiting = finding.wait_for(self._store, users, asked.wanted, mailbox=asked.mailbox, timeout_s=timeout_s)
        found = await _unless_gone(asked.request, waiting)
        if found is None:
            raise HTTPException(404, f"no such message has come within {timeout_s} s")
        return describing.message(found)

    async def deliver(self, asked: Asked) -> shapes.Delivered:
        """Put a mail into a mailbox."""
        most = self._server.settings.max_message_bytes
        raw = await requests.content(asked.request, [MAIL_TYPE], most)
        stored = await self._server.put(asked.user, asked.mailbox, raw)
        return shapes.Delivered(user=stored.account, mailbox=stored.mailbox, uid=stored.uid, size=stored.size)

    async def reset(self, asked: Asked) -> shapes.Done:
        """Make the server as new."""
        await requests.body(asked.request, shapes.ResetRequest)
        await self._server.clear()
        return shapes.Done()

    async def faults(self, _asked: Asked) -> shapes.Faults:
        """Return the faults."""
        states = self._server.faults()
        return shapes.Faults(faults=[shapes.Fault.model_validate(each.as_fields()) for each in states])

    async def break_at(self, asked: Asked) -> shapes.Faults:
        """Arm a fault."""
        wanted = await requests.body(asked.request, shapes.FaultRequest)
        if taken := _OWN_WORDS & set(wanted.parameters):
            raise HTTPException(409, f"parameters: {', '.join(sorted(taken))} belongs beside parameters")
        more = {**wanted.parameters, "protocol": wanted.protocol}
        try:
            self._server.break_at(wanted.step, count=wanted.count, after=wanted.after, **more)
        except SettingsError as error:  # the shape is right, but the table of faults has no such thing
            raise HTTPException(409, str(error)) from error
        return await self.faults(asked)

    async def heal(self, asked: Asked) -> shapes.Faults:
        """Forget all faults."""
        self._server.heal()
        return await self.faults(asked)

    async def openapi(self, _asked: Asked) -> Response:
        """Return the OpenAPI document."""
        return JSONResponse(openapi.document())

    _answers: ClassVar[Mapping[str, Answer]] = {
        "accounts": accounts, "mailboxes": mailboxes, "messages": messages, "message": message,
        "raw_message": raw_message, "wait": wait, "deliver": deliver, "reset": reset,
        "faults": faults, "break_at": break_at, "heal": heal, "openapi": openapi,
    }  # fmt: skip


def _no_such_message() -> HTTPException:
    return HTTPException(404, "no such message")


async def _unless_gone(request: Request, waiting: Coroutine[Any, Any, _T]) -> _T:
    """Wait for something as long as the client does. Raises ClientDisconnect when it has gone."""
    try:
        async with asyncio.TaskGroup() as tasks:
            gone = tasks.create_task(_gone(request))
            result = await waiting
            gone.cancel()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return result


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # the end of the request's empty body
    raise ClientDisconnect
