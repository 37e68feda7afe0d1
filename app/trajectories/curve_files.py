"""Curves as documents: what the database and files keep of one, and how it is read back and told from others.

A document has the form of the table `[curve]` in the default files: plain tables, texts and numbers, as JSON and TOML
have them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeVar

from app.errors import InstrumentDataError
from app.trajectories.growth import GrowthCurve, Provenance
from app.trajectories.link import Link, LinkKind
from app.trajectories.shapes import ResponseShape

_NUMBERS: Final = (
    "intercept",
    "session_slope",
    "sd_intercept",
    "sd_slope",
    "correlation",
    "drift_variance",
    "drift_weeks",
    "noise_variance",
)
_NUMBERS_OR_NOTHING: Final = ("natural_fall", "worsening")
"""Absent from a curve that has no such part: 0."""

_TABLES: Final = ("link", "shares", "provenance")
_OF_LINK: Final = ("kind", "minimum", "maximum", "middle")
_OF_PROVENANCE: Final = ("source", "status", "confidence")

Code = TypeVar("Code", bound=StrEnum)


def curve_to_document(curve: GrowthCurve) -> dict[str, Any]:
    """Write a curve as a document.

    Parameters
    ----------
    curve : GrowthCurve
        The curve.

    Returns
    -------
    dict
        Plain tables, texts and finite numbers, complete. :func:`curve_from_document` gives an equal curve again, also
        after the document was JSON or `jsonb`.

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> document = curve_to_document(default_curve("gad-7"))
    >>> document["link"], document["noise_variance"]
    ({'kind': 'arcsine', 'minimum': 0, 'maximum': 21, 'middle': 12.0}, 5.5)
    >>> curve_from_document(document) == default_curve("gad-7")
    True
    """
    link = curve.link
    return {
        "key": curve.key,
        "version": int(curve.version),
        "instrument": curve.instrument,
        **{name: _plain(getattr(curve, name)) for name in (*_NUMBERS, *_NUMBERS_OR_NOTHING)},
        "link": {
            "kind": str(link.kind),
            "minimum": int(link.minimum),
            "maximum": int(link.maximum),
            "middle": _plain(link.middle),
        },
        "shares": {str(shape): _plain(curve.shares[shape]) for shape in ResponseShape if shape in curve.shares},
        "provenance": asdict(curve.provenance),
    }


def curve_from_document(document: Mapping[str, Any]) -> GrowthCurve:
    """Read a curve from a document.

    Parameters
    ----------
    document : mapping
        As :func:`curve_to_document` writes it. `natural_fall` and `worsening` may be absent, and so may `shares`,
        where all patients respond early.

    Returns
    -------
    GrowthCurve
        With its shapes in the order of :class:`ResponseShape`, since JSON keeps none.

    Raises
    ------
    InstrumentDataError
        If a field is unknown, missing, of another type or out of its range; the pointer leads to it.
    """
    fields = _Table(document, "", ["key", "version", "instrument", *_NUMBERS, *_NUMBERS_OR_NOTHING, *_TABLES])
    provenance = fields.table("provenance", _OF_PROVENANCE)
    values: dict[str, Any] = {
        "key": fields.text("key"),
        "version": fields.whole("version", least=1),
        "instrument": fields.text("instrument"),
        **{name: fields.number(name) for name in _NUMBERS},
        **{name: fields.number(name) for name in _NUMBERS_OR_NOTHING if name in fields.content},
        "link": _link(fields.table("link", _OF_LINK)),
        "provenance": Provenance(**{name: provenance.text(name) for name in _OF_PROVENANCE}),
    }
    if "shares" in fields.content:
        shares = fields.table("shares", list(ResponseShape))
        values["shares"] = {shape: shares.number(shape) for shape in ResponseShape if shape in shares.content}
    try:
        return GrowthCurve(**values)
    except InstrumentDataError as error:
        error.pointer = f"/{error.detail.partition(' ')[0]}"  # a curve names first which of its figures is wrong
        raise


def document_hash(document: Mapping[str, Any]) -> bytes:
    """Give what tells a document from all others.

    Parameters
    ----------
    document : mapping
        As :func:`curve_to_document` writes it.

    Returns
    -------
    bytes
        SHA-256 of its JSON with sorted keys and without spaces, in UTF-8: 32 bytes, the same before and after it was
        kept as JSON.

    Raises
    ------
    ValueError
        If a number in it is not finite, which JSON can't hold.
    """
    written = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(written.encode()).digest()


def _plain(number: float) -> float:
    """Give a number as JSON keeps it everywhere: a float of Python's own, and no zero below zero."""
    return float(number) + 0.0


def _link(table: _Table) -> Link:
    kind = table.one_of("kind", LinkKind)
    minimum, maximum, middle = table.whole("minimum"), table.whole("maximum"), table.number("middle")
    try:
        return Link(kind, minimum, maximum, middle)
    except InstrumentDataError as error:
        error.pointer = table.pointer
        raise


class _Table:
    """A table of a document, that refuses what does not belong there and gives what does."""

    def __init__(self, content: object, pointer: str, allowed: Sequence[str]) -> None:
        names = ", ".join(allowed)
        if not isinstance(content, Mapping):
            raise InstrumentDataError("a curve must be a table", pointer=pointer, allowed=f"a table of {names}")
        for name in content:
            if name not in allowed:
                step = str(name).replace("~", "~0").replace("/", "~1")
                raise InstrumentDataError("a curve has no such field", pointer=f"{pointer}/{step}", allowed=names)
        self.content: Mapping[str, Any] = content
        self.pointer = pointer

    def table(self, name: str, allowed: Sequence[str]) -> _Table:
        return _Table(self._value(name), f"{self.pointer}/{name}", allowed)

    def number(self, name: str) -> float:
        value = self._value(name)
        try:
            if not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(number := float(value)):
                return _plain(number)
        except OverflowError:
            pass
        raise self._refusal(name, "a finite number")

    def whole(self, name: str, *, least: int | None = None) -> int:
        value = self._value(name)
        if isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least):
            return value
        raise self._refusal(name, "a whole number" if least is None else f"a whole number, {least} or more")

    def text(self, name: str) -> str:
        """Give a text, without what no database can keep: a null character, half a character."""
        value = self._value(name)
        if isinstance(value, str) and not any(each == "\0" or "\ud800" <= each <= "\udfff" for each in value):
            return value
        raise self._refusal(name, "a text")

    def one_of(self, name: str, codes: type[Code]) -> Code:
        value = self._value(name)
        if isinstance(value, str) and value in list(codes):
            return codes(value)
        raise self._refusal(name, f"one of {', '.join(codes)}")

    def _value(self, name: str) -> object:
        if name not in self.content:
            raise InstrumentDataError(f"{name} is missing", pointer=f"{self.pointer}/{name}")
        return self.content[name]

    def _refusal(self, name: str, allowed: str) -> InstrumentDataError:
        return InstrumentDataError(f"{name} must be {allowed}", pointer=f"{self.pointer}/{name}", allowed=allowed)
