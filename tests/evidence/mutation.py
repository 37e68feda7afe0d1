"""Mutation testing of the core: small mistakes are made in the program one by one, and the tests ought to see each.

    python -m tests.evidence.mutation [--mutants N] [MODULE ...]

It works on a copy of the project, since what mutmut makes would be taken for the project itself. Of each module it
tries the same mutants each time, chosen at random: N of them, or all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from mutmut.stats import status_by_exit_code

from tests.programs import ROOT

CORE: Final = ("scales", "trajectories")
MUTANTS: Final = 60
COPIED: Final = ("app", "tests", "pyproject.toml", "README.md")

LOADED_ONCE: Final = ("app.scales.instrument_file", "app.scales.screen_table")
"""What reads the instruments' files: once, for all tests, so that mutmut asks only the first test that needed them."""

TESTS_OF_INSTRUMENTS: Final = tuple(
    f"tests/scales/test_{name}.py"
    for name in ("catalogue", "instrument", "further_instruments", "rcads", "sdq", "norms", "screens", "scoring")
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants of the modules that are named, or of the whole core."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("--mutants", type=int, default=MUTANTS, help=f"of each module; all of them if 0 ({MUTANTS})")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="as app.scales.scoring; the whole core if none")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="spor-mutants-") as name:
        folder = Path(name)
        copy_project(folder)
        mutmut(folder, "nothing is called so")  # makes the mutants, and tries none
        chosen = {
            module: choose(mutants, given.mutants)
            for module, mutants in sorted(mutants_of(folder).items())
            if not given.modules or module in given.modules
        }
        mutmut(folder, *(mutant for mutants in chosen.values() for mutant in mutants))
        results = {**results_of(folder)}
        survivors = [each for module in LOADED_ONCE for each in chosen.get(module, ()) if results[each] == "survived"]
        results |= tried_again(folder, survivors)
        tell(chosen, results)
        tell_survivors(folder, chosen, results)
    return 0


def copy_project(folder: Path) -> None:
    for each in COPIED:
        source, target = ROOT / each, folder / each
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def mutmut(folder: Path, *mutants: str) -> None:
    """Run mutmut; the tests are run once without mutants first, and again for each of those that are named."""
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(os.cpu_count()), *mutants]
    with (folder / "mutmut.log").open("w") as log:
        subprocess.run(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, check=False)


def results_of(folder: Path) -> Mapping[str, str]:
    """Give what became of each mutant, by its name."""
    found: dict[str, str] = {}
    for file in sorted((folder / "mutants" / "app").rglob("*.meta")):
        codes = json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
        found |= {mutant: status_by_exit_code[code] for mutant, code in codes.items()}
    assert found, (folder / "mutmut.log").read_text(encoding="utf-8")[-2000:]
    return found


def tried_again(folder: Path, survivors: Sequence[str]) -> Mapping[str, str]:
    """Ask all tests of the instruments about mutants, and give what became of them."""

    def outcome(mutant: str) -> str:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-cov", "-n0", "-p", "no:cacheprovider"]
        environment = {**os.environ, "MUTANT_UNDER_TEST": mutant, "PYTHONPATH": "."}
        done = subprocess.run(
            [*command, *TESTS_OF_INSTRUMENTS], cwd=folder / "mutants", env=environment, capture_output=True, check=False
        )
        return "survived" if done.returncode == 0 else "killed"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(survivors, pool.map(outcome, survivors), strict=True))


def mutants_of(folder: Path) -> Mapping[str, list[str]]:
    """Give the names of the mutants of each module of the core: `app.scales.risk.x_risk_duty__mutmut_3`."""
    found: dict[str, list[str]] = {}
    for mutant in results_of(folder):
        found.setdefault(mutant.rpartition(".")[0], []).append(mutant)
    return found


def choose(mutants: list[str], most: int) -> list[str]:
    """Choose some at random, the same each time."""
    return sorted(random.Random(7).sample(mutants, most)) if 0 < most < len(mutants) else mutants


def tell(chosen: Mapping[str, list[str]], results: Mapping[str, str]) -> None:
    """Say what became of the mutants of each module, and of all."""
    everything = Counter[str]()
    for module, mutants in chosen.items():
        counted = Counter(results[mutant] for mutant in mutants)
        everything += counted
        say(f"{module:34} {in_words(counted)}")
    say(f"{'all':34} {in_words(everything)}")


def in_words(counted: Counter[str]) -> str:
    return f"{counted.total():5} mutants: {', '.join(f'{count} {status}' for status, count in counted.most_common())}"


def tell_survivors(folder: Path, chosen: Mapping[str, list[str]], results: Mapping[str, str]) -> None:
    """Name those that no test has seen, with what they change."""
    program = Path(sys.executable).with_name("mutmut")
    for mutant in (each for mutants in chosen.values() for each in mutants if results[each] == "survived"):
        shown = subprocess.run(
            [program, "show", mutant], cwd=folder, capture_output=True, text=True, check=False
        ).stdout
        changed = [line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
        say(f"survived: {mutant}: {' '.join(' '.join(line.split()) for line in changed)}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
