"""The only place that wires things together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from app.api import errors, openapi
from app.api.guesses import Guesses
from app.api.metrics import Metrics
from app.api.middleware import EveryRequest
from app.api.readiness import Readiness
from app.api.routes import (
    administrations,
    assignments,
    curves,
    descriptions,
    devices,
    episodes,
    goals,
    health,
    instruments,
    oversight,
    patients,
    programmes,
    sessions,
    trajectories,
)
from app.api.routes import (
    settings as settings_routes,
)
from app.config import Settings
from app.db.health import Examination, connections_in_use
from app.db.session import Database
from app.services.pictures import pictures

VERSION = "0.1.0"
_ROUTERS = (
    administrations.router,
    trajectories.router,
    patients.router,
    episodes.router,
    sessions.router,
    assignments.router,
    oversight.router,
    devices.router,
    goals.router,
    programmes.router,
    instruments.router,
    settings_routes.router,
    curves.router,
    descriptions.router,
)


def create_app(settings: Settings, database: Database) -> FastAPI:
    """Make the application on a database; importing this module has no effects."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # More threads only wait for each other on two cores, and the slowest requests get slower.
        threads = anyio.to_thread.current_default_thread_limiter()
        threads.total_tokens = settings.threads
        metrics.watch(threads)
        database.check_role()
        yield
        pictures().close()
        database.close()

    metrics = Metrics(VERSION, lambda: connections_in_use(database))
    app = FastAPI(
        title="Spor",
        version=VERSION,
        summary="Feedback-informed-treatment outcome tracking.",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # behind a proxy it would send the caller, credential and all, to http://
    )
    app.state.settings = settings
    app.state.database = database
    app.state.metrics = metrics
    app.state.guesses = Guesses()
    app.state.readiness = Readiness(Examination(database))
    app.add_middleware(EveryRequest, metrics=metrics)
    errors.install(app)
    for router in _ROUTERS:
        app.include_router(router, prefix="/v1")
    app.include_router(health.router)
    app.openapi = lambda: openapi.document_of(app)  # type: ignore[method-assign]
    return app
