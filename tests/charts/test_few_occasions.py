"""A chart without a curve: a grey band in which a score lies if nothing had changed, on the calendar."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.charts import palette
from app.charts.charted import ChartedSeries, judged_afresh
from app.charts.page import page
from app.charts.sparkline import sparkline
from app.charts.table import table
from app.charts.trajectory import trajectory_chart
from app.scales.catalogue import instrument
from app.scales.change import ChangeCategory
from app.scales.norms import Sex
from app.trajectories.policy import Plan, Policy
from app.trajectories.progress import SignalReason
from tests.charts.cases import CASES, by_months
from tests.charts.test_trajectory import Spec, layers, line, points, top_words, words
from tests.trajectories.factories import a_curve, a_series

BETTER = CASES["half a year, better"]


def band(spec: Spec) -> list[tuple[float, float, float]]:
    """Give first week, lowest and highest score of the band; nothing where it is not drawn."""
    return [
        (row["weeks"], row["score"], row["score2"])
        for rows in layers(spec, "rect", color=palette.UNCHANGED)
        for row in rows
    ]


def test_the_band_is_drawn_from_the_baseline_on_and_named() -> None:
    spec = trajectory_chart(BETTER, "en")
    # By hand in tests/trajectories/test_few_occasions.py: 12 to 22, expected 16.752.
    assert band(spec) == [(0, 12, 22)]
    assert {score for _, score in line(spec, palette.UNCHANGED_LINE)} == {16.752}
    assert "If nothing had changed: about 80% of new scores" in words(spec)
    assert "Expected score if nothing had changed" in words(spec)
    assert "The range shows where a new score is expected" in spec["title"]["subtitle"][1]
    for gone in ("area", "tick"):
        assert layers(spec, gone) == []


@pytest.mark.parametrize(
    ("language", "legend"),
    [
        ("nb", "Hvis ingenting er endret: omtrent 80 % av nye skårer"),
        ("nn", "Om ingenting er endra: om lag 80 % av nye skårar"),
        ("en", "If nothing had changed: about 80% of new scores"),
    ],
)
def test_the_legend_is_in_the_reader_s_language(language: str, legend: str) -> None:
    assert legend in words(trajectory_chart(BETTER, language))


def test_the_newest_verdict_is_said_as_of_few_scores() -> None:
    spec = trajectory_chart(BETTER, "nb")
    assert "Grønt: pålitelig bedring" in words(spec)
    assert spec["description"].startswith("Skårer på SDQ. Grønt: pålitelig bedring.")
    assert [each["signal"] for each in points(spec)] == ["Grått", "Grønt"]


def test_limits_of_severity_are_seen_in_the_band_too() -> None:
    spec = trajectory_chart(BETTER, "nb")
    # Borderline from 14, abnormal from 17 (scales.md, section 3).
    [limits] = layers(spec, "rule", color=palette.PAPER)
    assert [row["score"] for row in limits] == [13.5, 16.5]


def test_a_form_that_is_filled_in_at_months_has_no_doses_and_its_evaluations_by_date() -> None:
    spec = trajectory_chart(CASES["a year and more, worse"], "nb")
    assert "Gjennomførte timer" not in words(spec)
    assert top_words(spec).count("Periodeevaluering") == 3
    lines = layers(spec, "rule", color=palette.REVIEW_LINE.colour, strokeDash=list(palette.REVIEW_LINE.dash))
    assert {round(row["weeks"], 6) for rows in lines for row in rows} == {26, 52, 78}


def test_before_half_a_year_the_chart_goes_to_the_evaluation_that_comes() -> None:
    shown = CASES["before half a year"]
    assert (shown.last_week, shown.evaluations) == (26, [26])
    assert band(trajectory_chart(shown, "nb")) == [(0, 13, 22)]


def test_after_the_treatment_no_evaluation_is_ahead() -> None:
    shown = CASES["follow-up after months"]
    assert shown.last_week == pytest.approx(52)
    assert shown.evaluations == [26]


def test_a_form_that_is_filled_in_at_sessions_keeps_its_doses() -> None:
    spec = trajectory_chart(CASES["published points"], "en")
    assert "Sessions attended" in words(spec)
    assert "If nothing had changed: less than the published reliable change" in words(spec)
    assert band(spec) == [(0, 19, 29)]
    # What is expected of an unchanged score is the first one, around which the band lies.
    assert line(spec, palette.UNCHANGED_LINE) == []
    assert CASES["published points"].evaluations == []


def test_from_a_first_score_alone_the_band_can_be_seen() -> None:
    first = by_months([(0, 24)], key="core-10", form=None)
    [rows] = layers(trajectory_chart(first, "nb"), "rect", color=palette.UNCHANGED)
    assert [(row["weeks"], row["weeks2"], row["score"], row["score2"]) for row in rows] == [(0, 4, 19, 29)]


def test_record_mode_has_the_band_and_no_signal() -> None:
    spec = trajectory_chart(CASES["months in record mode"], "nb")
    assert band(spec) == [(0, 12, 22)]
    assert {each["signal"] for each in points(spec)} == {"Vist, ikke vurdert"}
    said = " ".join([*words(spec), spec["description"]])
    for gone in ("Grønt", "Grått", "utvikling ut fra", "trolig"):
        assert gone not in said


def test_where_nothing_is_known_there_is_no_band() -> None:
    shown = CASES["a form without any figures"]
    assert (shown.unchanged, dict(shown.judged)) == (None, {})
    spec = trajectory_chart(shown, "nb")
    assert band(spec) == []
    assert spec["title"]["subtitle"][1:] == []
    assert shown.change(shown.observations[1]) is None


def test_the_norms_of_a_group_are_passed_on() -> None:
    norms = instrument("rcads-47").norms
    assert norms is not None
    girls = norms.norm_of("child", "tot_int", Sex.FEMALE, 7)
    shown = by_months([(0, 70), (26, 50)], key="rcads-47", form="child", norm=girls)
    # 16.67 sqrt(2 * .07) = 6.237, * 1.28155 = 7.99: 62.01 to 77.99
    assert band(trajectory_chart(shown, "nb")) == [(0, 62, 78)]
    assert by_months([(0, 70), (26, 50)], key="rcads-47", form="child").unchanged is None


def test_the_table_says_what_was_expected_if_nothing_had_changed() -> None:
    found = table(CASES["half a year, no change"], "nb")
    assert "Område hvis ingenting er endret" in found.columns
    assert "Forventet område" not in found.columns
    waiting, baseline, later = (dict(zip(found.columns, row, strict=True)) for row in found.rows)
    dash = "\N{EN DASH}"
    for before in (waiting, baseline):
        assert (before["Område hvis ingenting er endret"], before["Endring fra startskåren"]) == (dash, dash)
    # Young people's own: 10.3 + .62 * 9.7 = 16.314; 11 to 22.
    assert later["Forventet skår hvis ingenting er endret"] == "16,3"
    assert later["Område hvis ingenting er endret"] == "Fra 11 til 22"
    assert later["Varsel"] == "Gult: tid for gjennomgang"
    assert later["Endring fra startskåren"] == "Ingen påvist pålitelig endring"


def test_follow_up_has_its_change_and_no_verdict() -> None:
    shown = CASES["follow-up after months"]
    last = shown.observations[-1]
    assert last.administration_id not in shown.judged
    assert shown.change(last) is ChangeCategory.RELIABLE_IMPROVEMENT


def test_the_sparkline_has_the_band_up_to_the_last_score() -> None:
    spec = sparkline(BETTER, "nb")
    [rows] = layers(spec, "rect", color=palette.UNCHANGED)
    assert [(row["weeks"], row["weeks2"], row["score"], row["score2"]) for row in rows] == [(0, 26, 12, 22)]
    assert layers(sparkline(CASES["before half a year"], "nb"), "rect") != []


def test_the_page_says_it_too() -> None:
    found = page("<svg></svg>", BETTER, "en")
    assert "<p>Green: reliable improvement.</p>" in found
    assert "it is not an expected course" in found


def test_an_empty_series_of_such_a_form_has_nothing_to_show() -> None:
    shown = by_months([])
    assert (shown.unchanged, shown.evaluations, shown.last_week) == (None, [], 0)
    assert trajectory_chart(shown, "nb")["title"]["subtitle"] == ["Måleserien har ingen skårer som kan vises."]


def test_a_curve_comes_before_what_would_be_without_change() -> None:
    shown: ChartedSeries = judged_afresh(instrument("phq-9"), a_series([16, 9]), a_curve(), Policy(), Plan())
    assert (shown.unchanged, shown.by_calendar) == (None, False)
    assert {each.subject for each in shown.judged.values()} == {""}
    as_before = replace(shown, unchanged=None)
    assert shown.judged[as_before.observations[0].administration_id].signal_reason is SignalReason.TOO_EARLY


def test_a_form_that_is_not_followed_is_drawn_as_it_is() -> None:
    shown = judged_afresh(instrument("asrs-1.1"), a_series([3, 5]), None, Policy(), Plan())
    assert (shown.curve, shown.unchanged, dict(shown.judged)) == (None, None, {})
