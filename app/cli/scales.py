"""The scale that a command works on: a catalogued instrument's main score, or any other, told by its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

from app.cli.files import require
from app.scales.catalogue import instrument as find_instrument
from app.scales.change import Better, ChangeCriteria
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.link import Link, LinkKind

Instrument: TypeAlias = Annotated[str | None, typer.Option(help="Key of a catalogued instrument, as phq-9.")]
Form: TypeAlias = Annotated[str | None, typer.Option(help="Its form, where it has several.")]
Minimum: TypeAlias = Annotated[int | None, typer.Option("--min", help="Lowest score of any other scale.")]
Maximum: TypeAlias = Annotated[int | None, typer.Option("--max", help="Highest score of any other scale.")]
BetterEnd: TypeAlias = Annotated[Better | None, typer.Option("--better", help="Which end of it is the good one.")]
ReliableChange: TypeAlias = Annotated[int | None, typer.Option(help="Its smallest reliable change, points.")]
Cutoff: TypeAlias = Annotated[int | None, typer.Option(help="The first score on its clinical side.")]


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale: its criteria, and the published curve where there is one."""

    key: str
    criteria: ChangeCriteria
    curve: GrowthCurve | None

    def link(self, kind: LinkKind) -> Link:
        """Give a link of a kind: the published curve's middle, else that of the scale."""
        if self.curve is not None:
            return Link(kind, self.curve.minimum, self.curve.maximum, self.curve.link.middle)
        lowest, highest = self.criteria.minimum, self.criteria.maximum
        return Link(kind, lowest, highest, (lowest + highest) / 2)


@dataclass(frozen=True, slots=True)
class ScaleOptions:
    """What a command was told of the scale."""

    instrument: str | None = None
    form: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    better: Better | None = None
    reliable_change: int | None = None
    cutoff: int | None = None

    def scale(self) -> Scale | None:
        """Give the scale; None where nothing was told of it.

        Raises
        ------
        InvalidInput
            If an instrument and another scale are both named, or the range has one end only.
        UnknownInstrument
            If there is no such instrument or form.
        InstrumentDataError
            If the figures contradict each other.
        """
        others = (self.minimum, self.maximum, self.better, self.reliable_change, self.cutoff)
        told = any(each is not None for each in others)
        if self.instrument is not None:
            require(not told, "--instrument has its own --min, --max, --better, --reliable-change and --cutoff")
            return _catalogued(self.instrument, self.form)
        require(self.form is None, "--form goes with --instrument")
        if not told:
            return None
        require(self.minimum is not None and self.maximum is not None, "--min and --max must both be given")
        assert self.minimum is not None, "it was just required"
        assert self.maximum is not None, "it was just required"
        better = self.better or Better.LOWER
        criteria = ChangeCriteria(self.minimum, self.maximum, better, self.cutoff, self.reliable_change)
        return Scale("other", criteria, None)

    def required(self) -> Scale:
        """Give the scale, which must be told.

        Raises
        ------
        InvalidInput
            If nothing was told of it.
        """
        scale = self.scale()
        require(scale is not None, "--instrument must be given, or --min and --max of another scale")
        assert scale is not None, "it was just required"
        return scale


def _catalogued(key: str, form: str | None) -> Scale:
    found = find_instrument(key)
    require(found.for_change, f"{found.title} is not followed over time")
    subscale = found.form(form).subscale(found.main_subscale)
    criteria = subscale.criteria or ChangeCriteria(subscale.minimum, subscale.maximum)
    return Scale(key, criteria, default_curve(key))
