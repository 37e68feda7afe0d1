"""The only place that wires things together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from app.api import errors, openapi
from app.api.guesses import Guesses
from app.api.limits import Limit
from app.api.metrics import Metrics
from app.api.middleware import EveryRequest
from app.api.readiness import Readiness
from app.api.routes import (
    access,
    access_log,
    administrations,
    assignments,
    curves,
    deletion,
    descriptions,
    devices,
    episodes,
    exports,
    goals,
    grant,
    health,
    instruments,
    log_in,
    oversight,
    patients,
    people,
    programmes,
    record_note,
    reports,
    rights,
    sessions,
    trajectories,
)
from app.api.routes import (
    report_jobs as report_job_routes,
)
from app.api.routes import (
    settings as settings_routes,
)
from app.config import Settings
from app.db.health import Examination, connections_in_use
from app.db.session import Database
from app.identity.oidc import access_tokens_of
from app.identity.passwords import Passwords
from app.services.audit_keeping import key_of, log_of
from app.services.pictures import pictures
from app.services.report_jobs import ReportJobs
from app.services.sealing import Sealer

VERSION = "0.1.0"
_ROUTERS = (
    administrations.router,
    trajectories.router,
    record_note.router,
    reports.router,
    report_job_routes.router,
    exports.router,
    patients.router,
    access_log.router,
    episodes.router,
    sessions.router,
    assignments.router,
    oversight.router,
    access.router,
    devices.router,
    goals.router,
    rights.router,
    deletion.router,
    programmes.router,
    grant.router,
    instruments.router,
    settings_routes.router,
    curves.router,
    people.router,
    log_in.router,
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
        if sealer is not None:
            sealer.start()
        yield
        if sealer is not None:
            sealer.stop()
        report_jobs.stop()
        pictures().close()
        if access_tokens is not None:
            access_tokens.close()
        database.close()

    sealer = Sealer(database.apart(), key_of(settings), log_of(settings)) if settings.audit_key else None
    report_jobs = ReportJobs(database.apart(), settings.report_threshold)
    access_tokens = access_tokens_of(settings)
    metrics = Metrics(VERSION, lambda: connections_in_use(database))
    if sealer is not None:
        metrics.watch_sealer(sealer)
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
    app.state.access_tokens = access_tokens
    app.state.passwords = Passwords()
    app.state.login_limit = Limit(log_in.MOST_A_MINUTE)
    app.state.metrics = metrics
    app.state.openings = Limit(per_minute=10)  # of colleagues' records, by guessing references
    app.state.guesses = Guesses()
    app.state.sealer = sealer
    app.state.report_jobs = report_jobs
    app.state.readiness = Readiness(Examination(database), sealer)
    app.add_middleware(EveryRequest, metrics=metrics, settings=settings)
    errors.install(app)
    for router in _ROUTERS:
        app.include_router(router, prefix="/v1")
    app.include_router(health.router)
    app.openapi = lambda: openapi.document_of(app)  # type: ignore[method-assign]
    return app
