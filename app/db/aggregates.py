"""The one place from which statements count patients: their rows are cells, and no cell says which persons are in it.

A service lead and an administrator reach no patient (`app.db.reach`), and yet are told what becomes of all of them.
So these statements start from no reachable episode, as all others about patients do, but from the whole organisation,
which row-level security and each statement name; and what they answer holds no id, no time of day and nobody's words.
Small numbers are in it: they are withheld before anything is shown, and never here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.db.pipeline import Statement
from app.db.session import Query, Work

Cell = TypeVar("Cell")


def counted(work: Work, sql: Statement, cell: Callable[..., Cell], **parameters: Any) -> Query[list[Cell]]:
    """Make a query that counts the organisation's patients by what they have in common, a cell for each kind."""
    values = {**parameters, "organisation_id": work.scope.organisation_id}
    return Query(sql, values, lambda rows: [cell(*row) for row in rows])
