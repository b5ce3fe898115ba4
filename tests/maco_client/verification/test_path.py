from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509

from certs.cast import Cast
from maco_client.verification.path import is_current, out_of_date, path_to_anchor


def sent(cast: Cast, name: str) -> list[x509.Certificate]:
    issued = cast.by_name(name)
    return [issued.certificate, *issued.chain]


@pytest.mark.parametrize("name", ["mail_server", "root_sent", "chain_reversed", "sha1", "rsa_768"])
def test_a_path_goes_by_signatures_from_the_leaf_to_the_root(cast: Cast, name: str) -> None:
    path = path_to_anchor(sent(cast, name), [cast.unknown_root_certificate, cast.root_certificate])
    assert path is not None
    assert (path[0], path[-1]) == (cast.by_name(name).certificate, cast.root_certificate)
    assert [each.issuer for each in path[:-1]] == [each.subject for each in path[1:]]


def test_the_nearest_anchor_ends_the_path(cast: Cast) -> None:
    leaf, intermediate = sent(cast, "mail_server")
    assert path_to_anchor([leaf, intermediate], [cast.root_certificate, intermediate]) == [leaf, intermediate]
    assert path_to_anchor([leaf, intermediate], [cast.root_certificate, leaf]) == [leaf]


@pytest.mark.parametrize("name", ["unknown_root", "missing_intermediate", "self_signed"])
def test_there_is_no_path_without_an_anchor_that_signed_it(cast: Cast, name: str) -> None:
    assert path_to_anchor(sent(cast, name), [cast.root_certificate]) is None
    assert path_to_anchor([], [cast.root_certificate]) is None


def test_an_anchor_of_the_same_name_with_another_key_is_no_issuer(cast: Cast) -> None:
    other = Cast(dt.datetime.now(dt.UTC))
    assert other.root_certificate.subject == cast.root_certificate.subject
    assert path_to_anchor(sent(cast, "mail_server"), [other.root_certificate]) is None


def test_both_ends_of_the_validity_count(cast: Cast) -> None:
    certificate = cast.mail_server.certificate
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    second = dt.timedelta(seconds=1)
    assert [is_current(certificate, at) for at in (begins - second, begins, ends, ends + second)] == [
        False,
        True,
        True,
        False,
    ]


def test_what_is_out_of_date_is_looked_for_from_the_anchor_down(cast: Cast) -> None:
    now = dt.datetime.now(dt.UTC)
    path = [cast.by_name("expired").certificate, cast.authority("expired_intermediate").certificate]
    assert out_of_date(path, now) == path[1]
    assert out_of_date(sent(cast, "mail_server"), now) is None
