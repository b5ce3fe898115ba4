from __future__ import annotations

import pytest

from mailserver_sim.imap.reader import Literal
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError


def test_escapes_in_a_quoted_string_stand_for_one_character() -> None:
    # RFC 3501, section 9: QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
    assert Arguments((rb'"se\"cr\\et"',)).astring() == b'se"cr\\et'


@pytest.mark.parametrize("text", [b'"open', b'"bad\\n"', b'"end\\"'])
def test_a_malformed_quoted_string_is_a_syntax_error(text: bytes) -> None:
    with pytest.raises(CommandSyntaxError):
        Arguments((text,)).astring()


def test_atoms_strings_and_literals_are_read_in_their_order() -> None:
    arguments = Arguments((b'atom] "quoted" ', Literal(b"literal"), b" (one two)"))
    assert arguments.astring() == b"atom]"
    arguments.space()
    assert arguments.astring() == b"quoted"
    arguments.space()
    assert arguments.astring() == b"literal"
    arguments.space()
    assert arguments.parenthesized(arguments.atom) == ["one", "two"]
    arguments.end()


def test_text_behind_the_arguments_is_a_syntax_error() -> None:
    arguments = Arguments((b"a b",))
    arguments.atom()
    with pytest.raises(CommandSyntaxError, match="Unexpected"):
        arguments.end()


@pytest.mark.parametrize("text", [b"", b"(", b"{3", b"\x00", b"\xc3\xa4", b"%"])
def test_what_is_no_atom_is_a_syntax_error(text: bytes) -> None:
    with pytest.raises(CommandSyntaxError):
        Arguments((text,)).astring()


@pytest.mark.parametrize("text", [b"()", b"(a)", b"(a b)"])
def test_a_list_ends_at_its_parenthesis(text: bytes) -> None:
    arguments = Arguments((text + b" x",))
    assert len(arguments.parenthesized(arguments.atom)) == len(text[1:-1].split())
    arguments.space()


@pytest.mark.parametrize("text", [b"(a", b"(a  b)", b"( a)", b'(a"b)'])
def test_a_malformed_list_is_a_syntax_error(text: bytes) -> None:
    arguments = Arguments((text,))
    with pytest.raises(CommandSyntaxError):
        arguments.parenthesized(arguments.atom)
