"""The instruments that are scored by one table each: answers, and what the sources make of them by plain arithmetic."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.scales.catalogue import catalogue, instrument
from app.scales.instrument import Form
from app.scales.norms import Sex
from app.scales.scoring import Answers, read_answers, score, screen

REFERENCE = Path(__file__).parents[1] / "reference"
COLUMNS = ["case", "source", "form", "sex", "answers", "scores", "bands", "cutoffs", "screens", "arithmetic"]
STATES = {"d": "declined", "n": "not_shown"}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        return list(rows) if rows.fieldnames == COLUMNS else []


CASES = [(key, case) for key in catalogue() for case in table(REFERENCE / f"{key}.csv")]


def answers_of(form: Form, written: str) -> Answers:
    """Read answers in the form's order: - is blank, d declined, n not shown."""
    words = dict(zip((item.number for item in form.items), written.split(), strict=True))
    states = {number: STATES[word] for number, word in words.items() if word in STATES}
    given = {number: json.loads(word) for number, word in words.items() if word != "-" and word not in STATES}
    return read_answers(form, given, states)


@pytest.mark.parametrize(("key", "case"), CASES, ids=[f"{key} {case['case']}" for key, case in CASES])
def test_the_table_is_met(key: str, case: Mapping[str, str]) -> None:
    form = instrument(key).form(case["form"])
    sex = Sex(case["sex"]) if case["sex"] else None
    answers = answers_of(form, case["answers"])
    scores = score(form, answers).subscales
    values = {name: each.value for name, each in scores.items()}
    assert values == json.loads(case["scores"])
    assert {name: each.band for name, each in scores.items() if each.band} == json.loads(case["bands"])
    reached = {
        name: form.subscale(name).cutoffs_reached(value, sex) for name, value in values.items() if value is not None
    }
    assert {name: each for name, each in reached.items() if each} == json.loads(case["cutoffs"])
    assert screen(form, answers) == json.loads(case["screens"])


def test_the_tables_reach_every_form_band_and_outcome_and_both_sides_of_every_cutoff() -> None:
    met: set[tuple[object, ...]] = set()
    published: set[tuple[object, ...]] = set()
    for key, case in CASES:
        met |= {(key, case["form"])}
        met |= {(key, case["form"], *each) for each in json.loads(case["bands"]).items()}
        met |= {(key, case["form"], *each) for each in json.loads(case["screens"]).items()}
        for subscale, cutoffs in json.loads(case["cutoffs"]).items():
            met |= {(key, case["form"], subscale, *each) for each in cutoffs.items() if each[1] is not None}
    for key in {key for key, _ in CASES}:
        for form in instrument(key).forms:
            published |= {(key, form.key)}
            for each in form.screens:
                outcomes = [outcome.code for outcome in each.outcomes]
                published |= {(key, form.key, each.key, code) for code in (*outcomes, "negative", "undetermined")}
            for subscale in form.subscales:
                published |= {(key, form.key, subscale.key, band.code) for band in subscale.bands}
                cutoffs = subscale.cutoffs_reached(subscale.minimum, Sex.MALE)
                published |= {(key, form.key, subscale.key, name, side) for name in cutoffs for side in (True, False)}
    # The wording of an item may differ between domains of the WFIRS; the rule is tried on the first of them.
    assert {each for each in published - met if not str(each[0]).startswith("wfirs")} == set()


def test_every_other_instrument_has_a_table_of_its_own_kind() -> None:
    assert set(catalogue()) - {key for key, _ in CASES} == {"gad-7", "phq-9", "rcads-25", "rcads-47", "sdq"}
