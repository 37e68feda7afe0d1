"""Passwords: what one may be, and that few hashes are worked out at once."""

from __future__ import annotations

import threading

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from app.errors import MalformedBody, TooManyRequests
from app.identity import passwords
from app.identity.passwords import Passwords, check_new


def test_a_hash_is_argon2id_as_strong_as_the_one_of_nobody() -> None:
    kept, nobody = (extract_parameters(each) for each in (Passwords().hash("lange dager"), passwords._NOBODY))
    assert kept == nobody
    # RFC 9106, the second recommended option: 64 MiB, three passes, four lanes.
    assert (kept.type, kept.memory_cost, kept.time_cost, kept.parallelism) == (Type.ID, 65_536, 3, 4)


def test_the_same_look_is_the_same_password() -> None:
    made = Passwords()
    kept = made.hash("blåbærsyltetøy\u00e5")
    assert made.fits("bla\u030abærsyltetøya\u030a", kept)
    assert not made.fits("blabærsyltetøya", kept)
    assert not made.fits("blåbærsyltetøyå ", kept)


def test_nobody_s_password_fits_nothing() -> None:
    assert not Passwords().fits("", None)


@pytest.mark.parametrize("password", ["lange dager i fjellet", "ååååååååååøø", "x" * 200, "            a", "🏔" * 12])
def test_a_long_password_is_taken_whatever_is_in_it(password: str) -> None:
    check_new(password, "kari")


@pytest.mark.parametrize(
    "password", ["elleve tegn", "", "passord12345", "PASSORD12345", "qwertyuiop12", "Kari.Nordmann", "🏔" * 11]
)
def test_a_password_that_would_be_guessed_is_refused(password: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        check_new(password, "kari.nordmann")
    assert refused.value.pointer == "/password"
    assert not password or password not in refused.value.detail


def test_all_common_ones_are_long_enough_to_be_asked_for() -> None:
    listed = passwords._COMMON_ONES.split()
    assert len(listed) == len(set(listed)) > 60
    assert [each for each in listed if len(each) < passwords.SHORTEST or each != each.casefold()] == []


def test_who_comes_while_others_wait_is_told_to_come_again() -> None:
    made, begun, go_on = Passwords(waiting=1), threading.Event(), threading.Event()
    running: list[int] = []

    class Slow:
        def verify(self, *_: str) -> bool:
            running.append(1)
            assert sum(running) == 1, "two at once"
            begun.set()
            assert go_on.wait(10)
            running.append(-1)
            return True

    made._argon2 = Slow()  # type: ignore[assignment]
    threads = [threading.Thread(target=made.fits, args=("x", "y")) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    while made._places._value:  # until the second one waits
        pass
    with pytest.raises(TooManyRequests) as refused:
        made.fits("x", "y")
    assert refused.value.retry_after == 1
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert made.fits("x", "y")
