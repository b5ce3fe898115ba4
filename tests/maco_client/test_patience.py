"""What renews a server's time and what does not, on a clock of the test's own."""

from __future__ import annotations

import asyncio

import pytest

from maco_client.imap import BodyChunk, BodyEnded, Condition, Event, ExistsData, StatusResponse
from maco_client.patience import ANSWER_TIMEOUTS, PROGRESS_BYTES, Patience
from maco_net.errors import DeadlineExceeded

TIMEOUT_S = 30.0
HANG_IN_THERE = StatusResponse(None, Condition.OK, "Hang in there..")


class Waiting:
    """A patience and a clock that only a wait moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.patience = Patience(TIMEOUT_S, clock=lambda: self.now)

    async def wait(self, seconds: float, *heard: Event) -> None:
        async def peer() -> None:
            self.now += seconds

        await self.patience.wait_for(peer())
        self.patience.heard(heard)


async def test_a_part_of_a_response_renews_nothing() -> None:
    waiting = Waiting()
    await waiting.wait(29)
    assert waiting.patience.left_s == 1


async def test_a_complete_response_renews_the_time_for_the_next_one() -> None:
    waiting = Waiting()
    await waiting.wait(29, ExistsData(1))
    assert waiting.patience.left_s == TIMEOUT_S


async def test_the_next_command_begins_with_all_the_time() -> None:
    waiting = Waiting()
    await waiting.wait(29)
    waiting.patience.begin_answer()
    assert waiting.patience.left_s == TIMEOUT_S


async def test_a_byte_of_a_mail_renews_nothing() -> None:
    waiting = Waiting()
    await waiting.wait(29, BodyChunk(b"x"))
    assert waiting.patience.left_s == 1


async def test_a_kibibyte_of_a_mail_renews_the_time_however_it_is_cut() -> None:
    waiting = Waiting()
    await waiting.wait(20, BodyChunk(b"x" * (PROGRESS_BYTES - 1)))
    assert waiting.patience.left_s == 10
    await waiting.wait(5, BodyChunk(b"x"))
    assert waiting.patience.left_s == TIMEOUT_S


async def test_the_end_of_a_mail_renews_the_time() -> None:
    waiting = Waiting()
    await waiting.wait(29, BodyChunk(b"x"), BodyEnded())
    assert waiting.patience.left_s == TIMEOUT_S


async def test_a_server_that_only_asks_for_patience_does_not_get_it_for_ever() -> None:
    waiting = Waiting()
    for _ in range(ANSWER_TIMEOUTS):
        await waiting.wait(29, HANG_IN_THERE)
    assert waiting.patience.left_s == ANSWER_TIMEOUTS
    await waiting.wait(15, HANG_IN_THERE)
    assert waiting.patience.left_s == 5


async def test_a_large_mail_may_take_longer_than_any_other_answer() -> None:
    waiting = Waiting()
    for _ in range(2 * ANSWER_TIMEOUTS):
        await waiting.wait(29, BodyChunk(b"x" * PROGRESS_BYTES))
    assert waiting.patience.left_s == TIMEOUT_S


async def test_what_maco_does_itself_costs_the_server_no_time() -> None:
    waiting = Waiting()
    waiting.now += 3600
    assert waiting.patience.left_s == TIMEOUT_S


async def test_time_that_is_used_up_ends_the_wait() -> None:
    waiting = Waiting()
    await waiting.wait(TIMEOUT_S)
    with pytest.raises(DeadlineExceeded):
        await waiting.patience.wait_for(asyncio.Event().wait())
