"""Decision points of programmes: counted by hand, and what makes no difference."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MalformedBody
from app.scales.catalogue import catalogue
from app.trajectories.decision import Counted, DecisionRule, RuleOutcome, RuleState, SymptomCount, outcome

# Stepping Together (NCT05734547): at most 4 symptoms in weeks 6 to 9. The threshold of an item is the programme's own.
RULE = DecisionRule("kates-2", "total", item_threshold=2, at_most=4, from_week=6, to_week=9)
CHILD = catalogue()["kates-2"].form("child")
NO_EVENTS: list[int | None] = [0] * 15


def counted(weeks: float, shown: int, unanswered: int = 0) -> Counted:
    return Counted(f"week {weeks}", weeks, SymptomCount(shown, unanswered))


class TestCount:
    def test_items_from_the_threshold_on(self) -> None:
        """Of the codes 0 to 3, the 2s and 3s: seven. The events before them are no symptoms, whatever was answered."""
        symptoms = [3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        assert RULE.count(CHILD, [*[1] * 15, *symptoms]) == SymptomCount(7, 0)

    def test_what_was_not_answered_may_be_one(self) -> None:
        symptoms = [3, None, 2, None, *[0] * 16]
        found = RULE.count(CHILD, [*NO_EVENTS, *symptoms])
        assert (found.shown, found.unanswered, found.most) == (2, 2, 4)


class TestAtAnAdministration:
    @pytest.mark.parametrize(
        ("weeks", "state"),
        [
            (-1, RuleState.NOT_YET_DUE),
            (5.99, RuleState.NOT_YET_DUE),
            (6, RuleState.MET),
            (9.99, RuleState.MET),  # nine weeks are completed, ten are not
            (10, RuleState.OVERDUE),
        ],
    )
    def test_in_the_weeks_that_count(self, weeks: float, state: RuleState) -> None:
        assert RULE.state_at(weeks, SymptomCount(4)) is state

    @pytest.mark.parametrize(
        ("shown", "unanswered", "state"),
        [
            (0, 0, RuleState.MET),
            (4, 0, RuleState.MET),
            (5, 0, RuleState.NOT_MET),
            (3, 1, RuleState.MET),  # at most four, whatever was meant
            (3, 2, RuleState.UNDETERMINED),
            (5, 9, RuleState.NOT_MET),
        ],
    )
    def test_by_the_count(self, shown: int, unanswered: int, state: RuleState) -> None:
        assert RULE.state_at(7, SymptomCount(shown, unanswered)) is state


class TestOfASeries:
    @pytest.mark.parametrize(
        ("weeks", "state"),
        [(-3, RuleState.NOT_YET_DUE), (5, RuleState.NOT_YET_DUE), (6, RuleState.DUE), (10, RuleState.OVERDUE)],
    )
    def test_without_a_measure_by_the_calendar(self, weeks: float, state: RuleState) -> None:
        assert outcome(RULE, [], weeks) == RuleOutcome(state, None)
        early = counted(2, 9)
        assert outcome(RULE, [early], weeks) == RuleOutcome(state, early)

    def test_the_newest_in_time_decides(self) -> None:
        series = [counted(8, 3), counted(6, 7), counted(1, 12)]
        assert outcome(RULE, series, 8.5) == RuleOutcome(RuleState.MET, series[0])

    def test_it_stays_decided(self) -> None:
        series = [counted(7, 6), counted(20, 1)]
        assert outcome(RULE, series, 30) == RuleOutcome(RuleState.NOT_MET, series[0])

    def test_a_late_measure_is_shown_and_decides_nothing(self) -> None:
        late = counted(11, 2)
        assert outcome(RULE, [counted(1, 9), late], 12) == RuleOutcome(RuleState.OVERDUE, late)

    def test_decided_is_what_was_measured_in_time(self) -> None:
        decided = {state for state in RuleState if RuleOutcome(state, None).decided}
        assert decided == {RuleState.MET, RuleState.NOT_MET, RuleState.UNDETERMINED}


_COUNTS = st.lists(st.builds(counted, st.integers(-5, 20), st.integers(0, 20), st.integers(0, 3)), max_size=5)


@given(_COUNTS, st.integers(-5, 30), st.randoms())
def test_the_order_makes_no_difference(series: list[Counted], now: int, random: Any) -> None:
    by_week = list({each.weeks: each for each in series}.values())
    shuffled = random.sample(by_week, len(by_week))
    assert outcome(RULE, by_week, now) == outcome(RULE, shuffled, now)


@given(st.integers(0, 20), st.integers(0, 20))
def test_more_answers_never_contradict_what_was_decided(shown: int, unanswered: int) -> None:
    state = RULE.state_at(7, SymptomCount(shown, unanswered))
    answered = {RULE.state_at(7, SymptomCount(shown + more)) for more in range(unanswered + 1)}
    assert (state is RuleState.UNDETERMINED) is (len(answered) == 2)
    assert state is RuleState.UNDETERMINED or answered == {state}


class TestDocuments:
    def test_a_rule_is_read_as_it_was_kept(self) -> None:
        for rule in (RULE, replace(RULE, form_family="child")):
            assert DecisionRule.of_document(asdict(rule)) == rule
        assert DecisionRule.of_document({name: value for name, value in asdict(RULE).items() if value}) == RULE

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"when": "week 6", "what": "step up if there are more than four symptoms"},
            asdict(RULE) | {"note": "see the manual"},
            asdict(RULE) | {"at_most": "4"},
            asdict(RULE) | {"at_most": True},
            asdict(RULE) | {"at_most": 4.0},
            asdict(RULE) | {"instrument": None},
            asdict(RULE) | {"form_family": 1},
            asdict(RULE) | {"to_week": 5},
            {name: value for name, value in asdict(RULE).items() if name != "subscale"},
        ],
    )
    def test_any_other_document_is_none(self, document: dict[str, Any]) -> None:
        assert DecisionRule.of_document(document) is None

    @pytest.mark.parametrize(
        ("name", "value"), [("item_threshold", 0), ("at_most", -1), ("from_week", -1), ("to_week", 5)]
    )
    def test_a_rule_can_not_be_invalid(self, name: str, value: Any) -> None:
        with pytest.raises(MalformedBody, match=name) as refusal:
            replace(RULE, **{name: value})
        assert refusal.value.pointer == f"/{name}"
        assert refusal.value.allowed is not None
