"""What the chart of a course shows, and that nothing in it covers anything else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from app.charts import palette
from app.charts.charted import ChartedSeries, judged_afresh
from app.charts.trajectory import trajectory_chart
from app.scales.catalogue import instrument
from app.scales.change import Better, ChangeCriteria
from app.texts.catalogue import LANGUAGES
from app.trajectories.policy import Plan, Policy
from app.trajectories.series import Series
from tests.charts.cases import CASES, charted, in_record_mode, late_baseline
from tests.charts.scenes import texts_of
from tests.trajectories.factories import a_curve, a_series

Spec = dict[str, Any]

every_case = pytest.mark.parametrize("name", CASES)
in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def layers(spec: Spec, mark: str, **style: object) -> list[list[dict[str, Any]]]:
    """Give the rows of the layers with a mark of a certain style."""
    return [
        each["data"]["values"]
        for each in spec["layer"]
        if each["mark"]["type"] == mark and all(each["mark"].get(name) == value for name, value in style.items())
    ]


def line(spec: Spec, drawn: palette.Line) -> list[tuple[float, float]]:
    """Give weeks and score of a line; nothing where it is not drawn."""
    found = layers(spec, "line", color=drawn.colour, strokeDash=list(drawn.dash))
    assert len(found) <= 1
    return [(row["weeks"], row["score"]) for rows in found for row in rows]


def points(spec: Spec) -> list[dict[str, Any]]:
    """Give the scores as they are drawn; the legend's signs have their shape from the mark."""
    [rows] = [each["data"]["values"] for each in spec["layer"] if "tooltip" in each["encoding"]]
    return list(rows)


def words(spec: Spec) -> list[str]:
    return [row["text"] for rows in layers(spec, "text") for row in rows]


def top_words(spec: Spec) -> list[str]:
    """Give the texts above the field."""
    highest = spec["encoding"]["y"]["scale"]["domain"][1]
    return [row["text"] for rows in layers(spec, "text") for row in rows if row["score"] > highest]


# ---- The whole


@every_case
@in_every_language
def test_no_text_covers_another(name: str, language: str) -> None:
    texts = texts_of(trajectory_chart(CASES[name], language))
    assert len(texts) >= 20
    assert [(one.words, other.words) for one, other in combinations(texts, 2) if one.covers(other)] == []


def test_texts_that_cover_each_other_are_found() -> None:
    spec = trajectory_chart(CASES["early responder"], "nb")
    [doses] = [each for each in spec["layer"] if [row.get("text") for row in each["data"]["values"]][:2] == ["0", "1"]]
    doses["data"]["values"][1]["weeks"] = 0.1
    assert any(one.covers(other) for one, other in combinations(texts_of(spec), 2))


@every_case
def test_a_picture_is_drawn_without_a_warning(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    spec = trajectory_chart(CASES[name], "nb")
    for version in ("5.21", "6.4"):
        svg = vl_convert.vegalite_to_svg(spec, vl_version=version, show_warnings=True, allowed_base_urls=[])
        assert svg.startswith("<svg ")
        assert "NaN" not in svg
    # The one warning there may be: a specification is of version 6, and says so.
    said = [each for each in capfd.readouterr().err.splitlines() if "v6" not in each]
    assert said == []


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
        for each in value.values():
            yield from keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from keys(each)


@every_case
def test_everything_is_inside_and_is_plain_data(name: str) -> None:
    spec = trajectory_chart(CASES[name], "en")
    assert {"url", "href", "signal", "expr", "format_type"} & {*keys(spec)} <= {"signal"}
    assert all(set(each["data"]) == {"values"} for each in spec["layer"])
    text = json.dumps(spec, allow_nan=False)
    assert json.loads(text) == spec
    assert text.count("://") == text.count("https://vega.github.io/schema/vega-lite/v6.json") == 1


@every_case
def test_nothing_is_half_transparent(name: str) -> None:
    # Vega-Lite draws points, areas, bars and ticks at 70 % unless told otherwise.
    for each in trajectory_chart(CASES[name], "nb")["layer"]:
        if each["mark"]["type"] in ("point", "area", "rect", "tick"):
            assert each["mark"]["opacity"] == 1


# ---- The scores


def test_each_score_has_the_shape_and_colour_of_its_signal_and_the_newest_its_word() -> None:
    spec = trajectory_chart(CASES["deterioration, unconfirmed"], "nb")
    assert [(row["weeks"], row["score"], row["dose"], row["signal"]) for row in points(spec)] == [
        (0, 14, 0, "Grått"),
        (1, 13, 1, "Grått"),
        (2, 15, 2, "Grått"),
        (3, 16, 3, "Grått"),
        (4, 21, 4, "Rødt"),
    ]
    [encoding] = [each["encoding"] for each in spec["layer"] if "tooltip" in each["encoding"]]
    assert encoding["shape"]["scale"] == {"domain": ["Rødt", "Grått"], "range": ["diamond", "square"]}
    assert encoding["fill"]["scale"]["domain"] == ["Rødt", "Grått"]
    assert "Rødt: ubekreftet forverring" in words(spec)


@in_every_language
def test_scores_of_waiting_time_and_follow_up_are_hollow_and_said_not_to_be_assessed(language: str) -> None:
    rows = points(trajectory_chart(CASES["follow-up"], language))
    said = {"nb": "Vist, ikke vurdert", "nn": "Vist, ikkje vurdert", "en": "Shown, not assessed"}[language]
    assert [row["score"] for row in rows if row["signal"] == said] == [16, 6, 9]
    assert palette.POINTS[None].fill == "#ffffff"


def test_a_form_that_was_set_aside_is_counted_and_not_drawn() -> None:
    shown = charted([15, 14])
    spec, with_one_aside = (trajectory_chart(each, "nb") for each in (shown, replace(shown, set_aside=1)))
    assert spec["layer"] == with_one_aside["layer"]
    assert "Utfyllinger som må avklares, og derfor ikke vises: 1." in with_one_aside["title"]["subtitle"]
    assert "må avklares" in with_one_aside["description"]


def test_a_stale_series_says_so() -> None:
    spec = trajectory_chart(CASES["every other week"], "en")
    assert any(each.startswith("A new score is missing.") for each in spec["title"]["subtitle"])


# ---- What was to be expected


def test_the_band_is_the_core_s_closed_whole_and_from_the_baseline_on() -> None:
    shown = CASES["early responder"]
    spec = trajectory_chart(shown, "nb")
    [band] = layers(spec, "area")
    assert shown.curve is not None
    assert [(row["score"], row["score2"]) for row in band] == [
        (each.lower, each.upper) for each in shown.curve.from_baseline
    ]
    assert all(isinstance(row[end], int) for row in band for end in ("score", "score2"))
    assert band[0]["score"] == band[0]["score2"] == 18


def test_the_courses_are_the_core_s() -> None:
    shown = CASES["early responder"]
    spec = trajectory_chart(shown, "nb")
    assert shown.curve is not None
    assert shown.curve.natural is not None
    assert line(spec, palette.EXPECTED_LINE) == [(each.dose, each.mean) for each in shown.curve.from_baseline]
    assert line(spec, palette.AHEAD_LINE) == [(each.dose, each.mean) for each in shown.curve.updated]
    assert line(spec, palette.OBSERVED_LINE) == list(enumerate([18, 13, 9, 8, 7, 6, 7, 5]))
    natural = line(spec, palette.NATURAL_LINE)
    assert [weeks for weeks, _ in natural] == [each.weeks for each in shown.curve.natural]
    assert [score for _, score in natural] == pytest.approx([each.score for each in shown.curve.natural], abs=0.0005)


@in_every_language
def test_the_natural_course_is_worded_as_probable_and_left_out_where_it_is_unknown(language: str) -> None:
    probable = {"nb": "Slik ville det trolig ha gått", "nn": "Slik ville det truleg", "en": "would probably have had"}
    known, unknown = (trajectory_chart(CASES[each], language) for each in ("early responder", "no natural course"))
    assert any(probable[language] in each for each in words(known))
    assert not any(probable[language] in each for each in words(unknown))
    assert line(unknown, palette.NATURAL_LINE) == []
    unknown_word = "unknown" if language == "en" else "ukjent"
    [said] = [each for each in unknown["title"]["subtitle"] if unknown_word in each]
    assert said in unknown["description"]


def test_at_the_baseline_the_expectation_is_drawn_once() -> None:
    spec = trajectory_chart(CASES["one score"], "nb")
    assert line(spec, palette.AHEAD_LINE) == []
    assert layers(spec, "tick") == []
    assert len(line(spec, palette.EXPECTED_LINE)) == 13
    assert "Forventet herfra, ut fra alle skårene" not in words(spec)


def test_the_expectation_from_here_ends_with_its_range() -> None:
    shown = CASES["time for review"]
    assert shown.curve is not None
    [caps] = layers(trajectory_chart(shown, "nb"), "tick")
    end = shown.curve.updated[-1]
    assert [row["score"] for row in caps] == [end.lower, end.upper]


def test_after_the_treatment_nothing_is_expected() -> None:
    spec = trajectory_chart(CASES["left early"], "nb")
    assert [weeks for weeks, _ in line(spec, palette.EXPECTED_LINE)] == [0, 1, 2]
    assert line(spec, palette.AHEAD_LINE) == []
    assert [weeks for weeks, _ in line(spec, palette.NATURAL_LINE)] == [0, 1, 2]
    assert not {"Gjennomgang", "Planlagt slutt", "Sent vindu"} & {*words(spec)}


# ---- When: windows, reviews, phases, axes


def test_the_windows_are_shaded_by_dose() -> None:
    spec = trajectory_chart(CASES["every other week"], "nb")
    [shades] = layers(spec, "rect")
    # Doses 0 to 3 and 7 to 14, two weeks each.
    assert [(row["weeks"], row["weeks2"]) for row in shades] == [(0, 6), (14, 28)]
    assert {"Tidlig vindu", "Sent vindu"} <= {*words(spec)}


def test_a_window_too_narrow_for_its_name_goes_without() -> None:
    # Doses 6 to 8 take two of 80 weeks.
    assert "Sent vindu" not in words(trajectory_chart(CASES["long waiting time"], "nb"))


def test_after_a_late_baseline_there_is_no_early_window() -> None:
    spec = trajectory_chart(CASES["late baseline"], "nb")
    [[shade]] = layers(spec, "rect")
    # The baseline is at dose 5, in week 4.5; dose 7 is two weeks later, and the planned end, dose 12, seven.
    assert (shade["weeks"], shade["weeks2"]) == (2, 7)
    assert "Tidlig vindu" not in words(spec)
    # Nor is there one when the early window ends with the baseline.
    [[_]] = layers(trajectory_chart(late_baseline(sessions_before=3), "nb"), "rect")


@pytest.mark.parametrize(
    ("planned_dose", "marks"),
    [
        (None, ["Gjennomgang", "Periodeevaluering"]),
        (10, ["Gjennomgang", "Planlagt slutt"]),
        (20, ["Gjennomgang", "Periodeevaluering", "Planlagt slutt"]),
        (30, ["Gjennomgang", "Periodeevaluering", "Periodeevaluering", "Planlagt slutt"]),
        (60, ["Gjennomgang", *["Periodeevaluering"] * 3, "Planlagt slutt"]),
    ],
)
def test_the_marks_at_20_and_52_are_there_when_the_plan_reaches_them(
    planned_dose: int | None, marks: list[str]
) -> None:
    # Reviews at 7, 12, 20 and 52 and at the planned end (design, 4.3); without a plan the first evaluation.
    spec = trajectory_chart(charted([16, 15, 15, 14], planned_dose=planned_dose), "nb")
    assert [each for each in top_words(spec) if each in {"Gjennomgang", "Periodeevaluering", "Planlagt slutt"}] == marks


def test_the_phases_are_marked_with_a_line_between_them() -> None:
    shown = CASES["follow-up"]
    spec = trajectory_chart(shown, "nb")
    assert {"Ventetid", "Behandling", "Oppfølging"} <= {*top_words(spec)}
    lowest = spec["encoding"]["y"]["scale"]["domain"][0]
    down = [row for rows in layers(spec, "rule", color=palette.QUIET) for row in rows]
    solid = [row["weeks"] for row in down if row.get("score2") == pytest.approx(lowest, abs=0.01)]
    review = shown.reviews_in_treatment[0].weeks
    borders = [weeks for weeks in solid if weeks != review]
    assert borders == [0, pytest.approx(7 + 1 / 7, abs=0.001)]


def test_weeks_run_below_and_doses_above() -> None:
    spec = trajectory_chart(CASES["every other week"], "en")
    assert spec["encoding"]["x"]["axis"] == {
        "title": "Weeks since the baseline",
        "values": list(range(0, 29, 2)),
        "format": "d",
    }
    numbers = [(row["weeks"], row["text"]) for rows in layers(spec, "text") for row in rows if row["text"].isdigit()]
    assert numbers == [(2 * dose, str(dose)) for dose in range(15)]
    assert "Sessions attended" in top_words(spec)


@every_case
def test_the_axes_span_the_whole_scale_and_everything_that_is_drawn(name: str) -> None:
    spec, shown = trajectory_chart(CASES[name], "nb"), CASES[name]
    (first, last), (lowest, highest) = (spec["encoding"][each]["scale"]["domain"] for each in ("x", "y"))
    assert lowest < shown.scale.minimum < shown.scale.maximum < highest
    assert all(lowest <= each <= highest for each in spec["encoding"]["y"]["axis"]["values"])
    drawn = [row["weeks"] for mark in ("line", "area") for rows in layers(spec, mark) for row in rows]
    assert all(first < weeks < last for weeks in drawn)
    assert all(first <= weeks <= last for weeks in spec["encoding"]["x"]["axis"]["values"])


# ---- The scale


def test_severity_bands_and_cut_off_are_named_beside_the_field() -> None:
    spec = trajectory_chart(CASES["early responder"], "nb")
    beside = {
        row["text"]: row["score"]
        for rows in layers(spec, "text", align="left", dx=10)
        for row in rows
        if row["score"] <= 27.675
    }
    # Between the first and the last score of each: 0-4, 5-9, 10-14, 15-19, 20-27; a case from 10 on.
    assert beside == {
        "Ingen eller minimale plager": 2,
        "Milde plager": 7,
        "Moderate plager": 12,
        "Moderat alvorlige plager": 17,
        "Alvorlige plager": 23.5,
        "Klinisk grenseverdi: 10": 9.5,
    }


def test_a_band_that_the_cut_off_divides_is_named_in_its_larger_part() -> None:
    spec = trajectory_chart(CASES["no natural course"], "en")
    # GAD-7, mild: 5-9, and a case from 8 on. Of 4.5 to 9.5 the part below 7.5 is the larger.
    assert {"weeks": pytest.approx(10.2), "score": 6, "text": "Mild symptoms"} in [
        row for rows in layers(spec, "text") for row in rows
    ]


def on_a_scale(better: Better, cutoff: int | None) -> ChartedSeries:
    shown = in_record_mode(charted([10, 12]))
    criteria = ChangeCriteria(0, 27, better=better, cutoff=cutoff)
    sources = dict(shown.scale.sources)
    del sources["reliable_change"], sources["important_difference"]
    if cutoff is None:
        del sources["cutoff"]
    return replace(shown, scale=replace(shown.scale, criteria=criteria, sources=sources))


def test_a_scale_on_which_higher_is_better_says_so() -> None:
    title = trajectory_chart(on_a_scale(Better.HIGHER, 12), "en")["encoding"]["y"]["axis"]["title"]
    assert title == "Score (higher is better)"


@pytest.mark.parametrize(("cutoff", "height"), [(13, 11), (12, 13)])
def test_the_larger_part_may_lie_on_either_side(cutoff: int, height: float) -> None:
    # Moderate, 10-14, is 9.5 to 14.5: above 12.5 lie 2, below 3; above 11.5 lie 3, below 2.
    spec = trajectory_chart(on_a_scale(Better.LOWER, cutoff), "nb")
    assert ("Moderate plager", height) in [(row["text"], row["score"]) for rows in layers(spec, "text") for row in rows]


def test_without_a_cut_off_there_is_no_line() -> None:
    spec = trajectory_chart(on_a_scale(Better.LOWER, None), "nb")
    assert layers(spec, "rule", color=palette.CUTOFF) == []


def test_a_score_that_is_not_followed_has_neither_direction_nor_cut_off() -> None:
    shown = in_record_mode(charted([10, 12]))
    sources = {name: shown.scale.sources[name] for name in ("range", "loinc")}
    shown = replace(shown, scale=replace(shown.scale, criteria=None, sources=sources))
    assert trajectory_chart(shown, "nb")["encoding"]["y"]["axis"]["title"] == "Skår"


# ---- Record mode, and next to nothing


@pytest.mark.parametrize("name", ["record mode", "record mode, waiting time", "one score in record mode"])
def test_record_mode_has_scores_severity_and_cut_off_but_no_curve_and_no_signal(name: str) -> None:
    spec = trajectory_chart(CASES[name], "nb")
    assert len(points(spec)) == len(CASES[name].observations)
    assert {each["signal"] for each in points(spec)} == {"Vist, ikke vurdert"}
    # Nothing is judged, so the legend has no signals to name.
    assert "Vist, ikke vurdert" not in words(spec)
    assert "Milde plager" in words(spec)
    assert any(each.startswith("Klinisk grenseverdi") for each in words(spec))
    for gone in ("area", "rect", "tick"):
        assert layers(spec, gone) == []
    said = " ".join([*words(spec), spec["description"], *spec["title"]["subtitle"]])
    for gone in ("Forventet", "Grønt", "Gult", "Rødt", "Grått", "trolig", "ukjent", "vindu", "Gjennomgang"):
        assert gone not in said


def test_a_series_without_a_score_says_so_on_an_empty_field() -> None:
    spec = trajectory_chart(CASES["no score"], "nb")
    assert points(spec) == []
    assert spec["title"]["subtitle"][0] == "Måleserien har ingen skårer som kan vises."
    assert "Milde plager" in words(spec)


# ---- Words


@in_every_language
def test_title_axes_and_description_are_in_the_reader_s_language(language: str) -> None:
    spec = trajectory_chart(CASES["waiting time"], language)
    assert (spec["title"]["text"], spec["encoding"]["x"]["axis"]["title"], spec["encoding"]["y"]["axis"]["title"]) == {
        "nb": ("Skårer på PHQ-9", "Uker siden startskåren", "Skår (lavere er bedre)"),
        "nn": ("Skårar på PHQ-9", "Veker sidan startskåren", "Skår (lågare er betre)"),
        "en": ("Scores on the PHQ-9", "Weeks since the baseline", "Score (lower is better)"),
    }[language]
    assert spec["description"].startswith(
        {
            "nb": "Skårer på PHQ-9. Grønt: som forventet. Siste skår er 11, i uke 4, etter 4 gjennomførte timer.",
            "nn": "Skårar på PHQ-9. Grønt: som forventa. Siste skår er 11, i veke 4, etter 4 gjennomførte timar.",
            "en": "Scores on the PHQ-9. Green: as expected. The last score is 11, in week 4;",
        }[language]
    )


@pytest.mark.parametrize(("language", "week"), [("nb", "uke 1,5"), ("nn", "veke 1,5"), ("en", "week 1.5")])
def test_a_fraction_has_a_comma_in_norwegian(language: str, week: str) -> None:
    assert week in trajectory_chart(charted([15, 14], every_weeks=1.5), language)["description"]


# ---- Any course


@given(
    st.lists(st.integers(0, 27), max_size=15),
    st.one_of(st.none(), st.integers(1, 60)),
    st.sampled_from([0.5, 1, 2, 6]),
    st.sampled_from(LANGUAGES),
)
def test_any_course_can_be_drawn(scores: list[int], planned_dose: int | None, weeks: float, language: str) -> None:
    shown = charted(scores, planned_dose=planned_dose, every_weeks=weeks)
    spec = trajectory_chart(shown, language)
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    assert [row["score"] for row in points(spec)] == scores
    first, last = spec["encoding"]["x"]["scale"]["domain"]
    assert first < last


def test_an_instrument_of_which_nothing_is_known_is_drawn_without_a_curve() -> None:
    shown = judged_afresh(instrument("audit"), a_series([15, 14]), None, Policy(), Plan())
    assert (shown.curve, shown.reviews, dict(shown.judged), shown.unchanged) == (None, (), {}, None)
    assert len(points(trajectory_chart(shown, "nb"))) == 2


def test_an_empty_series_has_nothing_to_show() -> None:
    empty = Series((), None, late_baseline=False, sessions_counted=0)
    shown = judged_afresh(instrument("phq-9"), empty, a_curve(), Policy(), Plan())
    assert (shown.baseline, shown.newest_judged, shown.expected) == (None, None, ())
