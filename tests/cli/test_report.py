"""`spor report make`: a report as a file, whole or not at all, and one line for what can't be made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.db.embedded import EmbeddedServer
from tests.api.test_exports import treated
from tests.cli.commands import refusal, run
from tests.factories import Clinic, ok
from tests.owner import Owner
from tests.pdf_text import text_of
from tests.reports.workbooks import sheets_of


@pytest.fixture(autouse=True)
def record(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record that the command works on."""
    monkeypatch.setenv("DATABASE_URL", server.url("spor", "spor_app"))


def arguments(clinic: Clinic, output: Path, kind: str = "outcomes", **options: object) -> list[object]:
    given = {"organisation": clinic.organisation_id, "kind": kind, "year": 2026, "format": "json", "output": output}
    if kind == "outcomes":
        given["measure"] = "phq-9"
    named = {**given, **options}
    return ["report", "make", *(part for name, value in named.items() for part in (f"--{name}", value))]


def make(capsys: pytest.CaptureFixture[str], clinic: Clinic, output: Path, **options: Any) -> bytes:
    code, out, err = run(capsys, *arguments(clinic, output, **options))
    assert (code, out) == (0, ""), err
    lines = err.splitlines()
    assert lines == [
        f"spor: making the report {options.get('kind', 'outcomes')} of 2026",
        f"spor: {output.stat().st_size} bytes in {output}",
    ]
    return output.read_bytes()


def test_the_file_says_what_the_route_answers(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(9):
        treated(clinic)
    for kind, asked in (("outcomes", {"year": 2026, "measure": "phq-9"}), ("grant", {"year": 2026})):
        told = json.loads(make(capsys, clinic, tmp_path / "report.json", kind=kind, language="en"))
        answer = clinic.lead.get(f"/v1/reports/{kind}", params=asked, headers={"Accept-Language": "en"})
        assert told == ok(answer)
    service = {"service": clinic.service_id, "language": "nn"}
    told = json.loads(make(capsys, clinic, tmp_path / "report.json", **service))
    asked = {"year": 2026, "measure": "phq-9", "service_id": str(clinic.service_id)}
    assert told == ok(clinic.lead.get("/v1/reports/outcomes", params=asked, headers={"Accept-Language": "nn"}))


@pytest.mark.parametrize("kind", ["outcomes", "grant"])
def test_each_format_is_what_its_name_says(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    files = {each: make(capsys, clinic, tmp_path / f"r.{each}", kind=kind, format=each) for each in ("csv", "xlsx")}
    assert files["csv"].decode("utf-8-sig").startswith("section,table,row,column,")
    assert sheets_of(files["xlsx"])
    assert "Testing" in text_of(make(capsys, clinic, tmp_path / "r.pdf", kind=kind, format="pdf"))


def test_three_years_end_with_the_year(clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(make(capsys, clinic, tmp_path / "r.json", years=3))["facts"]
    assert {"period": "2024-2026"}.items() <= {each["key"]: each["value"] for each in facts}.items()


def test_the_audit_says_that_it_was_made_at_the_machine(
    clinic: Clinic,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    owner: Owner,
) -> None:
    make(capsys, clinic, tmp_path / "r.json", kind="grant")
    event = owner.audit(clinic.organisation_id)[-1]
    told = (event["action"], event["role"], event["purpose"], event["actor_id"].int, event["patient_ids"])
    assert told == ("read_grant_report", "operator", "operation", 0, [])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"measure": "phq-8"}, "there is no such instrument"),
        ({"years": 2}, "a report is of one year or of three"),
        ({"year": 1999}, "--year must be 2000 to 2199"),
        ({"kind": "grant", "years": 3}, "a grant report is of one year and of no measure"),
        ({"kind": "grant", "measure": "phq-9"}, "a grant report is of one year and of no measure"),
        ({"service": UUID(int=7)}, "there is no such service"),
        ({"kind": "grant", "service": UUID(int=7)}, ""),
    ],
)
def test_what_can_not_be_made_is_one_line_and_no_file(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, Any], line: str
) -> None:
    output = tmp_path / "r.json"
    output.write_text("the report of last year")
    code, out, err = run(capsys, *arguments(clinic, output, **options))
    assert (code, out) == (2, "")
    assert line in err.splitlines()[-1]
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("r.json", "the report of last year")]


def test_outcomes_are_those_of_a_measure(clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = arguments(clinic, tmp_path / "r.json")
    assert refusal(capsys, *given[:-2]) == "a report of outcomes needs --measure, as phq-9"


def test_a_folder_that_is_not_there_is_named(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(capsys, *arguments(clinic, tmp_path / "none" / "r.json"))
    assert line == f"there is no folder {tmp_path / 'none'}"


def test_a_file_that_can_not_be_written_leaves_nothing_behind(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = run(capsys, *arguments(clinic, tmp_path / "r.json", kind="grant"))
    assert (code, err.splitlines()[-1]) == (2, f"spor: can't write {tmp_path / 'r.json'}: No space left on device")
    assert list(tmp_path.iterdir()) == []
