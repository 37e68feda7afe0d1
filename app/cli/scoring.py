"""`spor score`: answers in, scores out, one JSON object a line; without server or database."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from app.errors import InvalidInput
from app.scales.records import score_record
from app.services.bodies import read_body

_TOLD_EVERY = 100_000


def score(
    file: Annotated[str, typer.Argument(help="JSON Lines; - is standard input.")] = "-",
) -> None:
    """Score answers: a line of JSON for each record, with its scores or its error.

    A record is {"instrument", "form", "answers": {"1": 0, …}, "age", "sex", "grade"}; instrument and answers are always
    needed. The exit code is 2 if any record could not be scored.
    """
    failed = scored = 0
    for line in _lines(file):
        told = _told(line)
        failed += "error" in told
        scored += 1
        print(json.dumps(told, ensure_ascii=False))
        if scored % _TOLD_EVERY == 0:
            print(f"spor: {scored} records", file=sys.stderr)
    if failed:
        print(f"spor: {failed} of {scored} records could not be scored", file=sys.stderr)
        raise typer.Exit(2)


def _told(line: str) -> dict[str, Any]:
    try:
        return score_record(read_body(line))
    except (ValueError, RecursionError):
        return {"error": {"type": "malformed-body", "detail": "the line is not JSON"}}


def _lines(file: str) -> Iterator[str]:
    """Give the lines that are not blank.

    Raises
    ------
    InvalidInput
        If the file can't be read.
    """
    name = "standard input" if file == "-" else file
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as content:
            for line in content:
                if line.strip():
                    yield line.decode("utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"can't read {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not text in UTF-8") from None
