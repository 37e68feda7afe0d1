"""The hazard log is true: each control has its module and its test, and none of them was lost on the way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOG = (ROOT / "docs" / "hazards.md").read_text(encoding="utf-8")

ASKED_FOR = {
    "wrong patient",
    "missed risk answer",
    "stale score",
    "wrong norm",
    "false reassurance",
    "alarm fatigue",
    "stolen tablet",
    "curious colleague",
    "hostile tenant",
}
ACCEPTED = 6
"""The highest risk with which the service is put to use; the log says so too."""

FIELDS = ("What and whom.", "How.", "Risk.", "Left over.", "Who acts.")
RISK = re.compile(r"(?P<kinds>[CSTRIDE](?:, [CSTRIDE])*); severity (\d) → (\d); likelihood (\d) → (\d)", re.ASCII)


@dataclass(frozen=True)
class Control:
    """One row of a hazard: what is done, the modules that do it, the tests that keep it."""

    words: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Hazard:
    """One section of the log."""

    key: str
    name: str
    fields: dict[str, str]
    controls: tuple[Control, ...]

    @property
    def risks(self) -> tuple[int, ...]:
        """Severity and likelihood, each before and after the controls."""
        judged = RISK.fullmatch(self.fields["Risk."])
        assert judged, f"{self.key}: {self.fields['Risk.']}"
        return tuple(map(int, judged.groups()[1:]))


def hazards(text: str) -> list[Hazard]:
    """Read the sections of a log."""
    found = []
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        key, _, name = section.partition("\n")[0].partition(" ")
        fields = dict(re.findall(r"^\*\*([A-Z][a-z ]+\.)\*\* (.+)$", section, re.MULTILINE))
        controls = [
            Control(words, ticked(modules), ticked(tests))
            for words, modules, tests in re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", section, re.MULTILINE)
            if words != "control"
        ]
        found.append(Hazard(key, name, fields, tuple(controls)))
    return found


def ticked(cell: str) -> tuple[str, ...]:
    """Give what stands between backticks; anything else in the cell is an error of the log."""
    names = tuple(re.findall("`([^`]+)`", cell))
    assert ", ".join(f"`{name}`" for name in names) == cell, cell
    return names


@cache
def named_in(path: str) -> frozenset[str]:
    """Give the tests of a file, those of its classes too."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    )


def lost(text: str) -> Iterator[str]:
    """Give what a log names that is not there."""
    for hazard in hazards(text):
        for control in hazard.controls:
            for test in control.tests:
                path, _, name = test.partition("::")
                if name not in named_in(path):
                    yield f"{hazard.key}: no test {test}"
            for module in control.modules:
                if not (module.startswith("app/") and module.endswith(".py") and (ROOT / module).is_file()):
                    yield f"{hazard.key}: no module {module}"
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if not (ROOT / "docs" / link).exists():
            yield f"no page {link}"


def overview(read: list[Hazard]) -> Iterator[str]:
    """Give the rows of the overview that the sections make."""
    for each in read:
        severity, severity_after, likelihood, likelihood_after = each.risks
        kinds = each.fields["Risk."].partition(";")[0]
        before, after = severity * likelihood, severity_after * likelihood_after
        yield f"| {each.key} | {each.name} | {kinds} | {before} | {after} |"


def test_everything_that_is_named_is_there() -> None:
    assert list(lost(LOG)) == []


@pytest.mark.parametrize(
    ("named", "other"),
    [
        ("::test_duty`", "::test_duties`"),
        ("tests/scales/test_risk.py", "tests/scales/test_risks.py"),
        ("`app/scales/risk.py`", "`app/scales/danger.py`"),
        ("(instruments.md)", "(forms.md)"),
    ],
)
def test_what_was_renamed_is_found(named: str, other: str) -> None:
    assert named in LOG
    assert any(other.strip("`():") in each for each in lost(LOG.replace(named, other)))


def test_ids_are_in_order_and_unique() -> None:
    keys = [each.key for each in hazards(LOG)]
    assert keys == [f"H{number:02}" for number in range(1, len(keys) + 1)]
    assert set(re.findall(r"\bH\d+\b", LOG)) == set(keys)


def test_the_hazards_that_were_asked_for_are_there() -> None:
    names = [each.name.lower() for each in hazards(LOG)]
    assert [asked for asked in ASKED_FOR if not any(name.startswith(asked) for name in names)] == []


@pytest.mark.parametrize("hazard", hazards(LOG), ids=lambda hazard: hazard.key)
def test_a_hazard_is_told_whole_and_each_control_is_held_and_kept(hazard: Hazard) -> None:
    assert tuple(hazard.fields) == FIELDS
    assert hazard.controls
    for control in hazard.controls:
        assert control.modules, control.words
        assert control.tests, control.words


@pytest.mark.parametrize("hazard", hazards(LOG), ids=lambda hazard: hazard.key)
def test_risks_are_on_the_scale_and_controls_lower_them(hazard: Hazard) -> None:
    severity, severity_after, likelihood, likelihood_after = hazard.risks
    assert {severity, severity_after, likelihood, likelihood_after} <= {1, 2, 3, 4}
    assert severity_after <= severity
    assert severity_after * likelihood_after < severity * likelihood
    assert severity_after * likelihood_after <= ACCEPTED


def test_the_overview_is_that_of_the_sections() -> None:
    rows = "\n".join(overview(hazards(LOG)))
    table = LOG.partition("## Overview\n\n")[2].partition("\n\n## ")[0]
    head = "| id | hazard | kind | before | after |\n|---|---|---|---|---|\n"
    assert table == head + rows, f"the overview is to be:\n{head}{rows}"
