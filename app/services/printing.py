"""Documents on paper: tagged PDF (PDF/UA-1) with one look, made from templates of our own and the caller's data.

A template in `print/` lays out; the data are JSON, whose texts typst sets letter by letter, so that nothing in them is
ever markup. The fonts are those inside typst, and a template can read nothing but its folder; there is no network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import typst

from app.texts.catalogue import say
from app.texts.dates import written_day

_TEMPLATES: Final = Path(__file__).with_name("print")
_STANDARD: Final = "ua-1"
_NOT_SHOWN: Final = "\N{WHITE SQUARE}"
"""What stands for a letter that no font of ours has: a document for screen readers may hold no empty boxes."""

_UNSHOWN: Final = re.compile(r'the text `"(.+)"` could not be displayed', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")
_TRIES: Final = 30
_CONTROL: Final = {each: None for each in (*range(0x20), *range(0x7F, 0xA0)) if chr(each) != "\n"} | {0x09: " "}


def print_pdf(template: str, data: Mapping[str, Any], language: str) -> bytes:
    """Make a document.

    Parameters
    ----------
    template : str
        Name of a template, as ``document``: a title, an introduction and sections of paragraphs, facts and tables.
    data : mapping of str to Any
        What the template shows, as JSON can hold it, in words already. Every template needs ``title``,
        ``organisation`` and ``day`` (a `date`). ``document`` also takes ``introduction`` (a list of paragraphs) and
        ``sections``, a list of ``{"heading", "paragraphs"?: [text], "facts"?: [[label, value]], "table"?: {"columns":
        [text], "rows": [[text]], "widths"?: [number]}}``. A picture is SVG among the data, with what it says in words:
        see ``report``, whose data `app.services.report_pdf` gives.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    bytes
        A PDF with title, language and tags.

    Examples
    --------
    >>> print_pdf("document", {"title": "A *", "organisation": "B", "day": date(2026, 3, 5)}, "en")[:5]
    b'%PDF-'
    """
    day: date = data["day"]
    page = say("print.page", language, {name: f"{{{name}}}" for name in ("page", "pages")})  # the template counts them
    complete = {**data, "day": written_day(day, language), "language": language, "page": page}
    return _compiled(template, json.dumps(_printable(complete), ensure_ascii=False))


def _compiled(template: str, content: str) -> bytes:
    """Compile; where a letter can't be shown, put a square in its place and try again."""
    for attempt in range(_TRIES):
        try:
            made = _compiler(template).compile(format="pdf", pdf_standards=[_STANDARD], sys_inputs={"data": content})
        except typst.TypstError as refusal:
            unshown = _UNSHOWN.search(refusal.message)
            if unshown is None:
                raise
            content = _without(content, unshown[1], thoroughly=attempt == _TRIES - 2)
        else:
            assert isinstance(made, bytes), "a PDF is one file"
            return made
    raise AssertionError("what is left can be shown")


def _without(content: str, quoted: str, *, thoroughly: bool) -> str:
    """Replace the letters that were complained of; when there are many, everything that is not a European letter."""
    letters = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), quoted)
    unshown = {each for each in (content if thoroughly else letters) if each > ("\u024f" if thoroughly else "\x7f")}
    return content.translate({ord(each): _NOT_SHOWN for each in unshown})


def _printable(value: object) -> object:
    """Leave out control characters, which no paper can show."""
    if isinstance(value, str):
        return value.translate(_CONTROL)
    if isinstance(value, Mapping):
        return {name: _printable(each) for name, each in value.items()}
    return [_printable(each) for each in value] if isinstance(value, list | tuple) else value


@cache
def _compiler(template: str) -> typst.Compiler:
    """Make the compiler of a template once: it keeps what it has read."""
    return typst.Compiler(
        _TEMPLATES / f"{template}.typ",
        root=_TEMPLATES,
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=True),
        ignore_system_fonts=True,
        package_path=_TEMPLATES,
        package_cache_path=_TEMPLATES,
    )
