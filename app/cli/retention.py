"""`spor retention`: deletes what has been kept for as long as an organisation has said, and nothing else."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Annotated, Any
from uuid import UUID

import typer

from app.cli.connections import ready_database
from app.cli.files import require
from app.cli.options import DataDir, settings_of
from app.db.session import Database
from app.services.deletion import Due, delete_due, find_due

commands = typer.Typer(no_args_is_help=True, help="Records that have been kept long enough.")


@commands.callback()
def _retention() -> None:
    """Keep `run` a command of its own group, though it is the only one."""


@commands.command()
def run(
    organisation: Annotated[list[UUID], typer.Option(help="Id of the organisation; several are named one by one.")],
    decision: Annotated[str | None, typer.Option(help="Where the decision to delete them is filed.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be deleted, and change nothing.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete the records that an organisation's retention setting lets go, and print one JSON line for each of them.

    Records under a legal hold stay. A run that was cut short is run again: what is deleted is deleted.
    """
    reference = (decision or "").strip()
    require(dry_run or bool(reference), "--decision must name where the decision is filed, or give --dry-run")
    with ready_database(settings_of(data_dir=data_dir)) as database:
        for each in organisation:
            due = find_due(database, each)
            told = _found(due) if dry_run else _deleted(database, due, reference)
            print(json.dumps(told, ensure_ascii=False), flush=True)


def _found(due: Due) -> dict[str, Any]:
    """Tell what would be deleted."""
    return {
        "organisation_id": str(due.organisation_id),
        "retention_years": due.settings.retention_years,
        "retention_until_age": due.settings.retention_until_age,
        "dry_run": True,
        "due": len(due.patient_ids),
        "held": len(due.found) - len(due.patient_ids),
        "patients": [str(each) for each in due.patient_ids],
    }


def _deleted(database: Database, due: Due, reference: str) -> dict[str, Any]:
    """Delete, and tell what was deleted."""
    deleted: list[str] = []
    rows: Counter[str] = Counter()
    for patient_id, tombstone in delete_due(database, due, reference):
        deleted.append(str(patient_id))
        rows.update(tombstone.counts)
        print(f"spor: deleted {len(deleted)} of {len(due.patient_ids)}", file=sys.stderr)
    return _found(due) | {"dry_run": False, "patients": deleted, "deleted": len(deleted), "rows": dict(rows)}
