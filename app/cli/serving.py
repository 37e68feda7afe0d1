"""`spor serve`, and the HTTP server that it and the demonstration use."""

from __future__ import annotations

import errno
import gc
import socket
from collections.abc import Callable
from contextlib import closing

import uvicorn

from app.cli.connections import ready_database
from app.cli.options import DataDir, Host, Port, settings_of
from app.cli.protocol import BoundedProtocol
from app.cli.server import Server
from app.config import Settings
from app.db.session import Database
from app.errors import ServerMisconfigured
from app.main import create_app
from app.services.audit_keeping import with_audit_key

_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened on


def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve on DATABASE_URL, or on an embedded PostgreSQL."""
    settings = settings_of(host=host, port=port, data_dir=data_dir)
    if settings.database_url is not None:
        with_audit_key(settings)  # to say what is missing before anything is started
    with closing(bound_socket(settings)) as listener, ready_database(settings) as database:
        serve_on(settings, database, listener, lambda: print(f"Spor answers at {address(settings)}", flush=True))


def address(settings: Settings) -> str:
    """Give the address at which a person reaches the service."""
    host = "localhost" if settings.host in _WILDCARDS else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def bound_socket(settings: Settings) -> socket.socket:
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


def serve_on(settings: Settings, database: Database, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Answer requests until told to stop; `announce` is called when the service answers."""
    app = create_app(with_audit_key(settings), database)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to believe about the caller's address is decided where it is asked for
        http=BoundedProtocol,
        ws="none",
        timeout_graceful_shutdown=settings.shutdown_seconds + 1,  # the last resort: the server looks to it itself
    )
    server = Server(
        config,
        announce,
        app.state.readiness,
        drain_seconds=settings.drain_seconds,
        shutdown_seconds=settings.shutdown_seconds,
    )
    # What is here now stays: to look through all of it for rubbish, time and again, would stop every request for 0.1 s.
    gc.collect()
    gc.freeze()
    try:
        server.run_on(listener)
    except OSError as error:
        raise _cannot_listen(settings, error) from None
