"""What every shape of an API is: a frozen mapping with exactly its keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """A mapping with exactly these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Refusal(Shape):
    """Why a request was refused."""

    error: str
