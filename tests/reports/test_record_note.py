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
    Sentence,
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


def clauses(facts: NoteFacts, code: str) -> list[str]:
    """Codes of the clauses of a sentence."""
    [sentence] = [each for each in composed(facts) if each.code == code]
    listed = sentence.evidence["clauses"]
    assert isinstance(listed, tuple)
    return [each.code for each in listed if isinstance(each, Sentence)]


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (NoteFacts(held=0), "Ingen timer er gjennomført."),
        (NoteFacts(held=1), "Det er gjennomført én time."),
        (NoteFacts(held=2), "Det er gjennomført 2 timer."),
        (NoteFacts(held=1, programme="Korttid"), "Det er gjennomført én time i tiltaket Korttid."),
        (NoteFacts(held=1, planned=8), "Det er gjennomført 1 av 8 planlagte timer."),
        (
            NoteFacts(held=3, planned=8, programme="Korttid"),
            "Det er gjennomført 3 av 8 planlagte timer i tiltaket Korttid.",
        ),
    ],
)
def test_sessions_held(facts: NoteFacts, sentence: str) -> None:
    assert said(facts, "nb") == ["Hovedmålet har ingen skår ennå.", sentence]


def test_where_a_score_might_be_hidden_nothing_is_said_of_a_main_measure() -> None:
    teacher = MeasureFacts("SDQ", "teacher", FIRST)
    facts = NoteFacts(held=2, tells_no_score=False, others=(teacher,))
    assert said(facts, "en") == [
        "Measures: SDQ (teacher) was 18 (2026-03-02).",
        "2 sessions have been held.",
    ]


def test_a_course_from_case_to_none() -> None:
    facts = of_main(
        first_band="moderately_severe",
        newest_band="mild",
        change=ChangeCategory.RELIABLE_IMPROVEMENT,
        cutoff=10,
        was_case=True,
    )
    assert codes(facts) == ["scores", "fallen", "plan"]
    assert said(facts, "nb")[1] == (
        "Skåren har gått ned 9 poeng (pålitelig bedring) og ligger utenfor det kliniske området (grenseverdi 10)."
    )


def test_what_limits_the_scores_is_one_sentence() -> None:
    worse = MeasureFacts("ORS", "parent", LATER, FIRST)
    facts = NoteFacts(held=8, main=MainFacts(worse, cutoff=25, is_case=True, late_baseline=3, coefficient=0.814))
    assert codes(facts) == ["scores", "risen", "reservations", "plan"]
    limits = ["not_judged", "with_caution", "started_below_cutoff", "late_baseline"]
    assert clauses(facts, "reservations") == limits
    assert said(facts, "nb")[1:3] == [
        "Skåren har gått opp 9 poeng og ligger i det kliniske området (grenseverdi 25).",
        "Forbehold: om endringen er pålitelig, kan ikke vurderes med dette skjemaet; skårens pålitelighet er 0,81, så"
        " endringen må tolkes med varsomhet; startskåren lå allerede utenfor det kliniske området, så det var lite rom"
        " for bedring; startskåren ble målt sent, etter 3 gjennomførte timer, så noe kan ha endret seg før den.",
    ]


def test_a_score_that_is_too_unreliable_says_so_and_no_more() -> None:
    facts = of_main(coefficient=0.614, too_unreliable=True)
    assert said(facts, "en")[1:3] == [
        "The score has fallen by 9.",
        "To bear in mind: the reliability of the score is only 0.61, too low to say whether one person has changed.",
    ]


def test_one_score_and_the_same_score_again() -> None:
    same = MeasureFacts("PHQ-9", "self", FIRST, FIRST)
    unchanged = NoteFacts(held=2, main=MainFacts(same, change=ChangeCategory.NO_RELIABLE_CHANGE))
    assert said(unchanged, "nn")[1] == "Skåren er den same (inga påvist påliteleg endring)."
    once = NoteFacts(held=2, main=MainFacts(MeasureFacts("PHQ-9", "self", FIRST), cutoff=10, is_case=True))
    assert said(once, "nb")[0] == (
        "PHQ-9 var 18 den 2.3.2026, i det kliniske området (grenseverdi 10); det er ingen senere skår."
    )


def test_other_measures_are_clauses_of_one_sentence() -> None:
    others = (MeasureFacts("GAD-7", "self", FIRST, LATER), MeasureFacts("SDQ", "parent", FIRST))
    main = MainFacts(MeasureFacts("PHQ-9", "self", FIRST))
    assert said(NoteFacts(held=8, main=main, others=others), "nb")[1] == (
        "Andre målinger: GAD-7 gikk fra 18 (2.3.2026) til 9 (4.5.2026); SDQ (forelder) var 18 (2.3.2026)."
    )


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
    assert codes(facts) == ["alerts_open", "no_score", "verdict", "reservations", "plan", "reviewed_with_patient"]
    assert clauses(facts, "reservations") == ["stale", "set_aside"]
    assert clauses(facts, "plan") == ["held", "goals", "planned_end"]
    assert said(facts, "nb")[2:] == [
        "Beslutningsstøtten vurderer skåren fra 4.5.2026 som «Grønt: som forventet»; krisepause er registrert fra"
        " 4.5.2026.",
        "Forbehold: en ny måling mangler, så vurderingen kan være utdatert; 1 skjema må avklares og er ikke regnet"
        " med.",
        "Det er gjennomført 8 timer; 1 av 3 mål er nådd; planlagt avslutning er 4.5.2026.",
        "Siste gjennomgang var 4.5.2026, sammen med brukeren (beslutning: fortsette); neste er satt til 4.5.2026.",
    ]


def test_of_a_closed_episode_nothing_is_due() -> None:
    day = date(2026, 5, 4)
    closed = NoteFacts(
        held=8,
        verdict=VerdictFacts("verdict_word.as_expected", day),
        alerts=AlertFacts(0, day, assessed_on=day),
        review=ReviewFacts(day, "step_up", with_patient=False),
        review_due=day,
        planned_end=day,
        closed_on=day,
    )
    assert codes(closed)[1:] == ["verdict", "alert_assessed", "plan", "reviewed_without_patient"]
    assert said(closed, "nb")[-2:] == [
        "Det er gjennomført 8 timer; forløpet ble avsluttet 4.5.2026.",
        "Siste gjennomgang var 4.5.2026, uten brukeren til stede (beslutning: mer hjelp).",
    ]
    assert codes(NoteFacts(held=8, alerts=AlertFacts(0, day))) == ["no_score", "plan"]


def test_a_pause_is_told_once_and_a_review_that_is_the_first() -> None:
    day = date(2026, 5, 4)
    paused = VerdictFacts("verdict_word.crisis_pause", day)
    for verdict in (None, paused):
        facts = NoteFacts(held=8, verdict=verdict, paused_since=day, review_due=day)
        assert codes(facts) == ["no_score", "crisis_pause", "plan", "review_due"]
    assert codes(NoteFacts(held=8, verdict=paused))[1] == "verdict"


def test_the_longest_note_has_eight_sentences() -> None:
    """All that there may be: more than anybody reads is never made."""
    day = date(2026, 5, 4)
    main = MainFacts(MeasureFacts("PHQ-9", "self", FIRST, LATER), coefficient=0.8, cutoff=10, late_baseline=3)
    facts = NoteFacts(
        held=8,
        main=main,
        others=(MeasureFacts("GAD-7", "self", FIRST, LATER),),
        verdict=VerdictFacts("verdict_word.as_expected", day, stale=True),
        paused_since=day,
        alerts=AlertFacts(1, day),
        review=ReviewFacts(day, "continue", with_patient=True),
        goals_set=1,
        review_due=day,
        planned_end=day,
        set_aside=1,
    )
    assert len(composed(facts)) == 8
