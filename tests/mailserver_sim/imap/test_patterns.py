from __future__ import annotations

import itertools
import random
import re
import time

import pytest

from mailserver_sim.imap.patterns import wildcard


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        # RFC 3501, section 6.3.8: "*" matches zero or more characters, "%" the same but not the delimiter.
        ("*", "a/b", True), ("%", "a", True), ("%", "a/b", False), ("a/%", "a/b", True), ("%/b", "a/b", True),
        ("inbox", "INBOX", True), ("A", "a", False), ("a.c", "abc", False), ("%*%", "a/b/c", True), ("x*", "a", False),
        ("a*a", "a", False), ("*/%", "a/b/c", True), ("a*/%c", "a/b/xc", True), ("%/*b", "a/c", False),
    ],
)  # fmt: skip
def test_wildcards_stop_where_the_rfc_says(pattern: str, name: str, *, matches: bool) -> None:
    assert wildcard(pattern)(name) is matches


def test_every_short_pattern_matches_what_its_regular_expression_matches() -> None:
    names = ["".join(each) for length in range(5) for each in itertools.product("ab/", repeat=length)]
    chosen = random.Random(7)
    patterns = ["".join(chosen.choices("ab/*%", k=chosen.randint(0, 7))) for _ in range(300)]
    for pattern in patterns:
        expected = re.compile(pattern.replace("*", ".*").replace("%", "[^/]*"))
        found = wildcard(pattern)
        assert [name for name in names if found(name)] == [name for name in names if expected.fullmatch(name)], pattern


@pytest.mark.parametrize("pattern", ["*a" * 499 + "b", "*a" * 15 + "b", "%a" * 15 + "b", "*a%a" * 8 + "b"])
def test_a_thousand_names_and_many_wildcards_cost_no_time(pattern: str) -> None:
    names = ["a" * 30 + str(number) for number in range(1000)]
    begin = time.process_time()
    assert not any(map(wildcard(pattern), names))
    assert time.process_time() - begin < 0.25  # some milliseconds, with room for a slow machine
