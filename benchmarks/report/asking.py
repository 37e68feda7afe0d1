"""One process that asks for reports: for each line it reads it makes one, and tells what it took.

A process of its own, since what it remembers of earlier reports and how large it gets are part of what is measured.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from contextlib import closing
from pathlib import Path
from uuid import UUID

from app.db.codes import Role
from app.db.ids import uuid7
from app.db.session import Access, Database, Scope
from app.reports.cohort import Period
from app.services.report_request import ReportRequest
from app.services.reports import outcomes_report
from benchmarks.report.drawn import FIRST_YEAR, MEASURE, YEARS

REQUEST = ReportRequest(Period(FIRST_YEAR + YEARS - 1, 3), MEASURE)
THRESHOLD = 8


def main() -> None:
    """Answer each line with seconds, and the most kilobytes that the process has held so far."""
    parser = argparse.ArgumentParser(prog="benchmarks.report.asking", description=__doc__)
    parser.add_argument("url")
    for name in ("organisation", "lead", "service"):
        parser.add_argument(name, type=UUID)
    given = parser.parse_args()
    scope = Scope(given.organisation, given.lead, Role.SERVICE_LEAD, given.service)
    # As `spor serve` does: what is here now is not looked through for rubbish again.
    gc.collect()
    gc.freeze()
    with closing(Database(given.url)) as database:
        for _ in sys.stdin:
            began = time.perf_counter()
            with database.work(scope, Access("bench", uuid7())) as work:
                report = outcomes_report(work, REQUEST, threshold=THRESHOLD)
            seconds = time.perf_counter() - began
            tables = sum(len(section.tables) for section in report.sections)
            print(json.dumps({"seconds": seconds, "peak_kb": _peak(), "tables": tables}), flush=True)


def _peak() -> int:
    """Give the largest resident set since the program began; what it was started from does not count."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
