"""A backup that can be trusted: one moment of the whole database, what is in it, and a check that it came back.

Beside the dump lies its manifest: the revision, the rows of each table at that moment, and the dump's checksum.
Both are made as the owner role, who sees every organisation's rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.db import migrations
from app.db.postgres_programs import complaint_in, fsync_folder, wheel_programs
from app.db.provision import libpq_address
from app.errors import DatabaseUnavailable, ServerMisconfigured


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dump holds, and how it is known to be whole."""

    made_at: str
    revision: str
    server_version: int
    sha256: str
    rows: Mapping[str, int]

    @staticmethod
    def path_of(dump: Path) -> Path:
        """Give where the manifest of a dump lies."""
        return dump.with_name(f"{dump.name}.json")

    @classmethod
    def read(cls, dump: Path) -> Manifest:
        """Read what lies beside a dump.

        Raises
        ------
        ServerMisconfigured
            If there is none, or it is not one.
        """
        path = cls.path_of(dump)
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ServerMisconfigured(f"the manifest {path} can't be read: {error.strerror}") from None
        except (ValueError, TypeError):
            raise ServerMisconfigured(f"{path} is no manifest of a backup") from None


def back_up(owner_url: str, target: Path) -> tuple[Path, Manifest]:
    """Dump the database as its owner into a new file, or into a file named after the time in a folder.

    Raises
    ------
    ServerMisconfigured
        If the file is there already, or the dump fails; nothing is left then.
    """
    now = datetime.now(UTC)
    dump = target / f"spor-{now:%Y-%m-%dT%H%M%SZ}.dump" if target.is_dir() else target
    for path in (dump, Manifest.path_of(dump)):
        if path.exists():
            raise ServerMisconfigured(f"{path} is there already, and a backup is never written over another")
    address = libpq_address(owner_url)
    with _one_line(f"the backup {dump}"), _connected(address) as connection, _unfinished(dump) as unfinished:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        version = connection.info.server_version
        # Dumped and counted as of one moment, however much is written meanwhile.
        [snapshot] = connection.execute("select pg_export_snapshot()").fetchone() or ("",)
        options = ["--format=custom", "--lock-wait-timeout=60s", f"--snapshot={snapshot}"]
        with unfinished.open("ab") as file:
            _run("pg_dump", version, address, options, output=file.fileno())
        revision = connection.execute("select version_num from alembic_version").fetchone()
        rows = count_rows(connection)
        connection.rollback()
        manifest = Manifest(now.isoformat(), revision[0] if revision else "base", version, checksum(unfinished), rows)
        with _unfinished(Manifest.path_of(dump)) as beside:
            beside.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return dump, manifest


def check_dump(dump: Path) -> Manifest:
    """Refuse a dump that is not what was written, or that this program is too old for.

    Raises
    ------
    ServerMisconfigured
        If it is missing, damaged, or of a later revision.
    """
    manifest = Manifest.read(dump)
    try:
        found = checksum(dump)
    except OSError as error:
        raise ServerMisconfigured(f"the backup {dump} can't be read: {error.strerror}") from None
    if found != manifest.sha256:
        raise ServerMisconfigured(f"the backup {dump} is damaged: its checksum is not that of its manifest")
    if not migrations.is_known(manifest.revision):
        raise ServerMisconfigured(f"the backup is at revision {manifest.revision}, which this program does not know")
    return manifest


def restore(owner_url: str, dump: Path, manifest: Manifest) -> None:
    """Put a dump into a database that is provisioned and empty, and see that every row came back.

    Raises
    ------
    ServerMisconfigured
        If there is anything in the database, or the rows are not those of the manifest.
    """
    address = libpq_address(owner_url)
    with _one_line("the database"), _connected(address) as connection:
        if count_rows(connection):
            raise ServerMisconfigured("the database is not empty: restore into a new one")
        connection.rollback()
        options = ["--no-owner", "--exit-on-error", "--single-transaction"]
        _run("pg_restore", connection.info.server_version, address, [*options, str(dump)])
        rows = count_rows(connection)
        connection.commit()
        connection.autocommit = True
        connection.execute("analyze")
    differing = sorted(table for table in {*rows, *manifest.rows} if rows.get(table) != manifest.rows.get(table))
    if differing:
        raise ServerMisconfigured(f"not all rows came back: {', '.join(differing)}")


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """Count every table."""
    tables = connection.execute("select tablename from pg_tables where schemaname = 'public' order by 1").fetchall()
    counted = {}
    for (table,) in tables:
        [rows] = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone() or (0,)
        counted[table] = int(rows)
    return counted


def checksum(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _connected(address: str) -> Iterator[psycopg.Connection]:
    try:
        connection = psycopg.connect(address, client_encoding="utf8", connect_timeout=10)
    except psycopg.OperationalError as error:
        unavailable = DatabaseUnavailable("the database can't be reached")
        unavailable.reason = str(error).partition("\n")[0]
        raise unavailable from None
    with connection:
        yield connection


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    """Say what the disk or the database refuses as an operator's error."""
    try:
        yield
    except OSError as error:
        raise ServerMisconfigured(f"{what} can't be written: {error.strerror or error}") from None
    except psycopg.Error as error:
        raise ServerMisconfigured(f"{what}: {error.diag.message_primary or type(error).__name__}") from None


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """Give a file for our own eyes under another name, which gets its own when it is whole and on the disk."""
    unfinished = path.with_name(f".{path.name}.unfinished-{os.getpid()}")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        os.link(unfinished, path)  # unlike a renaming, it never takes the place of something
    finally:
        unfinished.unlink()
    fsync_folder(path.parent)


def _run(program: str, server_version: int, address: str, options: list[str], output: int = subprocess.DEVNULL) -> None:
    """Run a program of PostgreSQL; a password goes by its environment, which only we can read."""
    parts: dict[str, Any] = conninfo_to_dict(address)
    password = parts.pop("password", None)
    kept = {name: value for name, value in os.environ.items() if name.startswith("PG") or name in ("PATH", "HOME")}
    environment = kept | {"LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {})
    command = [_found(program, server_version // 10_000), f"--dbname={make_conninfo(**parts)}", *options]
    ran = subprocess.run(  # noqa: S603 - the programs are PostgreSQL's, and so are their words
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, check=False
    )
    if ran.returncode != 0:
        raise ServerMisconfigured(f"{program} failed: {complaint_in(ran.stderr.decode(errors='replace'))}")


def _found(program: str, major: int) -> str:
    """Find a program that is no older than the server: that of the system, or the one that comes as a wheel."""
    on_path = shutil.which(program)
    try:
        wheel = str(wheel_programs() / program)
    except ServerMisconfigured:
        wheel = None
    for each in filter(None, (on_path, wheel)):
        if _major_of(each) >= major:
            return each
    raise ServerMisconfigured(
        f"{program} of PostgreSQL {major} or newer is needed"
        f"{f', and {on_path} is older' if on_path else ''}: install postgresql-client-{major}"
    )


def _major_of(program: str) -> int:
    ran = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    words = ran.stdout.split()  # pg_dump (PostgreSQL) 18.6
    number = words[2].partition(".")[0] if len(words) > 2 else ""
    return int(number) if number.isdecimal() else 0
