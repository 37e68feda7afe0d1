"""Passwords: what one may be (NIST SP 800-63B), and their hashes (argon2id), of which few are worked out at once."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.errors import MalformedBody, TooManyRequests

SHORTEST: Final = 12
LONGEST: Final = 200

_COMMON_ONES: Final = """
    000000000000 111111111111 123123123123 123412341234 123456654321 123456789000 123456789012 1234567890123
    12345678901234 123456789012345 1234567890qwertyuiop 123456789abc 1234567890ab 123456abcdef 1q2w3e4r5t6y
    1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv abc123abc123 abcdefghijkl abcdef123456 admin1234567 administrator
    administrator1 adminadminadmin adminpassword asdfghjkl123 changeme1234 changemenow1 correcthorsebatterystaple
    einepassword fotball12345 hemmelig1234 hemmeligpassord iloveyou1234 iloveyouforever ingenadgang1 letmein12345
    letmeinletmein liverpool123 manchesterunited minpassord123 mittpassord1 mittpassord123 norge1234567 p@ssw0rd1234
    passord12345 passord123456 passord123456789 passordpassord passordet123 password1234 password12345
    password123456 password123456789 password1234567890 passwordpassword qazwsxedcrfv qwerty123456 qwerty1234567
    qwertyqwerty qwertyuiop12 qwertyuiop123 qwertyuiop123456 qwertyuiopasdfgh sommer202526 sommersommer
    spor12345678 sporpassord1 superman1234 trustno1trustno1 velkommen123 velkommen1234 velkommen2025 velkommen2026
    welcome12345 welcome123456 zaq12wsxcde3 zxcvbnm12345
"""
"""Of the most common passwords those that are long enough, and what people here would think of next."""

_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$ZdbbmJOCVXWLL2uXTbV50w$FCNCSGx4okhqNujZjKF6Ux2QpiX4jdU0ks8hWovC/TI"
"""The hash of a password that nobody knows: to look at it takes as long as at one of somebody."""


def check_new(password: str, user_name: str) -> None:
    """Refuse what anybody would guess; nothing else is asked of a password than that and its length.

    Raises
    ------
    MalformedBody
        If it is too short, among the most common ones, or the user name.
    """
    plain = _normal(password)
    if len(plain) < SHORTEST:
        raise MalformedBody("the password is too short", pointer="/password", allowed=f"{SHORTEST} characters or more")
    if plain.casefold() in {*_COMMON_ONES.split(), user_name.casefold()}:
        raise MalformedBody(
            "the password is one that would be guessed",
            pointer="/password",
            allowed="neither the user name nor one of the most common passwords",
        )


def _normal(password: str) -> str:
    """Give the same characters for the same look, whatever keyboard they came from."""
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """Makes and checks hashes, one at a time: each takes a core for a tenth of a second, and 64 MiB.

    Parameters
    ----------
    waiting : int
        So many may wait for that; who comes then is told to come again, or log-ins would hold all threads.
    """

    def __init__(self, *, waiting: int = 1) -> None:
        self._argon2 = PasswordHash((Argon2Hasher(time_cost=3, memory_cost=65_536, parallelism=4),))
        self._places = threading.BoundedSemaphore(1 + waiting)
        self._one = threading.Lock()

    def hash(self, password: str) -> str:
        """Give the hash of a password.

        Raises
        ------
        TooManyRequests
            If too many wait for one.
        """
        with self._turn():
            return self._argon2.hash(_normal(password))

    def fits(self, password: str, password_hash: str | None) -> bool:
        """Tell whether a password is the one of a hash; without a hash it is not, which takes as long to find out.

        Raises
        ------
        TooManyRequests
            If too many wait for such an answer.
        """
        with self._turn():
            fits = self._argon2.verify(_normal(password), password_hash or _NOBODY)
        return fits and password_hash is not None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise TooManyRequests("too many log in at this moment; try again", retry_after=1)
        try:
            with self._one:
                yield
        finally:
            self._places.release()
