"""The README is true: its settings, targets, links and words are those of the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.config import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_table_with_its_meaning(name: str) -> None:
    field = Settings.model_fields[name]
    variable = field.validation_alias or f"SPOR_{name.upper()}"
    [row] = [line for line in README.splitlines() if line.startswith(f"| `{variable}` ")]
    assert row.endswith(f"| {field.description} |")


def test_every_default_in_the_table_is_the_real_one() -> None:
    for name, default in (("host", "127.0.0.1"), ("port", 8000), ("threads", 8), ("clock_tolerance_seconds", 300)):
        assert Settings.model_fields[name].default == default
        assert f"| `SPOR_{name.upper()}` | `{default}` |" in README


def test_every_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", README, re.MULTILINE))
    assert {"run", "test", "check", "evidence"} <= named
    assert named <= targets


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    "term", ["instrument", "administration", "episode", "dose", "baseline", "main measure", "signal", "risk alert"]
)
def test_the_glossary_has_the_words_of_the_domain(term: str) -> None:
    glossary = README[README.index("## Glossary") :]
    assert re.search(rf"^\| [^|]*{term}", glossary, re.MULTILINE)
