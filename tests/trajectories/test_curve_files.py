"""Curves as documents: the same again after any journey, and one error for each thing that can be wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError
from app.trajectories.curve_files import curve_from_document, curve_to_document, document_hash
from app.trajectories.defaults import default_parameters
from app.trajectories.growth import GrowthCurve, Provenance, default_curve
from app.trajectories.link import Link, LinkKind
from app.trajectories.shapes import ResponseShape
from tests.trajectories.factories import a_curve, b7b, mirrored, of_all_shapes

Document = dict[str, Any]

WRITTEN: Document = {
    "key": "local-2",
    "version": 2,
    "instrument": "phq-9",
    "intercept": 13.5,
    "session_slope": -2.25,
    "sd_intercept": 3.0,
    "sd_slope": 2.0,
    "correlation": -0.25,
    "drift_variance": 10.0,
    "drift_weeks": 8.0,
    "noise_variance": 7.5,
    "natural_fall": 2.5,
    "worsening": 6.0,
    "link": {"kind": "logit", "minimum": 0, "maximum": 27, "middle": 15.0},
    "shares": {"early": 0.75, "late": 0.25},
    "provenance": {"source": "learnt på stedet", "status": "fitted", "confidence": "UNVERIFIED"},
}

CURVE = GrowthCurve(
    key="local-2",
    version=2,
    instrument="phq-9",
    link=Link(LinkKind.LOGIT, 0, 27, middle=15.0),
    intercept=13.5,
    session_slope=-2.25,
    sd_intercept=3.0,
    sd_slope=2.0,
    correlation=-0.25,
    drift_variance=10.0,
    drift_weeks=8.0,
    noise_variance=7.5,
    natural_fall=2.5,
    worsening=6.0,
    shares={ResponseShape.EARLY: 0.75, ResponseShape.LATE: 0.25},
    provenance=Provenance("learnt på stedet", "fitted", "UNVERIFIED"),
)

amounts = st.floats(0, 1e6)
figures = st.floats(-1e6, 1e6)


@st.composite
def curves(draw: st.DrawFn) -> GrowthCurve:
    minimum, points = draw(st.integers(-50, 50)), draw(st.integers(2, 200))
    middle = minimum + draw(st.floats(0.1, 0.9)) * points
    chosen = draw(st.lists(st.sampled_from(ResponseShape), min_size=1, unique=True))
    weights = [draw(st.floats(0.01, 1)) for _ in chosen]
    texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    return GrowthCurve(
        key=draw(texts),
        version=draw(st.integers(1, 10_000)),
        instrument=draw(texts),
        link=Link(draw(st.sampled_from(LinkKind)), minimum, minimum + points, middle),
        intercept=draw(figures),
        session_slope=draw(figures),
        sd_intercept=draw(amounts),
        sd_slope=draw(amounts),
        correlation=draw(st.floats(-1, 1)),
        drift_variance=draw(amounts),
        drift_weeks=draw(st.floats(1e-6, 1e6)),
        noise_variance=draw(st.floats(1e-6, 1e6)),
        natural_fall=draw(figures),
        worsening=draw(figures),
        shares={shape: weight / sum(weights) for shape, weight in zip(chosen, weights, strict=True)},
        provenance=Provenance(draw(texts), draw(texts), draw(texts)),
    )


def shuffled(document: Document, seed: int) -> Document:
    """Give the same document with its keys in another order, as `jsonb` keeps them in its own."""
    names = list(document)
    random.Random(seed).shuffle(names)
    return {
        name: shuffled(document[name], seed) if isinstance(document[name], dict) else document[name] for name in names
    }


def test_a_curve_is_written_as_its_parts() -> None:
    assert curve_to_document(CURVE) == WRITTEN
    assert curve_from_document(WRITTEN) == CURVE


@given(curves(), st.integers())
def test_every_curve_comes_back_the_same_after_any_journey(curve: GrowthCurve, seed: int) -> None:
    document = curve_to_document(curve)
    journey: Document = shuffled(json.loads(json.dumps(document)), seed)
    assert curve_from_document(journey) == curve
    assert document_hash(curve_to_document(curve_from_document(journey))) == document_hash(document)
    assert document_hash(journey) == document_hash(document)


@pytest.mark.parametrize("instrument", ["phq-9", "gad-7"])
def test_the_default_files_have_the_form_of_a_document(instrument: str) -> None:
    assert curve_from_document(default_parameters(instrument)["curve"]) == default_curve(instrument)


@pytest.mark.parametrize("curve", [b7b(), of_all_shapes(a_curve()), mirrored(a_curve("gad-7"))])
def test_a_curve_that_came_back_says_the_same(curve: GrowthCurve) -> None:
    again = curve_from_document(shuffled(curve_to_document(curve), 3))
    assert again.shapes == tuple(shape for shape in ResponseShape if shape in curve.shares)
    given_here, given_again = (each.given([0, 1, 2], [0, 1, 2], [15, 14, 11]) for each in (curve, again))
    here, there = (each.predict([8], [8]).tabled().expected() for each in (given_here, given_again))
    assert np.array_equal(here, there)


def test_what_is_absent_is_what_a_curve_without_it_has() -> None:
    plain = {name: value for name, value in WRITTEN.items() if name not in ("natural_fall", "worsening", "shares")}
    expected = replace(CURVE, natural_fall=0.0, worsening=0.0, shares={ResponseShape.EARLY: 1.0})
    assert curve_from_document(plain) == expected


def test_numbers_of_numpy_and_a_zero_below_zero_are_written_as_plain_ones() -> None:
    """PostgreSQL's numbers, which `jsonb` keeps, have no negative zero."""
    odd = replace(CURVE, intercept=np.float64(13.5), correlation=-0.0, sd_intercept=3)
    document = curve_to_document(odd)
    assert json.dumps(document["correlation"]) == "0.0"
    assert document["intercept"] == 13.5
    assert all(type(document[name]) is float for name in ("intercept", "correlation", "sd_intercept"))
    assert document_hash(document) == document_hash(curve_to_document(replace(CURVE, correlation=0.0)))


def test_the_hash_is_that_of_the_sorted_text() -> None:
    """By hand: the keys of {"b": 1.5, "a": "å"} sorted, nothing between them."""
    assert document_hash({"b": 1.5, "a": "å"}) == sha256('{"a":"å","b":1.5}'.encode()).digest()


def test_a_hash_changes_with_every_part() -> None:
    changed = [
        WRITTEN | {"intercept": 13.5000001},
        WRITTEN | {"version": 3},
        WRITTEN | {"shares": {"early": 0.74, "late": 0.26}},
        WRITTEN | {"link": WRITTEN["link"] | {"kind": "arcsine"}},
        WRITTEN | {"provenance": WRITTEN["provenance"] | {"source": "elsewhere"}},
    ]
    assert len({document_hash(each) for each in [WRITTEN, *changed]}) == 6


@pytest.mark.parametrize("figure", [nan, inf])
def test_what_json_can_t_hold_has_no_hash(figure: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        document_hash({"intercept": figure})


# ---- What is refused


def without(*path: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *tables, name = path
        for table in tables:
            document = document[table]
        del document[name]

    return change


def with_(value: object, *path: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *tables, name = path
        for table in tables:
            document = document[table]
        document[name] = value

    return change


NO_TEXTS: tuple[Any, ...] = (None, 1, "a\0b", "half \ud83d")
NO_KINDS: tuple[Any, ...] = ("probit", None, 1, ["logit"], {})
NO_VERSIONS: tuple[Any, ...] = (0, -1, 1.0, True, "1", None)
NO_NUMBERS: tuple[Any, ...] = (nan, inf, "13.5", None, True, [13.5], 10**400)
NO_TABLES: tuple[Any, ...] = (None, "logit", [])
NUMBERS = ("intercept", "session_slope", "sd_intercept", "sd_slope", "correlation", "drift_variance", "natural_fall")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        *((without(*path), "/" + "/".join(path)) for path in [("key",), ("version",), ("instrument",), ("link",)]),
        *((without(name), f"/{name}") for name in ("intercept", "drift_weeks", "noise_variance", "provenance")),
        *((without("link", name), f"/link/{name}") for name in ("kind", "minimum", "maximum", "middle")),
        *((without("provenance", name), f"/provenance/{name}") for name in ("source", "status", "confidence")),
        *((with_(value, "intercept"), "/intercept") for value in NO_NUMBERS),
        *((with_(nan, name), f"/{name}") for name in NUMBERS),
        *((with_(value, "version"), "/version") for value in NO_VERSIONS),
        *((with_(value, "key"), "/key") for value in NO_TEXTS),
        *((with_(value, "link"), "/link") for value in NO_TABLES),
        *((with_(value, "link", "kind"), "/link/kind") for value in NO_KINDS),
        *((with_(value, "link", "minimum"), "/link/minimum") for value in (0.0, True, "0")),
        (with_(27, "link", "minimum"), "/link"),
        (with_(27, "link", "middle"), "/link"),
        (with_(nan, "link", "middle"), "/link/middle"),
        (with_({}, "shares"), "/shares"),
        (with_({"early": 0.6, "late": 0.3}, "shares"), "/shares"),
        (with_({"early": 1.5, "late": -0.5}, "shares"), "/shares"),
        (with_({"early": "1"}, "shares"), "/shares/early"),
        (with_({"early": 0.5, "sudden": 0.5}, "shares"), "/shares/sudden"),
        (with_([["early", 1.0]], "shares"), "/shares"),
        (with_(1.5, "correlation"), "/correlation"),
        (with_(-1.0, "sd_slope"), "/sd_slope"),
        (with_(0.0, "noise_variance"), "/noise_variance"),
        (with_(0.0, "drift_weeks"), "/drift_weeks"),
        (with_("derived", "provenance"), "/provenance"),
        (with_(1, "provenance", "source"), "/provenance/source"),
        (with_(0.5, "total_slope"), "/total_slope"),
        (with_(0.5, "a/b~c"), "/a~1b~0c"),
        (with_(True, "link", "censors"), "/link/censors"),
        (with_("2024", "provenance", "date"), "/provenance/date"),
    ],
)
def test_one_error_names_the_field(change: Callable[[Document], None], pointer: str) -> None:
    document = deepcopy(WRITTEN)
    change(document)
    with pytest.raises(InstrumentDataError) as refused:
        curve_from_document(document)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize("content", [None, [], "curve", 1])
def test_what_is_no_table_is_no_curve(content: Any) -> None:
    with pytest.raises(InstrumentDataError, match="a curve must be a table"):
        curve_from_document(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([*WRITTEN, "anything"]), json_values)
def test_no_document_breaks_the_reader(name: str, value: Any) -> None:
    pointer = None
    try:
        curve_from_document(WRITTEN | {name: value})
    except InstrumentDataError as error:
        pointer = str(error.pointer)
    assert pointer is None or pointer.startswith(f"/{name}")
