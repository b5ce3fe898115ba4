from __future__ import annotations

import time

import pytest

from mailserver_sim.imap.addresses import GROUP_END, LONGEST_FIELD, Address, parse_addresses


def person(name: str | None, mailbox: str, host: str = "x.example") -> Address:
    return Address(name, None, mailbox, host)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a@x.example", [person(None, "a")]),
        ("A B <a@x.example>", [person("A B", "a")]),
        # RFC 5322, appendix A.1.2
        (
            'Joe Q. Public <john.q.public@x.example>, "Giant; \\"Big\\" Box" <sysservices@x.example>',
            [person("Joe Q. Public", "john.q.public"), person('Giant; "Big" Box', "sysservices")],
        ),
        # RFC 5322, appendix A.1.3
        (
            "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            [
                Address(None, None, "A Group", None),
                person("Ed Jones", "c", "a.test"),
                person(None, "joe", "where.test"),
                person("John", "jdoe", "one.test"),
                GROUP_END,
            ],
        ),
        ("Undisclosed recipients:;", [Address(None, None, "Undisclosed recipients", None), GROUP_END]),
        ("open: a@x.example", [Address(None, None, "open", None), person(None, "a"), GROUP_END]),
        # RFC 5322, appendix A.5 and A.6.1
        ("Pete(A nice \\) chap) <pete(his account)@x.example>", [person("Pete", "pete")]),
        ("<@node.test,@other.test:jdoe@x.example>", [Address(None, "@node.test,@other.test", "jdoe", "x.example")]),
        ("a@x.example (Old (very) Style)", [person("Old (very) Style", "a")]),
        ('"odd local"@x.example', [person(None, "odd local")]),
        ("a . b @ x . example", [person(None, "a.b")]),
        ("local", [person(None, "local", "")]),
        ("<>", []),
        (",,a@x.example,,", [person(None, "a")]),
        ("a@[127.0.0.1]", [person(None, "a", "[127.0.0.1]")]),
        ("a@b@x.example", [person(None, "a@b")]),
        ('"open', [person(None, "open", "")]),
        ("<a@x.example", [person(None, "a")]),
        ("(open", []),
        (";", []),
    ],
)
def test_a_field_has_these_addresses(text: str, expected: list[Address]) -> None:
    assert parse_addresses(text) == expected


@pytest.mark.parametrize("piece", ["(", '"', '\\"', "<", "[", "a@b,", "x:", "\\", " ", "(\\("])
def test_no_field_takes_long(piece: str) -> None:
    begin = time.process_time()
    parse_addresses(piece * LONGEST_FIELD)
    parse_addresses('"' + piece * LONGEST_FIELD)
    assert time.process_time() - begin < 2  # a look at everything for every character takes minutes
