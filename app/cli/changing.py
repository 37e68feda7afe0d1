"""`spor change`: pairs of scores in, improvement, index and category out; without server or database."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer

from app.cli.files import name_of, number, require, rows_of, text_of
from app.scales.catalogue import instrument as find_instrument
from app.scales.change import Better, ChangeCategory, ChangeCriteria, improvement
from app.scales.reliable_change import (
    ChangeMethod,
    Functional,
    Spread,
    change_index,
    clinical_cutoff,
    crosses,
)
from app.scales.subscale import Subscale

_COLUMNS = ("id", "pre", "post")
_GROUP = ("mean_pre", "sd_pre", "mean_post", "sd_post")


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The rows of a file; NaN where a score is missing."""

    ids: list[str]
    pre: Any
    post: Any


def change(
    file: Annotated[str, typer.Argument(help="CSV with the columns id,pre,post; - is standard input.")],
    instrument: Annotated[str | None, typer.Option(help="Whose published criteria are used.")] = None,
    form: Annotated[str | None, typer.Option(help="Its form, where it has several.")] = None,
    reliability: Annotated[float | None, typer.Option(help="Of the score, from 0 to 1.")] = None,
    reliability_post: Annotated[float | None, typer.Option(help="At the end, for --method nk.")] = None,
    better: Annotated[Better | None, typer.Option(help="Which end of the scale is the good one.")] = None,
    method: Annotated[ChangeMethod, typer.Option(help="By which formula.")] = ChangeMethod.JACOBSON_TRUAX,
    cutoff: Annotated[str | None, typer.Option(help="a, b, c or a number.")] = None,
    mean_pre: Annotated[float | None, typer.Option(help="In place of the file's own.")] = None,
    sd_pre: Annotated[float | None, typer.Option(help="In place of the file's own.")] = None,
    mean_post: Annotated[float | None, typer.Option(help="In place of the file's own.")] = None,
    sd_post: Annotated[float | None, typer.Option(help="In place of the file's own.")] = None,
    functional_mean: Annotated[float | None, typer.Option(help="Of people without the problem.")] = None,
    functional_sd: Annotated[float | None, typer.Option(help="Of people without the problem.")] = None,
) -> None:
    """Classify changes: improvement, index (positive when better) and category of each pair of scores.

    With --instrument and without --reliability, a change is reliable from the instrument's published points on; its
    published cut-off holds unless another is named. Means and standard deviations are the file's own unless given.
    """
    published = _published(instrument, form)
    criteria = None if published is None else published.criteria
    direction = better or (criteria.better if criteria else None)
    require(direction is not None, "--better must be lower or higher, where no --instrument tells")
    assert direction is not None, "it was just required"
    pairs = _pairs(text_of(file), name_of(file))
    spread = _spread(pairs, dict(zip(_GROUP, (mean_pre, sd_pre, mean_post, sd_post), strict=True)))
    told: dict[str, Any] = {"method": str(method), "better": str(direction), "n": len(pairs.ids)}
    told |= {each: getattr(spread, each) if spread else None for each in _GROUP}
    if published is not None and reliability is None and method is ChangeMethod.JACOBSON_TRUAX:
        index, reliable, more = _by_published_points(published, pairs)
    else:
        index, reliable, more = _by_formula(method, pairs, spread, reliability, reliability_post, direction)
    functional = _functional(functional_mean, functional_sd)
    limit, left = _cutoff(cutoff, spread, functional, criteria, direction)
    changes = zip(pairs.ids, pairs.pre, pairs.post, index, reliable, strict=True)
    rows = [_row(_Change(*each), direction, limit, left) for each in changes]
    print(json.dumps({"parameters": told | more | {"cutoff": limit}, "rows": rows}, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class _Change:
    """One pair of scores, with its index."""

    id: str
    pre: float
    post: float
    index: float
    reliable: bool


def _by_formula(
    method: ChangeMethod,
    pairs: _Pairs,
    spread: Spread | None,
    reliability: float | None,
    reliability_post: float | None,
    better: Better,
) -> tuple[Any, Any, dict[str, Any]]:
    """Hold changes against measurement error, by the formula asked for."""
    require(reliability is not None, "--reliability must be given, for this method or without --instrument")
    require(spread is not None, "means and standard deviations must be given, where fewer than two pairs differ")
    assert reliability is not None, "it was just required"
    assert spread is not None, "it was just required"
    index = change_index(
        method, pairs.pre, pairs.post, spread, reliability, better=better, reliability_post=reliability_post
    )
    told: dict[str, Any] = {"reliability": reliability, "critical": method.critical}
    if method is ChangeMethod.NUNNALLY_KOTSCH:
        told["reliability_post"] = reliability if reliability_post is None else reliability_post
    if method is ChangeMethod.HAGEMAN_ARRINDELL:
        told["correlation"] = spread.correlation
    return index, np.abs(index) >= method.critical, told


def _published(key: str | None, form: str | None) -> Subscale | None:
    if key is None:
        return None
    found = find_instrument(key)
    require(found.for_change, f"{found.title} is not followed over time")
    return found.form(form).subscale(found.main_subscale)


def _by_published_points(published: Subscale, pairs: _Pairs) -> tuple[Any, Any, dict[str, Any]]:
    """Hold changes against published points; the index is scaled so that they are its critical value."""
    assert published.criteria is not None, "what is followed over time has criteria"
    points = published.criteria.reliable_change
    require(points is not None, "no reliable change is published for it: give --reliability")
    assert points is not None, "it was just required"
    critical = ChangeMethod.JACOBSON_TRUAX.critical
    improved = improvement(pairs.pre, pairs.post, published.criteria.better)
    source = published.sources["reliable_change"]
    told = {"reliable_change": points, "source": source.text, "confidence": str(source.confidence)}
    return improved * critical / points, np.abs(improved) >= points, told | {"critical": critical}


def _functional(mean: float | None, sd: float | None) -> Functional | None:
    require((mean is None) is (sd is None), "--functional-mean and --functional-sd go together")
    return None if mean is None or sd is None else Functional(mean, sd)


def _cutoff(
    asked: str | None,
    spread: Spread | None,
    functional: Functional | None,
    criteria: ChangeCriteria | None,
    better: Better,
) -> tuple[float | None, ChangeCategory]:
    """Give the cut-off, and what leaving it reliably is called."""
    if asked is None:
        limit = None if criteria is None or criteria.cutoff is None else float(criteria.cutoff)
        return limit, ChangeCategory.RELIABLE_RECOVERY
    if asked in ("a", "b", "c"):
        require(spread is not None, "means and standard deviations must be given, where fewer than two pairs differ")
        assert spread is not None, "it was just required"
        limit = clinical_cutoff(asked, spread, functional, better=better)
        return limit, ChangeCategory.CLINICALLY_SIGNIFICANT_CHANGE
    return number(asked, "--cutoff must be a, b, c or a number"), ChangeCategory.CLINICALLY_SIGNIFICANT_CHANGE


def _row(change: _Change, better: Better, cutoff: float | None, left: ChangeCategory) -> dict[str, Any]:
    if math.isnan(change.pre) or math.isnan(change.post):
        return {"id": change.id, "improvement": None, "index": None, "category": None}
    outcome = ChangeCategory.NO_RELIABLE_CHANGE
    if change.reliable and change.index < 0:
        outcome = ChangeCategory.RELIABLE_DETERIORATION
    elif change.reliable:
        beyond = cutoff is not None and crosses(change.pre, change.post, cutoff, better)
        outcome = left if beyond else ChangeCategory.RELIABLE_IMPROVEMENT
    return {
        "id": change.id,
        "improvement": float(improvement(change.pre, change.post, better)),
        "index": float(change.index),
        "category": str(outcome),
    }


def _pairs(text: str, name: str) -> _Pairs:
    """Read the rows of a file; a blank score is missing.

    Raises
    ------
    InvalidInput
        With file, line and column, and what is allowed; never with what stood there.
    """
    ids: list[str] = []
    scores: list[tuple[float, float]] = []
    for line, cells in rows_of(text, name, _COLUMNS):
        where = f"{name}, line {line}"
        ids.append(cells["id"])
        scores.append((_score(cells, "pre", where), _score(cells, "post", where)))
    columns = np.array(scores, dtype=float).reshape(-1, 2)
    return _Pairs(ids, columns[:, 0], columns[:, 1])


def _score(cells: Mapping[str, str], column: str, where: str) -> float:
    if not cells[column].strip():
        return math.nan
    return number(cells[column], f"{where}, column {column}: must be a number, or blank where there is none")


def _spread(pairs: _Pairs, given: Mapping[str, float | None]) -> Spread | None:
    """Give the group's means and standard deviations: those given, else those of the file's complete pairs.

    None where neither tells: there are fewer than two pairs, or their scores do not differ.
    """
    complete = ~(np.isnan(pairs.pre) | np.isnan(pairs.post))
    pre, post = pairs.pre[complete], pairs.post[complete]
    own = dict(zip(_GROUP, _moments([pre, post]), strict=True)) if len(pre) > 1 else {}
    figures = {each: own.get(each) if figure is None else figure for each, figure in given.items()}
    known = {each: figure for each, figure in figures.items() if figure is not None}
    if len(known) < len(_GROUP) or not (known["sd_pre"] > 0 and known["sd_post"] > 0):
        return None
    varies = own and own["sd_pre"] > 0 and own["sd_post"] > 0
    return Spread(**known, correlation=float(np.corrcoef(pre, post)[0, 1]) if varies else 0.0)


def _moments(columns: Sequence[Any]) -> list[float]:
    return [float(figure) for column in columns for figure in (column.mean(), column.std(ddof=1))]
