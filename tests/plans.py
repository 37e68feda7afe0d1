"""The plans by which PostgreSQL answered, as its own auto_explain wrote them down, and what is wrong with them.

They are taken at the server, so it is the same how the program sends its statements: by whatever driver, prepared or
not, in functions, in triggers. The last of a dozen may be a generic plan, which is made once for all values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

import psycopg
from psycopg import sql

from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.provision import APP_ROLE

SETTINGS: Final = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_parameter_max_length": "0",
}

SMALL: Final = {
    "organisations": "a caller sees one",
    "organisation_settings": "one row for each change of the settings",
    "own_instruments": "a few of an organisation",
    "wordings": "some for each instrument",
    "services": "a few of an organisation",
    "devices": "a few of a service",
    "users": "who works there: a page or two, of which an index would read as many",
    "credentials": "some for each of them",
    "logins": "one for each of them",
    "programmes": "a few of an organisation",
    "summary_years": "one for each year in which episodes were closed",
    "counted_cells": "one for each year and question of a report",
    "programme_evidence": "a few of a programme",
    "evaluation_plans": "one for each programme",
    "service_statements": "one for each service and year",
    "curves": "one for each instrument and fit",
    "report_jobs": "a few of a lead, for a day",
    "audit_seals": "one for each range of the audit",
    "consents": "a few of a patient, in these practices none",
    "legal_holds": "likewise",
    "deletions": "one for each decision",
    "deleted_administrations": "found by their key, once there are some",
}
"""The tables that a plan may read whole, and why."""

LOGGED: Final = re.compile(r"LOG:  duration: [\d.]+ ms  plan:\n((?:\t.*\n)+)")

Node = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A statement, and how it was answered once."""

    statement: str
    root: Node

    @property
    def name(self) -> str:
        """The beginning of the statement; that of a function in the database is not kept."""
        return " ".join(self.statement.split())[:100] or "a function"

    @property
    def is_generic(self) -> bool:
        """Whether the plan was made for all values of the parameters."""
        return any("$1" in str(value) for node in self.nodes() for name, value in node.items() if "Cond" in name)

    def nodes(self) -> Iterator[Node]:
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.get("Plans", ()))


@contextmanager
def written_down(server: EmbeddedServer, database: str) -> Iterator[None]:
    """Have the plans of the application's new connections to a database written to the server's log."""
    whose = {"role": sql.Identifier(APP_ROLE), "database": sql.Identifier(database)}
    with psycopg.connect(server.conninfo("postgres", SUPERUSER), autocommit=True) as connection:
        for name, value in SETTINGS.items():
            setting = {"name": sql.SQL(name), "value": sql.Literal(value), **whose}
            connection.execute(
                sql.SQL("alter role {role} in database {database} set {name} = {value}").format(**setting)
            )
        yield
        for name in SETTINGS:
            setting = {"name": sql.SQL(name), **whose}
            connection.execute(sql.SQL("alter role {role} in database {database} reset {name}").format(**setting))


class Log:
    """What the server writes down from now on."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._file = server.log_file
        self._read = self._file.stat().st_size

    def plans(self) -> list[Plan]:
        """Give the plans since the last time, in the order of their ends."""
        with self._file.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._read)
            text = log.read()
            self._read = log.tell()
        found = [json.loads(plan) for plan in LOGGED.findall(text)]
        return [Plan(each["Query Text"], each["Plan"]) for each in found]


def rows_read(node: Node) -> float:
    """Give how many rows a node has taken from a table or an index, also those that it threw away."""
    thrown_away = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float((node["Actual Rows"] + thrown_away) * node["Actual Loops"])


def searches(node: Node) -> float:
    """Give how often a node has looked something up from the top of an index (or just was run, before server 18)."""
    return float(max(node.get("Index Searches", 0), node["Actual Loops"]))


def pages_read(node: Node) -> int:
    """Give how many pages a node has looked at itself; it counts those of the nodes below it too."""
    below = sum(_pages(each) for each in node.get("Plans", ()))
    return _pages(node) - below


def _pages(node: Node) -> int:
    return int(node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0))


@dataclass(frozen=True)
class Allowance:
    """How many rows there may be read of each table, and of each index as of its table, for one episode."""

    of_table: Mapping[str, float]
    of_index: Mapping[str, float]

    @classmethod
    def of(cls, connection: psycopg.Connection[Any]) -> Self:
        """Allow a multiple of what an episode has on average."""
        sizes = dict(connection.execute(SIZES).fetchall())
        of_table = {table: SLACK * max(1.0, size / sizes["episodes"]) for table, size in sizes.items()}
        return cls(of_table, {index: of_table[table] for index, table in connection.execute(INDEXES).fetchall()})

    def rows(self, node: Node) -> float:
        table = node.get("Relation Name")
        return self.of_table[table] if table else self.of_index[node["Index Name"]]


SLACK: Final = 25
"""So many times what an episode has of a table on average may be read: some rows are met again for each session, and
what the test does adds some.
"""

SIZES: Final = "select relname, reltuples from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
INDEXES: Final = "select indexname, tablename from pg_indexes where schemaname = 'public'"


def faults(plan: Plan, allowance: Allowance, episodes: int) -> list[str]:
    """Tell what is wrong with a plan whose answer concerns some episodes, node by node."""
    return [
        f"{fault} by {node['Node Type']} on {node.get('Relation Name') or node['Index Name']}, in {plan.name}"
        for node in plan.nodes()
        if node["Node Type"].endswith("Scan") and ("Relation Name" in node or "Index Name" in node)
        for fault in _faults(node, allowance.rows(node) * episodes)
    ]


def _faults(node: Node, most_rows: float) -> Iterator[str]:
    rows, pages = rows_read(node), pages_read(node)
    if node.get("Relation Name") in SMALL:
        return
    if node["Node Type"] == "Seq Scan":
        yield "whole table"
    if rows > most_rows:
        yield f"{rows:.0f} rows"
    # A search goes down a few levels, and each row lies in a page of the index and one of the table, and before it
    # may lie versions that are dead. More than that was read through in vain.
    if pages > 20 + 5 * searches(node) + 4 * rows:
        yield f"{pages} pages for {rows:.0f} rows"
