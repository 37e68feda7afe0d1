"""A service's own instrument files: errors name file, line and rule."""

from __future__ import annotations

import pytest

from app.api.examples import EXAMPLES
from app.api.schemas.instruments import InstrumentFile
from app.errors import InstrumentDataError
from app.scales.own import load_own_instrument

FILE = "sleep-check.toml"
TEXT = str(EXAMPLES[InstrumentFile]["text"])


def fault_of(text: str, file: str = FILE) -> str:
    with pytest.raises(InstrumentDataError) as caught:
        load_own_instrument(text, file)
    return caught.value.detail


def test_a_file_that_keeps_the_rules_is_read() -> None:
    own = load_own_instrument(TEXT, FILE)
    assert (own.key, own.version, own.validated, own.for_change) == ("sleep-check", "1", False, True)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "Sleep check"', "title = 5", f"{FILE}:3: title must be a text"),
        ("asks_about_suicide = false", "", f"{FILE}:1: asks_about_suicide must be given, as true or false"),
        ('confidence = "UNVERIFIED"', 'confidence = "C"', f"{FILE}:10: sources: own: confidence must be one of"),
        ("code = 1, topic", "code = true, topic", f"{FILE}:21: choices[0]: choices[1]: code must be an integer"),
        (
            'choices = "nights", source = "own" },\n]',
            'choices = "days", source = "own" },\n]',
            f"{FILE}:29: forms[0]: items[1]",
        ),
        ("[[forms.subscales]]", "[[forms.subscale]]", f"{FILE}:23: forms[0]: the scored items, and no others"),
        ("title =", "title", f"{FILE}:3: not TOML: Expected '=' after a key"),
        ('better = "lower"\n', 'better = "lower', f"{FILE}:36: not TOML: Unterminated string"),
        ('key = "sleep-check"', 'key = "Sleep"', f"{FILE}:1: a key is written in lower case"),
    ],
)
def test_a_fault_names_file_line_and_rule(old: str, new: str, told: str) -> None:
    assert old in TEXT
    assert fault_of(TEXT.replace(old, new, 1)).startswith(told)


def test_the_line_of_a_fault_is_the_nearest_that_stands_there() -> None:
    """A table without its key is told by the line of the table, and so is a key that is taken, wherever it stands."""
    text = TEXT.replace('key = "sleep-check"\n', "", 1).replace("title =", 'key = "phq-9"\ntitle =', 1)
    place = text.split("\n").index('key = "phq-9"') + 1
    assert fault_of(f"# ours\n{text}", "phq-9.toml").startswith(f"phq-9.toml:{place + 1}: phq-9 is the key")
    missing = TEXT.replace("code = 1, topic", "kode = 1, topic", 1)
    line = next(number for number, each in enumerate(missing.split("\n"), 1) if "kode = 1" in each)
    assert fault_of(missing).startswith(f"{FILE}:{line}: ")
    header = "[[forms.subscales]]\n"
    without = TEXT.replace(f'{header}key = "total"\n', header, 1)
    line = without.split("\n").index("[[forms.subscales]]") + 1
    assert fault_of(without).startswith(f"{FILE}:{line}: ")


def test_what_is_missing_at_the_end_is_told_of_the_last_line() -> None:
    assert fault_of('key = "a"\nb = [1,\n') == f"{FILE}:3: not TOML: Invalid value (at end of document)"


def test_a_file_named_otherwise_is_refused() -> None:
    assert fault_of(TEXT, "other.toml") == (
        "other.toml:1: the file of instrument sleep-check must be named sleep-check.toml"
    )


def test_a_shipped_instrument_cannot_be_shadowed() -> None:
    told = fault_of(TEXT.replace("sleep-check", "phq-9"), "phq-9.toml")
    assert told == "phq-9.toml:1: phq-9 is the key of a shipped instrument; choose another"


def test_norms_need_a_file_beside_it() -> None:
    norms = '\n[norms]\nfile = "norms/x.csv"\npopulation = "us_school_pupils"\nshown_up_to = 80\nsource = "own"\n'
    assert fault_of(TEXT + norms).startswith(f"{FILE}:38: norms: there is no file norms/x.csv beside it")


def test_nesting_without_end_is_refused() -> None:
    assert fault_of("a = " + "[" * 5000).endswith("nested too deeply (at end of document)")
