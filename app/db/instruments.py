"""The instruments that an organisation may name: the shipped ones, and its own.

A shipped instrument needs no question to the database. A version of an own one never changes, so that its file is read
once in the life of the program.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from app.db.failures import translated_errors
from app.db.models import OwnInstrument
from app.db.pipeline import statement
from app.db.session import Query, Work
from app.errors import StateConflict, UnknownInstrument
from app.scales.catalogue import catalogue, load_instrument
from app.scales.instrument import Instrument
from app.scales.sources import is_key

Instruments = Mapping[str, Instrument]
"""By key: those in use."""

_IN_USE = statement(
    """
    select distinct on (key) key, version, file
      from own_instruments
     where organisation_id = %(organisation_id)s and (%(keys)s::text[] is null or key = any(%(keys)s::text[]))
     order by key, added_at desc, version desc
    """
)

_VERSION = statement(
    """
    select key, version, file
      from own_instruments
     where organisation_id = %(organisation_id)s and key = %(key)s and version = %(version)s
    """
)


@lru_cache(maxsize=256)
def _loaded(key: str, file: str) -> Instrument:
    return load_instrument(file, f"{key}.toml")


def _by_key(shipped: Instruments, rows: Sequence[Sequence[Any]]) -> Instruments:
    return {**shipped, **{key: _loaded(key, file) for key, _, file in rows}}


def instruments_in_use(work: Work, keys: Collection[str | None] | None = None) -> Query[Instruments]:
    """Make the statement that reads the instruments in use: the shipped ones and the organisation's own.

    With keys it reads, of the own ones, those only.
    """
    named = None if keys is None else [key for key in keys if key is not None and is_key(key)]
    return Query(_IN_USE, {"organisation_id": work.scope.organisation_id, "keys": named}, partial(_by_key, catalogue()))


def find_instruments(work: Work, keys: Collection[str | None]) -> Instruments:
    """Give the instruments in use among which some keys are looked for; the shipped ones need no question."""
    shipped = catalogue()
    return shipped if all(key is None or key in shipped for key in keys) else work.ask(instruments_in_use(work, keys))


def find_instrument(work: Work, key: str, version: str | None = None, *, pointer: str = "/instrument") -> Instrument:
    """Give the instrument with a key: the version in use, or the one that something was answered in.

    Raises
    ------
    UnknownInstrument
        If the organisation has none with that key.
    """
    shipped = catalogue().get(key)
    if shipped is not None:
        return shipped
    if version is not None:
        parameters = {"organisation_id": work.scope.organisation_id, "key": key, "version": version}
        return work.ask(Query(_VERSION, parameters, partial(_by_key, {})))[key]
    return known_instrument(find_instruments(work, [key]), key, pointer=pointer)


def known_instrument(instruments: Instruments, key: str, *, pointer: str = "/instrument") -> Instrument:
    """Give the instrument with a key among some.

    Raises
    ------
    UnknownInstrument
        If there is none.
    """
    if key not in instruments:
        raise UnknownInstrument("there is no such instrument", pointer=pointer, allowed=", ".join(instruments))
    return instruments[key]


def add_own_instrument(work: Work, instrument: Instrument, file: str) -> None:
    """Keep a version of an instrument of the organisation's own; from now on it is the one in use.

    Raises
    ------
    StateConflict
        If the version is there already: it was answered in, and never changes.
    """
    work.db.add(
        OwnInstrument(
            organisation_id=work.scope.organisation_id,
            key=instrument.key,
            version=instrument.version,
            main_subscale=instrument.main_subscale,
            file=file,
            author_id=work.scope.actor_id,
        )
    )
    try:
        with translated_errors():
            work.db.flush()
    except StateConflict:
        raise StateConflict("this version is there already and never changes", pointer="/text") from None
