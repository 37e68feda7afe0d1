"""`spor backup` and `spor restore`."""

from __future__ import annotations

import shutil
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
from app.errors import ServerMisconfigured

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
    for step in _next_steps(manifest):
        print(f"Next: {step}")


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


def _next_steps(manifest: backups.Manifest) -> list[str]:
    """Say what is left to do; a further check of what came back belongs here."""
    newest = migrations.newest_revision()
    upgrade = [f"spor db upgrade, from revision {manifest.revision} to {newest}"] if manifest.revision != newest else []
    return [
        *upgrade,
        f"delete again what was deleted after {manifest.made_at}: it is back, and this database does not know of it",
        "spor doctor, with the settings that the service will have",
        "spor serve",
    ]
