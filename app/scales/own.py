"""A service's own instruments: the same file format, with errors that name file, line and rule."""

from __future__ import annotations

import re

from app.errors import InstrumentDataError
from app.scales.catalogue import catalogue
from app.scales.instrument import Instrument
from app.scales.instrument_file import load_instrument
from app.scales.lines import lines_of

_NOT_TOML = re.compile(r": not TOML: .*\(at (?:line (\d+), column \d+|end of document)\)")


def load_own_instrument(text: str, file: str) -> Instrument:
    """Read an instrument of a service's own from the text of its file.

    Parameters
    ----------
    text : str
        The file's content, TOML; norms, which are kept in a file beside it, can't be given.
    file : str
        The file's name, which is the instrument's key and ``.toml``.

    Returns
    -------
    Instrument
        Checked as a whole.

    Raises
    ------
    InstrumentDataError
        If the file breaks a rule of the format, or its key is that of a shipped instrument; the sentence begins with
        the file's name and the line.
    """
    try:
        own = _loaded(text, file)
        if own.key in catalogue():
            fault = InstrumentDataError(f"{file}: {own.key} is the key of a shipped instrument; choose another")
            fault.path = ("key",)
            raise fault
    except InstrumentDataError as fault:
        place = fault.detail.removeprefix(f"{file}: ")
        raise InstrumentDataError(f"{file}:{_line(text, fault)}: {place}") from None
    return own


def _loaded(text: str, file: str) -> Instrument:
    try:
        return load_instrument(text, file)
    except RecursionError:
        raise InstrumentDataError(f"{file}: not TOML: nested too deeply (at end of document)") from None


def _line(text: str, fault: InstrumentDataError) -> int:
    """Give the line of a fault: where the parser stopped, or where the nearest thing around the place begins."""
    stopped = _NOT_TOML.search(fault.detail)
    if stopped is not None:
        return int(stopped.group(1) or text.count("\n") + 1)
    lines = lines_of(text)
    around = (fault.path[:length] for length in range(len(fault.path), 0, -1))
    return next((lines[path] for path in around if path in lines), 1)
