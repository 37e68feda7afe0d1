"""`spor score`, as a program: JSON Lines in, JSON Lines out, exit code 2 where something could not be scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import main

GOOD = '{"instrument": "gad-7", "answers": {"1": 3, "2": 3, "3": 2, "4": 1, "5": 0, "6": 0, "7": 1}}'


def scored(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    with pytest.raises(SystemExit) as left:
        main(["score", *arguments])
    printed = capsys.readouterr()
    return int(left.value.code or 0), [json.loads(line) for line in printed.out.splitlines()], printed.err


def test_each_line_is_answered_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(f"\ufeff{GOOD}\n\n{GOOD}\n", encoding="utf-8")
    code, told, error = scored(capsys, str(file))
    assert (code, error) == (0, "")
    # 3 + 3 + 2 + 1 + 0 + 0 + 1
    assert [each["scores"]["total"]["value"] for each in told] == [10, 10]
    assert [each["scores"]["total"]["band"] for each in told] == ["moderate", "moderate"]


def test_what_can_t_be_scored_does_not_keep_the_rest_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answers.jsonl"
    wrong = '{"instrument": "phq-9", "answers": {"1": 2.5, "9": 3, "9": 0}}'
    file.write_text(f"{wrong}\nnot JSON\n{'[' * 100_000}\n{GOOD}\n", encoding="utf-8")
    code, told, error = scored(capsys, str(file))
    assert code == 2
    assert error == "spor: 3 of 4 records could not be scored\n"
    assert told[0]["error"]["item"] == "1"
    assert [each["code"] for each in told[0]["critical"]] == [3]
    assert told[1] == told[2] == {"error": {"type": "malformed-body", "detail": "the line is not JSON"}}
    assert told[3]["scores"]["total"]["value"] == 10


@pytest.mark.parametrize(("content", "rule"), [(None, "can't read"), (b"\xff\xfe{}", "not text in UTF-8")])
def test_a_file_that_can_t_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, rule: str
) -> None:
    file = tmp_path / "answers.jsonl"
    if content is not None:
        file.write_bytes(content)
    code, told, error = scored(capsys, str(file))
    assert (code, told) == (2, [])
    assert error.count("\n") == 1
    assert rule in error
