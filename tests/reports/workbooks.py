"""Reads back a workbook with the standard library: sheets of cells, each with its value and how it is shown."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class Shown:
    """What a cell holds: a number or a text, the format of its number and whether it is a formula."""

    value: float | str | None
    number_format: str
    is_formula: bool


def sheets_of(workbook: bytes) -> dict[str, dict[str, Shown]]:
    """Give the cells of each sheet by their addresses, as B7."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        texts = [_text(each) for each in _root(archive, "xl/sharedStrings.xml")]
        formats = _formats(_root(archive, "xl/styles.xml"))
        names = [str(each.get("name")) for each in _root(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet")]
        return {
            name: _cells(_root(archive, f"xl/worksheets/sheet{number}.xml"), texts, formats)
            for number, name in enumerate(names, 1)
        }


def lines_of(cells: dict[str, Shown]) -> list[list[Shown]]:
    """Give the cells line by line, those that are left blank among them."""
    lines: dict[int, list[Shown]] = {}
    for address, cell in cells.items():
        lines.setdefault(int(re.sub(r"\D", "", address)), []).append(cell)
    return list(lines.values())


def parts_of(workbook: bytes) -> dict[str, str]:
    """Give all files within the workbook as texts."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def _root(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(name))


def _text(item: ElementTree.Element) -> str:
    return "".join(each.text or "" for each in item.iter(f"{_MAIN}t"))


def _formats(styles: ElementTree.Element) -> list[str]:
    own = {str(each.get("numFmtId")): str(each.get("formatCode")) for each in styles.iter(f"{_MAIN}numFmt")}
    built_in = {"0": "General", "1": "0", "2": "0.00", "3": "#,##0", "9": "0%", "10": "0.00%"}
    cells = styles.find(f"{_MAIN}cellXfs")
    assert cells is not None
    return [(built_in | own)[str(each.get("numFmtId"))] for each in cells]


def _cells(sheet: ElementTree.Element, texts: list[str], formats: list[str]) -> dict[str, Shown]:
    found = {}
    for cell in sheet.iter(f"{_MAIN}c"):
        held = cell.find(f"{_MAIN}v")
        value: float | str | None = None
        if held is not None and held.text is not None:
            value = texts[int(held.text)] if cell.get("t") == "s" else float(held.text)
        is_formula = cell.find(f"{_MAIN}f") is not None
        found[str(cell.get("r"))] = Shown(value, formats[int(cell.get("s") or 0)], is_formula)
    return found
