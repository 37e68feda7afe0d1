"""The table beside the chart, in words."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from app.charts.table import table
from app.texts.catalogue import LANGUAGES
from tests.charts.cases import CASES, charted, in_record_mode

NOTHING = "\N{EN DASH}"


def test_each_score_has_a_row_with_what_was_said_of_it() -> None:
    shown = charted([14, 13, 15, 16, 21], planned_dose=10, waiting=[(-3.5, 12)])
    told = table(shown, "nb")
    assert told.columns == (
        "Uke",
        "Gjennomførte timer",
        "Fase",
        "Skår",
        "Forventet skår",
        "Forventet område",
        "Varsel",
        "Endring fra startskåren",
    )
    assert told.rows[0] == ("\N{MINUS SIGN}3,5", "0", "Ventetid", "12", NOTHING, NOTHING, "Vist, ikke vurdert", NOTHING)
    assert told.rows[1] == ("0", "0", "Behandling", "14", NOTHING, NOTHING, "Grått: for tidlig å si", NOTHING)
    week, dose, phase, score, expected, band, signal, change = told.rows[-1]
    assert (week, dose, phase, score) == ("4", "4", "Behandling", "21")
    # 7 points worse than the baseline of 14; 6 are reliable (NHS Talking Therapies manual).
    assert (signal, change) == ("Rødt: ubekreftet forverring", "Pålitelig forverring")
    assert shown.curve is not None
    at_4 = shown.curve.from_baseline[4]
    assert band == f"Fra {at_4.lower} til {at_4.upper}"
    assert float(expected.replace(",", ".")) == pytest.approx(at_4.mean, abs=0.051)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_follow_up_is_not_judged_and_its_change_is_arithmetic(language: str) -> None:
    # From 17 to 6 is 11 points better, and to 9 is 8.
    said = {
        "nb": ("Oppfølging", "Vist, ikke vurdert", "Pålitelig bedring"),
        "nn": ("Oppfølging", "Vist, ikkje vurdert", "Påliteleg betring"),
        "en": ("Follow-up", "Shown, not assessed", "Reliable improvement"),
    }[language]
    for row in table(CASES["follow-up"], language).rows[-2:]:
        assert (row[2], row[6], row[7]) == said
        assert row[4:6] == (NOTHING, NOTHING)


def test_record_mode_has_the_arithmetic_of_change_and_nothing_else() -> None:
    rows = table(CASES["record mode"], "en").rows
    assert [row[7] for row in rows] == [
        NOTHING,
        "No reliable change shown",
        "Reliable improvement",
        "Reliable improvement",
    ]
    assert {row[4:7] for row in rows} == {(NOTHING, NOTHING, "Shown, not assessed")}


def test_where_no_reliable_change_is_published_nothing_is_said_of_change() -> None:
    shown = in_record_mode(charted([16, 5]))
    criteria = shown.scale.criteria
    assert criteria is not None
    sources = {name: source for name, source in shown.scale.sources.items() if name != "reliable_change"}
    scale = replace(shown.scale, criteria=replace(criteria, reliable_change=None), sources=sources)
    assert [row[7] for row in table(replace(shown, scale=scale), "en").rows] == [NOTHING, NOTHING]


@pytest.mark.parametrize(("language", "day"), [("nb", "09.01.2024"), ("nn", "09.01.2024"), ("en", "2024-01-09")])
def test_a_series_with_a_calendar_has_the_days_of_the_service(language: str, day: str) -> None:
    # Half past nine in the evening of 8 January UTC is the next day three hours further east.
    shown = replace(charted([15]), time_zone=timezone(timedelta(hours=3)))
    first = shown.observations[0]
    moved = replace(first, completed_at=first.completed_at.replace(hour=21, minute=30))
    told = table(replace(shown, series=replace(shown.series, observations=(moved,))), language)
    assert told.columns[0] in ("Dato", "Date")
    assert told.rows[0][:2] == (day, "0")


def test_the_csv_is_read_back_as_it_was() -> None:
    told = table(CASES["every other week"], "nb")
    assert list(csv.reader(io.StringIO(told.as_csv()))) == [list(told.columns), *map(list, told.rows)]
