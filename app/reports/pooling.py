"""A report over several organisations, of whom each knows its own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.reports.document import Report, Section, Table, Withheld
from app.reports.guarded import HIDDEN

FEWEST = 3
"""Of two organisations each would learn the other's numbers by taking its own away."""

Place = tuple[str, str, str, str]
"""A figure: section, table, row and column."""


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

    def told(section: Section, table: Table) -> Table:
        return table.with_cells(
            lambda row, column, cell: HIDDEN if (section.key, table.key, row.key, column.key) in hidden else cell
        )

    return whole.with_tables(told)


def _hidden(report: Report) -> Iterator[Place]:
    for section in report.sections:
        for table in section.tables:
            for row in table.rows:
                for column, cell in zip(table.columns, row.cells, strict=True):
                    if cell.withheld is Withheld.SMALL_NUMBER:
                        yield section.key, table.key, row.key, column.key
