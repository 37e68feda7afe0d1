"""`spor backup` and `spor restore`."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from app.cli.connections import owner_url
from app.cli.options import DataDir, settings_of
from app.config import Settings
from app.db import backup as backups
from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.provision import APP_ROLE, DATABASE, OWNER_ROLE, libpq_address, provision
from app.db.session import Database
from app.errors import ServerMisconfigured
from app.services.audit_keeping import KEY_FILE, key_of, with_audit_key
from app.services.audit_verification import Verification

Target = Annotated[Path, typer.Argument(help="A new file, or a folder for one that is named after the time.")]
Dump = Annotated[Path, typer.Argument(help="What spor backup wrote; its manifest lies beside it.")]


def backup(target: Target, data_dir: DataDir = None) -> None:
    """Dump the whole database into a new file, with a manifest beside it.

    Connects as the owner: OWNER_DATABASE_URL, or the embedded PostgreSQL, which must not be running.
    """
    with owner_url(settings_of(data_dir=data_dir)) as url:
        dump, manifest = backups.back_up(url, target)
    rows = sum(manifest.rows.values())
    print(f"{dump}: {rows} rows of {len(manifest.rows)} tables at revision {manifest.revision}.")
    print("It holds everything about patients: encrypt it, and keep it as you keep the record.")


def restore(dump: Dump, data_dir: DataDir = None) -> None:
    """Restore a backup into a new data directory, or into the empty database of OWNER_DATABASE_URL.

    With ADMIN_DATABASE_URL too, that database and its roles are made first. Nothing that is there is written over.
    """
    settings = settings_of(data_dir=data_dir)
    manifest = backups.check_dump(dump)
    if settings.owner_database_url is not None:
        _provide(settings, settings.owner_database_url)
        backups.restore(settings.owner_database_url, dump, manifest)
    elif settings.database_url is not None:
        raise ServerMisconfigured("set OWNER_DATABASE_URL to an empty database as its owner role")
    else:
        _restore_embedded(settings.data_dir, dump, manifest)
    print(f"Restored {sum(manifest.rows.values())} rows of {manifest.made_at}; every table has as many as the backup.")
    key = _kept_key(settings)
    can_verify = key is not None and manifest.revision == migrations.newest_revision()
    changed = _verified(settings, key) if key is not None and can_verify else 0
    for step in _next_steps(manifest, verified=can_verify):
        print(f"Next: {step}")
    if changed:
        raise typer.Exit(1)


def _kept_key(settings: Settings) -> bytes | None:
    """Give the audit's key if there is one; a new one would find every seal to be changed."""
    beside = settings.data_dir / KEY_FILE
    if settings.audit_key is None and (settings.owner_database_url is not None or not beside.exists()):
        return None
    return key_of(settings if settings.audit_key is not None else with_audit_key(settings))


def _verified(settings: Settings, key: bytes) -> int:
    """Hold the restored events against their seals, say what was found, and count what is not as it was sealed.

    The log of seals is left for later: until the new database has a seal of its own, what is newer than the dump
    looks as if it had been cut off.
    """
    with owner_url(settings) as url, closing(Database(url, pool_size=1)) as database:
        verification = Verification(database, key)
        found = [each for one in verification.organisations() for each in verification.record(one)]
    for each in found:
        print(f"Audit: organisation {each.organisation_id}: {each.text}")
    wrong = sum(not each.is_notice for each in found)
    events = sum(each.events for each in verification.verified.values())
    seals = sum(each.seals for each in verification.verified.values())
    said = f"{wrong} findings" if wrong else "everything is as it was sealed"
    print(f"Audit: {events} events under {seals} seals; {said}.")
    return wrong


def _restore_embedded(root: Path, dump: Path, manifest: backups.Manifest) -> None:
    if (root / "data").exists():
        raise ServerMisconfigured(f"{root} holds a database: restore into a new data directory")
    try:
        with EmbeddedServer(root) as server:
            backups.restore(server.url(DATABASE, OWNER_ROLE), dump, manifest)
    except BaseException:  # what is half there must not be taken for a record
        shutil.rmtree(root / "data", ignore_errors=True)
        raise


def _provide(settings: Settings, owner_address: str) -> None:
    """Make the roles and the database, where an administrator's address is given."""
    if settings.admin_database_url is None:
        return
    given = {OWNER_ROLE: settings.owner_password, APP_ROLE: settings.app_password}
    passwords = {role: each.get_secret_value() for role, each in given.items() if each}
    name = libpq_address(owner_address).partition("?")[0].rpartition("/")[2] or DATABASE
    provision(libpq_address(settings.admin_database_url), name, passwords=passwords)


def _next_steps(manifest: backups.Manifest, *, verified: bool) -> list[str]:
    """Say what is left to do."""
    newest = migrations.newest_revision()
    upgrade = [f"spor db upgrade, from revision {manifest.revision} to {newest}"] if manifest.revision != newest else []
    verify = [] if verified else ["spor audit verify, with the SPOR_AUDIT_KEY that the audit was sealed with"]
    return [
        *upgrade,
        *verify,
        f"delete again what was deleted after {manifest.made_at}: it is back, and this database does not know of it",
        "spor doctor, with the settings that the service will have",
        "spor serve",
    ]
