"""What one command collects, and where it stops."""

from __future__ import annotations

import pytest

from maco_client import answer as answer_module
from maco_client.answer import MAX_ANSWER_BYTES, MAX_ITEMS, Answer
from maco_client.imap import (
    CapabilityData,
    Condition,
    Data,
    ExistsData,
    FetchData,
    ListData,
    OtherData,
    ResponseCode,
    SearchData,
    StatusResponse,
)
from maco_wire.exceptions import RemoteProtocolError

WORDS = frozenset(f"\\{number}" for number in range(1000))


def test_only_what_was_asked_for_is_kept() -> None:
    answer = Answer("UID SEARCH", SearchData)
    for each in (ExistsData(1), SearchData((2, 3)), FetchData(1), OtherData("RECENT"), CapabilityData(WORDS)):
        answer.take(each)
    assert answer.data == [SearchData((2, 3))]


def test_a_command_that_asks_for_no_data_keeps_none() -> None:
    answer = Answer[Data]("CREATE", None)
    answer.take(ExistsData(1))
    assert answer.data == []


def test_the_last_uid_validity_counts() -> None:
    answer = Answer("SELECT", ExistsData)
    for code in (ResponseCode("UIDVALIDITY", "1"), ResponseCode("UIDVALIDITY", "2"), ResponseCode("UNSEEN", "9")):
        answer.take(StatusResponse(None, Condition.OK, "", code))
    assert answer.uid_validity == "2"


def test_eight_mebibytes_are_the_most_that_a_command_hears() -> None:
    answer = Answer("LIST", ListData)
    answer.count_bytes(MAX_ANSWER_BYTES)
    with pytest.raises(RemoteProtocolError, match="an answer to LIST of at most 8388608 bytes, got more"):
        answer.count_bytes(1)


def test_responses_are_counted_even_if_none_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_module, "MAX_RESPONSES", 2)
    answer = Answer("LIST", ListData)
    answer.take(OtherData("RECENT"))
    answer.take(StatusResponse(None, Condition.OK, ""))
    with pytest.raises(RemoteProtocolError, match="at most 2 responses"):
        answer.take(OtherData("RECENT"))


@pytest.mark.parametrize(
    "data",
    [
        CapabilityData(WORDS),
        ListData(WORDS, "/", "INBOX"),
        SearchData(tuple(range(1000))),
        FetchData(1, flags=WORDS),
    ],
)
def test_short_words_that_take_much_memory_are_bounded_by_their_number(data: Data) -> None:
    answer = Answer("X", type(data))
    for _ in range(MAX_ITEMS // 1001):
        answer.take(data)
    with pytest.raises(RemoteProtocolError, match="at most 100000 words and numbers"):
        answer.take(data)
