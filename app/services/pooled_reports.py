"""A report over several organisations: each is read in a transaction of its own, and none of them is told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from app.db import reports as questions
from app.db.access_log import organisation_name
from app.db.counted import Counting, Question, count
from app.db.ids import uuid7
from app.db.session import Access, Database, Work
from app.errors import InvalidInput, StateConflict
from app.reports.document import Fact, Note, Report
from app.reports.guarded import Where
from app.reports.pooling import FEWEST, withheld_from_each
from app.reports.summary import COMPOSITE
from app.scales.catalogue import instrument as find_instrument
from app.scales.change import ChangeCriteria
from app.services.organisations import machine_scope
from app.services.report_cells import by_dimension
from app.services.report_request import Gathered, ReportRequest
from app.services.reports import OF_MANY, facts_of, notes_of
from app.services.settings import current_settings

_ACTION: Final = "make_pooled_report"


def pooled_report(
    database: Database, organisation_ids: Sequence[UUID], request: ReportRequest, *, threshold: int
) -> Report:
    """Give the report of outcomes of several organisations together, and note it in the audit of each.

    Parameters
    ----------
    database : Database
        With the role of the application, to which one organisation at a time is visible.
    organisation_ids : sequence of UUID
        Three or more.
    request : ReportRequest
        Period, measure and respondent; of no service and of no one value.
    threshold : int
        Of how few persons nothing is told; nor of what is left of a figure without any one of the organisations.

    Raises
    ------
    InvalidInput
        If they are too few, or one is named twice.
    NotFound
        If there is no such organisation.
    StateConflict
        If one of them has not agreed, or fewer than three have somebody with the measure.
    UnknownInstrument
        If there is no such measure.
    """
    ids = [str(each) for each in organisation_ids]
    if len(set(ids)) != len(ids) or len(ids) < FEWEST:
        raise InvalidInput(f"a pooled report is of {FEWEST} organisations or more, each named once")
    criteria = _criteria(request.measure)
    agreed = _Agreed(database, uuid7())
    names = {each: agreed.name(each) for each in ids}
    _require_enough_of_them(agreed.counting(ids), ids, request)
    whole, *others = (
        _report(agreed.counting(some), {each: names[each] for each in some}, request, criteria, threshold)
        for some in (ids, *([other for other in ids if other != each] for each in ids))
    )
    return withheld_from_each(whole, others)


def _require_enough_of_them(counting: Counting, ids: Sequence[str], request: ReportRequest) -> None:
    """Refuse a report that would be of one or two of them, since the others have nobody in it."""
    [measured] = counting(questions.measured(request.asked))
    those_with_some = {cell.service for cell in measured if request.period.holds(cell.year)}
    if len(those_with_some) < FEWEST:
        without = ", ".join(each for each in ids if each not in those_with_some)
        raise StateConflict(
            f"fewer than {FEWEST} of the organisations have closed episodes with the measure in the period",
            allowed=f"other organisations, or a longer period, in place of {without}",
        )


def _criteria(measure: str) -> ChangeCriteria | None:
    """Give the criteria of change; an instrument of one organisation's own is not the others'."""
    if measure == COMPOSITE:
        return None
    found = find_instrument(measure)
    return found.forms[0].subscale(found.main_subscale).criteria


@dataclass(slots=True)
class _Agreed:
    """Organisations that have agreed; the cells of each are read once, so that all the reports are of the same ones."""

    database: Database
    request_id: UUID
    read: dict[tuple[str, str, tuple[int, ...] | None], list[Any]] = field(default_factory=dict)

    def name(self, organisation_id: str) -> str:
        """Give the name of one of them."""
        with self._work(organisation_id) as work:
            return organisation_name(work)

    def counting(self, organisation_ids: Sequence[str]) -> Counting:
        """Give what counts in some of the organisations as if each were a service of one."""

        def counted(*asked: Question[Any]) -> list[list[Any]]:
            by_organisation = [self._of_one(each, asked) for each in organisation_ids]
            return [[cell for cells in of_all for cell in cells] for of_all in zip(*by_organisation, strict=True)]

        return counted

    def _of_one(self, organisation_id: str, asked: Sequence[Question[Any]]) -> list[list[Any]]:
        keys = [
            (organisation_id, each.key, None if each.years is None else tuple(sorted(each.years))) for each in asked
        ]
        if any(key not in self.read for key in keys):
            with self._work(organisation_id) as work:
                if not any(key[0] == organisation_id for key in self.read):
                    work.note()  # once, and only where something is read
                for key, cells in zip(keys, count(work, *asked), strict=True):
                    self.read[key] = [_renamed(cell, organisation_id) for cell in cells]
        return [self.read[key] for key in keys]

    @contextmanager
    def _work(self, organisation_id: str) -> Iterator[Work]:
        """Open a transaction of one of them, in which it has agreed: it may say no at any time."""
        with self.database.work(machine_scope(UUID(organisation_id)), Access(_ACTION, self.request_id)) as work:
            if not current_settings(work).pools_reports:
                raise StateConflict(
                    f"the organisation {organisation_id} has not agreed to be part of a report over several",
                    allowed="organisations with the setting pools_reports",
                )
            yield work


def _renamed(cell: Any, organisation_id: str) -> Any:
    return cell._replace(service=organisation_id) if "service" in cell._fields else cell


def _report(
    counting: Counting,
    names: Mapping[str, str],
    request: ReportRequest,
    criteria: ChangeCriteria | None,
    threshold: int,
) -> Report:
    asked = request.asked
    whole = by_dimension(counting, asked, list(names), threshold)
    where = Where(request.period, None)
    gathered = Gathered(None, counting, request, asked, threshold, names, {}, criteria, None, whole, where)
    _, *facts = facts_of(gathered)  # the first is of which service
    return Report(
        "pooled",
        (Fact("organisations", ", ".join(sorted(names.values()))), *facts),
        (Note("put_together", {"threshold": threshold}), *notes_of(gathered)),
        tuple(section(gathered) for section in OF_MANY),
    )
