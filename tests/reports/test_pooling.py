"""What is withheld of a report over several organisations, since each of them knows its own numbers."""

from __future__ import annotations

from dataclasses import replace

from app.reports.document import Cell, Column, Kind, Report, Row, Section, Table, Withheld
from app.reports.pooling import withheld_from_each

SMALL = Cell(withheld=Withheld.SMALL_NUMBER)
UNKNOWN = Cell(withheld=Withheld.UNKNOWN)


def report(**rows: tuple[Cell, ...]) -> Report:
    columns = (Column("count", Kind.COUNT), Column("share", Kind.SHARE))
    table = Table("outcomes", columns, tuple(Row(key, cells) for key, cells in rows.items()))
    return Report("pooled", (), (), (Section("outcomes", (table, replace(table, key="another"))),))


def test_what_one_of_them_would_be_left_with_is_withheld_from_all() -> None:
    # Three organisations had 12, 3 and 4 better. Without the first, 7 are left: fewer than eight.
    whole = report(better=(Cell(19), Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(40), Cell(0.9)))
    without = [
        report(better=(SMALL, Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(20), Cell(0.9))),
        report(better=(Cell(16), Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(30), UNKNOWN)),
        report(better=(Cell(15), Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(30), Cell(0.9))),
    ]
    expected = report(better=(SMALL, Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(40), Cell(0.9)))
    assert withheld_from_each(whole, without) == expected


def test_a_row_that_only_one_of_them_has_stays_as_it_is() -> None:
    # Without that one nobody is left in it, which may be told.
    whole = report(better=(Cell(19), Cell(0.5)), same=(Cell(40), Cell(0.9)))
    assert withheld_from_each(whole, [report(same=(Cell(20), Cell(0.9)))]) == whole


def test_the_same_row_of_another_table_is_another_row() -> None:
    whole = report(better=(Cell(19), Cell(0.5)))
    [section] = report(better=(SMALL, SMALL)).sections
    only_the_first = replace(whole, sections=(replace(section, tables=section.tables[:1]),))
    found = withheld_from_each(whole, [only_the_first]).sections[0].tables
    assert [table.rows[0].cells for table in found] == [(SMALL, SMALL), (Cell(19), Cell(0.5))]
