"""`spor track`: a verdict on each score of a file, from the scores up to it; without server or database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
import typer

from app.cli.curve_options import CurveFile, curve_of
from app.cli.files import require
from app.cli.jsonlines import print_json
from app.cli.long_files import (
    Columns,
    DoseColumn,
    DropNegative,
    File,
    IdColumn,
    LongTable,
    ScoreColumn,
    TimeColumn,
    WeeksColumn,
    read_long,
)
from app.cli.scales import (
    BetterEnd,
    Cutoff,
    Form,
    Instrument,
    Maximum,
    Minimum,
    ReliableChange,
    ScaleOptions,
)
from app.trajectories.course import Course
from app.trajectories.policy import Flagging, Plan, Policy
from app.trajectories.progress import Progress
from app.trajectories.prospects import Prospects, prospects
from app.trajectories.series import LATEST_PROPER_BASELINE_DOSE, Observation, Phase, Series
from app.trajectories.tracking import assess_many

_ANY_DAY = datetime(2000, 1, 3, tzinfo=UTC)
"""Files tell weeks, and verdicts rest on nothing else; an observation has a time of day all the same."""


def track(
    file: File,
    instrument: Instrument = None,
    form: Form = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    better: BetterEnd = None,
    reliable_change: ReliableChange = None,
    cutoff: Cutoff = None,
    curve_file: CurveFile = None,
    id_column: IdColumn = "id",
    time_column: TimeColumn = None,
    dose_column: DoseColumn = None,
    weeks_column: WeeksColumn = None,
    score_column: ScoreColumn = "score",
    drop_negative: DropNegative = False,
    policy: Annotated[Flagging, typer.Option(help="When a flat course turns yellow.")] = Flagging.PENDING,
    planned_dose: Annotated[int | None, typer.Option(min=1, help="Sessions planned for everybody.")] = None,
    interval_days: Annotated[int, typer.Option(min=1, help="Planned days between sessions.")] = 7,
) -> None:
    """Judge each score of a long CSV by those up to it: one line of JSON for each, episode by episode.

    The first score of an episode is its baseline. Doses are counted sessions before the score.
    """
    options = ScaleOptions(instrument, form, minimum, maximum, better, reliable_change, cutoff)
    scale = options.required()
    curve = curve_of(scale, curve_file)
    columns = Columns.named(id_column, time_column, dose_column, weeks_column, score_column)
    table = read_long(file, columns, drop_negative=drop_negative)
    _refuse_unplaced(table)
    held_against = (scale.criteria, curve, Policy(flagging=policy), Plan(planned_dose, interval_days))
    courses = [Course(series, *held_against) for series in _series(table)]
    for name, course, verdicts in zip(table.ids, courses, assess_many(courses), strict=True):
        for place, verdict in enumerate(verdicts):
            seen = Course(course.series.until(place), *held_against)
            print_json({"id": name, **_told(verdict, prospects(seen))})


def _refuse_unplaced(table: LongTable) -> None:
    """Refuse doses that are no number of sessions."""
    doses = table.episodes.doses
    require(bool((doses == np.floor(doses)).all()), "each dose must be a whole number of sessions")


def _series(table: LongTable) -> Iterator[Series]:
    episodes = table.episodes
    for place in range(episodes.count):
        rows = range(episodes.starts[place], episodes.starts[place + 1])
        start = float(episodes.weeks[rows[0]])
        observations = tuple(
            Observation(
                administration_id=row,
                completed_at=_ANY_DAY + timedelta(weeks=float(episodes.weeks[row])),
                score=float(episodes.scores[row]),
                dose=int(episodes.doses[row]),
                weeks=float(episodes.weeks[row]) - start,
                phase=Phase.TREATMENT,
            )
            for row in rows
        )
        late = observations[0].dose > LATEST_PROPER_BASELINE_DOSE
        yield Series(observations, 0, late, max(each.dose for each in observations))


def _told(verdict: Progress, ahead: Prospects | None) -> dict[str, Any]:
    assert ahead is not None, "what has a verdict is treated"
    end = ahead.end
    return {
        "dose": verdict.dose,
        "weeks": verdict.weeks,
        "score": verdict.score,
        "baseline": verdict.baseline,
        "improvement": verdict.improvement,
        "change": verdict.change,
        "expected": verdict.expected,
        "band": verdict.band,
        "end_dose": verdict.end_dose,
        "probabilities": {
            "goal_by_end": verdict.probabilities.goal_by_end,
            "reliable_improvement_by_end": end and end.reliable_improvement,
            "below_cutoff_by_end": end and end.below_cutoff,
            "deterioration_by_end": verdict.probabilities.deterioration_by_end,
            "established_change": verdict.probabilities.established_change,
            "exceedance": ahead.exceedance,
            "natural_share": ahead.natural_share,
        },
        "responder_state": verdict.responder_state,
        "signal": verdict.signal,
        "signal_reason": verdict.signal_reason,
        "reasons": [{"code": reason.code, "evidence": reason.evidence} for reason in verdict.reasons],
        "plateau": ahead.plateau.kind if ahead.plateau else None,
        "further_gain": [
            {"sessions": each.sessions, "expected": each.expected, "natural": each.natural} for each in ahead.gains
        ],
        "curve": verdict.curve_version,
    }
