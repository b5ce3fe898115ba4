"""What a request asks for, checked: its path, its query, its body."""

from __future__ import annotations

from typing import TypeVar

from starlette.requests import Request

from maco_client.settings.fields import NAME_CHARACTERS
from maco_http import requests
from maco_http.operations import Operation
from maco_http.shapes import Shape

_S = TypeVar("_S", bound=Shape)


class Asked:
    """One request for one operation."""

    def __init__(self, request: Request, operation: Operation) -> None:
        """Raise HTTPException 400 for a query that the operation does not have."""
        self.request = request
        self._operation = operation
        self._numbers = requests.numbers(request, operation)
        self._texts = requests.texts(request, operation)

    @property
    def name(self) -> str:
        """The name in the path."""
        return str(self.request.path_params[self._operation.path_parameter])[: NAME_CHARACTERS + 1]

    def number(self, name: str) -> int:
        """Return a number of the query."""
        return self._numbers[name]

    def text(self, name: str) -> str:
        """Return a text of the query."""
        return self._texts[name]

    async def body(self, shape: type[_S]) -> _S:
        """Return the body. Raises HTTPException 413, 415 or 422."""
        return await requests.body(self.request, shape)
