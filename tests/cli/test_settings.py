"""`spor settings`: the table for a terminal, a pipe and the README."""

from __future__ import annotations

import subprocess

from app.cli.settings import markdown_table
from tests.programs import spor


def test_a_pipe_gets_markdown() -> None:
    ran: subprocess.CompletedProcess[str] = spor("settings")
    assert (ran.returncode, ran.stdout.splitlines()) == (0, list(markdown_table()))


def test_a_secret_that_is_set_is_not_shown() -> None:
    assert "hunter2-hunter2-hunter2" not in spor("settings", SPOR_METRICS_TOKEN="hunter2-hunter2-hunter2").stdout
