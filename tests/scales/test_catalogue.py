"""The shipped instruments: complete, sourced, and refused when a file breaks a rule."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files

import pytest

from app.errors import InstrumentDataError, UnknownInstrument
from app.scales.catalogue import catalogue, instrument, load_instrument
from app.scales.change import Better, ChangeCriteria
from app.scales.instrument import (
    Confidence,
    InformantRole,
    LicenceStatus,
    MissingMethod,
    NotForChange,
    ReliabilityMeasure,
)

FOLDER = files("app.scales").joinpath("instruments")
FILES = sorted(file.name for file in FOLDER.iterdir() if file.is_file())


def text_of(file: str) -> str:
    return FOLDER.joinpath(file).read_text(encoding="utf-8")


def unsourced(content: object, place: str = "", *, sourced: bool = False) -> Iterator[str]:
    """Walk a file's content and give the place of each figure, code or licence with no source around it."""
    if isinstance(content, Mapping):
        sourced = sourced or "source" in content
        for key, value in content.items():
            if key != "sources":
                yield from unsourced(value, f"{place}/{key}", sourced=sourced)
    elif isinstance(content, list):
        for position, value in enumerate(content):
            yield from unsourced(value, f"{place}/{position}", sourced=sourced)
    else:
        is_figure = isinstance(content, int | float) and not isinstance(content, bool)
        is_fact = is_figure or place.endswith(("/loinc", "/value", "/terms", "/kind"))
        if is_fact and not sourced:
            yield place


def named_sources(content: object) -> Iterator[str]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key == "source":
                yield value
            elif key != "sources":
                yield from named_sources(value)
    elif isinstance(content, list):
        for value in content:
            yield from named_sources(value)


@pytest.mark.parametrize("file", FILES)
def test_every_figure_names_its_source(file: str) -> None:
    assert list(unsourced(tomllib.loads(text_of(file)))) == []


def test_the_walk_finds_a_figure_without_a_source() -> None:
    content = tomllib.loads("""
        a = { value = 1 }
        b = { value = 1, source = "x" }
        [[c]]
        loinc = "1-1"
        items = [{ low = 0.5 }]
        flag = true
    """)
    assert list(unsourced(content)) == ["/a/value", "/c/0/loinc", "/c/0/items/0/low"]


@pytest.mark.parametrize("file", FILES)
def test_no_source_is_left_over(file: str) -> None:
    content = tomllib.loads(text_of(file))
    named = set(named_sources(content))
    if "norms" in content:
        named |= {row["source"] for row in csv.DictReader(text_of(content["norms"]["file"]).splitlines())}
    assert named == set(content["sources"])


def test_the_shipped_instruments() -> None:
    """The keys of design section 6, in their order by name."""
    designed = (
        "phq-9 gad-7 sdq rcads-47 rcads-25 core-om core-10 audit dudit asrs-1.1 wurs-25 raads-r wfirs-p wfirs-s"
        " lpfs-bf-2.0 kates-2 pcl-5 itq ors srs session-feedback own-goals"
    )
    assert tuple(catalogue()) == tuple(sorted(designed.split()))
    assert [f"{key}.toml" for key in catalogue()] == FILES
    assert catalogue() is catalogue()


def test_an_unknown_instrument_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownInstrument) as caught:
        instrument("phq-8")
    assert (caught.value.pointer, caught.value.allowed) == ("/instrument", ", ".join(catalogue()))


@pytest.mark.parametrize(
    ("key", "items", "criteria", "panel", "total", "loinc"),
    [
        # scales.md sections 1 and 2; important differences: methods.md B3 (Kounali 2022).
        (
            "phq-9",
            9,
            ChangeCriteria(0, 27, Better.LOWER, 10, 6, 1.7),
            "44249-1",
            "44261-6",
            "44250-9 44255-8 44259-0 44254-1 44251-7 44258-2 44252-5 44253-3 44260-8 69722-7",
        ),
        (
            "gad-7",
            7,
            ChangeCriteria(0, 21, Better.LOWER, 8, 4, 1.5),
            "69737-5",
            "70274-6",
            "69725-0 68509-9 69733-4 69734-2 69735-9 69689-8 69736-7 69722-7",
        ),
    ],
)
def test_keys_limits_and_codes(
    key: str, items: int, criteria: ChangeCriteria, panel: str, total: str, loinc: str
) -> None:
    shipped = instrument(key)
    form = shipped.form(None)
    subscale = form.subscale(shipped.main_subscale)
    assert shipped.for_change
    assert subscale.criteria == criteria
    assert subscale.items == tuple(str(number) for number in range(1, items + 1))
    assert (subscale.missing.max_missing, subscale.missing.method) == (2, MissingMethod.PRORATE)
    assert subscale.missing.configurable
    assert (shipped.loinc_panel, subscale.loinc) == (panel, total)
    assert [item.loinc for item in form.items] == loinc.split()
    assert {item.codes for item in form.items} == {(0, 1, 2, 3)}
    assert not any(item.reversed for item in form.items)
    assert [item.number for item in form.items if not item.scored] == [str(items + 1)]
    assert [each.loinc for each in shipped.choices] == ["LL358-3", "LL359-1"]
    answers = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
    assert [choice.loinc for choice in shipped.choices[0].choices] == answers
    assert shipped.recall_days == 14
    assert (form.respondents, form.min_age, form.max_age) == ((InformantRole.SELF,), 12, None)
    assert shipped.licence.status is LicenceStatus.FREE


def test_who_asks_about_suicide_and_what_else_asks_for_action() -> None:
    """scales.md sections 1, 5; the issue: PHQ-9 item 9, the CORE's risk items, events of violence and abuse."""
    assert [key for key, one in catalogue().items() if one.asks_about_suicide] == ["core-10", "core-om", "phq-9"]
    found = {
        key: {each.item: (each.threshold, each.kind, each.under_age) for each in one.critical_items}
        for key, one in catalogue().items()
    }
    suicidal, others = (1, "suicidal_thoughts", None), (1, "danger_to_others", None)
    assert {key: items for key, items in found.items() if items} == {
        "phq-9": {"9": suicidal},
        "core-10": {"6": suicidal},
        "core-om": {
            **dict.fromkeys(("9", "16", "24"), suicidal),
            **dict.fromkeys(("6", "22"), others),
            "34": (1, "self_harm", None),
        },
        "kates-2": {
            **{f"E{number}": (1, "violence", 18) for number in range(3, 8)},
            **{f"E{number}": (1, "sexual_abuse", 18) for number in (8, 9)},
        },
        **{key: {f"E{number}": (1, "trauma_event", 18) for number in range(1, 16)} for key in ("pcl-5", "itq")},
    }
    for key in ("kates-2", "pcl-5", "itq"):
        assert {each.duties for each in instrument(key).critical_items} == {("inform_child_welfare", "avert_abuse")}


def test_what_is_not_followed_over_time() -> None:
    found = {key: one.not_for_change for key, one in catalogue().items() if not one.for_change}
    assert found == {
        "wurs-25": NotForChange.RETROSPECTIVE,
        "raads-r": NotForChange.SCREENING,
        "asrs-1.1": NotForChange.SCREENING,
        "srs": NotForChange.ABOUT_THE_HELP,
        "session-feedback": NotForChange.ABOUT_THE_HELP,
    }


def test_our_own_forms_are_called_not_validated() -> None:
    assert [key for key, one in catalogue().items() if not one.validated] == ["own-goals", "session-feedback"]


def test_the_gad_7_shows_caseness_and_the_screening_cutoff() -> None:
    subscale = instrument("gad-7").form(None).subscale("total")
    assert subscale.criteria is not None
    assert subscale.criteria.cutoff == 8
    assert [(cutoff.key, cutoff.score) for cutoff in subscale.further_cutoffs] == [("screening", 10)]


def test_what_was_not_confirmed_says_so() -> None:
    for shipped in map(instrument, ("phq-9", "gad-7")):
        subscale = shipped.form(None).subscale("total")
        assert subscale.missing.source.confidence is Confidence.UNVERIFIED
        retest = [each for each in subscale.reliability if each.measure is ReliabilityMeasure.RETEST]
        assert [each.source.confidence for each in retest] == [Confidence.UNVERIFIED]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('key = "phq-9"', "key = ", "phq-9.toml: not TOML: .*line 4"),
        ('key = "phq-9"', 'key = "phq-8"', "phq-9.toml: the file of instrument phq-8 must be named phq-8.toml"),
        ('version = "1"', "", "phq-9.toml: version must be given, as a text"),
        ('version = "1"', "version = 1", "phq-9.toml: version must be a text"),
        ("asks_about_suicide = true", "asks_about_suicide = 1", "asks_about_suicide must be true or false"),
        ('main_subscale = "total"', 'main_subscale = "sum"', "phq-9.toml: every form needs the main subscale"),
        ("recall_days = {", "recal_days = {", "phq-9.toml: the format has no key recal_days here"),
        ("{ value = 14, ", "{ value = 14.5, ", "phq-9.toml: recall_days: value must be an integer"),
        ("{ value = 14, ", "{ value = true, ", "phq-9.toml: recall_days: value must be an integer"),
        ('value = 14, source = "scoring"', "value = 14", "phq-9.toml: recall_days: source must be given, as a text"),
        ("{ value = 14, ", "{ value = 14, unit = 1, ", "phq-9.toml: recall_days: the format has no key unit here"),
        ('value = 14, source = "scoring"', 'value = 14, source = "x"', "recall_days: there is no source x"),
        ('confidence = "A-"', 'confidence = "A+"', "difficulty: confidence must be one of: A, A-, B, UNVERIFIED"),
        ('status = "free"', 'status = "gratis"', "licence: status must be one of: free, agreement_needed"),
        ("[licence]", "[[licence]]", "phq-9.toml: licence must be a table"),
        ("[[critical_items]]", "[critical_items]", "phq-9.toml: critical_items must be a list of tables"),
        ('respondents = ["self"]', 'respondents = ["me"]', r"forms\[0\]: respondents must be one of: self, parent"),
        ('respondents = ["self"]', "respondents = [1]", r"forms\[0\]: respondents must be a list of texts"),
        ("min_age = {", "min_age = { days = 3, ", r"forms\[0\]: min_age: the format has no key days here"),
        ('choices = "frequency", loinc = "44250-9"', 'choices = "x"', r"items\[0\]: there is no list of choices x"),
        ('number = "2"', 'number = "1"', r"phq-9.toml: forms\[0\]: each item of a form may occur only once"),
        ("code = 3, topic", "code = 2, topic", r"choices\[0\]: the codes of the choices must rise"),
        ("low = 5, high = 9", "low = 5, high = 8", r"forms\[0\]: subscales\[0\]: the bands must rise"),
        ("low = 5, high = 9", "low = 5, high = 4", r"bands\[1\]: a band must not end before it begins"),
        ("cutoff = { value = 10", "cutoff = { value = 28", r"subscales\[0\]: a cut-off must lie within the range"),
        ("value = 1.7", "value = 2", "important_difference: value must be a number with decimals"),
        ("maximum = 27", "maximum = 30", r"subscales\[0\]: the bands must rise"),
        ('better = "lower"', "", r"subscales\[0\]: the format has no key cutoff here"),
        ("threshold = 1", "threshold = 5", r"forms\[0\]: the threshold of a critical item must be one of its codes"),
        (
            'of = "core"',
            'of = "cores"',
            r"screens\[0\]: outcomes\[0\]: all\[1\]: there is no list of signs cores",
        ),
        ("count = 5", "counts = 5", r"all\[0\]: count must be given, as an integer"),
        ("signs.core =", "signs.cores =", r"all\[1\]: there is no list of signs core"),
        ('items = ["9"], at_least', 'items = ["9"], from', r"signs: symptoms\[1\]: a sign has at_least or at_most"),
        ("all = [{ count = 5", "some = [{ count = 5", r"outcomes\[0\]: an outcome of a screen needs at least one"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_by_place_and_rule(old: str, new: str, message: str) -> None:
    text = text_of("phq-9.toml")
    assert old in text
    with pytest.raises(InstrumentDataError, match=message) as caught:
        load_instrument(text.replace(old, new, 1), "phq-9.toml")
    assert caught.value.detail.count("phq-9.toml: ") == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{ first = 4, last = 6", "{ first = 4", r"reliability\[1\]: interval: last must be given, as an integer"),
        ('unit = "months"', 'unit = "years"', "interval: unit must be one of: days, weeks, months"),
        ("{ first = 4, last = 6", "{ first = 7, last = 6", "interval: an interval begins at 1 or more"),
        ("mean = 8.4, sd", "mean = 8, sd", "norm: mean must be a number with decimals"),
        ("mean = 8.4, sd = 5.8", "mean = 8.4, sd = 0.0", "norm: a standard deviation must be above 0"),
        ('sd = 5.8, source = "norm"', "sd = 5.8", "norm: source must be given, as a text"),
    ],
)
def test_a_norm_or_an_interval_that_breaks_a_rule_is_refused(old: str, new: str, message: str) -> None:
    text = text_of("sdq.toml")
    assert old in text
    with pytest.raises(InstrumentDataError, match=message):
        load_instrument(text.replace(old, new, 1), "sdq.toml")


def test_a_list_of_choices_may_not_be_given_twice() -> None:
    text = text_of("phq-9.toml").replace('key = "difficulty"', 'key = "frequency"')
    with pytest.raises(InstrumentDataError, match="each list of choices may occur only once"):
        load_instrument(text.replace('choices = "difficulty"', 'choices = "frequency"'), "phq-9.toml")


def test_a_file_without_any_form_is_refused() -> None:
    text = text_of("phq-9.toml")
    with pytest.raises(InstrumentDataError, match="an instrument needs at least one form"):
        load_instrument(text[: text.index("[[forms]]")], "phq-9.toml")


def test_a_score_that_is_not_for_change_needs_no_criteria() -> None:
    text = text_of("gad-7.toml").replace('version = "1"', 'version = "1"\nnot_for_change = "screening"')
    kept = [
        line
        for line in text.splitlines()
        if not line.startswith(("better", "cutoff", "reliable_change", "important_difference"))
    ]
    loaded = load_instrument("\n".join(kept), "gad-7.toml")
    assert not loaded.for_change
    assert loaded.form(None).subscale("total").criteria is None


MADE_UP = """
key = "made-up"
version = "2"
title = "Made up"
main_subscale = "total"
not_for_change = "retrospective"
validated = false
asks_about_suicide = false

[sources.own]
text = "made up for a test"
confidence = "B"

[licence]
status = "agreement_needed"
holder = "somebody"
terms = "Ask first."
source = "own"

[[choices]]
key = "amount"
source = "own"
choices = [{ code = 0, topic = "none" }, { code = 2, topic = "some" }, { code = 4, topic = "much" }]

[[forms]]
key = "parent-4-17"
family = "parent-4-17"
respondents = ["parent", "teacher"]
min_age = { value = 4, source = "own" }
max_age = { value = 17, source = "own" }
items = [
    { number = "1", topic = "one", choices = "amount", source = "own" },
    { number = "2", topic = "two", choices = "amount", source = "own", reversed = true },
]
[[forms.subscales]]
key = "total"
items = ["1", "2"]
range = { minimum = 0, maximum = 8, source = "own" }
missing = { max_missing = 1, method = "prorate", source = "own" }

[[forms]]
key = "parent-4-17-follow-up"
family = "parent-4-17"
respondents = ["parent"]
items = [{ number = "1", topic = "one", choices = "amount", source = "own" }]
[[forms.subscales]]
key = "total"
items = ["1"]
range = { minimum = 0, maximum = 4, source = "own" }
missing = { max_missing = 0, method = "none", source = "own" }
"""


def test_the_format_holds_what_the_shipped_instruments_do_not_need_yet() -> None:
    made_up = load_instrument(MADE_UP, "made-up.toml")
    assert made_up.licence.status is LicenceStatus.AGREEMENT_NEEDED
    assert (made_up.recall_days, made_up.loinc_panel, made_up.critical_items) == (None, None, ())
    first, follow_up = made_up.forms
    assert first.family == follow_up.family
    assert first.respondents == (InformantRole.PARENT, InformantRole.TEACHER)
    assert (first.min_age, first.max_age) == (4, 17)
    assert (follow_up.min_age, follow_up.max_age) == (None, None)
    assert [item.reversed for item in first.items] == [False, True]
    assert first.items[0].codes == (0, 2, 4)
    total = first.subscale("total")
    assert (total.bands, total.criteria, total.missing.configurable) == ((), None, False)
    assert follow_up.subscale("total").missing.method is MissingMethod.NONE


def test_why_something_is_not_followed_can_end_a_sentence() -> None:
    said = [reason.because for reason in NotForChange]
    assert len(set(said)) == len(said) == 3
    assert all(each.startswith("it ") and not each.endswith(".") for each in said)
