"""The instruments that are shipped: reads their files once, and keeps them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from app.errors import UnknownInstrument
from app.scales.instrument import Confidence, Instrument, Source
from app.scales.instrument_file import load_instrument

__all__ = ["NotImplementedHere", "catalogue", "instrument", "load_instrument", "not_implemented"]


@dataclass(frozen=True, slots=True)
class NotImplementedHere:
    """An instrument that people will look for, and that is not scored here.

    Parameters
    ----------
    key, title : str
        Its names.
    holder, terms : str
        Who holds the rights, and what is allowed, in short.
    reason : str
        Why it is not scored here.
    source : Source
        Where that was seen.
    """

    key: str
    title: str
    holder: str
    terms: str
    reason: str
    source: Source


@cache
def not_implemented() -> tuple[NotImplementedHere, ...]:
    """Give the instruments that are named, but not scored.

    Examples
    --------
    >>> [each.key for each in not_implemented()]
    ['5-15r', 'cats-2-icd-11']
    """
    text = files("app.scales").joinpath("not_implemented.toml").read_text(encoding="utf-8")
    return tuple(
        NotImplementedHere(
            **{name: each[name] for name in ("key", "title", "holder", "terms", "reason")},
            source=Source(each["text"], Confidence(each["confidence"])),
        )
        for each in tomllib.loads(text)["instruments"]
    )


@cache
def catalogue() -> Mapping[str, Instrument]:
    """Give the shipped instruments by key.

    Returns
    -------
    mapping of str to Instrument
        In alphabetical order; read once.

    Raises
    ------
    InstrumentDataError
        If a file breaks a rule of the format.

    Examples
    --------
    >>> "phq-9" in catalogue()
    True
    """
    folder = files("app.scales").joinpath("instruments")

    def read(name: str) -> str:
        return folder.joinpath(name).read_text(encoding="utf-8")

    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
    shipped = [load_instrument(read(name), name, read) for name in names]
    return MappingProxyType({each.key: each for each in sorted(shipped, key=lambda each: each.key)})


def instrument(key: str) -> Instrument:
    """Give the shipped instrument with a key.

    Parameters
    ----------
    key : str
        Name in lower case.

    Returns
    -------
    Instrument
        The instrument.

    Raises
    ------
    UnknownInstrument
        If there is none with that key.

    Examples
    --------
    >>> instrument("phq-9").form(None).subscale("total").maximum
    27
    """
    shipped = catalogue()
    if key not in shipped:
        raise UnknownInstrument("there is no such instrument", pointer="/instrument", allowed=", ".join(shipped))
    return shipped[key]
