"""`spor run` and `spor demo`: an invented practice to try the service on."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.connections import ready_database
from app.cli.options import DataDir, Host, Port, settings_of
from app.cli.serving import address, bound_socket, serve_on
from app.config import Settings
from app.db.ids import uuid7
from app.db.session import Database
from app.services.demonstration.filling import (
    Credentials,
    Demonstration,
    episode_to_show,
    fill,
    is_complete,
    keep_credentials,
)
from app.services.demonstration.practice import NAME, TIME_ZONE


def run(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve the demonstration, and print how to try it."""
    settings = settings_of(host=host, port=port, data_dir=data_dir)
    with closing(bound_socket(settings)) as listener, ready_database(settings) as database:
        wanted = _filled(database)
        credentials = keep_credentials(database, wanted, _token_file(settings))
        welcome = _welcome(address(settings), credentials, episode_to_show(database, credentials))
        serve_on(settings, database, listener, lambda: print(welcome, flush=True))


def demo(data_dir: DataDir = None) -> None:
    """Fill the demonstration organisation only."""
    settings = settings_of(data_dir=data_dir)
    with ready_database(settings) as database:
        keep_credentials(database, _filled(database), _token_file(settings))
    print(f"The demonstration organisation is there; its tokens are in {_token_file(settings)}.")


def _token_file(settings: Settings) -> Path:
    return settings.data_dir / "demonstration.json"


def _filled(database: Database) -> Demonstration:
    """Fill the demonstration organisation where that has not been done, and show how far it has come."""
    wanted = Demonstration(datetime.now(TIME_ZONE).date())
    if is_complete(database, wanted):
        return wanted
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print("Filling the demonstration, once: this takes about half a minute.")
    columns = (
        TextColumn("Filling the demonstration"),
        BarColumn(complete_style="cyan", finished_style="cyan"),
        TextColumn("{task.completed} of {task.total} episodes"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=wanted.episodes)
        fill(database, wanted, lambda episodes: progress.advance(bar, episodes))
    return wanted


def _welcome(address: str, credentials: Credentials, episode_id: object) -> str:
    """Say where the service is, who can ask, and three things to ask."""
    body = {
        "episode_id": str(episode_id),
        "instrument": "phq-9",
        "completed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "answers": {"1": 1, "2": 1, "3": 2, "4": 1, "5": 0, "6": 1, "7": 1, "8": 0, "9": 0, "10": 1},
    }
    return f"""
Spor answers at {address}. In it: {NAME}, an invention. Ctrl-C stops it.

  tablet        {credentials.tablet}
  therapist     {credentials.therapist}
  service lead  {credentials.service_lead}

Three requests to try in another terminal. The tablet puts a PHQ-9 and gets a receipt:

curl -sS -w '\\n' -X PUT {address}/v1/administrations/{uuid7()} \\
  -H 'Authorization: Bearer {credentials.tablet}' \\
  -H 'Content-Type: application/json' \\
  -d '{json.dumps(body)}'

The therapist sees what that says about the patient:

curl -sS -w '\\n' {address}/v1/episodes/{episode_id}/trajectory \\
  -H 'Authorization: Bearer {credentials.therapist}'

The service lead reads what is offered:

curl -sS -w '\\n' {address}/v1/programmes \\
  -H 'Authorization: Bearer {credentials.service_lead}'
"""
