"""What many episodes say: the questions that reports ask of the summaries.

Nothing here is about a person: no cell holds an id of a patient or an episode, and what may be shown of the counts is
for `app.reports.disclosure` to say. Who may ask is for the policy; whose rows they are, row-level security and each
statement say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from app.db.counted import Question
from app.db.pipeline import Statement, statement
from app.reports.cohort import (
    STEPS,
    Attended,
    Change,
    ChangeIn,
    Dimension,
    Ended,
    Event,
    First,
    FollowedUp,
    Held,
    Lasting,
    Measured,
    OfTherapist,
    Pair,
    Period,
    Reached,
    Started,
    Step,
    Unpaired,
)

AGE_BANDS: Final = (13, 18, 25, 45, 65)
"""Where the bands of age begin, years; the first begins at 0."""

NO_CONTACT_DAYS: Final = 60
"""After so many days without contact, with sessions left in the plan, an episode counts as dropped out by that rule."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which closed episodes a report is about, and which measure of them.

    Without a respondent one series stands for the measure in each episode: the main measure, else the patient's own.
    """

    period: Period
    measure: str
    service_id: UUID | None = None
    respondent: str | None = None
    by: Dimension | None = None
    of: tuple[Any, ...] | None = None
    """Values of the dimension, where only those episodes are asked for; none of them: those where it is not known."""
    cuts: tuple[float, float] | None = None
    """Where the thirds of the first score lie, which is known once the first scores have been counted."""


_VALUES: Final = {
    None: "null",
    Dimension.SERVICE: "null",  # which is told beside it anyway
    Dimension.PROGRAMME: "programme_id::text",
    Dimension.PATHWAY: "pathway::text",
    Dimension.SEX: "sex",
    Dimension.AGE_BAND: f"width_bucket(age_years, array[{', '.join(map(str, AGE_BANDS))}])::text",
    Dimension.LANGUAGE: "language",
    Dimension.RESPONDENT: "role",
    Dimension.BASELINE_THIRD: "case when baseline > %(upper)s::float then '3' when baseline > %(lower)s::float then '2'"
    " when baseline is not null then '1' end",
    Dimension.PROBLEM_AREA: "area",
    Dimension.THERAPIST: "therapist_id::text",
    Dimension.INTERVAL: "case when interval_days <= 10 then 'weekly' when interval_days <= 17 then 'fortnightly'"
    " when interval_days > 17 then 'rarer' end",
}

OF_MEASURE_ONLY: Final = frozenset({Dimension.RESPONDENT, Dimension.BASELINE_THIRD})
"""What an episode is only as far as it was measured."""

_EPISODES, _MEASURES = "episode_summaries", "measure_summaries"
_PAIRED: Final = "scores > 1 and dose > 1"
_WITH_SCORES: Final = f"{_PAIRED} and last is not null"

_FOLLOWED: Final = "scores > 0 and dose > 0"
_TIME: Final = "coalesce(first_improved_dose, dose)"
_EVENT: Final = (
    f"case when first_improved_dose is not null then {Event.IMPROVED:d}"
    f" when dropped_out then {Event.DROPPED_OUT:d} else {Event.ENDED:d} end"
)

Cell = TypeVar("Cell")


def _step(sessions: str) -> str:
    return f"width_bucket({sessions}, array[{', '.join(str(step + 1) for step in STEPS)}])"


def _weeks(days: str) -> str:
    return f"({days} + 3) / 7"


def started(asked: Asked) -> Question[Started]:
    """Count the organisation's closed episodes of all years by service, value and sessions held."""
    keys = ("service_id", _value(asked), "least(dose, 2)")
    return _question(_EPISODES, asked, keys, ("count(*)",), "true", Started, everywhere=True)


def measured(asked: Asked) -> Question[Measured]:
    """Count those of them that have the measure by what became of it; without a dimension by first score too.

    With one the cells would be twenty times as many.
    """
    outcome = ("least(dose, 2)", "scores > 1", "change", "case_at_start", "case_at_end")
    first = "baseline" if asked.by is None else "null::float"
    keys = ("service_id", _value(asked), first, *outcome)
    return _question(_MEASURES, asked, keys, ("count(*)",), "scores > 0", Measured, everywhere=True)


def pairs(asked: Asked) -> Question[Pair]:
    """Count the pairs of first and last score among the episodes asked for."""
    return _question(_MEASURES, asked, (_value(asked), "baseline", "last"), ("count(*)",), _WITH_SCORES, Pair)


def lasting(asked: Asked) -> Question[Lasting]:
    """Sum the last scores of the same pairs by the first one, and by where the last one lies."""
    keys = (_value(asked), "baseline", "last_dose", _weeks("last_days"))
    return _question(_MEASURES, asked, keys, ("count(*)", "sum(last)", "sum(last * last)"), _WITH_SCORES, Lasting)


def changes_in_treatment(asked: Asked) -> Question[Change]:
    """Count the same pairs by the points between them, last less first, and the weeks."""
    keys = ("last - baseline", _weeks("last_days"))
    return _question(_MEASURES, asked, keys, ("count(*)",), _WITH_SCORES, Change)


def firsts(asked: Asked) -> Question[First]:
    """Count by when improvement first became reliable, or the episode ended without it."""
    keys = (_value(asked), _TIME, _EVENT)
    return _question(_MEASURES, asked, keys, ("count(*)",), _FOLLOWED, First)


def steps(asked: Asked) -> Question[Step]:
    """Count the same in steps, for all of the organisation."""
    keys = ("service_id", _value(asked), _step(_TIME), _EVENT)
    return _question(_MEASURES, asked, keys, ("count(*)",), _FOLLOWED, Step, everywhere=True)


def reached(asked: Asked) -> Question[Reached]:
    """Count, for all of the organisation, by sessions attended and whether the end was good enough."""
    keys = ("service_id", _step("dose"), "coalesce(change = 1 and not case_at_end, false)")
    return _question(
        _MEASURES, asked, keys, ("count(*)",), f"{_PAIRED} and change is not null", Reached, everywhere=True
    )


def unpaired(asked: Asked) -> Question[Unpaired]:
    """Count the first scores without a later one, though there were two sessions or more."""
    keys = ("baseline", "dose", "interval_days")
    return _question(
        _MEASURES, asked, keys, ("count(*)",), "scores = 1 and dose > 1 and baseline is not null", Unpaired
    )


def of_therapists(asked: Asked) -> Question[OfTherapist]:
    """Sum the pairs of each therapist."""
    products = ("baseline * baseline", "last * last", "baseline * last")
    sums = ("count(*)", *(f"sum({each})" for each in ("baseline", "last", *products)))
    return _question(
        _MEASURES, asked, ("therapist_id",), sums, f"{_WITH_SCORES} and therapist_id is not null", OfTherapist
    )


def changes_in_waiting(asked: Asked) -> Question[ChangeIn]:
    """Count, for all of the organisation, the improvements from the first score of the waiting time to the baseline."""
    keys = ("service_id", "waiting_change", _weeks("waiting_days"))
    return _question(_MEASURES, asked, keys, ("count(*)",), "waiting_change is not null", ChangeIn, everywhere=True)


def changes_at_follow_up(asked: Asked) -> Question[ChangeIn]:
    """Count, for all of the organisation, the improvements from the baseline to the last score after the treatment."""
    keys = ("service_id", "follow_up_change", "null::int")
    return _question(_MEASURES, asked, keys, ("count(*)",), "follow_up_change is not null", ChangeIn, everywhere=True)


def followed_up(asked: Asked) -> Question[FollowedUp]:
    """Count, for all of the organisation, the paired episodes with and without a score after the treatment."""
    keys = ("service_id", "follow_up_change is not null")
    return _question(_MEASURES, asked, keys, ("count(*)",), _PAIRED, FollowedUp, everywhere=True)


def measuring(asked: Asked) -> Question[Held]:
    """Sum the sessions held, and those of them that have a score of the measure."""
    sums = ("count(*)", "sum(dose)", "sum(measured_sessions)")
    return _question(_MEASURES, asked, (), sums, "dose > 0", Held)


def waits(asked: Asked) -> tuple[Question[Attended], ...]:
    """Count by days from opening to the first counted session, by days between sessions, and by sessions held.

    Each is a question of its own, since each is told alone: together they would be far more cells.
    """
    alone = (
        ("waiting_days", "null::int", "null::int"),
        ("null::int", "interval_days", "null::int"),
        ("null::int", "null::int", "least(dose, 60)"),
    )
    return tuple(_question(_EPISODES, asked, keys, ("count(*)",), "true", Attended) for keys in alone)


def endings(asked: Asked) -> Question[Ended]:
    """Count, for all of the organisation, by how episodes ended, with what came of sessions and forms."""
    keys = (
        "service_id",
        "closing_reason",
        "least(dose, 4)",
        "coalesce(missed_last, false)",
        f"coalesce(days_after_last >= {NO_CONTACT_DAYS} and dose < planned_dose, false)",
    )
    sums = (
        "count(*)",
        *(f"sum({each})" for each in ("attended", "cancelled", "no_shows")),
        *(f"sum({each})" for each in ("forms_offered", "forms_completed", "forms_declined", "forms_unable")),
    )
    return _question(_EPISODES, asked, keys, sums, "true", Ended, everywhere=True)


def _value(asked: Asked) -> str:
    return _VALUES[asked.by]


def _question(
    table: str,
    asked: Asked,
    keys: Sequence[str],
    sums: Sequence[str],
    condition: str,
    cell: type[Cell],
    *,
    everywhere: bool = False,
) -> Question[Cell]:
    """Make a question about the episodes asked for, or `everywhere` in the organisation, for disclosure control."""
    lower, upper = asked.cuts or (None, None)
    where = (condition, *_of_measure(asked)) if table == _MEASURES else (condition,)
    if not everywhere and asked.service_id is not None:
        where = (*where, "service_id = %(service_id)s")
    if not everywhere and asked.of is not None:
        where = (*where, f"{_value(asked)} = any(%(of)s)" if asked.of else f"{_value(asked)} is null")
    areas = asked.by is Dimension.PROBLEM_AREA and any("area" in each for each in (*keys, *where))
    parameters = {
        "measure": asked.measure,
        "service_id": asked.service_id,
        "respondent": asked.respondent,
        "of": [str(each) for each in asked.of or ()],
        "lower": lower,
        "upper": upper,
    }
    years = None if everywhere else range(asked.period.first_year, asked.period.last_year + 1)
    return Question(_grouping(table, areas, tuple(keys), tuple(sums), where), parameters, cell, years)


def _of_measure(asked: Asked) -> tuple[str, ...]:
    """Give the condition that one series stands for an episode: for the measure, or for each informant role."""
    if asked.respondent is not None:
        return "measure = %(measure)s", "rank < 2", "role = %(respondent)s"
    return "measure = %(measure)s", "rank < 2" if asked.by is Dimension.RESPONDENT else "rank = 0"


@cache
def _grouping(
    table: str, areas: bool, keys: tuple[str, ...], sums: tuple[str, ...], where: tuple[str, ...]
) -> Statement:
    by_area = " cross join lateral unnest(problem_areas) area" if areas else ""
    whose = ("t.organisation_id = %(organisation_id)s", "closed_year = any(%(years)s::smallint[])", *where)
    places = ", ".join(str(place) for place in range(1, len(keys) + 2))
    return statement(
        f"select {', '.join(('closed_year', *keys, *sums))} from {table} t{by_area}"  # noqa: S608 - our own words
        f" where {' and '.join(whose)} group by {places}"
    )
