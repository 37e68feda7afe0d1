"""`spor audit`: seal the audit by hand, and verify that nothing of it was changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.cli.connections import owner_url, ready_database, refuse_other_revision
from app.cli.jsonlines import print_json
from app.cli.options import DataDir, settings_of
from app.config import Settings
from app.db.session import Database
from app.errors import ServerMisconfigured
from app.services.audit_keeping import key_of, log_of, with_audit_key
from app.services.audit_verification import Finding, Verification, Verified
from app.services.seal_log import logged_seals
from app.services.sealing import seal_everything

commands = typer.Typer(no_args_is_help=True, help="The audit: seals, and their verification.", rich_markup_mode=None)

_FOUND = 1


@commands.command()
def seal(data_dir: DataDir = None) -> None:
    """Seal what has not been sealed; a service that runs does so itself, once a second."""
    settings = with_audit_key(settings_of(data_dir=data_dir))
    with ready_database(settings) as database:
        made = [each.events for each in seal_everything(database, key_of(settings), log_of(settings))]
    print(f"{sum(made)} events were sealed under {len(made)} seals.")


@commands.command()
def verify(
    organisation: Annotated[UUID | None, typer.Option(help="One organisation; without it, all.")] = None,
    seal_log: Annotated[
        list[Path] | None,
        typer.Option(help="A log that seals were written to, the service's own log too; may be given several times."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Recompute every seal, and hold the audit and the log of seals against them.

    Prints a line of JSON for each finding and each organisation, and a summary to standard error. Exit code 0: all is
    as it was sealed; 1: it is not; 2: it could not be verified.
    """
    settings = with_audit_key(settings_of(data_dir=data_dir))
    logs = seal_log or [file for file in [settings.audit_seal_log] if file is not None]
    with _audited_database(settings, organisation) as database:
        verification = Verification(database, key_of(settings))
        wanted = [organisation] if organisation else verification.organisations()
        findings = 0
        for finding in _findings(verification, wanted, logs):
            findings += not finding.is_notice
            _tell(finding)
    for verified in verification.verified.values():
        print_json({"verified": _described(verified)})
        _say(_summary(verified))
    if not logs:
        _say("No log of seals was given: seals that were cut off at the end can't be found without one.")
    _say(f"{findings} findings." if findings else "Everything is as it was sealed.")
    if findings:
        raise typer.Exit(_FOUND)


@contextmanager
def _audited_database(settings: Settings, organisation: UUID | None) -> Iterator[Database]:
    """Give the database as its owner; the application's role is enough for one organisation."""
    if settings.database_url is None or settings.owner_database_url is not None:
        with owner_url(settings, only_looks=True) as url:
            refuse_other_revision(url)
            with closing(Database(url, pool_size=1)) as database:
                yield database
    elif organisation is None:
        raise ServerMisconfigured(
            "set OWNER_DATABASE_URL to verify every organisation, or name one with --organisation"
        )
    else:
        with ready_database(settings) as database:
            yield database


def _findings(verification: Verification, wanted: list[UUID], logs: list[Path]) -> Iterator[Finding]:
    for each in wanted:
        yield from verification.record(each)
    for file in logs:
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                yield from verification.log(logged_seals(lines))
        except OSError as error:
            raise ServerMisconfigured(f"the log {file} can't be read: {error.strerror}") from None


def _tell(finding: Finding) -> None:
    level = "notice" if finding.is_notice else "finding"
    told = {"organisation_id": str(finding.organisation_id), "kind": finding.kind, "text": finding.text}
    print_json({level: told | finding.where})
    _say(f"{level}: organisation {finding.organisation_id}: {finding.text}")


def _described(verified: Verified) -> dict[str, object]:
    oldest = verified.oldest_unsealed
    return {
        "organisation_id": str(verified.organisation_id),
        "seals": verified.seals,
        "events": verified.events,
        "unsealed_events": verified.unsealed,
        "oldest_unsealed": oldest.isoformat() if oldest else None,
    }


def _summary(verified: Verified) -> str:
    said = f"Organisation {verified.organisation_id}: {verified.events} events under {verified.seals} seals"
    if verified.oldest_unsealed is None:
        return f"{said}; none is without a seal."
    oldest = verified.oldest_unsealed.isoformat(timespec="seconds")
    return f"{said}; {verified.unsealed} have no seal yet, the oldest of {oldest}."


def _say(line: str) -> None:
    print(line, file=sys.stderr)
