"""`spor settings`: the table for a terminal, a pipe and the README."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main

from app.cli import app as commands
from app.cli.options import settings_of
from app.cli.settings import markdown_table
from app.config import Settings
from app.errors import ServerMisconfigured
from tests.programs import spor


def test_a_pipe_gets_markdown() -> None:
    ran: subprocess.CompletedProcess[str] = spor("settings")
    assert (ran.returncode, ran.stdout.splitlines()) == (0, list(markdown_table()))


def test_a_secret_that_is_set_is_not_shown() -> None:
    assert "hunter2-hunter2-hunter2" not in spor("settings", SPOR_METRICS_TOKEN="hunter2-hunter2-hunter2").stdout


SECRETS = {
    "database_url": "postgresql://spor_app:hunter2-hunter2-hunter2@database/spor",
    "owner_database_url": "postgresql://spor_owner:hunter2-hunter2-hunter2@database/spor",
    "admin_database_url": "postgresql://postgres:hunter2-hunter2-hunter2@database/postgres",
    "metrics_token": "hunter2-hunter2-hunter2",
    "admin_password": "hunter2-hunter2-hunter2",
    "owner_password": "hunter2-hunter2-hunter2",
    "app_password": "hunter2-hunter2-hunter2",
}


def variable(name: str) -> str:
    return name.upper() if name.endswith("database_url") else f"SPOR_{name}".upper()


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_comes_from_a_file_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SPOR_SECRETS_DIR", str(tmp_path))
    (tmp_path / variable(name).lower()).write_text(f"{SECRETS[name]}\n")
    settings = settings_of()
    kept = getattr(settings, name)
    assert (kept if isinstance(kept, str) else kept.get_secret_value()) == SECRETS[name]
    assert not any("hunter2" in shown for shown in (repr(settings), str(settings), f"{settings!r:>5}"))


def test_the_environment_goes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spor_metrics_token").write_text("the one in the file")
    monkeypatch.setenv("SPOR_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("SPOR_METRICS_TOKEN", "the one of the environment")
    token = Settings().metrics_token
    assert token is not None
    assert token.get_secret_value() == "the one of the environment"


def test_a_folder_of_secrets_that_is_not_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOR_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(ServerMisconfigured, match="the setting secrets_dir is wrong: there is no such folder"):
        settings_of()


def test_a_secret_that_is_wrong_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "hunter2")
    with pytest.raises(ServerMisconfigured) as refused:
        settings_of()
    assert "hunter2" not in refused.value.detail


@pytest.mark.parametrize(
    ("url", "used"),
    [
        (
            "postgresql://spor_app@database/spor?x=1",
            "postgresql://spor_app:p%40ss%2Fword%20of%20spor@database/spor?x=1",
        ),
        ("postgresql://spor_app:given@database/spor", "postgresql://spor_app:given@database/spor"),
        ("postgresql://database/spor", "postgresql://database/spor"),
    ],
)
def test_a_password_that_is_given_apart_is_used_where_the_address_has_none(
    monkeypatch: pytest.MonkeyPatch, url: str, used: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("SPOR_APP_PASSWORD", "p@ss/word of spor")
    assert Settings().database_url == used


def test_no_secret_can_be_given_on_the_command_line() -> None:
    """What stands on a command line, everybody on the machine can read."""

    def options(command: Any) -> set[str]:
        own = {each.name for each in command.params}
        return own.union(*(options(each) for each in getattr(command, "commands", {}).values()))

    offered = options(typer.main.get_command(commands))
    assert {"host", "port", "data_dir"} <= offered
    assert not {each for each in offered if any(word in each for word in ("url", "password", "token", "secret", "key"))}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("SPOR_TRUSTED_PROXIES", "10.0.0.0/8, proxy.example"),
        ("SPOR_PUBLIC_URL", "spor.example"),
        ("SPOR_PUBLIC_URL", "https://spor.example/path"),
        ("SPOR_REQUESTS_PER_MINUTE", "-1"),
    ],
)
def test_a_setting_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, wrong: str) -> None:
    monkeypatch.setenv(name, wrong)
    with pytest.raises(ServerMisconfigured, match=f"the setting {name.removeprefix('SPOR_').lower()} is wrong"):
        settings_of()
