"""Learning a curve: which scores it is learnt from, by which it is judged, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.db.codes import CurveState
from app.db.curves import Line, get_curve, learnt_curves
from app.db.models import AuditEvent
from app.db.session import Database
from app.errors import InstrumentNotForChange, NotFound, StateConflict, UnknownInstrument
from app.services.curves import activate
from app.services.learning import Started, find_line, learn, out_of_time
from app.trajectories.curve_files import curve_from_document, curve_to_document, document_hash
from app.trajectories.episodes import Episodes
from app.trajectories.growth import default_curve
from tests.factories import (
    START,
    Clinic,
    administration,
    at,
    created,
    gad_7,
    hold,
    make_clinic,
    make_episode,
    make_programme,
    ok,
    phq_9,
    put,
)
from tests.learnt import (
    DOES_BADLY,
    LINE,
    Asked,
    by,
    by_command,
    fake_methods,
    learn_curve,
    make_courses,
)
from tests.trajectories.held_out import DOES_WELL

Rows = list[tuple[float, float, float]]


def rows_of(episodes: Episodes) -> list[Rows]:
    """Give dose, weeks and score of each series."""
    columns = zip(episodes.doses.tolist(), episodes.weeks.round(6).tolist(), episodes.scores.tolist(), strict=True)
    rows = list(columns)
    return [rows[start:end] for start, end in pairwise(episodes.starts.tolist())]


def learnt_from(database: Database, clinic: Clinic, line: Line = LINE) -> tuple[list[Rows], list[Rows]]:
    """Learn, and give what was learnt from and what was held back."""
    asked = Asked()
    learn_curve(database, clinic, line, fake_methods(asked=asked))
    return rows_of(asked.learnt_from[0]), rows_of(asked.judged_by[0])


# ---- Which episodes


def started(day: int, number: int = 0) -> Started:
    return Started(datetime(2025, 1, day, tzinfo=UTC), UUID(int=number), None, ())


@pytest.mark.parametrize(
    ("days", "older", "newer"),
    [
        ([4, 2, 8, 6, 1, 3, 7, 5], [1, 2, 3, 4, 5, 6], [7, 8]),
        ([4, 2, 3, 1, 5], [1, 2, 3, 4], [5]),
        ([3, 1, 2], [1, 2, 3], []),
        ([], [], []),
    ],
)
def test_the_newest_quarter_is_held_back(days: list[int], older: list[int], newer: list[int]) -> None:
    divided = out_of_time([started(day) for day in days])
    assert [[each.at.day for each in part] for part in divided] == [older, newer]


def test_the_same_episodes_are_held_back_in_whatever_order_they_come() -> None:
    same_day = [started(1, number) for number in (3, 1, 4, 2)]
    assert out_of_time(same_day) == out_of_time(same_day[::-1])
    assert [each.episode_id.int for each in out_of_time(same_day)[1]] == [4]


def test_older_episodes_are_learnt_from_and_the_newest_judge(database: Database, clinic: Clinic) -> None:
    """First scores 20, 18, 16 and 14 in the order of their starts, each 3 points lower a week and a session later."""
    make_courses(clinic)
    learnt, held_back = learnt_from(database, clinic)
    assert sorted(learnt) == [[(0, 0, first), (1, 1, first - 3)] for first in (16, 18, 20)]
    assert held_back == [[(0, 0, 14), (1, 1, 11)]]


def test_scores_lie_where_verdicts_place_them(database: Database, clinic: Clinic) -> None:
    """Waiting time and follow-up are left out, a link says more than the clock, and an ended episode counts."""
    episode = make_episode(clinic, opened_at=at(-20))
    sessions = [hold(clinic, episode, week=week) for week in (0, 2, 4)]
    hold(clinic, week=3)  # nobody came
    for week, total, fields in (
        (-6, 21, {}),  # long before the first session: waiting time
        (-0.5, 19, {}),  # within 28 days before it: the baseline
        (1, 17, {}),
        (2.1, 15, {"treatment_session_id": sessions[1]["id"], "timing": "before"}),
        (5, 12, {}),
    ):
        created(put(clinic.tablet, administration(episode, phq_9(total), week=week, **fields)))
    version = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["version"]
    closing = {"closed_at": at(8), "closing_reason": "completed"}
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, version))
    created(put(clinic.therapist, administration(episode, phq_9(9), week=20, occasion="follow_up")))
    for _ in range(3):
        make_courses(clinic, [10])
    learnt, _ = learnt_from(database, clinic)
    assert [(0, 0, 19), (1, 1.5, 17), (1, 2.6, 15), (3, 5.5, 12)] in learnt


def test_informants_are_never_mixed_and_never_on_both_sides(database: Database, clinic: Clinic) -> None:
    newest = make_courses(clinic)[-1]
    of_patient = f"/v1/patients/{newest['patient_id']}/informants"
    mother = created(clinic.therapist.post(of_patient, {"role": "parent", "label": "mother"}))
    hers = created(put(clinic.therapist, administration(newest, phq_9(9), week=3.1, informant_id=mother["id"])))
    right = {"reason": "she filled it in for him", "accept": ["wrong_informant"]}
    path = f"/v1/administrations/{hers['id']}/corrections"
    created(clinic.therapist.post(path, right, headers={"If-Match": '"1"'}))
    learnt, held_back = learnt_from(database, clinic)
    assert len(learnt) == 3
    assert sorted(held_back) == [[(0, 0, 14), (1, 1, 11)], [(1, 0, 9)]]


def test_only_the_line_s_own_scores_are_read(database: Database, clinic: Clinic) -> None:
    programme, other = (make_programme(clinic, "individual")["id"] for _ in range(2))
    make_courses(clinic, programme_id=programme)
    for episode in make_courses(clinic, [24, 23, 22, 21], programme_id=programme):
        step = {"programme_id": other, "started_at": at(0.5)}
        created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/programmes", step))
        created(put(clinic.tablet, administration(episode, gad_7(10), instrument="gad-7")))
    make_courses(make_clinic(database, clinic.lead.client), [13, 12])
    learnt, held_back = learnt_from(database, clinic)
    assert sorted(rows[0][2] for rows in [*learnt, *held_back]) == [14, 16, 18, 20, 21, 22, 23, 24]


def test_a_programme_learns_beside_the_others_and_is_judged_by_its_own(database: Database, clinic: Clinic) -> None:
    """Both have patients who start in weeks 0, 1, 2 and 3: the last is held back, and with it who started then."""
    own, other = (make_programme(clinic, "individual")["id"] for _ in range(2))
    make_courses(clinic, programme_id=own)
    make_courses(clinic, [24, 23, 22, 21], programme_id=other)
    asked = Asked()
    learn_curve(database, clinic, replace(LINE, programme_id=UUID(own)), fake_methods(asked=asked))
    [strata] = asked.strata
    assert {name: sorted(rows[0][2] for rows in rows_of(of)) for name, of in strata.items()} == {
        "own": [16, 18, 20],
        other: [22, 23, 24],
    }
    assert rows_of(asked.judged_by[0]) == [[(0, 0, 14), (1, 1, 11)]]
    [candidate] = asked.candidates
    default = default_curve("phq-9")
    assert default is not None
    assert candidate.intercept == default.intercept + 3  # what the fake gives the programme of three


def test_a_programme_alone_learns_by_itself(database: Database, clinic: Clinic) -> None:
    programme = make_programme(clinic, "individual")["id"]
    make_courses(clinic, programme_id=programme)
    asked = Asked()
    learn_curve(database, clinic, replace(LINE, programme_id=UUID(programme)), fake_methods(asked=asked))
    assert asked.strata == []


# ---- What is kept


def test_a_candidate_is_kept_with_all_that_it_rests_on(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    asked = Asked()
    now = START + timedelta(weeks=30)
    with by_command(database, clinic, now) as work:
        curve_id = learn(work, LINE, fake_methods(asked=asked, intercept=12.0)).id
    with by(database, clinic.lead) as work:
        kept = get_curve(work, curve_id)
    default = default_curve("phq-9")
    assert default is not None
    assert (asked.priors, asked.present) == ([default], [default])
    [candidate] = asked.candidates
    assert candidate == curve_from_document(kept.parameters)
    assert replace(candidate, key="arcsine-1", version=1, provenance=default.provenance) == replace(
        default, intercept=12.0
    )
    assert candidate.provenance.source == (
        "learnt from 6 scores of 3 of the organisation's own episodes, started from 2026-01-05 to 2026-01-19,"
        " which weigh 37% beside arcsine-1"
    )
    assert (candidate.key, candidate.version, candidate.provenance.status) == ("local-1", 1, "fitted")
    assert (kept.key, kept.revision, kept.version, kept.state, kept.link) == ("local-1", 1, 1, "candidate", "arcsine")
    assert (kept.instrument, kept.form_family, kept.programme_id) == ("phq-9", "self", None)
    assert kept.parameters_hash == document_hash(kept.parameters)
    assert (kept.data_from, kept.data_to) == (date(2026, 1, 5), date(2026, 1, 19))
    assert (kept.n_episodes, kept.n_observations, kept.local_information, kept.made_at) == (3, 6, 0.37, now)
    assert (kept.activated_by, kept.activated_at, kept.retired_by, kept.retired_at) == (None,) * 4
    told = {"key": "arcsine-1", "hash": document_hash(curve_to_document(default)).hex()}
    assert kept.provenance == {
        "prior": told,
        "warnings": ["few_episodes"],
        "estimates": [{"name": "intercept", "estimate": 12.0, "standard_error": 0.8}],
    }
    assert kept.evaluation is not None
    assert kept.evaluation["passed"] is True
    assert kept.evaluation["compared_with"] == told
    assert kept.evaluation["held_back"] == {"episodes": 1, "start": "2026-01-26", "end": "2026-01-26"}
    assert [gate["passed"] for gate in kept.evaluation["gates"]] == [True] * 5


def test_a_curve_that_does_badly_is_kept_too_with_what_was_found(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    unknown = replace(DOES_BADLY, calibration_slope=replace(DOES_WELL.calibration_slope, estimate=float("nan")))
    curve_id = learn_curve(database, clinic, methods=fake_methods(unknown))
    with by(database, clinic.lead) as work:
        evaluation = get_curve(work, curve_id).evaluation
    assert evaluation is not None
    assert evaluation["passed"] is False
    gates = {gate["name"]: gate for gate in evaluation["gates"]}
    assert [name for name, gate in gates.items() if not gate["passed"]] == ["coverage", "calibration"]
    assert gates["coverage"] == {"name": "coverage", "passed": False, "figure": 0.6, "at_least": 0.75, "at_most": 0.85}
    assert gates["calibration"]["figure"] is None
    assert gates["log_score"]["at_most"] is None
    assert evaluation["held_out"]["calibration_slope"]["estimate"] is None


def test_curves_are_numbered_in_their_instrument_and_in_their_line(database: Database, clinic: Clinic) -> None:
    programme = UUID(make_programme(clinic, "individual")["id"])
    make_courses(clinic, programme_id=str(programme))
    own = replace(LINE, programme_id=programme)
    for line in (LINE, own, LINE):
        learn_curve(database, clinic, line)
    with by(database, clinic.lead) as work:
        kept = [(curve.key, curve.programme_id, curve.revision) for curve in learnt_curves(work)]
    assert kept == [("local-3", None, 2), ("local-2", programme, 1), ("local-1", None, 1)]


def test_learning_starts_from_the_published_curve_and_is_judged_beside_the_one_in_force(
    database: Database, clinic: Clinic
) -> None:
    """What was learnt from the same episodes before is no prior: they would count twice."""
    make_courses(clinic)
    first = learn_curve(database, clinic)
    with by(database, clinic.lead) as work:
        activate(work, first, 1)
    asked = Asked()
    learn_curve(database, clinic, methods=fake_methods(asked=asked))
    assert [curve.key for curve in (*asked.priors, *asked.present)] == ["arcsine-1", "local-1"]


def test_whose_scores_were_read_is_noted(database: Database, clinic: Clinic) -> None:
    episodes = make_courses(clinic)
    learn_curve(database, clinic)
    with by(database, clinic.lead) as work:
        [event] = work.db.scalars(select(AuditEvent).where(AuditEvent.action == "learn_curve"))
    assert set(event.patient_ids) == {UUID(episode["patient_id"]) for episode in episodes}


# ---- What is refused


def kept_states(database: Database, clinic: Clinic) -> list[str]:
    with by(database, clinic.lead) as work:
        return [curve.state for curve in learnt_curves(work)]


def test_two_never_learn_at_once(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    stranger = make_clinic(database, clinic.lead.client)
    make_courses(stranger)

    def meanwhile() -> None:
        with pytest.raises(StateConflict, match="is being learnt already"):
            learn_curve(database, clinic)
        with pytest.raises(StateConflict, match="is being learnt already"):
            learn_curve(database, clinic, replace(LINE, form_family="another"))
        learn_curve(database, stranger)

    learn_curve(database, clinic, methods=fake_methods(meanwhile=meanwhile))
    assert kept_states(database, clinic) == [CurveState.CANDIDATE]
    assert kept_states(database, stranger) == [CurveState.CANDIDATE]
    learn_curve(database, clinic)


def test_the_next_may_learn_after_one_has_failed(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        learn_curve(database, clinic, methods=fake_methods(meanwhile=fail))
    assert kept_states(database, clinic) == []
    learn_curve(database, clinic)


def test_a_fit_without_an_end_leaves_nothing(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    with pytest.raises(StateConflict, match="did not converge"):
        learn_curve(database, clinic, methods=fake_methods(converged=False))
    assert kept_states(database, clinic) == []


def test_three_episodes_are_too_few_to_hold_any_back(database: Database, clinic: Clinic) -> None:
    make_courses(clinic, [20, 18, 16])
    make_episode(clinic)  # without a score
    with pytest.raises(StateConflict, match="too few episodes"):
        learn_curve(database, clinic)


def test_without_a_published_curve_there_is_nothing_to_start_from(database: Database, clinic: Clinic) -> None:
    with pytest.raises(StateConflict, match="nothing to start from"):
        learn_curve(database, clinic, Line("core-10", "self"))


def test_an_organisation_that_is_not_there_is_told(database: Database, clinic: Clinic) -> None:
    with pytest.raises(NotFound, match="no such organisation"):
        learn_curve(database, replace(clinic, organisation_id=uuid4()))


def test_a_line_is_found_by_what_people_name(database: Database, clinic: Clinic) -> None:
    programme = UUID(make_programme(clinic, "individual")["id"])
    with by_command(database, clinic) as work:
        assert find_line(work, "phq-9", None, None) == LINE
        assert find_line(work, "phq-9", "self", programme) == replace(LINE, programme_id=programme)
        assert find_line(work, "sdq", "parent-4-17-follow-up", None) == Line("sdq", "parent-4-17")
        with pytest.raises(UnknownInstrument, match="one must be named"):
            find_line(work, "sdq", None, None)
        with pytest.raises(UnknownInstrument):
            find_line(work, "phq-8", None, None)
        with pytest.raises(InstrumentNotForChange):
            find_line(work, "wurs-25", None, None)
        with pytest.raises(NotFound):
            find_line(work, "phq-9", None, uuid4())
