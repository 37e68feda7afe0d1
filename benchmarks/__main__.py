"""`make bench`: measure, and write results.json and the tables of README.md.

With a choice of one part, or other rounds, it is a quick look: the tables are printed and nothing is written. The
report is a part that runs only when it is chosen; it has a table and a file of its own, which are then written.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_plus

from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.provision import APP_ROLE, DATABASE
from app.db.session import Database
from benchmarks.clinic import STARTING_SCORES, Clinic, furnish
from benchmarks.core import measure_core
from benchmarks.counting import Asked, Statement, count, set_up_statistics, time_statements
from benchmarks.disk import EPISODES, measure_disk
from benchmarks.load import ensure_wrk
from benchmarks.machine import describe
from benchmarks.proxy import counting
from benchmarks.report import results as of_report
from benchmarks.results import Results, keep, tables
from benchmarks.rounds import Loader, episodes_needed, go_round
from benchmarks.server import admin, database_of, private_folder, serving
from benchmarks.works import COUNTED, WORKS, Group, Supply, work_of

ROUNDS = 5
SECONDS = 3
_DISK, _COUNTS, _CORE = "disk", "counts", "core"
PARTS = (*Group, _DISK, _COUNTS, _CORE)
_REPORT = "report"
"""Only when it is named: it needs an organisation of its own, with ten million administrations."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all, or one part."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--work", choices=(*PARTS, _REPORT), help="only this part")
    parser.add_argument("--rounds", type=int, help=f"{ROUNDS}, if not given")
    parser.add_argument("--seconds", type=int, help=f"for each work in each round: {SECONDS}, if not given")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of every open context, so that nothing stays
    if given.work == _REPORT:
        _measure_report(given.rounds)
        return
    ensure_wrk()
    results = measure([given.work] if given.work else PARTS, given.rounds or ROUNDS, given.seconds or SECONDS)
    if given.work or given.rounds or given.seconds:
        print(tables(results))
    else:
        keep(results, Path(__file__).parent)


def _measure_report(rounds: int | None) -> None:
    """Measure the report; what a choice of rounds finds is only printed."""
    found = of_report.run(_say, rounds)
    print(of_report.tables(found))
    if rounds is None:
        of_report.keep(found, Path(__file__).parent)


def measure(parts: Sequence[str], rounds: int, seconds: int) -> Results:
    """Measure the parts on a fresh clinic; nothing stays but what was found."""
    works = [work for work in WORKS if work.group in parts]
    with private_folder() as folder:
        with EmbeddedServer(folder / "spor") as server, database_of(server) as database, admin(server) as connection:
            machine = describe(folder, connection)
            clinic = _furnished(server, database, parts, rounds, seconds)
            loader = Loader(clinic, connection, folder)
            with _workers(server, folder, loader):
                disk = None
                if _DISK in parts:
                    loader = loader.on(clinic.started[:EPISODES])
                    disk = measure_disk(loader, work_of("put-8"))
                    loader = loader.on(clinic.started[EPISODES:])
                runs = go_round(loader, works, rounds, seconds, _say)
            _say(
                f"Series had {STARTING_SCORES} scores at the beginning; the longest has {loader.longest_series()} now."
            )
            set_up_statistics(connection)
        asked, statements = _counts(loader, folder, seconds) if _COUNTS in parts else ({}, [])
    return Results(machine, seconds, runs, asked, disk, statements, measure_core() if _CORE in parts else [])


def _furnished(server: EmbeddedServer, database: Database, parts: Sequence[str], rounds: int, seconds: int) -> Clinic:
    """Make a clinic that is large enough for the parts."""
    counted = [work_of(key) for key in COUNTED if _COUNTS in parts]
    needed = Counter(episodes_needed([work for work in WORKS if work.group in parts], rounds + 1, seconds))
    needed += Counter(episodes_needed(counted, 2, seconds))
    if _DISK in parts:
        needed[Supply.STARTED] += EPISODES
    _say(f"Furnishing a clinic with {needed.total()} episodes.")
    return furnish(
        database,
        server.conninfo(DATABASE, SUPERUSER),
        started=needed[Supply.STARTED],
        fresh=needed[Supply.FRESH],
        charted=needed[Supply.CHARTED],
    )


@contextmanager
def _workers(server: EmbeddedServer, folder: Path, loader: Loader) -> Iterator[None]:
    """Start as many server processes as any work needs; those that are not used wait."""
    url = server.url(DATABASE, APP_ROLE)
    with ExitStack() as stack:
        for number in range(max(work.workers for work in WORKS)):
            loader.addresses.append(stack.enter_context(serving(url, folder / f"server-{number}.log")))
        yield


def _counts(loader: Loader, folder: Path, seconds: int) -> tuple[dict[str, Asked], list[Statement]]:
    """Count what passes between server and database, then time the statements within it."""
    with EmbeddedServer(folder / "spor") as server, admin(server) as connection:
        url = server.url(DATABASE, APP_ROLE)
        by_way_of_us = url.replace(quote_plus(str(server.socket_directory)), quote_plus(str(folder)))
        with (
            counting(server.socket_directory, folder) as tally,
            serving(by_way_of_us, folder / "counted.log") as address,
        ):
            loader = replace(loader, admin=connection, addresses=[address])
            asked = count(loader, tally, [work_of(key) for key in COUNTED])
        with serving(url, folder / "timed.log") as address:
            statements = time_statements(replace(loader, addresses=[address]), work_of("put-8"), seconds)
    return asked, statements


def _say(line: str) -> None:
    """Tell how far the bench is."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
