"""What a bench runs on: a durable PostgreSQL in a folder of its own, and server processes as operators start them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from app.db import migrations
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.provision import APP_ROLE, DATABASE, OWNER_ROLE
from app.db.session import Database
from benchmarks.references import TABLE

ROOT = Path(__file__).absolute().parents[1]
_ON_DISK = Path("/var/tmp")  # noqa: S108 - what is made in it is our own
_OURS = ("DATABASE_URL", "OWNER_DATABASE_URL", "ADMIN_DATABASE_URL", "SPOR_")


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder on the disk that the database's account may enter, and take it away in the end.

    Not under /tmp, which on some machines lies in memory: there a commit would wait for nothing.
    """
    folder = Path(tempfile.mkdtemp(prefix="spor-bench-", dir=_ON_DISK))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def database_of(server: EmbeddedServer) -> Iterator[Database]:
    """Migrate, add the reference's table, and give the database as the application sees it."""
    migrations.upgrade(server.url(DATABASE, OWNER_ROLE))
    with admin(server) as connection:
        connection.execute(TABLE)
        connection.execute(f"grant insert on bench_inserted to {APP_ROLE}")
    with closing(Database(server.url(DATABASE, APP_ROLE))) as database:
        yield database


@contextmanager
def admin(server: EmbeddedServer, database: str = DATABASE) -> Iterator[psycopg.Connection]:
    """Look into the database as its superuser."""
    with psycopg.connect(server.conninfo(database, SUPERUSER), autocommit=True) as connection:
        yield connection


@contextmanager
def serving(database_url: str, log: Path) -> Iterator[str]:
    """Start a server process as `spor serve` does; give its address, and stop it in the end."""
    port = _free_port()
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serving", "--port", str(port)],
            cwd=ROOT,
            env={
                **_environment(),
                "DATABASE_URL": database_url,
                "SPOR_AUDIT_KEY": "of-a-bench-that-nobody-keeps-for-long",
            },
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise SystemExit(f"bench: the server did not start: {log.read_text()[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _environment() -> dict[str, str]:
    """Give our environment without settings of the service: a bench measures it as it comes, but is never limited."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {"SPOR_REQUESTS_PER_MINUTE": "1000000"}  # counted like any other, so that counting is measured


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
