"""Running commands in tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import main

REFERENCE = Path(__file__).parents[1] / "reference" / "trajectories"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int | str | None, str, str]:
    """Run a command; give its exit code and what it printed."""
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments)])
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """Run a command that prints one document."""
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, ""), err
    told: dict[str, Any] = json.loads(out)
    return told


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that refuses, in one line; give the line."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("spor: ")
    assert err.count("\n") == 1
    return err.removeprefix("spor: ").rstrip("\n")


def simulated(capsys: pytest.CaptureFixture[str], folder: Path, *options: object, name: str = "scores.csv") -> Path:
    """Simulate a PHQ-9 service, and give the file."""
    code, out, err = run(capsys, "simulate", "--instrument", "phq-9", *options)
    assert (code, err) == (0, "")
    file = folder / name
    file.write_text(out, encoding="utf-8")
    return file
