"""Files with one score in each row: which episode, when, and how much."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
import typer

from app.cli.files import name_of, number, require, rows_of, text_of
from app.trajectories.episodes import Episodes
from app.trajectories.prediction import FloatArray

File: TypeAlias = Annotated[str, typer.Argument(help="CSV, one score in each row; - is standard input.")]
IdColumn: TypeAlias = Annotated[str, typer.Option("--id", help="Column that names the episode.")]
TimeColumn: TypeAlias = Annotated[
    str | None, typer.Option("--time", help="Column of the time, where dose and weeks are one.")
]
DoseColumn: TypeAlias = Annotated[str | None, typer.Option("--dose", help="Column of the dose.", show_default="dose")]
WeeksColumn: TypeAlias = Annotated[
    str | None, typer.Option("--weeks", help="Column of the weeks since the baseline.", show_default="weeks")
]
ScoreColumn: TypeAlias = Annotated[str, typer.Option("--score", help="Column of the score.")]
DropNegative: TypeAlias = Annotated[
    bool, typer.Option("--drop-negative", help="Leave out scores from before the baseline, instead of refusing them.")
]


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a file are called."""

    identity: str
    dose: str
    weeks: str
    score: str
    covariates: tuple[str, ...] = ()

    @classmethod
    def named(
        cls, identity: str, time: str | None, dose: str | None, weeks: str | None, score: str, covariates: str = ""
    ) -> Columns:
        """Read the options: a time stands for dose and weeks.

        Raises
        ------
        InvalidInput
            If a time and one of the two are named.
        """
        require(
            time is None or (dose is None and weeks is None),
            "--time stands for --dose and --weeks: name that, or those",
        )
        names = tuple(name.strip() for name in covariates.split(",") if name.strip())
        return cls(identity, time or dose or "dose", time or weeks or "weeks", score, names)

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((self.identity, self.dose, self.weeks, self.score, *self.covariates)))


@dataclass(frozen=True, slots=True)
class LongTable:
    """Episodes of a file, in the order in which they come, each in time order.

    Parameters
    ----------
    ids : tuple of str
        Name of each episode.
    episodes : Episodes
        Their scores.
    covariates : ndarray, shape (rows, p)
        Further columns of each score.
    """

    ids: tuple[str, ...]
    episodes: Episodes
    covariates: FloatArray


def read_long(file: str, columns: Columns, *, drop_negative: bool = False) -> LongTable:
    """Read a file; rows with a blank score are left out.

    Raises
    ------
    InvalidInput
        With file, line and column, and what is allowed; never with what stood there.
    """
    name = name_of(file)
    rows: dict[str, list[_Row]] = {}
    dropped = 0
    for line, cells in rows_of(text_of(file), name, columns.all):
        where = f"{name}, line {line}"
        if not cells[columns.score].strip():
            continue
        row = _row(cells, columns, where)
        if row.weeks < 0 or row.dose < 0:
            require(drop_negative, f"{where}: the time is before the baseline; --drop-negative leaves such scores out")
            dropped += 1
            continue
        rows.setdefault(cells[columns.identity], []).append(row)
    if dropped:
        print(f"spor: {dropped} scores from before the baseline were left out", file=sys.stderr)
    require(bool(rows), f"{name}: there is no score")
    return _laid_out(rows)


@dataclass(frozen=True, slots=True)
class _Row:
    """One score and where it stood."""

    where: str
    dose: float
    weeks: float
    score: float
    covariates: tuple[float, ...]


def _row(cells: Mapping[str, str], columns: Columns, where: str) -> _Row:
    def read(column: str) -> float:
        return number(cells[column], f"{where}, column {column}: must be a number")

    covariates = tuple(read(column) for column in columns.covariates)
    return _Row(where, read(columns.dose), read(columns.weeks), read(columns.score), covariates)


def _laid_out(rows: Mapping[str, Sequence[_Row]]) -> LongTable:
    """Put the rows of each episode in time order, and refuse two at one time."""
    ordered = []
    for of_one in rows.values():
        last = (-math.inf, -math.inf)
        for row in sorted(of_one, key=lambda row: (row.weeks, row.dose)):
            require((row.weeks, row.dose) > last, f"{row.where}: the episode has another score at the same time")
            last = (row.weeks, row.dose)
            ordered.append(row)
    table = np.array([(row.dose, row.weeks, row.score, *row.covariates) for row in ordered])
    starts = np.concatenate([[0], np.cumsum([len(of_one) for of_one in rows.values()])]).astype(np.int64)
    return LongTable(tuple(rows), Episodes(starts, table[:, 0], table[:, 1], table[:, 2]), table[:, 3:])
