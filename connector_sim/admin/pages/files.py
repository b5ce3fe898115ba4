"""The files of the pages, and what binds the browser that gets one.

They are served to whoever calls the connector by an address, as localhost, or by the name it listens at: another web
site's name that leads here (DNS rebinding) gets nothing.
"""

from __future__ import annotations

import http
import ipaddress
import urllib.parse

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import LAB, Answers, Endpoint
from connector_sim.admin.errors import ErrorType, Refused
from connector_sim.admin.replies import Reply
from maco_http.page_files import HEADERS, PageFile, page_files

FOLDER = f"{LAB}/page"
"""Where every file is but the first one."""


def _endpoints() -> tuple[Endpoint, ...]:
    return tuple(Endpoint("GET", _path(each), None, _answers(each)) for each in page_files("connector_sim.admin.pages"))


def _path(file: PageFile) -> str:
    return "/" if file.name == "index.html" else f"{FOLDER}/{file.name}"


def _answers(file: PageFile) -> Answers:
    headers = tuple((name, value) for name, value in HEADERS.items() if name != "Cache-Control")

    def answer(call: Call) -> Reply:
        refuse_other_names(call)
        return Reply(http.HTTPStatus.OK, file.content, file.content_type, headers)

    return answer


def refuse_other_names(call: Call) -> None:
    """Let in who calls by an address, as localhost, or by the name of the settings. Raises Refused."""
    name = urllib.parse.urlsplit(call.base).hostname or ""
    if name in {"localhost", call.installation.settings.host.lower()} or _is_address(name):
        return
    raise Refused(ErrorType.FORBIDDEN, "Host: allowed: an address, localhost, or the name that is listened at")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


ENDPOINTS = _endpoints()
