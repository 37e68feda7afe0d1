"""What a put costs on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from benchmarks.rounds import Loader
    from benchmarks.works import Work

_SIZES = """
select relname, pg_table_size(oid), pg_indexes_size(oid)
  from pg_class
 where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
"""
_SECONDS = 2

PUTS = 20_000
EPISODES = 1600
"""So many that the puts take series from five scores to about twenty: what a verdict weighs depends on it."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes by which a table and its indexes have grown, for each put."""

    table: str
    rows: float
    indexes: float

    @property
    def together(self) -> float:
        """Table and indexes."""
        return self.rows + self.indexes


@dataclass(frozen=True, slots=True)
class Disk:
    """What some puts have added: to tables and indexes, and to the log that is written ahead."""

    puts: int
    tables: list[Growth]
    wal: float

    @property
    def bytes_of_a_put(self) -> float:
        """Tables and indexes together."""
        return sum(each.together for each in self.tables)


def measure_disk(loader: Loader, work: Work) -> Disk:
    """Put 20,000 or a little more; tell by how much tables and indexes have grown, both times after a plain vacuum."""
    handled = loader.handled(work)
    before, log_before = _sizes(loader.admin), _log_position(loader.admin)
    while (made := loader.handled(work) - handled) < PUTS:
        loader.run(work, _SECONDS)
    log_after = _log_position(loader.admin)
    after = _sizes(loader.admin)
    tables = [
        Growth(table, (after[table][0] - rows) / made, (after[table][1] - indexes) / made)
        for table, (rows, indexes) in sorted(before.items())
        if after[table] != (rows, indexes)
    ]
    return Disk(made, tables, (log_after - log_before) / made)


def _sizes(admin: psycopg.Connection) -> dict[str, tuple[int, int]]:
    admin.execute("vacuum")
    return {table: (rows, indexes) for table, rows, indexes in admin.execute(_SIZES)}


def _log_position(admin: psycopg.Connection) -> int:
    [(position,)] = admin.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn")
    return int(position)
