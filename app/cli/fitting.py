"""`spor fit`: a curve from a file of scores, with its errors and warnings; without server or database."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import typer

from app.cli.files import require
from app.cli.fit_answers import told_full, told_plain
from app.cli.jsonlines import print_json
from app.cli.long_files import (
    Columns,
    DoseColumn,
    DropNegative,
    File,
    IdColumn,
    LongTable,
    ScoreColumn,
    TimeColumn,
    WeeksColumn,
    read_long,
)
from app.cli.options import Seed
from app.cli.progress import steps
from app.cli.scales import (
    BetterEnd,
    Form,
    Instrument,
    Maximum,
    Minimum,
    ReliableChange,
    Scale,
    ScaleOptions,
)
from app.trajectories.episodes import Episodes
from app.trajectories.fitting import GrowthFit, fit_growth_curve, refuse_unlearnable
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.mixed_model import Method, fit_mixed_model
from app.trajectories.parameters import default_spread
from app.trajectories.shapes import ResponseShape, progress
from app.trajectories.starting import LinkChoice, choose_link, starting_curve

_FOLDS = 5


class Basis(StrEnum):
    """Along which scale of time lines are straight."""

    LOG = "log"
    LINEAR = "linear"


class Residual(StrEnum):
    """What is left of a score beside its person's line."""

    WHITE = "white"
    OU = "ou"


class Prior(StrEnum):
    """What is believed before the scores are seen."""

    NONE = "none"
    DEFAULT = "default"


class LinkOption(StrEnum):
    """On which scale scores are normal."""

    IDENTITY = "identity"
    ARCSINE = "arcsine"
    LOGIT = "logit"
    AUTO = "auto"


def fit(
    file: File,
    instrument: Instrument = None,
    form: Form = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    better: BetterEnd = None,
    reliable_change: ReliableChange = None,
    id_column: IdColumn = "id",
    time_column: TimeColumn = None,
    dose_column: DoseColumn = None,
    weeks_column: WeeksColumn = None,
    score_column: ScoreColumn = "score",
    covariates: Annotated[str, typer.Option(help="Columns of further effects, with commas (plain model).")] = "",
    drop_negative: DropNegative = False,
    basis: Annotated[Basis, typer.Option(help="Lines along ln(1 + dose), or along the dose.")] = Basis.LOG,
    residual: Annotated[
        Residual | None,
        typer.Option(help="Noise alone, or drift (Ornstein-Uhlenbeck) and noise.", show_default="white"),
    ] = None,
    shapes: Annotated[
        int | None,
        typer.Option(min=1, max=4, help="Early, linear, late, worsening: the first of them.", show_default="1"),
    ] = None,
    method: Annotated[
        Method | None, typer.Option(help="REML for the plain model only.", show_default="reml, or ml")
    ] = None,
    prior: Annotated[Prior, typer.Option(help="None, or the published curve of the instrument.")] = Prior.NONE,
    link: Annotated[
        LinkOption | None,
        typer.Option(help="Scale on which scores are normal; auto chooses within the file.", show_default="identity"),
    ] = None,
    seed: Seed = 1,
) -> None:
    """Fit a growth curve to a long CSV, and print its parameters with their standard errors as JSON.

    Without options that say more it is the plain mixed model: a line for each episode along ln(1 + dose), and noise.
    """
    options = ScaleOptions(instrument, form, minimum, maximum, better, reliable_change)
    columns = Columns.named(id_column, time_column, dose_column, weeks_column, score_column, covariates)
    table = read_long(file, columns, drop_negative=drop_negative)
    asked = _Asked(options.scale(), basis, residual, shapes, method, prior, link, seed)
    print_json(asked.plain(table, columns.covariates) if asked.is_plain else asked.full(table))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the options ask for."""

    scale: Scale | None
    basis: Basis
    residual: Residual | None
    shapes: int | None
    method: Method | None
    prior: Prior
    link: LinkOption | None
    seed: int

    @property
    def is_plain(self) -> bool:
        """Whether it is the plain mixed model, on the raw scale and without bounds."""
        drift = self.residual is Residual.OU
        link = self.link not in (None, LinkOption.IDENTITY)
        return not (drift or link or self.prior is Prior.DEFAULT or (self.shapes or 1) > 1)

    def plain(self, table: LongTable, names: tuple[str, ...]) -> dict[str, Any]:
        """Fit the plain mixed model."""
        episodes = table.episodes
        if self.scale is not None:
            _refuse_outside(episodes, self.scale)
        times = np.log1p(episodes.doses) if self.basis is Basis.LOG else episodes.doses
        covariates = table.covariates if names else None
        began = time.perf_counter()
        found = fit_mixed_model(episodes, times, method=self.method or Method.REML, covariates=covariates, names=names)
        return told_plain(found, time.perf_counter() - began)

    def full(self, table: LongTable) -> dict[str, Any]:
        """Fit the growth model."""
        episodes = table.episodes
        require(self.method is not Method.REML, "--method reml goes with the plain model only")
        require(not table.covariates.size, "--covariates go with the plain model only")
        refuse_unlearnable(episodes)
        choice = None
        if self.link is LinkOption.AUTO:
            require(self.prior is Prior.NONE, "--link auto goes with --prior none: the prior has its own link")
            choice = self._choose_link(episodes)
        kind = choice.kind if choice else LinkKind(self.link or LinkOption.IDENTITY)
        # The linear shape moves by so much with each unit of time, and the slope is told by time.
        per_unit = float(progress(ResponseShape.LINEAR, 1.0)) if self.basis is Basis.LINEAR else 1.0
        began = time.perf_counter()
        if self.prior is Prior.DEFAULT:
            found = self._beside_prior(episodes)
        else:
            found = fit_growth_curve(episodes, self._start(episodes, kind))
        return told_full(found, time.perf_counter() - began, per_unit, choice)

    def _beside_prior(self, episodes: Episodes) -> GrowthFit:
        curve = self.scale.curve if self.scale else None
        require(curve is not None, "--prior default needs an --instrument with a published curve: phq-9 or gad-7")
        assert curve is not None, "it was just required"
        given = (self.residual, self.shapes, self.link)
        told = all(each is None for each in given) and self.basis is Basis.LOG
        require(told, "--prior default has its own --basis, --residual, --shapes and --link")
        return fit_growth_curve(episodes, curve, default_spread(curve.instrument))

    def _start(self, episodes: Episodes, kind: LinkKind) -> GrowthCurve:
        link = self._link(episodes, kind)
        kinds = self._shape_kinds(episodes)
        worsening = 0.0
        if ResponseShape.WORSENING in kinds:
            worsening = self._worsening(link)
        return starting_curve(episodes, link, kinds, drifts=self.residual is Residual.OU, worsening=worsening)

    def _shape_kinds(self, episodes: Episodes) -> list[ResponseShape]:
        if self.basis is Basis.LOG:
            return list(ResponseShape)[: self.shapes or 1]
        require((self.shapes or 1) == 1, "--basis linear has one shape: --shapes 1")
        flat_from = float(np.flatnonzero(np.diff(progress(ResponseShape.LINEAR, np.arange(100.0))) == 0)[0])
        require(
            float(episodes.doses.max()) <= flat_from,
            f"--basis linear is flat from {flat_from:g} on: give times in larger units",
        )
        return [ResponseShape.LINEAR]

    def _worsening(self, link: Link) -> float:
        """Give one reliable change at the middle of the scale, in the bad direction."""
        change = None if self.scale is None else self.scale.criteria.reliable_change
        require(change is not None, "--shapes 4 needs a reliable change: --instrument, or --reliable-change")
        assert change is not None, "it was just required"
        assert self.scale is not None, "a reliable change belongs to a scale"
        good = self.scale.criteria.improvement(link.middle, link.minimum) > 0
        return float(change if good else -change)

    def _link(self, episodes: Episodes, kind: LinkKind) -> Link:
        if self.scale is not None:
            return self.scale.link(kind)
        require(kind is LinkKind.IDENTITY, "--link needs the ends of the scale: --instrument, or --min and --max")
        lowest, highest = math.floor(episodes.scores.min()) - 1, math.ceil(episodes.scores.max()) + 1
        return Link(kind, lowest, highest, (lowest + highest) / 2)

    def _choose_link(self, episodes: Episodes) -> LinkChoice:
        """Choose by log score, within the file."""
        rng = np.random.default_rng(self.seed)
        with steps("choosing a link", len(LinkKind) * _FOLDS) as done:

            def learn(training: Episodes, kind: LinkKind) -> GrowthCurve:
                curve = fit_growth_curve(training, self._start(training, kind), robust=False).curve
                done()
                return curve

            return choose_link(episodes, learn, rng, folds=_FOLDS)


def _refuse_outside(episodes: Episodes, scale: Scale) -> None:
    lowest, highest = scale.criteria.minimum, scale.criteria.maximum
    inside = ((episodes.scores >= lowest) & (episodes.scores <= highest)).all()
    require(bool(inside), f"each score must lie within the scale, {lowest} to {highest}")
