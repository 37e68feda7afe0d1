"""The `spor` command: starts, fills and looks after the service. Thin, like the routes; one module per group."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from app.cli import (
    access,
    auditing,
    backups,
    budgeting,
    changing,
    charts,
    curves,
    database,
    demonstration,
    description,
    doctor,
    evaluating,
    fitting,
    following,
    instruments,
    logs,
    organisations,
    people,
    reports,
    retention,
    scoring,
    serving,
    settings,
    simulating,
)
from app.cli.options import settings_of
from app.cli.server import CutShort
from app.db.failures import DatabaseFailure
from app.errors import DatabaseUnavailable, SporError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(serving.serve)
app.command()(demonstration.run)
app.command()(demonstration.demo)
app.command()(description.openapi)
app.command()(access.access)
app.command()(charts.chart)
app.command()(scoring.score)
app.command()(changing.change)
app.command()(fitting.fit)
app.command()(following.track)
app.command()(evaluating.evaluate)
app.command()(simulating.simulate)
app.command()(budgeting.thresholds)
app.command()(settings.settings)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(doctor.doctor)
app.add_typer(auditing.commands, name="audit")
app.add_typer(database.commands, name="db")
app.add_typer(organisations.commands, name="organisation")
app.add_typer(people.commands, name="user")
app.add_typer(instruments.commands, name="instrument")
app.add_typer(curves.commands, name="curve")
app.add_typer(reports.commands, name="report")
app.add_typer(retention.commands, name="retention")

_FAILED = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; what the domain or the database refuses becomes one line and exit code 2."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app(args=arguments)
    except DatabaseUnavailable as error:
        _give_up(f"{error.detail}: {error.reason}")
    except SporError as error:
        _give_up(error.detail)
    except CutShort as cut_short:
        # A thread that still waits for the database would keep the interpreter from ending.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(cut_short.exit_code)
    except DatabaseFailure as error:
        _give_up(f"the database failed: {' '.join(str(error).split())}")


def _give_up(reason: str) -> NoReturn:
    print(f"spor: {reason}", file=sys.stderr)
    sys.exit(_FAILED)


def _stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - as the signal module calls it
    """Leave by way of every open context, so that the server and its database are stopped."""
    sys.exit(0)


@app.callback()
def _configure_logging() -> None:
    """Feedback-informed-treatment outcome tracking."""
    logs.configure(settings_of())
