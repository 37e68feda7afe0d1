"""The server under load: `spor serve` as it is, with two routes more to hold it against.

Run as a program, it takes the arguments of `spor serve`. Nothing of the service is started in another way than an
operator starts it: the command's own code makes settings, pool, threads, log and HTTP server; only the application
gets the reference routes besides.

The references live in the same process as what they are compared with: the same interpreter, heap, threads, log
and middleware, so that a ratio tells of the route and of nothing else. They come last, and no other route has to be
passed on the way to a real one.
"""

from __future__ import annotations

import sys

from fastapi import FastAPI

from app import main as wiring
from app.config import Settings
from app.db.session import Database
from benchmarks.references import router_of


def serve(arguments: list[str]) -> None:
    """Run `spor serve` on an application that has the reference routes."""
    create_app = wiring.create_app

    def with_references(settings: Settings, database: Database) -> FastAPI:
        app = create_app(settings, database)
        app.include_router(router_of(settings))
        return app

    wiring.create_app = with_references
    from app.cli import main  # noqa: PLC0415 - the command takes the application's maker when it is imported

    main(["serve", *arguments])


if __name__ == "__main__":
    serve(sys.argv[1:])
