"""The catalogue itself: every code has its words, in three languages that are kept apart, in the tone that was set."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import app.texts
from app.api.printed_copies import PrintedWord
from app.charts.calibration_panel import Word as PanelWord
from app.charts.words import Note, Word
from app.db.codes import (
    AdministrationState,
    AssignmentState,
    AttendanceOutcome,
    Clarification,
    ClosingReason,
    ConsentDecision,
    ConsentMedium,
    ConsentUse,
    ContactType,
    CurveState,
    InformantRole,
    Purpose,
    ReferralSource,
    ReferredTo,
    ReviewAction,
    ReviewCause,
    Role,
    Sex,
    Visibility,
)
from app.errors import SporError
from app.identity.policy import ALLOWED, Action
from app.scales.answers import ItemState
from app.scales.catalogue import catalogue as instruments
from app.scales.change import ChangeCategory
from app.scales.instrument import NotForChange
from app.scales.norms import NoTReason
from app.scales.risk import ASSESSMENT_HOLDS, RiskDuty
from app.scales.scoring import CriticalStatus, NoScoreReason
from app.scales.screens import NEGATIVE, UNDETERMINED
from app.scales.subscale import TimeUnit
from app.services.trajectories import NoVerdict
from app.texts.catalogue import LANGUAGES, say
from app.trajectories.composite import CompositeChances
from app.trajectories.decision import RuleState
from app.trajectories.few_occasions import BandBasis, Usability
from app.trajectories.gates import GateName, judge
from app.trajectories.outlook import ReviewKind
from app.trajectories.progress import ReasonCode, ResponderState, Signal, SignalReason
from app.trajectories.prospects import AtEnd, GainsDue, PlateauKind
from app.trajectories.series import Phase
from tests.grant_example import full_report, keys_of
from tests.reports import wording
from tests.reports.panels import words_of_panel
from tests.reports.scenes import everything
from tests.trajectories.held_out import DOES_WELL

FILE = Path(app.texts.__path__[0]) / "messages.toml"


def messages(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for name, content in table.items():
        if all(isinstance(each, str) for each in content.values()):
            yield prefix + name, content
        else:
            yield from messages(content, f"{prefix}{name}.")


MESSAGES = dict(messages(tomllib.loads(FILE.read_text(encoding="utf-8"))))

CODES: dict[str, type[StrEnum]] = {
    "signal": Signal,
    "signal_reason": SignalReason,
    "reason": ReasonCode,
    "responder_state": ResponderState,
    "plateau": PlateauKind,
    "rule_state": RuleState,
    "gains_due": GainsDue,
    "phase": Phase,
    "review_kind": ReviewKind,
    "clarification": Clarification,
    "risk_duty": RiskDuty,
    "administration_state": AdministrationState,
    "critical_status": CriticalStatus,
    "no_score_reason": NoScoreReason,
    "no_t": NoTReason,
    "not_for_change": NotForChange,
    "change": ChangeCategory,
    "chart": Word,
    "chart_note": Note,
    "signal_word": Signal,
    "verdict_word": SignalReason,
    "change_word": ChangeCategory,
    "curve_state": CurveState,
    "curve_gate": GateName,
    "code.informant_role": InformantRole,
    "code.visibility": Visibility,
    "code.sex": Sex,
    "code.closing_reason": ClosingReason,
    "code.referral_source": ReferralSource,
    "code.referred_to": ReferredTo,
    "code.contact_type": ContactType,
    "code.attendance_outcome": AttendanceOutcome,
    "code.assignment_state": AssignmentState,
    "code.review_action": ReviewAction,
    "code.review_cause": ReviewCause,
    "code.consent_use": ConsentUse,
    "code.consent_decision": ConsentDecision,
    "code.consent_medium": ConsentMedium,
    "code.item_state": ItemState,
    "purpose": Purpose,
    "role": Role,
}

# Problems that come from HTTP and not from the domain.
HTTP_PROBLEMS = (
    "bad-request",
    "method-not-allowed",
    "request-timeout",
    "content-too-large",
    "unsupported-media-type",
    "misdirected-request",
    "request-head-too-large",
    "internal-error",
)

FIGURES = ("missing", "bands", "further_bands")
"""What of a score may not be confirmed, beside the figures that have a source by name."""

PROBABILITIES = [field.name for field in fields(AtEnd) if field.name not in ("dose", "weeks")]
"""What may be probable at the end."""

COPY = ("what", "earlier", "reach", "left_out", "scores", "verdicts", "record_mode", "in_error", "wrong")
"""What a copy of the record says of itself."""
ON_PATIENTS = {
    action
    for role in (Role.THERAPIST, Role.SUPERVISOR, Role.DEVICE, Role.RESPONDENT)
    for action in ALLOWED[role] - ALLOWED[Role.SERVICE_LEAD]
} | {
    action for action in Action if action.startswith(("delete_", "list_deletions", "export_")) or "legal_hold" in action
}
"""What may be read of a patient's data, or done with them, and so is told to the patient."""

ACCESS_LOG_SENTENCES = ("about", "grouped", "cut", "ask", "block", "complain")
ACCESS_LOG_NAMES = (
    *("title", "patient", "reference", "events", "when", "who", "what", "why", "times", "unknown", "system"),
    "wrong",
)

NOTE_NAMES = ("title", "patient", "reference", "episode")
NOTE_BRACKETS = ("band", "measure_of", "judged", "plan")
"""Parts of the note for the patient record that have marks and no words of their own."""
NOTE_PARTS = (
    *NOTE_BRACKETS,
    *("other", "other_once", "latest_in_clinical_range", "latest_outside_clinical_range", "only_in_clinical_range"),
    *("only_outside_clinical_range", "paused", "not_judged", "with_caution", "too_unreliable", "started_below_cutoff"),
    *("late_baseline", "stale", "set_aside", "held", "held_one", "held_none", "held_of_planned", "in_programme"),
    *("goals", "planned_end", "closed", "next_review"),
)
"""What stands in the middle of a sentence of the note."""
NOTE_OF_MEASURES = ("scores", "only_score")
"""Sentences that begin with the name of a measure."""
NOTE_SENTENCES = (
    *("no_score", "fallen", "risen", "unchanged", "verdict", "crisis_pause", "others", "measures", "reservations"),
    *("alerts_open", "alert_assessed", "reviewed_with_patient", "reviewed_without_patient", "review_due"),
)

OWN = (
    *(f"record_note.{name}" for name in (*NOTE_NAMES, *NOTE_PARTS, *NOTE_OF_MEASURES, *NOTE_SENTENCES)),
    *(f"copy.{part}" for part in COPY),
    *(f"copy_word.{word}" for word in PrintedWord),
    *(f"no_verdict.{code}" for code in NoVerdict),
    *("natural_course.note", "natural_course.unknown"),
    *(f"composite.{name}" for name in ("note", *CompositeChances._fields)),
    *(f"prospect.{name}" for name in ("exceedance", *PROBABILITIES)),
    *(f"natural_share.{name}" for name in ("about", "hardly_any", "almost_all")),
    *(f"further_gain.{name}" for name in ("expected", "noticeable", "calendar", "calendar_unknown")),
    *("stale", "rule_newest_count", "prorated", "not_asked_about_suicide", "not_validated"),
    *(f"few_occasions.basis.{basis}" for basis in BandBasis),
    *(f"few_occasions.usability.{usability}" for usability in Usability),
    *(f"few_occasions.interval.{unit}" for unit in (*TimeUnit, "not_seen")),
    *(f"few_occasions.{side}" for side in ("better_at", "worse_at", "no_room_better", "no_room_worse")),
    *(f"few_occasions.{name}" for name in ("unverified", "raw_points", "raw_points_in_group", "natural_course")),
    *("wording_end.not_at_all", "wording_end.fully", "print.page"),
    *(f"audit_action.{action}" for action in (*ON_PATIENTS, "export_cases", "learn_curve", "other")),
    *(f"access_log.{name}" for name in ACCESS_LOG_SENTENCES + ACCESS_LOG_NAMES),
    *(f"screen_outcome.{outcome}" for outcome in (NEGATIVE, UNDETERMINED)),
    *wording.keys_of(everything()),
    *wording.everywhere(),
    *words_of_panel(),
    *(f"report.chart.{word}" for word in PanelWord),
)

OF_FEW_OCCASIONS: dict[str, tuple[StrEnum, ...]] = {
    "signal": (Signal.YELLOW,),
    "signal_reason": (SignalReason.AS_EXPECTED, SignalReason.TOO_EARLY, SignalReason.NO_CHANGE_YET),
    "reason": (
        ReasonCode.TIME_FOR_REVIEW,
        ReasonCode.AS_EXPECTED,
        ReasonCode.TOO_EARLY,
        ReasonCode.NO_CHANGE_YET,
    ),
    "responder_state": (ResponderState.NOT_ASSESSED,),
    "verdict_word": (SignalReason.AS_EXPECTED, SignalReason.NO_CHANGE_YET),
}
"""What is said otherwise of a few scores without a curve."""

NAMES = (
    *("band.", "norm_population.", "phase.", "administration_state.", "critical_kind.", "problem."),
    *(
        "chart.",
        "signal_word.",
        "verdict_word.",
        "change_word.",
        "screen_outcome.",
        "wording_end.",
        "print.",
        "audit_action.",
        "purpose.",
        "role.",
        *(f"access_log.{name}" for name in ACCESS_LOG_NAMES),
        *(f"record_note.{name}" for name in NOTE_NAMES),
        "cutoff.",
        "figure.",
        "few_occasions.verdict_word.",
        "copy_word.",
        "code.",
        *(f"report.{part}." for part in ("title", "section", "table", "head", "column", "row", "fact", "code")),
        *(f"report.{part}." for part in ("withheld", "chart", "file", "source")),
    ),
    *(f"report.{kind}." for kind in ("section", "table", "column", "row", "code", "chart")),
)
"""Kinds of messages that are names; all others are sentences."""


def concrete(error: type[SporError]) -> Iterator[type[SporError]]:
    children = error.__subclasses__()
    for child in children:
        yield from concrete(child)
    if not children:
        yield error


def kebab(name: str) -> str:
    return "-".join(re.findall("[A-Z][a-z]+", name)).lower()


def expected_keys() -> Iterator[str]:
    yield from OWN
    yield from keys_of(full_report())
    yield "report.code.documented_in_part"
    yield from (f"{kind}.{member}" for kind, codes in CODES.items() for member in codes)
    yield from (f"few_occasions.{kind}.{code}" for kind, codes in OF_FEW_OCCASIONS.items() for code in codes)
    yield from (f"problem.{kebab(error.__name__)}" for error in concrete(SporError))
    yield from (f"problem.{name}" for name in HTTP_PROBLEMS)
    for instrument in instruments().values():
        yield from (f"critical_kind.{critical.kind}" for critical in instrument.critical_items)
        yield from (f"duty.{duty}" for critical in instrument.critical_items for duty in critical.duties)
        screens = (screen for form in instrument.forms for screen in form.screens)
        yield from (f"screen_outcome.{outcome.code}" for screen in screens for outcome in screen.outcomes)
        if not instrument.validated:
            for form in instrument.forms:
                words = ("introduction", *(item.number for item in form.items))
                yield from (f"wording.{instrument.key}.{form.key}.{word}" for word in words)
        subscales = (subscale for form in instrument.forms for subscale in form.subscales)
        for subscale in subscales:
            yield from ("cutoff.caseness", *(f"cutoff.{cutoff.key}" for cutoff in subscale.further_cutoffs))
            yield from (
                f"figure.{name}" for name in (*FIGURES, *subscale.not_found, *subscale.sources) if name != "loinc"
            )
            for bands in (subscale.bands, *subscale.further_bands.values()):
                yield from (f"band.{band.code}" for band in bands)
        if instrument.norms is not None:
            yield f"norm_population.{instrument.norms.population}"
            yield from (f"band.{band.code}" for band in instrument.norms.bands)


def placeholders(template: str) -> list[tuple[str, str]]:
    return sorted((name, spec or "") for _, name, spec, _ in Formatter().parse(template) if name is not None)


def test_every_code_has_its_message_and_no_message_is_without_a_code() -> None:
    assert MESSAGES.keys() == set(expected_keys())


def test_the_names_of_errors_are_written_as_in_an_address() -> None:
    assert kebab("NotAllowedInMode") == "not-allowed-in-mode"


@pytest.mark.parametrize("key", MESSAGES)
def test_a_message_is_there_in_all_languages_with_the_same_figures(key: str) -> None:
    by_language = MESSAGES[key]
    assert tuple(by_language) == LANGUAGES
    bokmal, nynorsk, english = map(placeholders, by_language.values())
    assert bokmal == nynorsk == english
    assert all(name.isidentifier() and spec in ("", "%") for name, spec in bokmal)


@pytest.mark.parametrize("key", MESSAGES)
def test_no_message_is_the_same_in_norwegian_and_english(key: str) -> None:
    by_language = MESSAGES[key]
    if key.removeprefix("record_note.") in NOTE_BRACKETS:
        assert not re.search(r"\w", re.sub(r"{\w+}", "", by_language["en"]))
        return
    assert by_language["en"] not in (by_language["nb"], by_language["nn"])


@pytest.mark.parametrize("key", [key for key in MESSAGES if not placeholders(MESSAGES[key]["nb"])])
def test_what_shows_no_figures_is_said_as_it_stands(key: str) -> None:
    assert {language: say(key, language) for language in LANGUAGES} == MESSAGES[key]


@pytest.mark.parametrize("key", MESSAGES)
def test_a_message_is_a_name_or_one_or_two_whole_sentences(key: str) -> None:
    if key.removeprefix("record_note.") in NOTE_PARTS:
        return
    for text in MESSAGES[key].values():
        assert text == " ".join(text.split())
        assert text[0].isupper() or key.removeprefix("record_note.") in NOTE_OF_MEASURES
        sentences = len(re.findall(r"[.?!](?= |$)", text))
        assert sentences == 0 if key.startswith(NAMES) else text.endswith(".") and sentences in (1, 2)


# Words that one of the written languages has and the other has not.
BOKMAL_ONLY = (
    "ikke en et fra hva hvordan hvem hvorfor ennå nå jeg brukeren skårer skårene bedring bedringen målingen "
    "dårligere tidlig pålitelig sannsynlig sannsynlighet forventet timer svarene mangler vises uten "
    "utviklingen behandlingen hjelpen bekreft bedre høyere sier flere mer ble også"
)
NYNORSK_ONLY = (
    "ikkje ein ei eit noko nokre nokon frå kva korleis kven kvifor enno eg brukaren skårar skårane betring betringa "
    "målinga dårlegare tidleg påliteleg sannsynleg sannsyn forventa timar svara manglar utan utviklinga behandlinga "
    "hjelpa stadfest betre høgare seier fleire meir òg"
)
NORWEGIAN_ONLY = "og er skåren brukeren brukaren pasienten forløp ikke ikkje"


@pytest.mark.parametrize(("language", "foreign"), [("nb", NYNORSK_ONLY), ("nn", BOKMAL_ONLY), ("en", NORWEGIAN_ONLY)])
def test_the_languages_are_not_mixed(language: str, foreign: str) -> None:
    words = {word for text in MESSAGES.values() for word in re.findall(r"[\w-]+", text[language].lower())}
    assert words & set(foreign.split()) == set()


# Fragments that would show that the wording of the PHQ-9 or GAD-7 had crept in.
QUESTIONNAIRE = (
    "bothered by",
    "last two weeks",
    "last 2 weeks",
    "nearly every day",
    "plaget av",
    "plaga av",
    "siste to uke",
    "siste 2 uke",
    "siste to veke",
    "nesten hver dag",
    "nesten kvar dag",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_wording_of_a_questionnaire(language: str) -> None:
    everything = " ".join(text[language] for text in MESSAGES.values()).lower()
    assert [fragment for fragment in QUESTIONNAIRE if fragment in everything] == []


@pytest.mark.parametrize(("language", "hedge"), [("nb", "trolig"), ("nn", "truleg"), ("en", "would probably have had")])
def test_the_natural_course_is_probable_and_no_effect(language: str, hedge: str) -> None:
    # Design, 4.6.
    assert hedge in say("natural_course.note", language)
    for key in ("natural_course.note", "natural_course.unknown"):
        assert "effe" not in say(key, language).lower()


@pytest.mark.parametrize(("language", "hedge"), [("nb", "trolig"), ("nn", "truleg"), ("en", "would probably have")])
def test_so_is_what_time_alone_would_have_given(language: str, hedge: str) -> None:
    told = {
        key: text[language] for key, text in MESSAGES.items() if key.startswith(("natural_share", "further_gain.c"))
    }
    assert all(hedge in sentence for key, sentence in told.items() if not key.endswith("unknown"))
    assert not any("effe" in sentence.lower() for sentence in told.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_signal_ends_care(language: str) -> None:
    # Design, 4.7.
    told = [text[language].lower() for key, text in MESSAGES.items() if key.startswith(("signal", "reason", "respon"))]
    assert [each for each in told if re.search(r"avslutt|slutte|discharge|end (the )?(care|treat)", each)] == []


@pytest.mark.parametrize(
    ("language", "unconfirmed", "again"),
    [("nb", "Ubekreftet", "mål på nytt"), ("nn", "Ikkje stadfesta", "mål på nytt"), ("en", "Unconf", "measure again")],
)
def test_a_first_deterioration_asks_for_a_new_measure(language: str, unconfirmed: str, again: str) -> None:
    # Design, 4.5.
    sentence = say("signal_reason.deterioration_unconfirmed", language)
    assert sentence.startswith(unconfirmed)
    assert again in sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_duty_names_as_many_days_as_the_rule(language: str) -> None:
    for duty in RiskDuty:
        assert re.findall("[0-9]+", say(f"risk_duty.{duty}", language)) == [str(ASSESSMENT_HOLDS.days)]


@pytest.mark.parametrize(
    ("language", "asked"),
    [
        ("nb", [["100"], [], ["75 %", "85 %", "80 %"], ["0,8", "1,2"], []]),
        ("nn", [["100"], [], ["75 %", "85 %", "80 %"], ["0,8", "1,2"], []]),
        ("en", [["100"], [], ["75%", "85%", "80%"], ["0.8", "1.2"], []]),
    ],
)
def test_the_gates_name_the_figures_of_the_method(language: str, asked: list[list[str]]) -> None:
    # Methods, G2.
    for gate, figures in zip(judge(DOES_WELL), asked, strict=True):
        limits = {"at_least": gate.at_least, "at_most": gate.at_most}
        assert re.findall(r"\d+(?:[.,]\d+)?(?: ?%)?", say(f"curve_gate.{gate.name}", language, limits)) == figures
