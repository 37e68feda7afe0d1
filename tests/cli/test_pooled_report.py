"""`spor report pool`: a report over several organisations as a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.embedded import EmbeddedServer
from app.db.session import Database
from tests.api.test_exports import treated
from tests.cli.commands import run
from tests.factories import Clinic, make_clinic
from tests.pdf_text import text_of
from tests.services.test_pooled_reports import agree


@pytest.fixture(autouse=True)
def record(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record that the command works on."""
    monkeypatch.setenv("DATABASE_URL", server.url("spor", "spor_app"))


@pytest.fixture(scope="module")
def three(database: Database, client: TestClient) -> list[Clinic]:
    clinics = [make_clinic(database, client) for _ in range(3)]
    for clinic in clinics:
        agree(clinic)
        for _ in range(4):
            treated(clinic)
    return clinics


def arguments(clinics: list[Clinic], output: Path, **options: object) -> list[object]:
    named = {"year": 2026, "measure": "phq-9", "format": "json", "output": output, **options}
    organisations = [part for clinic in clinics for part in ("--organisation", clinic.organisation_id)]
    return ["report", "pool", *organisations, *(part for name, value in named.items() for part in (f"--{name}", value))]


def test_it_is_written_as_what_is_asked_for(
    three: list[Clinic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *arguments(three, tmp_path / "pooled.json", language="en"))
    assert (code, out) == (0, "")
    assert err.splitlines()[0] == "spor: making the report of 3 organisations of 2026"
    told = json.loads((tmp_path / "pooled.json").read_text(encoding="utf-8"))
    assert told["title"] == "What several municipalities achieve together"
    assert told["sections"][0]["tables"][0]["rows"][0]["figures"][0]["value"] == 10  # 12, to the nearest 5
    assert run(capsys, *arguments(three, tmp_path / "pooled.pdf", format="pdf"))[0] == 0
    text = text_of((tmp_path / "pooled.pdf").read_bytes())
    assert "Hva flere kommuner oppnår til sammen" in text
    assert "Testing, Testing, Testing" in text


def test_what_cannot_be_made_is_one_line(
    three: list[Clinic], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, nowhere = tmp_path / "pooled.json", tmp_path / "none" / "pooled.json"
    for clinics, where, options, said in (
        (three[:2], output, {}, "3 organisations or more"),
        (three, output, {"year": 1999}, "--year must be 2000 to 2199"),
        (three, output, {"measure": "no-such"}, "no such instrument"),
        (three, nowhere, {}, "there is no folder"),
    ):
        code, out, err = run(capsys, *arguments(clinics, where, **options))
        assert (code, out) == (2, "")
        assert said in err.splitlines()[-1]
    assert not output.exists()
