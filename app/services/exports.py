"""The export of single episodes for analysts: of who has consented to the use, and de-identified."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from app.db.codes import ConsentUse
from app.db.consents import consenting_patients
from app.db.exports import Case, closed_cases
from app.db.instruments import find_instrument
from app.db.session import Work
from app.errors import MalformedBody
from app.reports.cohort import Period
from app.reports.deidentification import Identified, Quasi, deidentify
from app.reports.summary import COMPOSITE
from app.scales.change import ChangeCategory
from app.services.report_cells import age_bands
from app.services.report_csv import guarded

USES: Final = (ConsentUse.RESEARCH, ConsentUse.QUALITY_REGISTER)
"""What can be exported for; teaching needs no table of everybody."""

_FRAME: Final = ("measure", "role", "year")
_MEASURED: Final = (
    *("rank", "sessions", "first_score", "last_score", "days", "change", "case_at_start", "case_at_end"),
    *("dropped_out", "first_improved_session"),
)
COLUMNS: Final = ("id", *_FRAME, *Quasi._fields, *_MEASURED)

_CHANGES: Final = {
    1: ChangeCategory.RELIABLE_IMPROVEMENT,
    0: ChangeCategory.NO_RELIABLE_CHANGE,
    -1: ChangeCategory.RELIABLE_DETERIORATION,
}
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Export:
    """Rows as they leave the house, in the order of :data:`COLUMNS`, and how many can't."""

    rows: Sequence[tuple[object, ...]]
    left_out: int | None


def export_cases(work: Work, period: Period, measure: str | None, use: ConsentUse, *, threshold: int) -> Export:
    """Give the closed episodes of a period, a row for each measure and informant, de-identified.

    The audit names everybody whose row is given, so that they find the export in their access log.

    Raises
    ------
    MalformedBody
        If nothing is exported for that use.
    UnknownInstrument
        If there is no such measure.
    """
    if use not in USES:
        raise MalformedBody("nothing is exported for this use", pointer="/use", allowed=", ".join(USES))
    if measure not in (None, COMPOSITE):
        find_instrument(work, measure, pointer="/measure")
    cases = closed_cases(work, period, measure, consenting_patients(work, use))
    found = deidentify([_identified(case) for case in cases], threshold)
    work.saw({row.person for row in found.rows})
    work.note(use)
    rows = sorted((str(uuid4()), place) for place in range(len(found.rows)))
    told = [(row_id, *_told(found.rows[place])) for row_id, place in rows]
    return Export(told, found.left_out)


def _told(row: Identified[UUID]) -> tuple[object, ...]:
    return (*row.frame, *row.quasi, *row.measured)


def _identified(case: Case) -> Identified[UUID]:
    bands = age_bands()
    quasi = Quasi(case.service, case.programme, bands[str(case.age_band)], case.language, case.pathway, case.sex)
    change = None if case.change is None else _CHANGES[case.change]
    measured = case._asdict() | {"change": change}
    return Identified(
        case.patient_id,
        tuple(getattr(case, name) for name in _FRAME),
        quasi,
        tuple(measured[name] for name in _MEASURED),
    )


def as_csv(export: Export) -> Iterator[bytes]:
    """Write the rows as comma-separated values, part by part; nothing in a cell is where nothing is known or told."""
    yield _csv([COLUMNS])
    for part in _parts(export):
        yield _csv([[guarded(_as_json(value)) for value in row] for row in part])


def as_json_lines(export: Export) -> Iterator[bytes]:
    """Write each row as a line of JSON, part by part."""
    for part in _parts(export):
        yield "".join(f"{_json(dict(zip(COLUMNS, row, strict=True)))}\n" for row in part).encode()


def _parts(export: Export) -> Iterator[Sequence[tuple[object, ...]]]:
    return (export.rows[first : first + _AT_ONCE] for first in range(0, len(export.rows), _AT_ONCE))


_json: Final[Callable[[Mapping[str, object]], str]] = json.JSONEncoder(ensure_ascii=False).encode


def _as_json(value: object) -> object:
    """Write truth as JSON does."""
    return str(value).lower() if isinstance(value, bool) else value


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
