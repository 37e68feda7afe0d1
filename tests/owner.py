"""A look at the tables past the interface, as the role that owns them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

_COUNTED = ("series", "administrations", "scores", "progress", "risk_alerts", "audit_events")


@dataclass(frozen=True)
class Owner:
    """The owner of the tables, who sees every organisation's rows."""

    connection: psycopg.Connection[dict[str, Any]]

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        return self.connection.execute(query, parameters).fetchall()

    def run(self, command: str, *parameters: object) -> None:
        self.connection.execute(command, parameters)

    def counts(self, organisation_id: UUID) -> dict[str, int]:
        """Count what has been stored of answers, and what was noted about it."""
        counts = " union all ".join(
            f"select '{table}' as name, count(*) as rows from {table} where organisation_id = %(id)s"
            for table in _COUNTED
        )
        return {row["name"]: row["rows"] for row in self.connection.execute(counts, {"id": organisation_id}).fetchall()}

    def audit(self, organisation_id: UUID) -> list[dict[str, Any]]:
        return self.rows("select * from audit_events where organisation_id = %s order by xid, id", organisation_id)
