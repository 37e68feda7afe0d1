"""`spor chart`: one patient's course as a picture, from a file, without server or database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import typer

from app.charts.charted import ChartedSeries, judged_afresh
from app.charts.page import page, with_words
from app.charts.trajectory import trajectory_chart
from app.cli.files import name_of, number, require, rows_of, text_of
from app.errors import InvalidInput, InvalidSeries
from app.scales.catalogue import catalogue
from app.scales.norms import Sex
from app.scales.subscale import Subscale
from app.services.pictures import PictureFormat, Pictures
from app.texts.catalogue import LANGUAGES
from app.trajectories.growth import default_curve
from app.trajectories.policy import Plan, Policy
from app.trajectories.series import LATEST_PROPER_BASELINE_DOSE, Observation, Phase, Series

_COLUMNS: Final = ("id", "dose", "weeks", "score")
_SUFFIXES: Final = (".svg", ".png", ".json", ".html")
_MOST_SESSIONS, _MOST_WEEKS = 1000, 2000
_BASELINE: Final = datetime(2000, 1, 3, tzinfo=UTC)
"""Any day will do: a file has weeks, and no dates."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a file, and where it stands."""

    line: int
    id: str
    dose: int
    weeks: float
    score: float


def chart(
    file: Annotated[str, typer.Argument(help="CSV with the columns id,dose,weeks,score; - is standard input.")],
    instrument: Annotated[str, typer.Option(help="Key of the instrument, as phq-9.")],
    form: Annotated[str | None, typer.Option(help="Its form, where it has several.")] = None,
    sex: Annotated[Sex | None, typer.Option(help="Of the person, where the norms ask for it.")] = None,
    grade: Annotated[int | None, typer.Option(help="School grade of the norms at the baseline, likewise.")] = None,
    only: Annotated[str | None, typer.Option("--id", help="Which id, where the file has several.")] = None,
    language: Annotated[str, typer.Option(help=f"One of {', '.join(LANGUAGES)}.")] = "nb",
    planned_dose: Annotated[int | None, typer.Option(help="Planned number of sessions.")] = None,
    out: Annotated[Path | None, typer.Option(help=f"File to write: {', '.join(_SUFFIXES)}.")] = None,
) -> None:
    """Draw a course: the scores, what was to be expected, and where to take stock.

    Where no expected curve is known, a band shows what was to be expected if nothing had changed. Weeks count from the
    baseline, the row of week 0; rows in negative weeks are waiting time. Without --out the
    Vega-Lite specification goes to standard output.
    """
    instruments = catalogue()
    require(instrument in instruments, f"--instrument must be one of {', '.join(instruments)}")
    require(language in LANGUAGES, f"--language must be one of {', '.join(LANGUAGES)}")
    require(out is None or out.suffix in _SUFFIXES, f"--out must end in one of {', '.join(_SUFFIXES)}")
    found, plan = instruments[instrument], Plan(planned_dose=planned_dose)
    require(found.for_change, f"{found.title} is not followed over time")
    answered = found.form(form)
    norm = None if found.norms is None else found.norms.norm_of(answered.key, found.main_subscale, sex, grade)
    name = name_of(file)
    rows = list(_rows(text_of(file), name, answered.subscale(found.main_subscale)))
    series = _series(_of_one(rows, only, name), name)
    charted = judged_afresh(found, series, default_curve(found.key), Policy(), plan, form=answered, norm=norm)
    if out is None:
        print(_specification(charted, language))
    else:
        _write(_drawn(charted, language, out.suffix), out)


def _rows(text: str, name: str, scale: Subscale) -> Iterator[_Row]:
    """Read the rows of a file.

    Raises
    ------
    InvalidInput
        With file, line and column, and what is allowed; never with what stood there.
    """
    for line, cells in rows_of(text, name, _COLUMNS):
        where = f"{name}, line {line}"
        yield _Row(
            line=line,
            id=cells["id"],
            dose=int(_figure(cells, "dose", where, 0, _MOST_SESSIONS, whole=True)),
            weeks=_figure(cells, "weeks", where, -_MOST_WEEKS, _MOST_WEEKS),
            score=_figure(cells, "score", where, scale.minimum, scale.maximum, whole=True),
        )


def _figure(cells: Mapping[str, str], column: str, where: str, low: int, high: int, *, whole: bool = False) -> float:
    kind = "a whole number" if whole else "a number"
    rule = f"{where}, column {column}: must be {kind} from {low} to {high}"
    figure = number(cells[column], rule)
    require(low <= figure <= high and (not whole or figure.is_integer()), rule)
    return figure


def _of_one(rows: Sequence[_Row], only: str | None, name: str) -> list[_Row]:
    """Give the rows of one id."""
    ids = {row.id for row in rows}
    require(only is not None or len(ids) <= 1, f"{name} has {len(ids)} ids: name one with --id")
    found = [row for row in rows if only in (None, row.id)]
    require(bool(found), f"{name} has no rows" if only is None else f"{name} has no rows with that --id")
    return found


def _series(rows: Sequence[_Row], name: str) -> Series:
    """Place the scores as the file has them, whose weeks and doses are taken as they are."""
    for earlier, row in pairwise(rows):
        require(earlier.weeks <= row.weeks, f"{name}, line {row.line}, column weeks: must not be before the row above")
    for row in rows:
        require(
            row.weeks >= 0 or row.dose == 0,
            f"{name}, line {row.line}, column dose: must be 0 in the waiting time, before week 0",
        )
    first = next((place for place, row in enumerate(rows) if row.weeks >= 0), None)
    if first is None or rows[first].weeks > 0:
        raise InvalidSeries(f"{name}: one row must be the baseline, of week 0")
    observations = tuple(
        Observation(
            administration_id=row.line,
            completed_at=_BASELINE + timedelta(weeks=row.weeks),
            score=row.score,
            dose=row.dose,
            weeks=row.weeks,
            phase=Phase.WAITING if row.weeks < 0 else Phase.TREATMENT,
        )
        for row in rows
    )
    late = rows[first].dose > LATEST_PROPER_BASELINE_DOSE
    return Series(observations, first, late, sessions_counted=max(row.dose for row in rows))


def _specification(charted: ChartedSeries, language: str) -> str:
    return json.dumps(trajectory_chart(charted, language), ensure_ascii=False, indent=2)


def _drawn(charted: ChartedSeries, language: str, suffix: str) -> bytes:
    if suffix == ".json":
        return f"{_specification(charted, language)}\n".encode()
    picture_format = PictureFormat.PNG if suffix == ".png" else PictureFormat.SVG
    with closing(Pictures()) as pictures:
        picture = pictures.draw(trajectory_chart(charted, language), picture_format).result()
    if picture_format is PictureFormat.PNG:
        return picture
    finish = page if suffix == ".html" else with_words
    return finish(picture.decode(), charted, language).encode()


def _write(picture: bytes, out: Path) -> None:
    try:
        out.write_bytes(picture)
    except OSError as error:
        raise InvalidInput(f"can't write {out}: {error.strerror}") from None
