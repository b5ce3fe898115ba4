"""What the API refuses with: ``{"type": …, "message": …}``, and the status code of each type. Pure.

The types are SAP's; for 401, 404 of no endpoint at all, 405, 413 and 415 no type is documented, and the one that was
recorded with 405, ``ERROR``, is used for all of them.
"""

from __future__ import annotations

import enum
import http
from collections.abc import Mapping


class ErrorType(enum.StrEnum):
    """``type`` of an error body (SAP, "Cloud Connector REST APIs"; ERROR by recording)."""

    INVALID_REQUEST = "INVALID_REQUEST"
    BAD_REQUEST = "BAD_REQUEST"
    NOT_FOUND = "NOT_FOUND"
    ILLEGAL_STATE = "ILLEGAL_STATE"
    INVALID_CONFIGURATION = "INVALID_CONFIGURATION"
    FORBIDDEN_REQUEST = "FORBIDDEN_REQUEST"
    FORBIDDEN = "FORBIDDEN"
    RUNTIME_FAILURE = "RUNTIME_FAILURE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    ERROR = "ERROR"


STATUS: Mapping[ErrorType, http.HTTPStatus] = {
    ErrorType.INVALID_REQUEST: http.HTTPStatus.BAD_REQUEST,
    ErrorType.BAD_REQUEST: http.HTTPStatus.BAD_REQUEST,
    ErrorType.NOT_FOUND: http.HTTPStatus.NOT_FOUND,
    ErrorType.ILLEGAL_STATE: http.HTTPStatus.CONFLICT,
    ErrorType.INVALID_CONFIGURATION: http.HTTPStatus.CONFLICT,
    ErrorType.FORBIDDEN_REQUEST: http.HTTPStatus.FORBIDDEN,
    ErrorType.FORBIDDEN: http.HTTPStatus.FORBIDDEN,
    ErrorType.RUNTIME_FAILURE: http.HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorType.INTERNAL_SERVER_ERROR: http.HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""ERROR has none of its own: it comes with many."""

ANY_ERROR = "An error occurred while processing the request."
"""The message of the one ERROR that was recorded (405)."""


class Refused(Exception):
    """A request that is not granted; what the client is told."""

    def __init__(
        self,
        error: ErrorType,
        message: str,
        *,
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.error = error
        self.message = message
        self.status = int(STATUS[error]) if status is None else status
        self.headers = headers


def invalid(message: str) -> Refused:
    """Return the refusal of a value that is missing or wrong."""
    return Refused(ErrorType.INVALID_REQUEST, message)


def not_found(what: str, value: str) -> Refused:
    """Return the refusal of what is not there, in the words of the recorded one."""
    return Refused(ErrorType.NOT_FOUND, f"{what} with value '{value}' does not exist")
