"""Fits that R makes of a file, with what they took and found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEBIAN = {"Rscript": "r-base-core", "lme4": "r-cran-lme4", "nlme": "r-cran-nlme"}
"""What a comparison needs of R, and the Debian package that has it."""

_SAY = 'say <- function(name, figure) cat(name, format(figure, digits = 17), "\\n")\n'


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit took and found."""

    seconds: float
    loglik: float
    estimates: Mapping[str, float]


def in_r(script: str, **given: Path | bool | float) -> Fitted:
    """Run a fit in R.

    Parameters
    ----------
    script : str
        It calls `say(name, figure)` for its `seconds`, its `loglik`, and each estimate.
    given
        Variables that it finds.

    Returns
    -------
    Fitted
    """
    variables = "".join(f"{name} <- {_as_r(value)}\n" for name, value in given.items())
    ran = subprocess.run(
        ["Rscript", "--vanilla", "-"], input=_SAY + variables + script, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        sys.exit(f"R stopped: {ran.stderr.strip()}")
    figures = {name: float(figure) for name, figure in map(str.split, ran.stdout.splitlines())}
    return Fitted(figures.pop("seconds"), figures.pop("loglik"), figures)


def _as_r(value: Path | bool | float) -> str:
    """Write a value as R reads it."""
    if isinstance(value, bool):
        return str(value).upper()
    return f'"{value}"' if isinstance(value, Path) else repr(value)


def missing(packages: Sequence[str]) -> str | None:
    """Say in one line what of R is not here and how to get it, if anything."""
    if shutil.which("Rscript") is None:
        return f"Rscript is not here; install the Debian package {DEBIAN['Rscript']}."
    for package in packages:
        there = subprocess.run(["Rscript", "--vanilla", "-e", f"library({package})"], capture_output=True, check=False)
        if there.returncode:
            return f"R's package {package} is not here; install the Debian package {DEBIAN[package]}."
    return None
