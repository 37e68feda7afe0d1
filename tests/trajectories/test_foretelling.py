"""What is foretold of many episodes at once is what the dense computation says of each alone, and nothing leaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.scales.change import Better, ChangeCriteria
from app.trajectories import foretelling
from app.trajectories.conditional import Conditional
from app.trajectories.episodes import Episodes
from app.trajectories.foretelling import Foretold, GrowthModel, foretold, next_foretold
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.prediction import FloatArray, Prediction, ScoreTable
from app.trajectories.question import Question
from app.trajectories.simulation import Occasions, simulate
from tests.trajectories.factories import PHQ_9, a_curve, all_alike, b7b, mirrored, of_all_shapes
from tests.trajectories.oracles import Believed, normal_cdf, slow_conditional
from tests.trajectories.test_episodes import Rows, made, rows_of

CURVES = {
    "arcsine": of_all_shapes(a_curve()),
    "identity": b7b(),
    "logit": replace(of_all_shapes(b7b()), link=Link(LinkKind.LOGIT, 0, 27, middle=10), natural_fall=1.5),
    "upwards": mirrored(of_all_shapes(a_curve())),
}
BLOCKS = st.sampled_from([1, 20_000, 500_000])
"""Room for one episode at a time, for a few, for all."""

# Ends of the scale are as likely as all that lies between.
scores_with_ends = st.one_of(st.just(0), st.just(27), st.integers(0, 27))


@st.composite
def ragged(draw: st.DrawFn, least: int = 1) -> Rows:
    """Draw one to five scores, at different doses and irregular weeks."""
    doses = sorted(draw(st.sets(st.integers(0, 12), min_size=least, max_size=5)))
    gaps = [draw(st.sampled_from([0.5, 1.0, 3.0])) for _ in doses]
    weeks = np.cumsum(gaps).tolist()
    return [(float(dose), week, float(draw(scores_with_ends))) for dose, week in zip(doses, weeks, strict=True)]


def assert_told(told: Foretold, row: int, slow: Believed, point: int, score: float, level: float) -> None:
    """Hold one row against P(Y <= k) of all scores: the score's cell, and the first scores that reach both tails."""
    reached = slow.cumulative(point)
    assert told.at[row] == pytest.approx(reached[int(score)], abs=1e-8)
    assert told.below[row] == pytest.approx(reached[int(score) - 1] if score > 0 else 0.0, abs=1e-8)
    ends = [next(k for k, p in enumerate(reached) if p >= tail) for tail in ((1 - level) / 2, (1 + level) / 2)]
    assert [told.lower[row], told.upper[row]] == ends


class TestForetold:
    @settings(max_examples=40)
    @given(
        st.lists(ragged(least=2), min_size=1, max_size=6),
        st.sampled_from(sorted(CURVES)),
        BLOCKS,
        st.sampled_from([0.8, 0.5]),
    )
    def test_against_the_dense_computation(self, many: list[Rows], name: str, cells: int, level: float) -> None:
        """At looks of their own: known up to the median dose of all rows, ragged on both sides."""
        look = sorted(row[0] for rows in many for row in rows)[sum(map(len, many)) // 2 - 1]
        split = [([row for row in rows if row[0] <= look], [row for row in rows if row[0] > look]) for rows in many]
        split = [(known, later) for known, later in split if known and later]
        if not split:
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(foretelling, "_CELLS_AT_ONCE", cells)
            told = foretold(CURVES[name], *made(many).split_at(look), level)
        row = 0
        for known, later in split:
            slow = slow_conditional(CURVES[name], known, [(dose, week) for dose, week, _ in later])
            for point, (_, _, score) in enumerate(later):
                assert_told(told, row, slow, point, score, level)
                row += 1
        assert [len(column) for column in told] == [row] * 4

    def test_by_hand(self) -> None:
        """Persons alike, without drift: scores say nothing, and 14.3 - 3.1 ln 5 = 9.31 has noise with sd 2.

        P(Y <= 8) = Phi(-.405) = .343 and P(Y <= 7) = Phi(-.905) = .183. The tenth is at 9.31 - 2.563 = 6.75, which
        lies in the cell of 7 from 6.5 to 7.5; nine tenths are at 11.87, in that of 12.
        """
        curve = all_alike(b7b(), noise_variance=4.0)
        known, later = made([[(0, 0, 20), (4, 4, 8)]]).split_at(3)
        told = foretold(curve, known, later)
        assert told.below.round(3).tolist() == [0.183]
        assert told.at.round(3).tolist() == [0.343]
        assert (told.lower.tolist(), told.upper.tolist()) == ([7], [12])

    @given(st.lists(ragged(least=2), min_size=1, max_size=4), st.data())
    @settings(max_examples=25)
    def test_later_scores_change_nothing_that_is_foretold(self, many: list[Rows], data: st.DataObject) -> None:
        """Other scores after the look: the bands stay, and so does what the same score is told at another place."""
        episodes = made(many)
        look = min(rows[-2][0] for rows in many)
        others = data.draw(st.lists(scores_with_ends, min_size=len(episodes.scores), max_size=len(episodes.scores)))
        after = episodes.doses > look
        altered = replace(episodes, scores=np.where(after, np.array(others, dtype=float), episodes.scores))
        told, anew = (foretold(CURVES["arcsine"], *each.split_at(look)) for each in (episodes, altered))
        assert told.lower.tolist() == anew.lower.tolist()
        assert told.upper.tolist() == anew.upper.tolist()
        same = episodes.split_at(look)[1].scores == altered.split_at(look)[1].scores
        assert told.at[same].tolist() == anew.at[same].tolist()
        assert told.below[same].tolist() == anew.below[same].tolist()

    def test_a_scale_that_does_not_start_at_0(self) -> None:
        """All moved up by ten points, all told the same."""
        curve = CURVES["identity"]
        moved = replace(curve, link=Link(LinkKind.IDENTITY, 10, 37, middle=20), intercept=curve.intercept + 10)
        rows = [[(0.0, 0.0, 18.0), (3.0, 3.0, 0.0), (5.0, 7.0, 27.0)], [(1.0, 1.0, 0.0), (4.0, 4.0, 3.0)]]
        episodes = made(rows)
        told = foretold(curve, *episodes.split_at(2))
        above = foretold(moved, *replace(episodes, scores=episodes.scores + 10).split_at(2))
        assert above.below == pytest.approx(told.below)
        assert above.at == pytest.approx(told.at)
        assert (above.lower - 10).tolist() == told.lower.tolist()
        assert (above.upper - 10).tolist() == told.upper.tolist()

    def test_refusals(self) -> None:
        known, later = made([[(0, 0, 20), (4, 4, 8)], [(0, 0, 15), (4, 4, 9)]]).split_at(3)
        with pytest.raises(InvalidSeries, match="of the same episodes"):
            foretold(b7b(), known, later.chosen(np.array([0])))
        for outside in (28.0, -1.0):
            beyond = [replace(each, scores=np.array([9.0, outside])) for each in (known, later)]
            for given_ in ((beyond[0], later), (known, beyond[1])):
                with pytest.raises(InvalidSeries, match="outside the range") as refusal:
                    foretold(b7b(), *given_)
                assert (refusal.value.pointer, refusal.value.allowed) == ("/score", "0 to 27")


class TestNextForetold:
    @settings(max_examples=40)
    @given(
        st.lists(ragged(), min_size=1, max_size=5), st.sampled_from(sorted(CURVES)), BLOCKS, st.sampled_from([0.8, 0.5])
    )
    def test_against_the_dense_computation(self, many: list[Rows], name: str, cells: int, level: float) -> None:
        several = [rows for rows in many if len(rows) > 1]
        if not several:
            with pytest.raises(InvalidSeries, match="at least one score"):
                next_foretold(CURVES[name], made(many))
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(foretelling, "_CELLS_AT_ONCE", cells)
            later, told = next_foretold(CURVES[name], made(many), level)
        assert rows_of(later) == [rows[1:] for rows in several]
        row = 0
        for rows in several:
            for place in range(1, len(rows)):
                dose, week, score = rows[place]
                slow = slow_conditional(CURVES[name], rows[:place], [(dose, week)])
                assert_told(told, row, slow, 0, score, level)
                row += 1
        assert [len(column) for column in told] == [row] * 4

    @given(st.lists(ragged(least=2), min_size=1, max_size=4), st.integers(1, 3), scores_with_ends)
    @settings(max_examples=25)
    def test_a_score_changes_nothing_that_was_foretold_up_to_it(
        self, many: list[Rows], place: int, other: float
    ) -> None:
        """Not even its own band; an end of the scale among the others, or not."""
        episodes = made(many)
        altered = replace(episodes, scores=np.where(episodes.position >= place, float(other), episodes.scores))
        (later, told), (_, anew) = (next_foretold(CURVES["arcsine"], each) for each in (episodes, altered))
        up_to_it = later.position + 1 <= place
        assert told.lower[up_to_it].tolist() == anew.lower[up_to_it].tolist()
        assert told.upper[up_to_it].tolist() == anew.upper[up_to_it].tolist()
        before = later.position + 1 < place
        assert told.at[before] == pytest.approx(anew.at[before])
        assert told.below[before] == pytest.approx(anew.below[before])

    def test_refusals(self) -> None:
        with pytest.raises(InvalidSeries, match="at least one score"):
            next_foretold(b7b(), made([[(0, 0, 12)], [(3, 3, 9)]]))
        with pytest.raises(InvalidSeries, match="outside the range") as refusal:
            next_foretold(b7b(), made([[(0, 0, 12), (1, 1, 28)]]))
        assert refusal.value.pointer == "/score"


class TestBlocks:
    EPISODES = made([[(0.0, 0.0, 12.0), (1.0, 1.0, float(score)), (2.0, 2.0, 9.0)] for score in range(7)])

    def test_episodes_go_a_few_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """4 shapes, 2 known, 1 to come, 28 scores: 4 (2 (2 + 1) + 28) = 136 cells each, so that 450 hold three."""
        seen: list[int] = []
        whole = GrowthCurve.given

        def spied(self: GrowthCurve, doses: FloatArray, weeks: FloatArray, scores: FloatArray) -> Conditional:
            seen.append(len(scores))
            return whole(self, doses, weeks, scores)

        monkeypatch.setattr(GrowthCurve, "given", spied)
        monkeypatch.setattr(foretelling, "_CELLS_AT_ONCE", 450)
        foretold(CURVES["arcsine"], *self.EPISODES.split_at(1))
        assert seen == [3, 3, 1]

    def test_no_table_has_more_cells_than_may_be_held(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its largest array has a cell for each shape, episode, point and score."""
        held: list[int] = []
        whole = Prediction.tabled

        def spied(self: Prediction) -> ScoreTable:
            held.append(self.means.size * len(self.link.edges))
            return whole(self)

        monkeypatch.setattr(Prediction, "tabled", spied)
        monkeypatch.setattr(foretelling, "_CELLS_AT_ONCE", 5_000)
        cohort = simulate(np.random.default_rng(1), CURVES["arcsine"], Occasions((0, 1, 2, 4, 8)), 200).episodes
        foretold(CURVES["arcsine"], *cohort.split_at(1))
        next_foretold(CURVES["arcsine"], cohort)
        assert len(held) > 20
        assert max(held) <= 5_000


class TestGrowthModel:
    DOWN = Question(PHQ_9, look_dose=5, end_dose=8)
    UP = Question(ChangeCriteria(0, 27, Better.HIGHER, cutoff=18, reliable_change=6), look_dose=5, end_dose=8)

    @settings(max_examples=30)
    @given(
        st.lists(ragged(), min_size=1, max_size=5),
        st.sampled_from(sorted(CURVES)),
        st.sampled_from([1.0, 2.0]),
        BLOCKS,
    )
    def test_against_the_dense_computation(
        self, many: list[Rows], name: str, interval_weeks: float, cells: int
    ) -> None:
        """The end is as many planned intervals off as there are doses to go: none where the newest lies beyond it."""
        question = self.UP if name == "upwards" else self.DOWN
        model = GrowthModel(question, CURVES[name], interval_weeks)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(foretelling, "_CELLS_AT_ONCE", cells)
            risk, shares = model.risk(made(many)), model.shares(made(many))
        assert shares.shape == (len(CURVES[name].shapes), len(many))
        for place, rows in enumerate(many):
            dose, week, _ = rows[-1]
            slow = slow_conditional(CURVES[name], rows, [(8, week + max(8 - dose, 0) * interval_weeks)])
            first = rows[0][2]
            sign = 1 if name == "upwards" else -1
            expected = sum(cell for score, cell in enumerate(slow.cells(0)) if sign * (score - first) < 6)
            assert risk[place] == pytest.approx(expected, abs=1e-8)
            assert shares[:, place] == pytest.approx(slow.shares, abs=1e-8)

    def test_by_hand(self) -> None:
        """Persons alike: 14.3 - 3.1 ln 9 = 7.49 with sd 2, so that 9 or less, 9.5, is Phi(1.006) = .843 likely."""
        model = GrowthModel(self.DOWN, all_alike(b7b(), noise_variance=4.0))
        risk = model.risk(made([[(0, 0, 15), (3, 3, 11)], [(0, 0, 5), (2, 2, 5)]]))
        assert risk.round(3).tolist() == [0.157, 1.0]
        assert risk[0] == pytest.approx(1 - normal_cdf((9.5 - (14.3 - 3.1 * np.log(9))) / 2))

    def test_the_weeks_to_come_are_those_of_the_plan(self) -> None:
        """Only drift goes by the calendar here: with it gone 26 weeks on, 20 points of drift are worth less."""
        curve = replace(all_alike(b7b()), drift_variance=30.0, drift_weeks=4.0)
        known = made([[(0, 0, 20), (4, 4, 20)]])
        weekly, rarely = (GrowthModel(self.DOWN, curve, interval).risk(known)[0] for interval in (1.0, 6.5))
        slow = [slow_conditional(curve, rows_of(known)[0], [(8, week)]).cumulative(0)[14] for week in (8, 30)]
        assert [weekly, rarely] == pytest.approx([1 - each for each in slow])
        assert weekly > rarely + 0.1

    def test_a_score_outside_the_scale(self) -> None:
        model = GrowthModel(self.DOWN, b7b())
        for ask in (model.risk, model.shares):
            with pytest.raises(InvalidSeries, match="outside the range") as refusal:
                ask(made([[(0, 0, 28)]]))
            assert refusal.value.pointer == "/score"


def test_a_right_curve_spreads_scores_evenly_over_their_distributions() -> None:
    """A point drawn evenly in the cell of each score is even over 0 to 1: tenths of 16,000 are .1 within .01."""
    curve = of_all_shapes(a_curve())
    rng = np.random.default_rng(5)
    cohort: Episodes = simulate(rng, curve, Occasions((0, 1, 2, 4, 8)), 4_000).episodes
    _, told = next_foretold(curve, cohort)
    drawn = told.below + (told.at - told.below) * rng.random(len(told.at))
    tenths = Counter(np.floor(drawn * 10).astype(int).tolist())
    assert sorted(tenths) == list(range(10))
    for count in tenths.values():
        assert count / len(drawn) == pytest.approx(0.1, abs=0.01)
