"""`spor instrument`: a service's own file is checked, and the docs hold the table that the data gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main
from tests.factories import own_instrument

DOCS = Path(__file__).parents[2] / "docs" / "instruments.md"


def test_a_file_that_keeps_the_rules_is_told_in_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = own_instrument()
    file = tmp_path / body["name"]
    file.write_text(body["text"], encoding="utf-8")
    with pytest.raises(SystemExit) as left:
        main(["instrument", "check", str(file)])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"{file}: Sleep check, version 1\n  self: 2 items; total 0-4\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"key = 5\n", "spor: sleep-check.toml:1: sources must be given, as a table\n"),
        (b"key = \n", "spor: sleep-check.toml:1: not TOML: Invalid value (at line 1, column 7)\n"),
        (b"\xff", "spor: {file}: the file is not UTF-8\n"),
        (None, "spor: {file}: No such file or directory\n"),
    ],
)
def test_a_fault_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, told: str
) -> None:
    file = tmp_path / "sleep-check.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SystemExit) as left:
        main(["instrument", "check", str(file)])
    assert left.value.code == 2
    assert capsys.readouterr().err == told.format(file=file)


def test_the_table_of_the_docs_is_made_from_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["instrument", "table"])
    table = capsys.readouterr().out
    assert DOCS.read_text(encoding="utf-8").endswith(f"\n\n{table}"), (
        "spor instrument table > the end of docs/instruments.md"
    )
