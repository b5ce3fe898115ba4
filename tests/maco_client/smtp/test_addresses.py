from __future__ import annotations

import pytest

from maco_client.failures import SettingsError
from maco_client.smtp.addresses import addresses_in, check_address


@pytest.mark.parametrize("address", ["gas@stadtwerke.example", "a+b=c@x", "o'neil@x.example", "j\u00fcrgen@x.example"])
def test_an_address_stands_as_it_is(address: str) -> None:
    assert check_address("sender", address) == address


def test_a_host_beyond_ascii_goes_as_its_a_label() -> None:
    assert check_address("to", "gas@b\u00fccher.example") == "gas@xn--bcher-kva.example"  # RFC 3492's own label


@pytest.mark.parametrize(
    "address",
    [
        "", "nobody", "a b@x", "a@x>\r\nDATA", "<a@x>", "a@x\n", "a\r\n@x", "a@x,b@x", "a@x b", '"a b"@x',
        "a@[1.2.3.4]", "a..b@x", ".a@x", "a.@x", "@x", "a@", "a@-x", "a@x-", "a@x..y", "a@b@c", "a(c)@x", "a;b@x",
        "a:b@x", "a\\b@x", "=?utf-8?q?eve=40x.example=2C?=@x.example", "a.=?utf-8?q?=2C?=@x.example",
        "a\u00a0b@x", "a\u202eb@x", "a\0@x", "a@\u00fc\u00fc" + "x" * 70, "a" * 65 + "@x.example",
        "a@" + "x." * 130 + "example", "\u00e9" * 33 + "@x.example",
    ],
)  # fmt: skip
def test_what_could_mean_anything_else_is_no_address(address: str) -> None:
    with pytest.raises(SettingsError, match="sender"):
        check_address("sender", address)


def test_a_list_has_commas_and_may_be_empty() -> None:
    assert addresses_in("to", " a@x ,b@x") == ("a@x", "b@x")
    assert addresses_in("to", " ") == ()
    with pytest.raises(SettingsError, match="cc"):
        addresses_in("cc", "a@x,,b@x")
