"""The link: its written formulas, what makes its units points, and its ends."""

from __future__ import annotations

from dataclasses import replace
from math import asin, floor, inf, log, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError
from app.trajectories.link import Link, LinkKind
from tests.trajectories.oracles import slow_link

IDENTITY, ARCSINE, LOGIT = (Link(kind, 0, 27, middle=15) for kind in LinkKind)
BENT = [ARCSINE, LOGIT]


@st.composite
def links(draw: st.DrawFn, kinds: tuple[LinkKind, ...] = tuple(LinkKind)) -> Link:
    """Give links of short and long scales, some of which do not start at 0."""
    minimum, points = draw(st.integers(-5, 20)), draw(st.integers(2, 120))
    middle = minimum + draw(st.floats(0.02, 0.98)) * points
    return Link(draw(st.sampled_from(kinds)), minimum, minimum + points, middle)


bent_links = links((LinkKind.ARCSINE, LinkKind.LOGIT))


class TestFormula:
    def test_the_arcsine_by_hand(self) -> None:
        """PHQ-9, 28 scores, middle 15: the share there is 15.5 / 28 = .5536.

        c = 2 * 28 * sqrt(.5536 * .4464) = 27.839; asin sqrt .5536 = .8390; at 0 the share is .5 / 28 = .01786 and
        asin sqrt .01786 = .1340; g(0) = 15 + 27.839 * (.1340 - .8390) = -4.626.
        """
        assert ARCSINE.forward(0) == pytest.approx(-4.626, abs=2e-3)
        c = 2 * 28 * sqrt(15.5 / 28 * 12.5 / 28)
        assert ARCSINE.forward(20) == pytest.approx(15 + c * (asin(sqrt(20.5 / 28)) - asin(sqrt(15.5 / 28))))

    def test_the_logit_by_hand(self) -> None:
        """c = 1 / (1/16 + 1/13) = 208/29 = 7.1724; g(0) = 15 + 7.1724 (ln 1/28 - ln 16/13) = 15 - 25.389 = -10.389."""
        assert LOGIT.forward(0) == pytest.approx(-10.389, abs=1e-3)
        assert LOGIT.forward(27) == pytest.approx(15 + 208 / 29 * (log(28) - log(16 / 13)))

    @given(links(), st.data())
    def test_every_score_has_the_units_of_the_written_formula(self, link: Link, data: st.DataObject) -> None:
        score = data.draw(st.floats(link.minimum - 3, link.maximum + 3))
        assert link.forward(score) == pytest.approx(slow_link(link, score), rel=1e-9, abs=1e-9)

    def test_the_identity_does_nothing_and_does_not_stop(self) -> None:
        assert IDENTITY.forward([-4, 0, 3.5, 40]).tolist() == [-4, 0, 3.5, 40]

    @pytest.mark.parametrize("link", BENT)
    def test_the_others_stop_half_a_point_outside_the_scale(self, link: Link) -> None:
        below, lowest, highest, above = link.forward([-3, -0.5, 27.5, 30])
        assert (below, above) == (lowest, highest)
        assert np.isfinite([lowest, highest]).all()


class TestShape:
    @given(links())
    def test_a_unit_is_a_point_at_the_middle(self, link: Link) -> None:
        """g(middle) = middle and, as a finite difference, g'(middle) = 1."""
        h = 1e-4
        below, here, above = link.forward([link.middle - h, link.middle, link.middle + h])
        assert here == pytest.approx(link.middle)
        assert (above - below) / (2 * h) == pytest.approx(1, abs=1e-4)

    @given(links(), st.data())
    def test_it_rises(self, link: Link, data: st.DataObject) -> None:
        where = st.floats(link.minimum - 0.5, link.maximum + 0.5)
        low, high = sorted((data.draw(where), data.draw(where)))
        one, other = link.forward([low, high])
        assert one <= other
        assert one < other or high - low < 1e-6

    @given(links(), st.data())
    def test_backward_undoes_forward(self, link: Link, data: st.DataObject) -> None:
        score = data.draw(st.floats(link.minimum, link.maximum))
        assert link.backward(link.forward(score)) == pytest.approx(score, abs=1e-7)

    @given(links(), st.floats(-1e6, 1e6))
    def test_backward_stays_within_the_scale(self, link: Link, units: float) -> None:
        assert link.minimum <= float(link.backward(units)) <= link.maximum

    @given(links())
    def test_backward_from_far_outside_gives_the_ends(self, link: Link) -> None:
        assert link.backward([-inf, -1e6, 1e6, inf]).tolist() == [link.minimum] * 2 + [link.maximum] * 2

    @given(bent_links, st.data())
    def test_a_scale_that_runs_the_other_way_is_its_mirror_image(self, link: Link, data: st.DataObject) -> None:
        ends = link.minimum + link.maximum
        score = data.draw(st.floats(link.minimum, link.maximum))
        other = replace(link, middle=ends - link.middle)
        assert other.forward(ends - score) == pytest.approx(ends - link.forward(score), abs=1e-7)

    @given(links())
    def test_edges_lie_between_the_scores(self, link: Link) -> None:
        scores = range(link.minimum, link.maximum)
        assert link.edges.tolist() == pytest.approx([slow_link(link, score + 0.5) for score in scores])

    @pytest.mark.parametrize("link", [IDENTITY, *BENT])
    def test_shapes_are_kept_and_what_is_missing_stays_missing(self, link: Link) -> None:
        table = np.array([[3.0, nan], [nan, 20.0]])
        assert (
            np.isnan(link.forward(table)).tolist()
            == np.isnan(link.backward(table)).tolist()
            == [
                [False, True],
                [True, False],
            ]
        )
        assert link.forward(4).shape == link.backward(4).shape == ()


class TestEnds:
    def test_the_logit_needs_no_bounds(self) -> None:
        assert [link.censors for link in (IDENTITY, ARCSINE, LOGIT)] == [True, True, False]

    def test_scores_at_an_end(self) -> None:
        link = Link(LinkKind.ARCSINE, 2, 9, middle=5)
        assert link.at_ends(np.array([[2, 2.5, 8.5, 9, nan]])).tolist() == [[-1, 0, 0, 1, 0]]

    @pytest.mark.parametrize(("score", "bound"), [(2, 2.5), (2.5, 2.5), (8, 8), (9, 8.5)])
    def test_a_score_at_an_end_stands_for_half_a_point_further_in(self, score: float, bound: float) -> None:
        """On a scale from 2 to 9, where a bound is one: the logit takes each score for itself."""
        arcsine, logit = (Link(kind, 2, 9, middle=5) for kind in (LinkKind.ARCSINE, LinkKind.LOGIT))
        assert (arcsine.bound(score), logit.bound(score)) == (bound, score)

    @pytest.mark.parametrize(
        ("lowest", "highest", "any_bound"), [(3, 8, False), (2, 8, True), (3, 9, True), (2, 9, True), (5, 5, False)]
    )
    def test_one_score_at_an_end_is_enough(self, lowest: float, highest: float, any_bound: bool) -> None:
        arcsine, logit = (Link(kind, 2, 9, middle=5) for kind in (LinkKind.ARCSINE, LinkKind.LOGIT))
        assert (arcsine.bounds_any(lowest, highest), logit.bounds_any(lowest, highest)) == (any_bound, False)

    @given(links(), st.data())
    def test_the_upper_edge_of_a_cell_is_half_a_point_above_its_whole_score(
        self, link: Link, data: st.DataObject
    ) -> None:
        score = data.draw(st.floats(link.minimum - 3, link.maximum + 3))
        expected = slow_link(link, floor(score) + 0.5)
        if score < link.minimum:
            expected = -inf
        elif score >= link.maximum:
            expected = inf
        assert link.upper_edge(score) == pytest.approx(expected, rel=1e-9, abs=1e-9)


class TestRefusals:
    @pytest.mark.parametrize("ends", [(0, 0), (5, 3)])
    def test_an_empty_range(self, ends: tuple[int, int]) -> None:
        with pytest.raises(InstrumentDataError, match="range of a score must not be empty"):
            Link(LinkKind.IDENTITY, *ends, middle=0)

    @pytest.mark.parametrize("middle", [-1, 0, 27, 28, nan, inf])
    def test_a_middle_outside_the_scale(self, middle: float) -> None:
        with pytest.raises(InstrumentDataError, match="middle of a link"):
            replace(ARCSINE, middle=middle)
