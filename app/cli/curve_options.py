"""The curve that a command goes by: the published one of an instrument, or one from a file."""

from __future__ import annotations

import json
from typing import Annotated, TypeAlias

import typer

from app.cli.files import name_of, require, text_of
from app.cli.scales import Scale
from app.errors import InstrumentDataError, InvalidInput
from app.trajectories.curve_files import curve_from_document
from app.trajectories.growth import GrowthCurve

CurveFile: TypeAlias = Annotated[
    str | None,
    typer.Option("--curve", help="JSON file of a curve, or what spor fit printed.", show_default="published"),
]


def curve_of(scale: Scale, file: str | None) -> GrowthCurve:
    """Give the curve of a file, else the published one.

    Raises
    ------
    InvalidInput
        If the file is no curve, its curve is of another scale, or none is published.
    """
    if file is None:
        require(scale.curve is not None, "no curve is published for it: give --curve, as spor fit prints one")
        assert scale.curve is not None, "it was just required"
        return scale.curve
    name = name_of(file)
    try:
        document = json.loads(text_of(file))
    except ValueError:
        raise InvalidInput(f"{name} is not JSON") from None
    require(isinstance(document, dict), f"{name} must be a JSON object")
    try:
        curve = curve_from_document(document.get("curve", document))
    except InstrumentDataError as error:
        raise InvalidInput(f"{name}: {error.detail}") from None
    lowest, highest = scale.criteria.minimum, scale.criteria.maximum
    same = (curve.minimum, curve.maximum) == (lowest, highest)
    require(same, f"{name}: the curve must be of the scale, {lowest} to {highest}")
    return curve
