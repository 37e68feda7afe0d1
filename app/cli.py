"""The `spor` command: starts, fills and looks after the service. Thin, like the routes."""

from __future__ import annotations

import errno
import json
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.config import Settings
from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.ids import uuid7
from app.db.provision import APP_ROLE, DATABASE, OWNER_ROLE, provision
from app.db.session import Database, DatabaseFailure, translated_errors
from app.errors import ServerMisconfigured, SporError
from app.main import create_app
from app.services.demonstration.filling import (
    Credentials,
    Demonstration,
    episode_to_show,
    fill,
    is_complete,
    keep_credentials,
)
from app.services.demonstration.practice import NAME, TIME_ZONE
from app.services.organisations import found_organisation

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
db_commands = typer.Typer(no_args_is_help=True, help="The database: migrations and roles.")
organisation_commands = typer.Typer(no_args_is_help=True, help="Organisations, the tenants of the service.")
app.add_typer(db_commands, name="db")
app.add_typer(organisation_commands, name="organisation")

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the embedded database.", show_default="/var/lib/spor for root, else ~/.local/share/spor"
    ),
]

_FAILED = 2
_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened on


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; what the domain or the database refuses becomes one line and exit code 2."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app(args=arguments)
    except SporError as error:
        _give_up(error.detail)
    except DatabaseFailure as error:
        _give_up(f"the database failed: {' '.join(str(error).split())}")


def _give_up(reason: str) -> NoReturn:
    print(f"spor: {reason}", file=sys.stderr)
    sys.exit(_FAILED)


def _stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - as the signal module calls it
    """Leave by way of every open context, so that the server and its database are stopped."""
    sys.exit(0)


@app.callback()
def _configure_logging() -> None:
    """Feedback-informed-treatment outcome tracking."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    for chatty in ("uvicorn", "alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@app.command()
def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve on DATABASE_URL, or on an embedded PostgreSQL."""
    settings = _settings(host=host, port=port, data_dir=data_dir)
    with closing(_bound_socket(settings)) as listener, _ready_database(settings) as database:
        _serve(settings, database, listener, lambda: print(f"Spor answers at {_address(settings)}", flush=True))


@app.command()
def run(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve the demonstration, and print how to try it."""
    settings = _settings(host=host, port=port, data_dir=data_dir)
    with closing(_bound_socket(settings)) as listener, _ready_database(settings) as database:
        wanted = _filled(database)
        credentials = keep_credentials(database, wanted, _token_file(settings))
        welcome = _welcome(_address(settings), credentials, episode_to_show(database, credentials))
        _serve(settings, database, listener, lambda: print(welcome, flush=True))


@app.command()
def demo(data_dir: DataDir = None) -> None:
    """Fill the demonstration organisation only."""
    settings = _settings(data_dir=data_dir)
    with _ready_database(settings) as database:
        keep_credentials(database, _filled(database), _token_file(settings))
    print(f"The demonstration organisation is there; its tokens are in {_token_file(settings)}.")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    document = create_app(_settings(), Database("postgresql+psycopg://")).openapi()
    print(json.dumps(document, indent=2, ensure_ascii=False))


@db_commands.command()
def upgrade(revision: str = "head", data_dir: DataDir = None) -> None:
    """Bring the database to the newest revision, or to another.

    Connects as the owner: OWNER_DATABASE_URL, or the embedded PostgreSQL.
    """
    with _owner_url(_settings(data_dir=data_dir)) as url:
        migrations.upgrade(url, revision)
        print(f"The database is at revision {migrations.present_revision(url)}.")


@db_commands.command()
def downgrade(revision: str, data_dir: DataDir = None) -> None:
    """Take the database back to a revision; base is nothing."""
    with _owner_url(_settings(data_dir=data_dir)) as url:
        migrations.downgrade(url, revision)
        print(f"The database is at revision {migrations.present_revision(url) or 'base'}.")


@db_commands.command()
def check(data_dir: DataDir = None) -> None:
    """Fail unless the tables are those of this program."""
    with _owner_url(_settings(data_dir=data_dir)) as url:
        _refuse_other_revision(url)
        migrations.check(url)
        print(f"The database is at revision {migrations.newest_revision()}, and its tables are as expected.")


@db_commands.command("provision")
def provision_database(
    admin_url: Annotated[str, typer.Option(envvar="ADMIN_DATABASE_URL", help="libpq address of an administrator.")],
    database: Annotated[str, typer.Option(help="Name of the database.")] = DATABASE,
) -> None:
    """Make the two roles and the database; safe to repeat."""
    provision(admin_url, database)
    print(f"The database {database} is ready for {OWNER_ROLE} and {APP_ROLE}: set their passwords, then upgrade.")


@organisation_commands.command()
def found(name: str, data_dir: DataDir = None) -> None:
    """Found an organisation, in record mode, and print its id."""
    with _ready_database(_settings(data_dir=data_dir)) as database:
        print(found_organisation(database, name))


def _settings(**given: Any) -> Settings:
    """Read the settings; what the command line gives goes before the environment."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors(include_input=False)[0]
        name = "_".join(str(part) for part in wrong["loc"])
        raise ServerMisconfigured(f"the setting {name} is wrong: {wrong['msg'].lower()}") from None


def _token_file(settings: Settings) -> Path:
    return settings.data_dir / "demonstration.json"


def _address(settings: Settings) -> str:
    host = "localhost" if settings.host in _WILDCARDS else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _bound_socket(settings: Settings) -> socket.socket:
    """Take the port before anything else is started; connections are refused until the service is ready."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(settings, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(settings, error) from None
    return listener


def _cannot_listen(settings: Settings, error: OSError) -> ServerMisconfigured:
    if error.errno == errno.EADDRINUSE:
        return ServerMisconfigured(
            f"port {settings.port} is in use: stop the program that uses it, or choose another with --port"
            " (make run PORT=8001)"
        )
    return ServerMisconfigured(f"can't listen on {settings.host}, port {settings.port}: {error.strerror}")


@contextmanager
def _ready_database(settings: Settings) -> Iterator[Database]:
    """Give the database as the application sees it: the operator's, which must be up to date, or our own."""
    if settings.database_url is not None:
        _refuse_other_revision(settings.database_url)
        with closing(Database(settings.database_url, pool_size=settings.threads)) as database:
            database.check_role()
            yield database
        return
    with EmbeddedServer(settings.data_dir) as server:
        migrations.upgrade(server.url(DATABASE, OWNER_ROLE))
        with closing(Database(server.url(DATABASE, APP_ROLE), pool_size=settings.threads)) as database:
            yield database


@contextmanager
def _owner_url(settings: Settings) -> Iterator[str]:
    """Give the address of the database as its owner: the operator's, or that of our own."""
    if settings.owner_database_url is not None:
        yield settings.owner_database_url
    elif settings.database_url is not None:
        raise ServerMisconfigured("set OWNER_DATABASE_URL to the same database as its owner role")
    else:
        with EmbeddedServer(settings.data_dir) as server:
            yield server.url(DATABASE, OWNER_ROLE)


def _refuse_other_revision(url: str) -> None:
    with translated_errors():
        present = migrations.present_revision(url)
    newest = migrations.newest_revision()
    if present != newest:
        raise ServerMisconfigured(
            f"the database is at revision {present or 'base'}, and this program needs {newest}: run spor db upgrade"
        )


def _filled(database: Database) -> Demonstration:
    """Fill the demonstration organisation where that has not been done, and show how far it has come."""
    wanted = Demonstration(datetime.now(TIME_ZONE).date())
    if is_complete(database, wanted):
        return wanted
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print("Filling the demonstration, once: this takes about half a minute.")
    columns = (
        TextColumn("Filling the demonstration"),
        BarColumn(complete_style="cyan", finished_style="cyan"),
        TextColumn("{task.completed} of {task.total} episodes"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=wanted.episodes)
        fill(database, wanted, lambda episodes: progress.advance(bar, episodes))
    return wanted


class _Server(uvicorn.Server):
    """The HTTP server, which says when it answers."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        self._announce()


def _serve(settings: Settings, database: Database, listener: socket.socket, announce: Callable[[], None]) -> None:
    config = uvicorn.Config(
        create_app(settings, database),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    try:
        _Server(config, announce).run(sockets=[listener])
    except OSError as error:
        raise _cannot_listen(settings, error) from None


def _welcome(address: str, credentials: Credentials, episode_id: object) -> str:
    """Say where the service is, who can ask, and three things to ask."""
    body = {
        "episode_id": str(episode_id),
        "instrument": "phq-9",
        "completed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "answers": {"1": 1, "2": 1, "3": 2, "4": 1, "5": 0, "6": 1, "7": 1, "8": 0, "9": 0, "10": 1},
    }
    return f"""
Spor answers at {address}. In it: {NAME}, an invention. Ctrl-C stops it.

  tablet        {credentials.tablet}
  therapist     {credentials.therapist}
  service lead  {credentials.service_lead}

Three requests to try in another terminal. The tablet puts a PHQ-9 and gets a receipt:

curl -sS -w '\\n' -X PUT {address}/v1/administrations/{uuid7()} \\
  -H 'Authorization: Bearer {credentials.tablet}' \\
  -H 'Content-Type: application/json' \\
  -d '{json.dumps(body)}'

The therapist sees what that says about the patient:

curl -sS -w '\\n' {address}/v1/episodes/{episode_id}/trajectory \\
  -H 'Authorization: Bearer {credentials.therapist}'

The service lead reads what is offered:

curl -sS -w '\\n' {address}/v1/programmes \\
  -H 'Authorization: Bearer {credentials.service_lead}'
"""


if __name__ == "__main__":
    main()
