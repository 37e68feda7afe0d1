"""`spor report`: reports as files, and the summaries behind them, filled and checked against the record."""

from __future__ import annotations

import json
import sys
from typing import Annotated
from uuid import UUID

import typer

from app.cli.connections import ready_database
from app.cli.options import DataDir, settings_of
from app.cli.pooled_report import pool
from app.cli.report_files import make
from app.services import summaries

commands = typer.Typer(no_args_is_help=True, help="Reports, and the summaries that they are made from.")
commands.command()(make)
commands.command()(pool)

Organisation = Annotated[UUID, typer.Option(help="Id of the organisation.")]


@commands.command()
def rebuild(organisation: Organisation, data_dir: DataDir = None) -> None:
    """Work out all summaries anew from the record, while others work; needed once after the upgrade that brought them.

    It can be cut short and run again.
    """
    episodes = 0
    with ready_database(settings_of(data_dir=data_dir)) as database:
        for part in summaries.rebuild(database, organisation):
            episodes += part
            print(f"spor: {episodes} episodes", file=sys.stderr)
    print(json.dumps({"organisation_id": str(organisation), "episodes": episodes}))


@commands.command()
def check(organisation: Organisation, data_dir: DataDir = None) -> None:
    """Compare all summaries with the record: exit code 1, and the episodes, where one does not say what it says."""
    episodes, differing = 0, list[UUID]()
    with ready_database(settings_of(data_dir=data_dir)) as database:
        for part in summaries.check(database, organisation):
            episodes += part.episodes
            differing += part.differing
            print(f"spor: {episodes} episodes, {len(differing)} differ", file=sys.stderr)
    found = {
        "organisation_id": str(organisation),
        "episodes": episodes,
        "differing": [str(episode_id) for episode_id in differing],
    }
    print(json.dumps(found))
    if differing:
        raise typer.Exit(1)
