"""The instruments that are shipped: reads their files once, and keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from app.errors import UnknownInstrument
from app.scales.instrument import Instrument
from app.scales.instrument_file import load_instrument

__all__ = ["catalogue", "instrument", "load_instrument"]


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
