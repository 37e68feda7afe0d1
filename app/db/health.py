"""Whether the database can be worked with, found out without the connections that requests use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from app.db import migrations
from app.db.failures import DatabaseFailure, translated_errors
from app.db.session import Database
from app.errors import DatabaseUnavailable, ServerMisconfigured

ANSWER_SECONDS = 2
"""How long the database may take to accept a connection, and to confirm what it was sent."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `trouble` says in a sentence what is wrong, without an address."""

    check: str
    trouble: str | None = None


NO_ANSWER = Finding("database", "the database does not answer")


def connections_in_use(database: Database) -> int:
    """Count the connections that requests hold at this moment."""
    return int(database.engine.pool.checkedout())  # type: ignore[attr-defined]  # of the kind of pool that counts


class Examination:
    """The checks of one database; each looking opens connections of its own, and closes them."""

    def __init__(self, database: Database) -> None:
        limits = {"connect_timeout": str(ANSWER_SECONDS), "tcp_user_timeout": str(ANSWER_SECONDS * 1000)}
        self._url = database.engine.url.update_query_dict(limits).render_as_string(hide_password=False)
        self._newest = migrations.newest_revision()

    def findings(self) -> tuple[Finding, ...]:
        """Look whether the database answers, is at the revision of this program, and lets it in as the right role."""
        try:
            with translated_errors():
                return (Finding("database"), *self._of_one_that_answers())
        except (DatabaseUnavailable, DatabaseFailure):
            return (NO_ANSWER,)

    def _of_one_that_answers(self) -> Iterator[Finding]:
        present = migrations.present_revision(self._url)
        differs = f"the database is at revision {present or 'base'}, and this program needs {self._newest}"
        yield Finding("revision", None if present == self._newest else differs)
        with closing(Database(self._url, pool_size=1)) as database:
            try:
                database.check_role()
                yield Finding("role")
            except ServerMisconfigured as error:
                yield Finding("role", error.detail)
