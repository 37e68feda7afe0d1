"""Adding many rows of a table by one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import insert

from app.db.ids import uuid7
from app.db.models.base import Edited
from app.db.session import Work


def add_all(work: Work, table: type[Edited], rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows to the caller's organisation, each with a new id unless it brings one."""
    key = {"organisation_id": work.scope.organisation_id, "version": 1}
    complete = [{**key, "id": uuid7(), **row} for row in rows]
    if complete:
        work.db.execute(insert(table), complete)
