"""`spor curve learn`: a candidate from the record, by command only, and one line for what goes wrong."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest

from app.cli import curves, main
from app.db.curves import get_curve
from app.db.embedded import EmbeddedServer
from app.db.session import Database
from app.services.learning import METHODS
from tests.factories import Clinic, make_programme
from tests.learnt import by, fake_methods, make_courses


@pytest.fixture(autouse=True)
def record(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record that the command works on, and a method of learning."""
    monkeypatch.setenv("DATABASE_URL", server.url("spor", "spor_app"))
    monkeypatch.setattr(curves, "METHODS", fake_methods())


def learn(clinic: Clinic, *options: str, instrument: str = "phq-9") -> object:
    """Run the command; give its exit code."""
    named = ["--organisation", str(clinic.organisation_id), "--instrument", instrument]
    with pytest.raises(SystemExit) as ended:
        main(["curve", "learn", *named, *options])
    return ended.value.code


def test_what_was_learnt_is_kept_and_told(
    database: Database, clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    make_courses(clinic)
    assert learn(clinic) == 0
    said = capsys.readouterr()
    assert said.err == "spor: learning a curve of phq-9\n"
    told = json.loads(said.out)
    with by(database, clinic.lead) as work:
        kept = get_curve(work, UUID(told["id"]))
    assert (kept.key, kept.state) == ("local-1", "candidate")
    assert {name: told[name] for name in ("key", "revision", "n_episodes", "data_from", "passed", "warnings")} == {
        "key": "local-1",
        "revision": 1,
        "n_episodes": 3,
        "data_from": "2026-01-05",
        "passed": True,
        "warnings": ["few_episodes"],
    }
    assert [gate["name"] for gate in told["gates"]] == [
        "enough_episodes",
        "out_of_time",
        "coverage",
        "calibration",
        "log_score",
    ]


def test_a_programme_s_own_curve(database: Database, clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    programme = make_programme(clinic, "individual")["id"]
    make_courses(clinic, programme_id=programme)
    assert learn(clinic, "--programme", programme, "--form", "self") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["programme_id"], told["form_family"]) == (programme, "self")


@pytest.mark.parametrize(
    ("instrument", "options", "said"),
    [
        ("phq-9", (), "there are too few episodes to learn from some and hold others back"),
        ("core-10", (), "no curve of this instrument is published, and so there is nothing to start from"),
        ("phq-8", (), "there is no such instrument"),
        ("sdq", (), "this instrument has several forms: one must be named"),
        ("phq-9", ("--programme", str(UUID(int=7))), "there is no such programme"),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_code_2(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], instrument: str, options: tuple[str, ...], said: str
) -> None:
    assert learn(clinic, *options, instrument=instrument) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.splitlines()[-1]) == ("", f"spor: {said}")


def test_an_organisation_that_is_not_there(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["curve", "learn", "--organisation", str(uuid4()), "--instrument", "phq-9"])
    assert capsys.readouterr().err.splitlines()[-1] == "spor: there is no such organisation"


def test_our_own_methods_learn_judge_and_shut_the_gate_for_few(
    database: Database, clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen courses with two scores each: a candidate with little to say for itself, which nobody may activate."""
    monkeypatch.setattr(curves, "METHODS", METHODS)
    make_courses(clinic, [20, 18, 16, 14, 22, 11, 9, 17] * 2)
    assert learn(clinic) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n_episodes"], told["n_observations"], told["passed"]) == (12, 24, False)
    assert 0 < told["local_information"] < 0.5
    assert told["warnings"] == ["few_episodes"]
    assert [gate["passed"] for gate in told["gates"] if gate["name"] == "enough_episodes"] == [False]


def test_a_programme_is_drawn_towards_all_of_them(
    database: Database, clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patients of one start at 22 or so, those of the other at 11, and both together at 15."""
    monkeypatch.setattr(curves, "METHODS", METHODS)
    high, low = (make_programme(clinic, "individual")["id"] for _ in range(2))
    make_courses(clinic, [24, 22, 23, 21, 24, 22, 20, 23], programme_id=high)
    make_courses(clinic, [11, 12, 10, 13, 12, 11, 10, 9], programme_id=low)
    intercepts = []
    for programme in (high, low):
        assert learn(clinic, "--programme", programme) == 0
        told = json.loads(capsys.readouterr().out)
        with by(database, clinic.lead) as work:
            intercepts.append(get_curve(work, UUID(told["id"])).parameters["intercept"])
    assert 9 < intercepts[1] < 15 < intercepts[0] < 23
