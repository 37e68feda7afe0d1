"""Every reason of a real verdict can be said in every language, with the figures that it really carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scales.catalogue import instrument
from app.scales.change import ChangeCriteria
from app.texts.catalogue import LANGUAGES, say, say_of
from app.trajectories.few_occasions import known_of
from app.trajectories.few_verdicts import FEW_OCCASIONS, FewScores, assess_few
from app.trajectories.policy import Flagging, Plan, Policy
from app.trajectories.progress import Progress, Reason, ReasonCode
from app.trajectories.tracking import assess, disagreement
from tests.trajectories.factories import GAD_7, PHQ_9, a_curve, a_series

NOT_OF_ONE_SERIES = {ReasonCode.NO_COUNTED_SESSION, ReasonCode.MEASURES_DISAGREE, ReasonCode.INFORMANTS_DISAGREE}
"""Reasons that callers of the tracking add, without figures that a sentence may rest on."""

USUAL, UNPLANNED = Policy(), Plan()


@dataclass(frozen=True, slots=True)
class Course:
    """A patient's weekly scores, and what they are held against."""

    scores: Sequence[float]
    instrument: str = "phq-9"
    criteria: ChangeCriteria = PHQ_9
    policy: Policy = USUAL
    plan: Plan = UNPLANNED
    reviewed_doses: Sequence[int] = ()
    first_dose: int = 0

    def verdicts(self) -> Iterator[Progress]:
        series = a_series(self.scores, first_dose=self.first_dose)
        for index in range(len(self.scores)):
            verdict = assess(
                series.until(index),
                self.criteria,
                a_curve(self.instrument),
                self.policy,
                self.plan,
                reviewed_doses=self.reviewed_doses,
            )
            if verdict is not None:
                yield verdict


ARCHETYPES = {
    "as expected": Course([16, 14, 13, 12, 11]),
    "early responder": Course([16, 12, 9, 7]),
    "late responder": Course([16, 16, 16, 16, 16, 16, 16, 12, 9, 7]),
    "no change": Course([16] * 11),
    "no change, flagged early": Course([16] * 5, policy=Policy(flagging=Flagging.EARLY)),
    "no change, reviewed": Course([16] * 10, reviewed_doses=[7]),
    "no change, short plan": Course([16] * 5, plan=Plan(planned_dose=5)),
    "no change, pathway 3": Course([16] * 5, plan=Plan(pathway=3)),
    "worse": Course([14, 15, 17, 20, 21]),
    "slowly worse": Course([14, 15, 16, 17, 18, 19, 19]),
    "below the cut-off": Course([7, 7, 6, 6, 7]),
    "crisis": Course([14, 20], plan=Plan(crisis_pause=True)),
    "late baseline": Course([16, 15, 14], first_dose=4),
    "gad-7": Course([15] * 9, "gad-7", GAD_7),
}


def sentences(reason: Reason) -> dict[str, str]:
    return {language: say(f"reason.{reason.code}", language, reason.evidence) for language in LANGUAGES}


def all_reasons() -> list[Reason]:
    return [reason for course in ARCHETYPES.values() for verdict in course.verdicts() for reason in verdict.reasons]


def test_the_archetypes_give_every_reason_that_one_series_can_give() -> None:
    assert {reason.code for reason in all_reasons()} == set(ReasonCode) - NOT_OF_ONE_SERIES


@pytest.mark.parametrize("name", ARCHETYPES)
def test_every_reason_is_said_with_its_figures(name: str) -> None:
    for verdict in ARCHETYPES[name].verdicts():
        for reason in verdict.reasons:
            for sentence in sentences(reason).values():
                assert not set("{}") & set(sentence)
                assert "None" not in sentence


_COURSES = st.builds(
    Course,
    scores=st.lists(st.integers(0, 27), min_size=1, max_size=9),
    criteria=st.sampled_from([PHQ_9, ChangeCriteria(0, 27), ChangeCriteria(0, 27, cutoff=10)]),
    policy=st.builds(Policy, flagging=st.sampled_from(Flagging)),
    plan=st.builds(
        Plan,
        planned_dose=st.none() | st.integers(1, 20),
        pathway=st.none() | st.integers(1, 3),
        crisis_pause=st.booleans(),
    ),
    reviewed_doses=st.lists(st.integers(0, 9), max_size=2),
    first_dose=st.integers(0, 4),
)


@given(_COURSES)
def test_no_course_lacks_a_figure_that_a_sentence_shows(course: Course) -> None:
    for verdict in course.verdicts():
        for reason in verdict.reasons:
            assert set(sentences(reason)) == set(LANGUAGES)


CHILDREN = {
    "first": [20],
    "better": [20, 10],
    "no change": [20, 19],
    "worse": [20, 30, 31],
}


@pytest.mark.parametrize("name", CHILDREN)
@pytest.mark.parametrize("plan", [Plan(), Plan(planned_dose=1), Plan(crisis_pause=True)])
@pytest.mark.parametrize("first_dose", [0, 4])
@pytest.mark.parametrize(
    ("key", "form"), [("sdq", "parent-4-17"), ("core-10", None), ("ors", "adult"), ("pcl-5", None)]
)
def test_every_reason_of_a_few_scores_is_said_with_its_figures(
    name: str, plan: Plan, first_dose: int, key: str, form: str | None
) -> None:
    known = known_of(instrument(key).form(form).subscale(instrument(key).main_subscale))
    assert known is not None
    series = a_series(CHILDREN[name], first_dose=first_dose)
    verdicts = assess_few(FewScores(series, known, USUAL, plan))
    assert len(verdicts) == len(CHILDREN[name])
    for verdict in verdicts:
        for reason in verdict.reasons:
            for language in LANGUAGES:
                sentence = say_of(FEW_OCCASIONS, f"reason.{reason.code}", language, reason.evidence)
                assert not set("{}") & set(sentence)
                assert "None" not in sentence


def test_a_few_scores_are_said_in_figures() -> None:
    known = known_of(instrument("sdq").form("parent-4-17").subscale("total_difficulties"))
    assert known is not None
    series = a_series([20, 19], interval_weeks=26)
    *_, verdict = assess_few(FewScores(series, known, USUAL, UNPLANNED))
    [reason] = verdict.reasons
    # 9 points, 12 to 22: by hand in tests/trajectories/test_few_occasions.py.
    assert say_of(FEW_OCCASIONS, f"reason.{reason.code}", "nb", reason.evidence) == (
        "I uke 26 er skåren 19, mot 20 ved start: ikke pålitelig bedring, som er minst 9 poeng og utenfor området fra"
        " 12 til 22. Gå sammen gjennom samarbeidet, målene, livshendelser og om hjelpen passer."
    )


def test_a_deterioration_is_said_in_figures() -> None:
    # 14 to 20 and to 21 is 6 and 7 points worse; reliable change of the PHQ-9 is 6 (NHS Talking Therapies manual).
    *_, verdict = Course([14, 20, 21]).verdicts()
    assert sentences(verdict.reasons[0]) == {
        "nb": "Skåren har gått fra 14 til 21, og målingen før var også pålitelig dårligere (6 poeng eller mer).",
        "nn": "Skåren har gått frå 14 til 21, og målinga før var òg påliteleg dårlegare (6 poeng eller meir).",
        "en": "The score went from 14 to 21, and the one before was reliably worse too (a change of 6 or more).",
    }


def test_a_first_score_is_counted_as_one() -> None:
    *_, verdict = Course([16]).verdicts()
    assert sentences(verdict.reasons[0])["nb"] == (
        "Antall skårer er 1, antall gjennomførte timer 0. Utviklingen vurderes når tallene er minst 2 og 3."
    )


@pytest.mark.parametrize("code", [ReasonCode.MEASURES_DISAGREE, ReasonCode.INFORMANTS_DISAGREE])
def test_a_disagreement_is_said(code: ReasonCode) -> None:
    *_, main = Course([16, 12, 9, 7]).verdicts()
    *_, other = Course([14, 20]).verdicts()
    (reason,) = disagreement(main.standing, {"other": other.standing}, code)
    assert all(sentences(reason).values())


@pytest.mark.parametrize("code", sorted(NOT_OF_ONE_SERIES))
def test_what_callers_add_needs_no_figures(code: ReasonCode) -> None:
    assert all(sentences(Reason(code, {})).values())
