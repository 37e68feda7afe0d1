"""The added value of the SDQ as a line of a report: of groups of children, by their parents."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from app.db.added_value import sums_of_children
from app.db.session import Work
from app.reports.cohort import Period
from app.reports.document import Cell, Note, Row, Table
from app.reports.guarded import HIDDEN
from app.reports.rounding import rounded
from app.scales.added_value import of_means
from app.scales.instrument import InformantRole

MEASURE: Final = "sdq"
RESPONDENT: Final = InformantRole.PARENT
"""By parents' reports alone: there is no formula for others'."""


def with_added_value(
    work: Work, table: Table, period: Period, service_id: UUID | None, told: int | None, threshold: int
) -> Table:
    """Add the line of the added value to the table of comparisons.

    It is withheld where the number of pairs of scores is, and where fewer children than may be told have all that the
    formula needs. Number and interval are those of the rounded number, since the interval follows from it alone.
    """
    [[sums]] = work.ask_all(sums_of_children(work, period, service_id))
    cells: tuple[Cell, ...] = (HIDDEN,) * len(table.columns)
    if told is not None and sums.children >= max(threshold, 2):
        children = rounded(sums.children) if threshold > 1 else sums.children
        total, impact, emotional, later = (float(each) / sums.children for each in sums[1:])
        found = of_means(children, total, impact, emotional, later)
        observed = total - later
        cells = (
            Cell(children),
            Cell(observed),
            Cell(observed - found.mean),
            Cell(found.mean, found.low, found.high),
        )
    notes = (*table.notes, Note("added_value"), Note("groups_only"))
    return replace(table, rows=(*table.rows, Row("added_value", cells)), notes=notes)
