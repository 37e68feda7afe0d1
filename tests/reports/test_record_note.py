"""The note for the patient record: which sentences there are, and how they read; each written out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from app.reports.record_note import (
    AlertFacts,
    Dated,
    MainFacts,
    MeasureFacts,
    NoteFacts,
    ReviewFacts,
    VerdictFacts,
    composed,
)
from app.scales.change import ChangeCategory
from app.texts.record_note import in_words

FIRST, LATER = Dated(18, date(2026, 3, 2)), Dated(9, date(2026, 5, 4))


def codes(facts: NoteFacts) -> list[str]:
    return [each.code for each in composed(facts)]


def said(facts: NoteFacts, language: str) -> list[str]:
    return [in_words(each, language) for each in composed(facts)]


def of_main(**more: object) -> NoteFacts:
    return NoteFacts(held=8, main=MainFacts(MeasureFacts("PHQ-9", "self", FIRST, LATER), **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (NoteFacts(held=0), "Det er gjennomført 0 timer."),
        (NoteFacts(held=1), "Det er gjennomført én time."),
        (NoteFacts(held=1, programme="Korttid"), "Det er gjennomført én time i programmet Korttid."),
        (NoteFacts(held=1, planned=8), "Det er gjennomført 1 av 8 planlagte timer."),
        (
            NoteFacts(held=3, planned=8, programme="Korttid"),
            "Det er gjennomført 3 av 8 planlagte timer i programmet Korttid.",
        ),
    ],
)
def test_sessions_held(facts: NoteFacts, sentence: str) -> None:
    assert said(facts, "nb")[0] == sentence
    assert codes(facts)[1:] == ["no_score"]


def test_a_course_from_case_to_none() -> None:
    facts = of_main(
        first_band="moderately_severe",
        newest_band="mild",
        change=ChangeCategory.RELIABLE_IMPROVEMENT,
        cutoff=10,
        was_case=True,
    )
    assert codes(facts) == ["held", "scores", "fallen", "outside_clinical_range"]
    assert said(facts, "en")[1].startswith("PHQ-9 was 18 (m")
    assert said(facts, "nb")[2].startswith("Skåren har gått ned 9 poeng: ")


def test_what_is_said_of_other_starts() -> None:
    worse = MeasureFacts("ORS", "parent", LATER, FIRST)
    facts = NoteFacts(held=8, main=MainFacts(worse, cutoff=25, is_case=True, late_baseline=3, coefficient=0.614))
    assert codes(facts) == [
        "held",
        "scores",
        "risen_not_judged",
        "with_caution",
        "in_clinical_range",
        "started_below_cutoff",
        "late_baseline",
    ]
    assert "0,61" in said(facts, "nn")[3]
    assert "0.61" in said(facts, "en")[3]
    same = MeasureFacts("PHQ-9", "self", FIRST, FIRST)
    assert codes(NoteFacts(held=2, main=MainFacts(same)))[2] == "unchanged_not_judged"
    once = NoteFacts(held=2, main=MainFacts(MeasureFacts("PHQ-9", "self", FIRST), cutoff=10, is_case=True))
    assert codes(once) == ["held", "only_score", "in_clinical_range"]


def test_other_measures_are_clauses_of_one_sentence() -> None:
    others = (MeasureFacts("GAD-7", "self", FIRST, LATER), MeasureFacts("SDQ", "parent", FIRST))
    sentence = said(NoteFacts(held=8, others=others), "nb")[2]
    assert sentence.startswith("Andre målinger: GAD-7 gikk fra 18 (2.3.2026) til 9 (4.5.2026); SDQ (")
    assert sentence.endswith(") var 18 (2.3.2026).")


def test_what_decision_support_and_people_have_said() -> None:
    day = date(2026, 5, 4)
    facts = NoteFacts(
        held=8,
        verdict=VerdictFacts("verdict_word.as_expected", day, stale=True),
        paused_since=day,
        alerts=AlertFacts(2, day),
        review=ReviewFacts(day, "continue", with_patient=True),
        goals_set=3,
        goals_reached=1,
        review_due=day,
        planned_end=day,
        set_aside=1,
    )
    assert codes(facts)[2:] == [
        *("verdict", "stale", "crisis_pause", "alerts_open", "reviewed_with_patient", "goals", "review_due"),
        *("planned_end", "set_aside"),
    ]
    closed = NoteFacts(
        held=8,
        verdict=VerdictFacts("verdict_word.as_expected", day),
        alerts=AlertFacts(0, day, assessed_on=day),
        review=ReviewFacts(day, "step_up", with_patient=False),
        review_due=day,
        closed_on=day,
    )
    assert codes(closed)[2:] == ["verdict", "alert_assessed", "reviewed_without_patient", "closed"]
    assert "alert_assessed" not in codes(NoteFacts(held=8, alerts=AlertFacts(0, day)))
    assert said(closed, "nb")[-1].endswith("4.5.2026.")
