from __future__ import annotations

import pytest

from maco_lab.mail_server.running import file_name


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("strom@stadtwerke.example", "strom@stadtwerke.example"),
        ("a/../b", "a%2F..%2Fb"),
        ("..", "%2E%2E"),
        ("Müller", "M%C3%BCller"),
    ],
)
def test_whatever_a_user_is_called_it_is_one_name_in_a_folder(user: str, name: str) -> None:
    assert file_name(user) == name
