"""Reads back what a PDF of ours says, page by page: the letters of its fonts' tables, in the order of the content."""

from __future__ import annotations

import re
import zlib

_PLAIN = rb"[^()\\]|\\."
_STRING = rb"\((?:" + _PLAIN + rb")*\)"
for _ in range(5):  # parentheses within a string that are balanced are not escaped
    _STRING = rb"\((?:" + _PLAIN + rb"|" + _STRING + rb")*\)"
_SHOWN = re.compile(rb"/(f\d+) [\d.]+ Tf(?:(?!Tf).)*?\[((?:" + _STRING + rb"|[-\d.\s])*)\]TJ", re.DOTALL)
"""A font, and what is set in it next; a pattern of dashes in between is none of its texts."""
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages_of(pdf: bytes) -> list[str]:
    """Give the text of each page, a line for each piece of text that is set at a place of its own."""
    assert pdf.startswith(b"%PDF-")
    objects = {int(found[1]): found[2] for found in re.finditer(rb"(?:^|\n)(\d+) 0 obj\s(.*?)\nendobj", pdf, re.DOTALL)}
    pages = [each for each in objects.values() if re.match(rb"<</Type/Page/", each)]
    return [_text(objects, page) for page in pages]


def text_of(pdf: bytes) -> str:
    """Give all that a PDF says as one line of words."""
    return " ".join("\n".join(pages_of(pdf)).split())


def _text(objects: dict[int, bytes], page: bytes) -> str:
    resources = objects[_reference(page, b"Resources")]
    fonts = {found[1]: _letters(objects, int(found[2])) for found in re.finditer(rb"/(f\d+) (\d+) 0 R", resources)}
    lines = []
    content = _stream(objects[_reference(page, b"Contents")])
    for found in _SHOWN.finditer(content):
        codes = b"".join(_unescaped(each) for each in re.findall(_STRING, found[2], re.DOTALL))
        glyphs = [codes[place : place + 2] for place in range(0, len(codes), 2)]
        lines.append("".join(fonts[found[1]][glyph] for glyph in glyphs))
    return "\n".join(lines)


def _reference(content: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb" (\d+) 0 R", content)
    assert found is not None, name
    return int(found[1])


def _letters(objects: dict[int, bytes], font: int) -> dict[bytes, str]:
    table = _stream(objects[_reference(objects[font], b"ToUnicode")])
    pairs = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", table)
    return {bytes.fromhex(code.decode()): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _stream(content: bytes) -> bytes:
    head, _, body = content.partition(b"stream\n")
    body = body.rpartition(b"\nendstream")[0]
    return zlib.decompress(body) if b"FlateDecode" in head else body


def _unescaped(string: bytes) -> bytes:
    return _ESCAPE.sub(
        lambda found: bytes([int(found[1], 8)]) if found[1].isdigit() else _NAMED.get(found[1], found[1]), string[1:-1]
    )
