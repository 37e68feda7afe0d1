"""What lies ahead, in a trajectory's answer: the figures of the core, in the reader's words."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.api.schemas.prospects import prospect_words
from app.db.codes import OrganisationMode
from app.db.session import Database
from app.texts.catalogue import LANGUAGES
from app.trajectories.course import Course
from app.trajectories.growth import default_curve
from app.trajectories.policy import Plan, Policy
from app.trajectories.prospects import AtEnd, FurtherGain, GainsDue, Plateau, PlateauKind, Prospects, prospects
from tests.api.steps import close, course, set_policy, trajectory_of
from tests.factories import (
    Clinic,
    administration,
    created,
    gad_7,
    make_clinic,
    make_episode,
    make_sessions,
    phq_9,
    put,
)
from tests.trajectories.factories import GAD_7, PHQ_9, a_series

LEVELLED = [16, 12, 9, 6, 4, 2, 1, 2]
"""Close to the good end, at dose 7."""


def prospects_of(clinic: Clinic, totals: list[int], language: str = "en", **plan: Any) -> dict[str, Any]:
    episode, _ = course(clinic, totals, **plan)
    found: dict[str, Any] = trajectory_of(clinic, episode, **{"Accept-Language": language})["prospects"]
    return found


def test_the_figures_are_those_of_the_core(clinic: Clinic) -> None:
    found = prospects_of(clinic, [16, 15, 12, 12], planned_dose=10)
    curve = default_curve("phq-9")
    assert curve is not None
    by_core = prospects(Course(a_series([16, 15, 12, 12]), PHQ_9, curve, Policy(), Plan(planned_dose=10)))
    assert by_core is not None
    assert by_core.end is not None
    assert found["at_end"] == {
        "dose": 10,
        "weeks": 10,
        "reliable_improvement": by_core.end.reliable_improvement,
        "below_cutoff": by_core.end.below_cutoff,
        "reliable_deterioration": by_core.end.reliable_deterioration,
    }
    assert (found["exceedance"], found["natural_share"]) == (by_core.exceedance, by_core.natural_share)
    assert [each["sessions"] for each in found["further_gains"]] == [5, 10]
    assert found["further_gains"][0]["noticeable"] == by_core.gains[0].noticeable
    assert (found["plateau"], found["further_gains_due"]) == (None, None)


def test_the_probabilities_at_the_end_agree_with_the_verdict(clinic: Clinic) -> None:
    episode, _ = course(clinic, [16, 15, 12, 12], planned_dose=10)
    trajectory = trajectory_of(clinic, episode)
    at_end, verdict = trajectory["prospects"]["at_end"], trajectory["verdict"]
    assert at_end["dose"] == verdict["end_dose"]
    assert max(at_end["reliable_improvement"], at_end["below_cutoff"]) == verdict["goal_probability"]
    assert at_end["reliable_deterioration"] == verdict["deterioration_probability"]


def test_a_plateau_is_told_with_what_it_rests_on_and_sets_no_signal(clinic: Clinic) -> None:
    episode, verdicts = course(clinic, LEVELLED, planned_dose=10)
    trajectory = trajectory_of(clinic, episode)
    found = trajectory["prospects"]
    assert found["plateau"]["kind"] == "good_enough"
    assert found["plateau"]["ahead"]["sessions"] == 4
    assert found["further_gains_due"] == "plateau"
    assert trajectory["verdict"] == verdicts[-1]
    assert "plateau" not in {reason["code"] for reason in verdicts[-1]["reasons"]}


def test_by_the_organisation_s_policy(clinic: Clinic) -> None:
    set_policy(clinic, plateau_dose=20)
    assert prospects_of(clinic, LEVELLED, planned_dose=30)["plateau"] is None


def test_after_the_treatment_only_what_has_been_is_told(clinic: Clinic) -> None:
    episode, _ = course(clinic, LEVELLED, planned_dose=10)
    before = trajectory_of(clinic, episode)["prospects"]
    close(clinic, episode, 8)
    after = trajectory_of(clinic, episode)["prospects"]
    for name in ("exceedance", "natural_share"):
        assert after[name] == before[name] is not None
    assert (after["at_end"], after["plateau"], after["further_gains"], after["further_gains_due"]) == (
        None,
        None,
        [],
        None,
    )


def test_nothing_is_told_in_record_mode(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    assert prospects_of(clinic, LEVELLED) is None


def test_nothing_is_told_before_a_session_counts(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    created(put(clinic.tablet, administration(episode, phq_9(16))))
    assert trajectory_of(clinic, episode)["prospects"] is None


def test_where_no_natural_course_is_known_it_says_so(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 3)
    for week, total in enumerate([15, 12, 9]):
        created(put(clinic.tablet, administration(episode, gad_7(total), week=week, instrument="gad-7")))
    found = trajectory_of(clinic, episode, "?instrument=gad-7", **{"Accept-Language": "en"})["prospects"]
    assert found["natural_share"] is None
    assert found["words"]["natural_share"].startswith("Unknown")
    assert {gain["natural"] for gain in found["further_gains"]} == {None}
    assert all(words.endswith("over the same weeks is unknown.") for words in found["words"]["further_gains"])


@pytest.mark.parametrize(
    ("language", "improvement", "share"),
    [
        ("nb", "Beregnet sannsynlighet for pålitelig bedring etter 10", "lignende personer ville trolig"),
        ("nn", "Utrekna sannsyn for påliteleg betring etter 10", "liknande personar ville truleg"),
        ("en", "Estimated probability of reliable improvement after 10", "similar people would probably"),
    ],
)
def test_in_the_reader_s_words(clinic: Clinic, language: str, improvement: str, share: str) -> None:
    words = prospects_of(clinic, [16, 15, 12, 12], language, planned_dose=10)["words"]
    assert words["language"] == language
    assert words["at_end"][0].startswith(improvement)
    assert len(words["at_end"]) == 3
    assert share in words["natural_share"]


# ---- The words by themselves

GAIN = FurtherGain(5, 5.0, 1.25, 0.4, -0.04)


def told(**parts: Any) -> Prospects:
    nothing = {"end": None, "exceedance": None, "natural_share": None, "plateau": None, "gains": (), "gains_due": None}
    return Prospects(**nothing | parts)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "Færre enn 1 av 100"),
        (0.0099, "Færre enn 1 av 100"),
        (0.01, "Omtrent 1 av 100"),
        (0.274, "Omtrent 27 av 100"),
        (0.99, "Omtrent 99 av 100"),
        (0.9901, "Nesten alle"),
    ],
)
def test_how_many_of_a_hundred(share: float, words: str) -> None:
    said = prospect_words(told(natural_share=share), "phq-9", "nb").natural_share
    assert said is not None
    assert said.startswith(f"{words} lignende personer ville trolig ha vært minst så ")


def test_without_improvement_nothing_is_compared() -> None:
    assert prospect_words(told(), "phq-9", "nb").natural_share is None


def test_a_gain_is_said_beside_what_time_alone_gives() -> None:
    [said] = prospect_words(told(gains=(GAIN,)), "phq-9", "nb").further_gains
    assert said == (
        "Forventet videre bedring på de neste 5 timene: 1,3 poeng. Sannsynlighet for en merkbar bedring: 40 %. "
        "Tiden alene ville trolig ha gitt lignende personer en bedring på 0 poeng i de samme ukene."
    )


def test_what_nobody_knows_of_a_gain_is_not_said() -> None:
    [said] = prospect_words(told(gains=(FurtherGain(5, 5.0, 1.0, None, None),)), "gad-7", "en").further_gains
    assert said == (
        "Expected further improvement over the next 5 sessions, in points: 1. "
        "What time alone would have given over the same weeks is unknown."
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", PlateauKind)
def test_every_kind_of_plateau_has_its_words(kind: PlateauKind, language: str) -> None:
    words = prospect_words(told(plateau=Plateau(kind, GAIN, 1.7)), "phq-9", language).plateau
    assert words is not None
    assert "40" in words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_showing_the_gains_has_its_words(language: str) -> None:
    said = {prospect_words(told(gains=(GAIN,), gains_due=due), "phq-9", language).further_gains_due for due in GainsDue}
    assert len(said) == 3


def test_only_what_has_a_probability_is_said_of_the_end() -> None:
    [words] = prospect_words(told(end=AtEnd(10, 10.0, None, 0.5, None)), "phq-9", "en").at_end
    assert words == "Estimated probability of a score outside the clinical range after 10 sessions: 50%."


@given(
    st.sampled_from(["phq-9", "gad-7"]),
    st.lists(st.integers(-4, 4), max_size=14),
    st.sampled_from([None, 5, 10, 30]),
    st.booleans(),
)
def test_no_course_lacks_words(instrument: str, steps: list[int], planned: int | None, ended: bool) -> None:
    curve, criteria = default_curve(instrument), PHQ_9 if instrument == "phq-9" else GAD_7
    assert curve is not None
    scores = list(accumulate(steps, lambda score, step: min(21, max(0, score + step)), initial=14))
    found = prospects(Course(a_series(scores), criteria, curve, Policy(), Plan(planned_dose=planned)), ended=ended)
    assert found is not None
    for language in LANGUAGES:
        said = prospect_words(found, instrument, language).model_dump_json()
        assert "None" not in said
        assert "{}" not in said
