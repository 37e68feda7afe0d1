"""`spor doctor`: says what is unsafe about a deployment, and what to do about it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import typer

from app.cli.options import DataDir, settings_of
from app.config import Settings, host_of
from app.db.backup import Manifest
from app.db.embedded import reached_url
from app.db.inspection import Level, Opinion, good, inspect
from app.db.provision import APP_ROLE, DATABASE
from app.db.session import Database
from app.errors import DatabaseUnavailable, ServerMisconfigured
from app.services.sealing import STALLED_SECONDS, oldest_unsealed

LEAST_FREE: Final = 0.1
"""Share of the disk below which it is time to act."""

OLDEST_BACKUP: Final = timedelta(hours=26)
"""A day, and the time that a backup takes."""


def doctor(data_dir: DataDir = None) -> None:
    """Check a deployment: one line for each check, with what to do; exit code 1 if anything is unsafe.

    Give it the settings of the service; it may be running.
    """
    settings = settings_of(data_dir=data_dir)
    opinions = [*of_settings(settings), *_of_database(settings)]
    for each in opinions:
        print(f"{each.level:8}{each.check}: {each.found}{f' -- {each.remedy}' if each.remedy else ''}")
    raise typer.Exit(int(any(each.level is Level.UNSAFE for each in opinions)))


def _of_database(settings: Settings) -> Iterator[Opinion]:
    try:
        with _address(settings) as url:
            found = list(inspect(url))
            yield from found
            if any(each.check == "revision" and each.level is Level.OK for each in found):
                yield _sealing(url)
    except (ServerMisconfigured, DatabaseUnavailable) as error:
        yield Opinion("database", Level.UNSAFE, error.detail, "see that the database is up, and put the settings right")


def _sealing(url: str) -> Opinion:
    with closing(Database(url, pool_size=1)) as database:
        return judge_lag(oldest_unsealed(database), datetime.now(UTC))


def judge_lag(oldest: datetime | None, now: datetime) -> Opinion:
    """Say what the age of the oldest event without a seal means."""
    lag = (now - oldest).total_seconds() if oldest else 0.0
    if lag > STALLED_SECONDS:
        remedy = "see in the service's log why it does not seal; spor audit seal does it by hand"
        return Opinion("sealing", Level.UNSAFE, f"an event has had no seal for {lag:.0f} s", remedy)
    return good("sealing", "no event has waited long for its seal")


@contextmanager
def _address(settings: Settings) -> Iterator[str]:
    if settings.database_url is not None:
        yield settings.database_url
        return
    if not (settings.data_dir / "data").exists():  # looking makes nothing
        raise ServerMisconfigured(f"there is no database in {settings.data_dir}")
    with reached_url(settings.data_dir, DATABASE, APP_ROLE) as url:
        yield url


def of_settings(settings: Settings) -> list[Opinion]:
    """Give what each check of the settings and of this machine says."""
    return [check(settings) for check in CHECKS]


def _public_address(settings: Settings) -> Opinion:
    listens_here = _is_this_machine(settings.host)
    if settings.public_url is None:
        if listens_here:
            return good("address", "only this machine reaches the service")
        found = f"the service listens on {settings.host}, and nothing says that TLS is in front"
        return Opinion("address", Level.UNSAFE, found, "put a proxy with TLS in front, and set SPOR_PUBLIC_URL to it")
    if settings.public_url.startswith("https:") or _is_this_machine(host_of(settings.public_url.partition("//")[2])):
        return good("address", settings.public_url)
    found = f"{settings.public_url} is without TLS: answers and tokens can be read on their way"
    return Opinion("address", Level.UNSAFE, found, "put a proxy with TLS in front, and set SPOR_PUBLIC_URL to https")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _log_in(settings: Settings) -> Opinion:
    if settings.oidc_issuer is not None:
        return good("log-in", f"people log in at {settings.oidc_issuer}")
    if _public_address(settings).level is Level.UNSAFE:
        found = "passwords can be read on their way, as the address is without TLS"
        return Opinion("log-in", Level.UNSAFE, found, "set SPOR_PUBLIC_URL to https, or SPOR_OIDC_ISSUER")
    return good("log-in", "people have passwords of our own")


def _audit_key(settings: Settings) -> Opinion:
    if settings.audit_key is not None:
        return good("audit key", "it is set")
    if settings.database_url is None:
        return good("audit key", f"it is kept in {settings.data_dir}")
    remedy = "set SPOR_AUDIT_KEY (openssl rand -hex 32), and keep it outside the database"
    return Opinion("audit key", Level.UNSAFE, "there is none, so the audit can't be sealed", remedy)


def _seal_log(settings: Settings) -> Opinion:
    if settings.audit_seal_log is not None:
        return good("seal log", str(settings.audit_seal_log))
    if settings.database_url is None:
        return good("seal log", f"it is kept in {settings.data_dir}")
    found = "seals go to the service's log only; without them, seals that were cut off can't be found"
    return Opinion("seal log", Level.WARNING, found, "set SPOR_AUDIT_SEAL_LOG to a file away from the database")


def _allowed_hosts(settings: Settings) -> Opinion:
    if "*" in settings.hosts():
        found = "the service answers to any name"
        return Opinion("hosts", Level.UNSAFE, found, "set SPOR_ALLOWED_HOSTS to its own names, or leave it out")
    return good("hosts", ", ".join(sorted(settings.hosts())))


def _limits(settings: Settings) -> Opinion:
    if not settings.requests_per_minute:
        found = "nobody is limited, guessers neither"
        return Opinion("limits", Level.UNSAFE, found, "set SPOR_REQUESTS_PER_MINUTE, or leave it out")
    return good("limits", f"{settings.requests_per_minute} requests a minute for each credential")


def _metrics(settings: Settings) -> Opinion:
    if settings.metrics_token is None:
        return Opinion("metrics", Level.WARNING, "nobody can read /metrics", "set SPOR_METRICS_TOKEN, and watch them")
    return good("metrics", "they need a token")


def _log(settings: Settings) -> Opinion:
    if settings.log_level == "debug":
        found = "libraries say at debug what nobody has looked through"
        return Opinion("log", Level.WARNING, found, "set SPOR_LOG_LEVEL to info")
    return good("log", settings.log_level)


def _secrets(settings: Settings) -> Opinion:
    folder = settings.secrets_dir
    if folder is None:
        found = "they are in the environment, if there are any"
        return Opinion("secrets", Level.WARNING, found, "put each into a file, and name the folder in SPOR_SECRETS_DIR")
    changeable = [each.name for each in folder.iterdir() if stat.S_IMODE(each.stat().st_mode) & stat.S_IWOTH]
    closed = not stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO
    readable = [each.name for each in folder.iterdir() if stat.S_IMODE(each.stat().st_mode) & stat.S_IROTH]
    if changeable or (readable and not closed):
        found = f"others on this machine can reach {', '.join(sorted({*changeable, *readable}))}"
        level = Level.UNSAFE if changeable else Level.WARNING  # in a container there are no others
        return Opinion("secrets", level, found, f"chmod 700 {folder}, and 600 what is in it")
    return good("secrets", f"they are in {folder}")


def _data_folder(settings: Settings) -> Opinion:
    data = settings.data_dir / "data"
    if settings.database_url is not None or not data.exists():
        return good("data folder", "there is none here")
    if stat.S_IMODE(data.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return Opinion("data folder", Level.UNSAFE, f"others can enter {data}", f"chmod 700 {data}")
    return good("data folder", f"{data} is closed to others")


def _disk(settings: Settings) -> Opinion:
    if settings.database_url is not None:
        return good("disk", "the database's is watched where it is")
    place = next(each for each in (settings.data_dir, *settings.data_dir.absolute().parents) if each.exists())
    usage = shutil.disk_usage(place)
    share = usage.free / usage.total
    if share < LEAST_FREE:
        level = Level.UNSAFE if share < LEAST_FREE / 5 else Level.WARNING
        return Opinion("disk", level, f"{share:.0%} is free", "make room, or take a larger disk")
    return good("disk", f"{share:.0%} is free")


def _backups(settings: Settings) -> Opinion:
    folder = settings.backup_dir
    if folder is None:
        found = "no folder of backups is set, so nobody looks how old they are"
        return Opinion("backups", Level.WARNING, found, "run spor backup by a timer, and set SPOR_BACKUP_DIR")
    newest = max(_made(folder), default=None)
    if newest is None:
        return Opinion("backups", Level.UNSAFE, f"there is none in {folder}", f"run spor backup {folder}")
    age = datetime.now(UTC) - newest
    if age > OLDEST_BACKUP:
        found = f"the newest is {age.total_seconds() / 3600:.0f} hours old"
        return Opinion("backups", Level.UNSAFE, found, f"see why spor backup {folder} does not run")
    return good("backups", f"the newest is {age.total_seconds() / 3600:.0f} hours old")


def _made(folder: Path) -> Iterator[datetime]:
    """Give when the backups in a folder were made, those that have their manifest."""
    for dump in folder.glob("*.dump"):
        if Manifest.path_of(dump).exists():
            yield datetime.fromisoformat(Manifest.read(dump).made_at)


CHECKS: Final[tuple[Callable[[Settings], Opinion], ...]] = (
    _public_address,
    _log_in,
    _audit_key,
    _seal_log,
    _allowed_hosts,
    _limits,
    _metrics,
    _log,
    _secrets,
    _data_folder,
    _disk,
    _backups,
)
"""The checks that need no database."""
