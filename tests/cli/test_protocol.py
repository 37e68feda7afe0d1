"""What a caller can do on a bare connection: send nothing, send for ever, send slowly."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import uvicorn

from app.api import middleware
from app.cli import protocol
from app.cli.protocol import BoundedProtocol
from app.config import Settings
from app.db.session import Database
from app.main import create_app
from tests.factories import Clinic


@pytest.fixture
def port(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The service on a port of its own, with less patience than it has otherwise."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(middleware, "BODY_SECONDS", 1.0)
    config = uvicorn.Config(
        create_app(Settings(), database),
        http=BoundedProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        runner = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        runner.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        runner.join()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        yield connection


def everything(connection: socket.socket) -> bytes:
    """Read until the service closes the connection."""
    read = b""
    try:
        while part := connection.recv(65536):
            read += part
    except ConnectionResetError:
        pass
    return read


def problem(answer: bytes) -> tuple[int, str]:
    head, _, content = answer.partition(b"\r\n\r\n")
    assert b"content-security-policy: default-src 'none'" in head
    assert b"\r\nx-request-id: " in head
    assert b"\r\nserver:" not in head
    document = json.loads(content)
    assert int(head.split()[1]) == document["status"]
    return document["status"], document["type"].removeprefix("/v1/problems/")


def test_who_says_nothing_is_hung_up_on(port: int) -> None:
    with connected(port) as connection:
        assert everything(connection) == b""


def test_who_does_not_finish_the_head_is_refused(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n")
        assert problem(everything(connection)) == (408, "request-timeout")


def test_a_head_by_the_byte_is_not_waited_for(port: int) -> None:
    with connected(port) as connection:
        began = time.monotonic()
        try:
            for each in b"GET /health/live HTTP/1.1\r\nX-Slow: " + b"x" * 1000:
                connection.sendall(bytes([each]))
                time.sleep(0.02)
        except OSError:
            pass
        assert time.monotonic() - began < 10


def test_a_head_without_end_is_refused(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nX-Long: " + b"x" * 70_000)
        assert problem(everything(connection)) == (431, "request-head-too-large")


def test_what_is_no_http_is_a_problem_too(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"\x16\x03\x01\r\n\r\n")
        assert problem(everything(connection)) == (400, "bad-request")


def test_a_connection_that_was_used_may_wait_and_be_used_again(port: int) -> None:
    with connected(port) as connection:
        for _ in range(2):
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while b"live" not in answer:  # head and body may come apart
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(1)
        connection.sendall(b"GET /health/live HT")
        assert problem(everything(connection)) == (408, "request-timeout")


@pytest.mark.parametrize("framing", ["Content-Length: 400", "Transfer-Encoding: chunked"])
def test_a_body_by_the_byte_times_out_and_holds_no_thread(port: int, clinic: Clinic, framing: str) -> None:
    head = (
        f"POST /v1/patients HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {clinic.therapist.token}\r\n"
        f"Content-Type: application/json\r\n{framing}\r\n\r\n"
    )
    piece = b"1\r\n{\r\n" if "chunked" in framing else b"{"
    slow = [socket.create_connection(("127.0.0.1", port), timeout=15) for _ in range(20)]  # more than there are threads
    for connection in slow:
        connection.sendall(head.encode() + piece)
    with connected(port) as other:
        began = time.monotonic()
        request = f"GET /v1/settings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {clinic.lead.token}\r\n\r\n"
        other.sendall(request.encode())
        assert other.recv(65536).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - began < 5
    for connection in slow:
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")
        connection.close()
