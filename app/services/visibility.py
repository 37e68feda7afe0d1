"""The one place that says what of a record a person other than the patient may be shown.

An informant's answers are restricted unless they were opened: a parent is shown neither a youth's answers nor any
trace of them, and no more what a teacher or the other parent said in confidence. Whatever shows a record to a parent
takes its rows from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from app.db.codes import InformantRole, Visibility
from app.db.copying import KeptRecord, named_staff
from app.db.models import EarlierValues, Informant


@dataclass(frozen=True, slots=True)
class View:
    """Whose answers a reader may not be shown; nobody's for the patient, whose record it is."""

    hidden: frozenset[UUID] = frozenset()
    hides_patient: bool = False
    """Whether the patient's own answers are among them."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.hidden

    def shows(self, informant_id: UUID | None) -> bool:
        """Tell whether an informant's answers are shown; where it is not known whose they are, only to who sees all."""
        return self.is_whole if informant_id is None else informant_id not in self.hidden


PATIENTS_VIEW = View()


def view_of(reader: Informant, informants: Iterable[Informant]) -> View:
    """Give what an informant may be shown: what they answered themselves, and what was opened.

    Examples
    --------
    A mother sees her own answers, and those of the father if he has opened them; the youth's only if they are open.
    """
    if reader.role == InformantRole.SELF:
        return PATIENTS_VIEW
    hidden = [each for each in informants if each.id != reader.id and each.visibility != Visibility.OPEN]
    return View(frozenset(each.id for each in hidden), any(each.role == InformantRole.SELF for each in hidden))


def view_of_parents(informants: Iterable[Informant]) -> View:
    """Give what every parent may be shown who may read the record, for what is not made for one of them.

    A mother's own answers are hidden where the father is an informant too and she has not opened them; where no
    parent is an informant, only what was opened is shown.
    """
    everybody = list(informants)
    parents = [each for each in everybody if each.role == InformantRole.PARENT]
    hidden = [each for each in everybody if each.visibility != Visibility.OPEN and parents != [each]]
    return View(frozenset(each.id for each in hidden), any(each.role == InformantRole.SELF for each in hidden))


def shown_to(view: View, record: KeptRecord) -> KeptRecord:
    """Give the record without the answers that a reader may not be shown, and without what was made of them.

    Reviews and the pause of an episode don't say which series they rest on, so that their words and causes are left
    out as soon as anything is hidden; a legal hold or a block may be about the reader.
    """
    if view.is_whole:
        return record
    series = [each for each in record.series if view.shows(each.informant_id)]
    informant_of = {each.id: each.informant_id for each in record.series}
    # A form that was ever taken for a hidden informant's is hidden in all its versions.
    hidden_ids = {
        each.id
        for each in record.administrations
        if not view.shows(informant_of.get(each.series_id) if each.series_id else None)
    }
    shown = replace(
        record,
        holds=[],
        blocks=[],
        earlier=[each for each in record.earlier if each.kind in _OPEN_HISTORY],
        assignments=[each for each in record.assignments if view.shows(each.informant_id)],
        goals=[] if view.hides_patient else record.goals,
        series=series,
        administrations=[each for each in record.administrations if each.id not in hidden_ids],
        scores=[each for each in record.scores if each.administration_id not in hidden_ids],
        verdicts=[each for each in record.verdicts if each.administration_id not in hidden_ids],
        alerts=[each for each in record.alerts if each.administration_id not in hidden_ids],
    )
    return replace(shown, staff=[each for each in record.staff if each.id in named_staff(shown)])


_OPEN_HISTORY = frozenset({"patients", "informants", "episodes", "episode_programmes"})
"""Of these earlier values are shown to everybody; those of other rows may repeat what is hidden."""

_TRACES = {
    "episodes": frozenset({"crisis_pause_since", "main_series_id"}),
    "reviews": frozenset({"note", "causes", "dose"}),
}
"""Columns in which hidden answers may leave a trace, by table; they are left empty as soon as anything is hidden."""


def left_empty(view: View, table: str) -> frozenset[str]:
    """Give the columns of a table that are left empty for a reader."""
    return frozenset() if view.is_whole else _TRACES.get(table, frozenset())


def earlier_shown(view: View, row: EarlierValues) -> dict[str, object]:
    """Give what an earlier version said, as far as a reader is shown it."""
    return {name: value for name, value in row.was.items() if name not in left_empty(view, row.kind)}
