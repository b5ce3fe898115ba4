"""The secrets that a lab looks for in what each party holds in clear: mailbox passwords, and a line in a mail."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from maco_lab import lab_model
from maco_lab.samples import random_reference
from maco_wire.canary import Canary
from maco_wire.exceptions import LocalProtocolError

LINE_LENGTH = 24


@dataclass(frozen=True, slots=True)
class AccountCanaries:
    """The canaries of one mailbox; ``password`` is None when it cannot be one (too short, or not alphanumeric)."""

    user: str
    password: Canary | None
    mail_line: Canary


def password_name(user: str = "") -> str:
    """Return the name of the canary that is a user's password; without a user, how all such names begin."""
    return f"mailbox password of {user}"


def plant_canaries(model: lab_model.LabModel, lines: Sequence[str] = ()) -> list[AccountCanaries]:
    """Return the canaries of every mailbox, numbered from 1.

    ``lines`` are the lines of mail that another process of the same lab has planted; without them they are new.
    """
    numbers = itertools.count(1)
    accounts = model.mail_server.accounts
    planted = lines or [random_reference(LINE_LENGTH) for _ in accounts]
    return [_of_account(account, line, numbers) for account, line in zip(accounts, planted, strict=True)]


def all_canaries(planted: list[AccountCanaries]) -> tuple[Canary, ...]:
    """Return the planted canaries as the parties take them."""
    return tuple(canary for account in planted for canary in (account.password, account.mail_line) if canary)


def _of_account(account: lab_model.Account, planted: str, numbers: Iterator[int]) -> AccountCanaries:
    password: Canary | None
    try:
        password = Canary(next(numbers), password_name(account.user), account.password.get_secret_value())
    except LocalProtocolError:
        password = None
    line = Canary(next(numbers), f"line in a mail of {account.user}", planted)
    return AccountCanaries(account.user, password, line)
