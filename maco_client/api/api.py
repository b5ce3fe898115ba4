"""The API as routes: each operation with what answers it, and how its refusals are told."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from maco_client.api import checks, entries, figures, inbox, key_store, locks, openapi, polls, sending
from maco_client.api.asked import Asked
from maco_client.api.office import Office
from maco_client.api.operations import OPERATIONS
from maco_client.configuration import NameTaken, StillUsed, UnknownEntry
from maco_client.failures import InboxError, NotKept, SettingsError
from maco_http.operations import Operation
from maco_http.shapes import Shape

NOT_KEPT = "The change could not be saved, and was not made: see the log"

_log = logging.getLogger(__name__)

Answer: TypeAlias = Callable[[Office, Asked], Awaitable[Shape | Response]]


async def _openapi(_office: Office, _asked: Asked) -> Response:
    return JSONResponse(openapi.document())


ANSWERS: Mapping[str, Answer] = {
    "key_store": key_store.key_store,
    "import_certificates": key_store.import_certificates,
    "key_store_entry": key_store.key_store_entry,
    "export_certificate": key_store.export_certificate,
    "delete_certificate": key_store.delete_certificate,
    "credentials": entries.credentials,
    "add_credential": entries.add_credential,
    "change_credential": entries.change_credential,
    "delete_credential": entries.delete_credential,
    "servers": entries.servers,
    "add_server": entries.add_server,
    "change_server": entries.change_server,
    "delete_server": entries.delete_server,
    "connections": entries.connections,
    "connection": entries.connection,
    "add_connection": entries.add_connection,
    "change_connection": entries.change_connection,
    "delete_connection": entries.delete_connection,
    "sending_connections": sending.sending_connections,
    "sending_connection": sending.sending_connection,
    "add_sending_connection": sending.add_sending_connection,
    "change_sending_connection": sending.change_sending_connection,
    "delete_sending_connection": sending.delete_sending_connection,
    "send": sending.send,
    "poll": polls.poll,
    "running_polls": polls.running_polls,
    "inbox": inbox.inbox,
    "inbox_mailbox": inbox.inbox_mailbox,
    "mail": inbox.mail,
    "raw_mail": inbox.raw_mail,
    "locks": locks.locks,
    "release_lock": locks.release_lock,
    "test_imap": checks.test_imap,
    "test_tls": checks.test_tls,
    "test_connector": checks.test_connector,
    "metrics": figures.metrics,
    "openapi": _openapi,
}


def routes(office: Office) -> list[Route]:
    """Return a route for each operation."""
    return [Route(each.path, _endpoint(office, each), methods=[each.method]) for each in OPERATIONS]


def _endpoint(office: Office, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    answer = ANSWERS[operation.name]

    async def endpoint(request: Request) -> Response:
        try:
            found = await answer(office, Asked(request, operation))
        except UnknownEntry as error:
            raise HTTPException(404, str(error)) from error
        except (NameTaken, StillUsed) as error:
            raise HTTPException(409, str(error)) from error
        except SettingsError as error:
            raise HTTPException(422, str(error)) from error
        except NotKept as error:
            _log.error("%s", error)
            raise HTTPException(500, NOT_KEPT) from error
        except InboxError as error:
            raise HTTPException(503, str(error)) from error
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        if isinstance(found, Response):
            return found
        return JSONResponse(found.model_dump(mode="json", by_alias=True))

    return endpoint
