"""What is hidden is in no file: figures are hidden at random, and their digits are looked for in everything made."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.schemas.reports import report_read
from app.charts.reports import report_chart
from app.reports.document import Cell, Report, Withheld
from app.services.report_csv import report_csv
from app.services.report_pdf import report_pdf
from app.services.report_xlsx import report_xlsx
from tests.pdf_text import text_of
from tests.reports.scenes import everything

DAY = date(2027, 1, 5)
DIGITS = re.compile(r"\d{12,}")
WRITTEN = re.compile(r"\b\d{3},\d{3},\d{3},\d{3}\b")


@dataclass
class Planted:
    """A report whose figures have twelve digits each that occur nowhere else, and what was hidden of them."""

    random: Random
    share: float
    hidden: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    """Counts and denominators: what every format writes out digit by digit."""

    def report(self) -> Report:
        return everything().with_tables(lambda _, table: table.with_cells(lambda _row, _column, cell: self._cell(cell)))

    def _cell(self, old: Cell) -> Cell:
        if old.withheld is not None or isinstance(old.value, str):
            return old
        value, low, high, of = (f"{self.random.randrange(10**10, 10**11)}7" for _ in range(4))
        if self.random.random() < self.share:
            self.hidden |= {value, low, high, of}
            return Cell(withheld=Withheld.SMALL_NUMBER)
        self.shown |= {value} if isinstance(old.value, int) else set()
        number = int(value) if isinstance(old.value, int) else float(f"0.{value}")
        of_how_many = None if old.of is None else int(of)
        if old.low is None:
            return Cell(number, of=of_how_many)
        return Cell(number, float(f"0.0{low}"), float(f"0.9{high}"), of_how_many)


def texts_of_files(report: Report) -> Iterator[tuple[str, str]]:
    yield "csv", report_csv(report, "en").decode()
    with zipfile.ZipFile(io.BytesIO(report_xlsx(report, "en", day=DAY))) as archive:
        yield "xlsx", "".join(archive.read(name).decode() for name in archive.namelist())
    yield "json", report_read(report, "en").model_dump_json()


def charts_of(report: Report) -> str:
    tables = [table for section in report.sections for table in section.tables]
    return json.dumps([report_chart(table, "en") for table in tables])


def found_in(text: str, figures: set[str]) -> set[str]:
    told = {run[place : place + 12] for run in DIGITS.findall(text) for place in range(len(run) - 11)}
    return figures & (told | {each.replace(",", "") for each in WRITTEN.findall(text)})


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 1.0))
def test_no_digits_of_a_hidden_figure_are_in_any_text(seed: int, share: float) -> None:
    planted = Planted(Random(seed), share)
    report = planted.report()
    for name, text in texts_of_files(report):
        assert found_in(text, planted.hidden) == set(), name
        assert found_in(text, planted.shown) == planted.shown, "what is shown is found, so what is hidden would be"
    assert found_in(charts_of(report), planted.hidden) == set()


def test_nor_are_they_in_the_printed_pages() -> None:
    planted = Planted(Random(7), 0.4)
    report = planted.report()
    pdf = report_pdf(report, "en", organisation="A", day=DAY)
    told = text_of(pdf)
    assert found_in(told, planted.hidden) == set()
    assert len(found_in(told, planted.shown)) > 50
    assert not any(each.encode() in pdf for each in planted.hidden)


def test_a_report_of_hidden_figures_alone_has_no_figures_at_all() -> None:
    planted = Planted(Random(1), 1.0)
    report = planted.report()
    assert planted.shown == set()
    read = report_read(report, "en")
    figures = [
        each for section in read.sections for table in section.tables for row in table.rows for each in row.figures
    ]
    # What the scene tells in words (a code) is no figure.
    assert not any(isinstance(each.value, int | float) or each.low or each.of for each in figures)
    assert report_pdf(report, "en", organisation="A", day=DAY).startswith(b"%PDF-")
