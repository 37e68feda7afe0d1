"""The README is true: its settings, targets, links and words are those of the project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.settings import markdown_table, rows
from app.config import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_the_table_of_settings_is_the_one_that_the_program_prints() -> None:
    assert "\n".join(markdown_table()) in README


def test_the_table_tells_kind_default_and_meaning() -> None:
    told = {variable.strip("`"): (kind, default) for variable, kind, default, _ in rows()}
    assert told["DATABASE_URL"] == ("`postgresql://…`", "none")
    assert told["SPOR_PORT"] == ("1 to 65535", "`8000`")
    assert told["SPOR_LOG_LEVEL"] == ("`debug`, `info`, `warning`, `error`", "`info`")
    assert told["SPOR_METRICS_TOKEN"] == ("secret, at least 16 characters", "none")
    assert told["SPOR_DATA_DIR"][0] == "folder"
    assert len(told) == len(Settings.model_fields)


def test_every_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"run", "test", "check", "evidence"} <= named
    assert named <= targets


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_chart_is_what_the_program_makes_today_by_the_command_that_is_named(tmp_path: Path) -> None:
    [command] = re.findall(r"^    spor (chart .+)$", README, re.MULTILINE)
    *arguments, out = command.split()
    assert f"]({out})" in README
    made = tmp_path / "chart.svg"
    program = [sys.executable, "-m", "app.cli", *arguments, str(made)]
    subprocess.run(program, cwd=ROOT, check=True, timeout=120)
    assert made.read_text(encoding="utf-8") == (ROOT / out).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "term", ["instrument", "administration", "episode", "dose", "baseline", "main measure", "signal", "risk alert"]
)
def test_the_glossary_has_the_words_of_the_domain(term: str) -> None:
    glossary = README[README.index("## Glossary") :]
    assert re.search(rf"^\| [^|]*{term}", glossary, re.MULTILINE)
