"""Published default parameters, one file per instrument, each figure with its source and status."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def default_parameters(instrument_key: str) -> dict[str, Any]:
    """Read the default parameters of an instrument.

    Parameters
    ----------
    instrument_key : str
        Key of the instrument, as `phq-9`.

    Returns
    -------
    dict
        The tables of its file; empty for an instrument without defaults. To be read, not changed.

    Examples
    --------
    >>> sorted(default_parameters("phq-9"))
    ['curve', 'natural_course', 'prior']
    >>> default_parameters("own-goals")
    {}
    """
    for file in resources.files(__name__).iterdir():
        if file.name == f"{instrument_key}.toml":
            return tomllib.loads(file.read_text(encoding="utf-8"))
    return {}
