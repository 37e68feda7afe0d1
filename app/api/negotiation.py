"""Which of several forms of the same thing a caller wants (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.errors import NotAcceptable

_RANGE = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+)/([!#$%&'*+.^_`|~0-9a-z-]+)", re.ASCII)
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)


def chosen(accept: str | None, offered: Sequence[str]) -> str:
    """Give the media type that a caller wants most.

    Parameters
    ----------
    accept : str or None
        Value of the header field Accept, if there is one.
    offered : sequence of str
        What there is, in lower case, the preferred one first.

    Returns
    -------
    str
        One of those that are offered.

    Raises
    ------
    NotAcceptable
        If the caller wants none of them.

    Notes
    -----
    The most specific range that fits a type says how much it is wanted; 0 means *not at all*. Of those that are
    wanted equally the first that is offered wins, and so it does where nothing is said. Parameters other than the
    quality are passed over, as none of our types has any, and so is an element that is malformed.

    Examples
    --------
    >>> chosen("text/html, image/*;q=0.9, */*;q=0.1", ["application/json", "image/svg+xml"])
    'image/svg+xml'
    """
    ranges = [parsed for element in (accept or "").split(",") if (parsed := _parsed(element)) is not None]
    if not (accept or "").strip():
        return offered[0]
    wanted = {each: _quality(each, ranges) for each in offered}
    best = max(offered, key=lambda each: wanted[each])
    if wanted[best] == 0:
        raise NotAcceptable("none of the forms that there are is wanted", allowed=", ".join(offered))
    return best


def _parsed(element: str) -> tuple[str, str, float] | None:
    """Give type, subtype and quality of one element; None where it is malformed."""
    media_range, *parameters = (part.strip(" \t") for part in element.lower().split(";"))
    match = _RANGE.fullmatch(media_range)
    if match is None or (match[1] == "*" and match[2] != "*"):
        return None
    quality = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
    return (match[1], match[2], float(quality)) if _QUALITY.fullmatch(quality) else None


def _quality(offered: str, ranges: Sequence[tuple[str, str, float]]) -> float:
    """Give the quality of the most specific range that fits; 0 where none does."""
    kind, subtype = offered.split("/")
    for wanted in ((kind, subtype), (kind, "*"), ("*", "*")):
        fitting = [quality for *each, quality in ranges if tuple(each) == wanted]
        if fitting:
            return max(fitting)
    return 0.0
