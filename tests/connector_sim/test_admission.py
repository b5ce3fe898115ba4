from __future__ import annotations

from connector_sim.admission import Admission


def test_no_more_are_admitted_than_the_limit() -> None:
    admission = Admission(2)
    assert [admission.admit() is not None for _ in range(3)] == [True, True, False]
    assert admission.open() == 2


def test_a_place_that_was_given_back_is_free() -> None:
    admission = Admission(1)
    lease = admission.admit()
    assert lease is not None
    lease.release()
    assert admission.open() == 0
    assert admission.admit() is not None


def test_a_place_is_given_back_once_only() -> None:
    admission = Admission(2)
    first, second = admission.admit(), admission.admit()
    assert first is not None
    assert second is not None
    first.release()
    first.release()
    assert admission.open() == 1


def test_each_key_has_the_limit_for_itself() -> None:
    admission = Admission(1)
    assert admission.admit("maco") is not None
    assert admission.admit("other") is not None
    assert admission.admit("maco") is None


def test_a_key_without_connections_is_forgotten() -> None:
    admission = Admission(1)
    for number in range(100):
        lease = admission.admit(number)
        assert lease is not None
        lease.release()
        admission.open(number)
    assert not admission._open
