"""A report over several organisations, of whom each knows its own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.reports.document import Cell, Report, Section, Table, Withheld

FEWEST = 3
"""Of two organisations each would learn the other's numbers by taking its own away."""

Place = tuple[str, str, str, int]
"""A figure: section, table, row, and place in the row."""


def withheld_from_each(whole: Report, without_one: Sequence[Report]) -> Report:
    """Withhold what an organisation could take its own numbers from, and be left with few persons of the others.

    Parameters
    ----------
    whole : Report
        Of all the organisations, after disclosure control.
    without_one : sequence of Report
        For each of them the same report of all the others, after disclosure control of its own: what that organisation
        would be left with.

    Returns
    -------
    Report
        The whole, without the figures that are withheld for small numbers in any of the others.

    Notes
    -----
    To withhold more gives nothing away: whatever could be worked out from the fewer figures could be before.
    """
    hidden = {place for report in without_one for place in _hidden(report)}
    return replace(whole, sections=tuple(_section(section, hidden) for section in whole.sections))


def _hidden(report: Report) -> Iterable[Place]:
    for section in report.sections:
        for table in section.tables:
            for row in table.rows:
                for at, cell in enumerate(row.cells):
                    if cell.withheld is Withheld.SMALL_NUMBER:
                        yield section.key, table.key, row.key, at


def _section(section: Section, hidden: set[Place]) -> Section:
    return replace(section, tables=tuple(_table(section.key, table, hidden) for table in section.tables))


def _table(section: str, table: Table, hidden: set[Place]) -> Table:
    rows = tuple(
        replace(
            row,
            cells=tuple(
                Cell(withheld=Withheld.SMALL_NUMBER) if (section, table.key, row.key, at) in hidden else cell
                for at, cell in enumerate(row.cells)
            ),
        )
        for row in table.rows
    )
    return replace(table, rows=rows)
