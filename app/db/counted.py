"""Counted cells: how many closed episodes were alike in what a question names, kept until their year changes.

A report reads cells and never episodes. They are counted by the year of closing, and what was counted of a year is kept
with the number of changes that its summaries had seen. The number is read before the counting, so that cells may be
newer than it says, and never older: a change that is committed meanwhile has them counted anew next time.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Generic, Protocol, TypeVar

from app.db.pipeline import Statement, statement
from app.db.session import Query, Work

Cell = TypeVar("Cell")


@dataclass(frozen=True, slots=True)
class Question(Generic[Cell]):
    """What is counted: a statement that groups the summaries of the years that it is given.

    Parameters
    ----------
    sql : Statement
        Its rows begin with the year; it takes `organisation_id` and `years`, and the parameters.
    parameters : mapping of str to Any
        What else it takes, as JSON can hold it.
    cell : type
        What its rows are.
    years : collection of int or None
        Of which years; None for all that there are.
    """

    sql: Statement
    parameters: Mapping[str, Any]
    cell: type[Cell]
    years: Collection[int] | None = None

    @property
    def key(self) -> str:
        """What its cells are kept under."""
        asked = [self.sql.sql.decode(), *(self.parameters.get(name) for name in self.sql.parameters)]
        return sha256(json.dumps(asked, default=str).encode()).hexdigest()


# Planned for what is asked, counted in memory by several processes: the planner takes the kinds of episodes for many
# more than they are. To compile would take longer than to count.
_PLANNED_ANEW: Final = Query(
    statement(
        "select set_config('plan_cache_mode', 'auto', true), set_config('jit', 'off', true),"
        " set_config('work_mem', '64MB', true), set_config('parallel_setup_cost', '0', true),"
        " set_config('parallel_tuple_cost', '0', true)"
    ),
    {},
    list,
)
_YEARS = statement("select closed_year, changes from summary_years where organisation_id = %(organisation_id)s")
_KEPT = statement(
    """
    select c.question, c.closed_year, c.cells
      from counted_cells c
      join summary_years y on y.organisation_id = c.organisation_id and y.closed_year = c.closed_year
     where c.organisation_id = %(organisation_id)s and c.question = any(%(questions)s) and c.changes = y.changes
    """
)
_KEEP = statement(
    """
    insert into counted_cells as c (organisation_id, question, closed_year, changes, cells)
    select %(organisation_id)s, r.question, r.closed_year, r.changes, r.cells
      from jsonb_to_recordset(%(rows)s::jsonb) r (question text, closed_year smallint, changes bigint, cells text)
    on conflict (organisation_id, question, closed_year)
    do update set changes = excluded.changes, cells = excluded.cells
     where c.changes < excluded.changes
    """
)


class Counting(Protocol):
    """Gives the cells of each question."""

    def __call__(self, *questions: Question[Any]) -> list[list[Any]]:
        """Give them in the order of the questions."""
        ...


def count(work: Work, *questions: Question[Any]) -> list[list[Any]]:
    """Give the cells of each question: those that are kept and still hold, and the others counted now, and kept."""
    organisation = {"organisation_id": work.scope.organisation_id}
    keys = [question.key for question in questions]
    changes, kept = work.ask_all(
        Query(_YEARS, organisation, dict), Query(_KEPT, {**organisation, "questions": keys}, _by_question)
    )
    missing = {
        key: years
        for key, question in zip(keys, questions, strict=True)
        if (years := [year for year in _wanted(question, changes) if year not in kept[key]])
    }
    if missing:
        _count(work, dict(zip(keys, questions, strict=True)), missing, changes, kept)
    return [
        [question.cell(*row) for year in _wanted(question, changes) for row in kept[key][year]]
        for key, question in zip(keys, questions, strict=True)
    ]


Kept = defaultdict[str, dict[int, list[Any]]]


def _wanted(question: Question[Any], present: Collection[int]) -> list[int]:
    return sorted(present if question.years is None else set(question.years) & set(present))


def _by_question(rows: Sequence[tuple[Any, ...]]) -> Kept:
    kept: Kept = defaultdict(dict)
    for key, year, cells in rows:
        kept[key][year] = json.loads(cells)
    return kept


def _count(
    work: Work,
    questions: Mapping[str, Question[Any]],
    missing: Mapping[str, list[int]],
    changes: Mapping[int, int],
    kept: Kept,
) -> None:
    organisation = {"organisation_id": work.scope.organisation_id}
    asked = [
        Query(questions[key].sql, {**questions[key].parameters, **organisation, "years": years}, list)
        for key, years in missing.items()
    ]
    _, *answers = work.ask_all(_PLANNED_ANEW, *asked)
    new = []
    for (key, years), rows in zip(missing.items(), answers, strict=True):
        for year in years:
            cells = json.dumps([row for row in rows if row[0] == year], default=str, separators=(",", ":"))
            kept[key][year] = json.loads(cells)
            new.append({"question": key, "closed_year": year, "changes": changes[year], "cells": cells})
    work.ask(Query(_KEEP, {**organisation, "rows": json.dumps(new)}, list))
