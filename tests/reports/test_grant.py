"""The grant report, figure by figure, against arithmetic that stands in the test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.reports.document import Cell, Report, Row, Table, Withheld
from app.reports.grant import shown
from app.reports.grant_facts import NOT_RECORDED, Events, Evidence, GrantFacts, Outcomes, ProgrammeFacts, Statements
from tests.grant_example import FULL, PLAN, full_report


def table_of(report: Report, key: str, section: str | None = None) -> Table:
    [found] = [
        table for each in report.sections for table in each.tables if table.key == key and section in (None, each.key)
    ]
    return found


def row_of(table: Table, key: str) -> Row:
    [found] = [row for row in table.rows if row.key == key]
    return found


def cell(facts: GrantFacts, table: str, row: str, column: str, threshold: int = 8) -> Cell:
    found = table_of(full_report(facts, threshold), table)
    number = [each.key for each in found.columns].index(column)
    return row_of(found, row).cells[number]


def close(found: Cell, value: float, low: float, high: float) -> bool:
    return [found.value, found.low, found.high] == [pytest.approx(each, abs=1e-7) for each in (value, low, high)]


def states(facts: GrantFacts) -> dict[str, object]:
    rows = table_of(full_report(facts), "grant_criteria").rows
    return {row.key.removeprefix("criterion_"): row.cells[0].value for row in rows}


# ---- Small numbers


@pytest.mark.parametrize(
    ("count", "of", "told"),
    [
        (0, None, True),
        (1, None, False),
        (7, None, False),
        (8, None, True),
        (0, 40, True),
        (40, 40, True),
        (32, 40, True),
        (33, 40, False),  # 40 - 33 = 7 could be worked out
        (7, 40, False),
        (0, 7, False),
        (0, 0, True),
    ],
)
def test_a_number_is_told_if_neither_it_nor_the_rest_is_small(count: int, of: int | None, told: bool) -> None:
    assert shown(count, 8, of=of) is told


def test_a_count_and_its_share_are_hidden_together() -> None:
    facts = replace(FULL, helped=40, measured_twice=33)
    small = Cell(withheld=Withheld.SMALL_NUMBER)
    assert [cell(facts, "grant_feedback", "measured_twice", each) for each in ("count", "share")] == [small, small]
    assert cell(facts, "grant_feedback", "measured_twice", "count", threshold=7).value == 33


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        (Events(30, 7), Events(100, 50)),  # thirty times, of seven persons
        (Events(30, 7), Events(30, 7)),
        (Events(93, 50), Events(100, 50)),  # the rest is seven
    ],
)
def test_what_was_often_done_with_few_is_hidden_too(part: Events, whole: Events) -> None:
    facts = replace(FULL, reviews=whole, reviews_with_patient=part)
    for column in ("count", "share"):
        found = cell(facts, "grant_feedback_done", "reviews_with_patient", column)
        assert found.withheld is Withheld.SMALL_NUMBER


@pytest.mark.parametrize(
    ("endings", "hidden"),
    [
        ({"completed": 40, "moved": 0, "other": 12}, set()),
        # 55 less 40 less 12 would be the 3, so the next smallest is hidden too.
        ({"completed": 40, "moved": 3, "other": 12}, {"moved", "other"}),
        # Two are hidden, and together they are 10: neither can be told.
        ({"completed": 40, "moved": 3, "other": 7}, {"moved", "other"}),
        # Two are hidden, but together they are 5.
        ({"completed": 40, "moved": 3, "died": 2, "other": 12}, {"moved", "died", "other"}),
        ({"completed": 40, "moved": 3}, {"completed", "moved"}),
    ],
)
def test_nothing_hidden_can_be_worked_out_from_the_rest(endings: dict[str, int], hidden: set[str]) -> None:
    rows = table_of(full_report(replace(FULL, endings=endings)), "grant_endings").rows
    withheld = {row.key.removeprefix("ending_") for row in rows if row.cells[0].withheld}
    assert withheld == hidden
    modes = {code: Events(10 * count, count) for code, count in endings.items()}
    rows = table_of(full_report(replace(FULL, sessions_by_mode=modes)), "grant_sessions_by_mode").rows
    assert {row.key.removeprefix("session_") for row in rows if row.cells[0].withheld} == hidden


def test_no_number_below_the_threshold_stands_anywhere() -> None:
    few = GrantFacts(
        received={"self": 5, NOT_RECORDED: 2},
        without_referral=5,
        first_session_days={3: 6},
        endings={"completed": 7, "dropped_out": 0},
        referred_on={"other": 1},
        helped=6,
        measured_twice=5,
        discussed=4,
        with_goals=3,
        with_next_of_kin=2,
        goals_set=Events(30, 3),
        sessions=Events(60, 6),
        sessions_by_mode={"video": Events(60, 6)},
        programmes=(ProgrammeFacts("p", "Group", "group", 4),),
        outcomes=Outcomes(7, 5, 3, 1),
        outcomes_by_area={"sleep": Outcomes(7, 5, 3, 1)},
    )
    numbers = [
        number
        for section in full_report(few).sections
        for table in section.tables
        for row in table.rows
        for each in row.cells
        for number in (each.value, each.of)
        if isinstance(number, int | float)
    ]
    assert set(numbers) == {0}  # nobody dropped out, no review was held: that is told


# ---- Reach


def test_who_came_is_counted_by_who_brought_them() -> None:
    # 9 sources of 10 and 20 unknown: 110 came, of 90 it is known, 20 of them came by themselves.
    assert (FULL.referred, FULL.started, FULL.ended) == (110, 40, 90)
    assert cell(FULL, "grant_reach", "referred", "count").value == 110
    assert cell(FULL, "grant_reach", "referred", "share") == Cell(1.0, of=110)
    known = cell(FULL, "grant_reach", "source_known", "share")
    assert known.value == pytest.approx(90 / 110)
    assert known.of == 110
    own = cell(FULL, "grant_reach", "without_referral", "share")
    # R 4.2, prop.test(20, 90, correct = FALSE): Wilson's interval.
    assert close(own, 20 / 90, 0.1487134, 0.3184731)
    assert own.of == 90
    assert cell(FULL, "grant_reach", "started", "share").value == pytest.approx(40 / 110)
    assert cell(FULL, "grant_received", "source_school_health_service", "count").value == 10
    assert cell(FULL, "grant_received", f"source_{NOT_RECORDED}", "share").value == pytest.approx(20 / 110)


@pytest.mark.parametrize(
    ("days", "quartiles"),
    [
        ({4: 10, 9: 20, 30: 10}, (6.5, 9.0, 19.5)),  # the 10th of 40 is 4 and the 11th 9: halfway is 6.5
        ({1: 3, 2: 3, 3: 3}, (1.0, 2.0, 3.0)),  # 9 x 0.25 = 2.25: the third; 4.5: the fifth; 6.75: the seventh
        ({0: 8}, (0.0, 0.0, 0.0)),
    ],
)
def test_the_wait_is_told_by_its_quartiles(days: dict[int, int], quartiles: tuple[float, ...]) -> None:
    facts = replace(FULL, first_session_days=days)
    row = row_of(table_of(full_report(facts), "grant_waits"), "first_session")
    assert [each.value for each in row.cells] == [sum(days.values()), *quartiles]


@pytest.mark.parametrize(
    ("days", "count", "withheld"), [({}, 0, Withheld.UNKNOWN), ({3: 7}, None, Withheld.SMALL_NUMBER)]
)
def test_no_wait_is_told_of_few_or_none(days: dict[int, int], count: int | None, withheld: Withheld) -> None:
    facts = replace(FULL, first_session_days=days)
    first, *quartiles = row_of(table_of(full_report(facts), "grant_waits"), "first_session").cells
    assert first.value == count
    assert {each.withheld for each in quartiles} == {withheld}


# ---- Method and evidence


def test_an_unknown_level_is_not_zero_and_belongs_to_a_target_group() -> None:
    rows = (
        ProgrammeFacts("a", "Course", "group", 9, (Evidence("adults"), Evidence("young", 0, "a review", "2025-03-01"))),
        ProgrammeFacts("b", "Talks", "individual", 0),
    )
    table = table_of(full_report(replace(FULL, programmes=rows)), "grant_evidence")
    unknown = Cell(withheld=Withheld.UNKNOWN)
    assert [(row.key, row.label, row.cells) for row in table.rows] == [
        ("a:1", "Course", (Cell("adults"), unknown, unknown, unknown)),
        ("a:2", "Course", (Cell("young"), Cell(0), Cell("a review"), Cell("2025-03-01"))),
        ("b:1", "Talks", (unknown,) * 4),
    ]
    programmes = table_of(full_report(replace(FULL, programmes=rows)), "grant_programmes")
    assert [row.cells for row in programmes.rows] == [
        (Cell("format_group"), Cell(9)),
        (Cell("format_individual"), Cell(0)),
    ]


def test_a_plan_is_shown_as_it_was_written_and_one_that_is_not_there_as_unknown() -> None:
    rows = (ProgrammeFacts("a", "Course", "group", 9, plan=PLAN), ProgrammeFacts("b", "Talks", "individual", 9))
    table = table_of(full_report(replace(FULL, programmes=rows)), "grant_plans")
    assert [each.key for each in table.columns][:2] == ["plan_question", "plan_measure"]
    assert [each.value for each in table.rows[0].cells] == [
        *("Does it help?", "phq-9", "first and last session", "the expected course"),
        *("the share without is told", "a call", "the lead"),
    ]
    assert {each.withheld for each in table.rows[1].cells} == {Withheld.UNKNOWN}


# ---- Feedback, goals, involvement, cooperation, tools


@pytest.mark.parametrize(
    ("table", "row", "count", "share", "of"),
    [
        ("grant_feedback", "helped", 60, 1.0, 60),
        ("grant_feedback", "measured_twice", 45, 45 / 60, 60),
        ("grant_feedback", "discussed", 30, 0.5, 60),
        ("grant_feedback_done", "sessions", 400, 1.0, 400),
        ("grant_feedback_done", "sessions_measured", 300, 0.75, 400),
        ("grant_feedback_done", "reviews", 50, 1.0, 50),
        ("grant_feedback_done", "reviews_with_patient", 40, 0.8, 50),
        ("grant_with_goals", "with_goals", 24, 0.4, 60),
        ("grant_goals", "goals_set", 40, 1.0, 40),
        ("grant_goals", "goals_ended", 30, 0.75, 40),
        ("grant_goals", "goals_judged", 20, 20 / 30, 30),
        ("grant_goals", "goals_reached", 10, 0.5, 20),
        ("grant_involved", "with_next_of_kin", 12, 0.2, 60),
        ("grant_passed_on", "ended", 90, 1.0, 90),
        ("grant_passed_on", "referred_on", 16, 16 / 90, 90),
        ("grant_referred_on", "referred_to_specialist_care", 8, 0.5, 16),
        ("grant_referred_on", "referred_to_child_welfare", 0, 0.0, 16),
        ("grant_endings", "ending_dropped_out", 10, 10 / 90, 90),
        ("grant_sessions_by_mode", "session_in_person", 300, 1.0, 300),
        ("grant_sessions_by_mode", "session_video", 0, 0.0, 300),
        ("grant_forms_by_mode", "form_home", 90, 1.0, 90),
    ],
)
def test_a_part_is_shown_of_its_whole(table: str, row: str, count: int, share: float, of: int) -> None:
    assert cell(FULL, table, row, "count").value == count
    found = cell(FULL, table, row, "share")
    assert found.value == pytest.approx(share)
    assert found.of == of


def test_only_shares_of_episodes_have_an_interval() -> None:
    assert cell(FULL, "grant_feedback", "discussed", "share").low is not None
    assert cell(FULL, "grant_goals", "goals_reached", "share").low is None


def test_nothing_of_nothing_is_unknown() -> None:
    empty = GrantFacts(forms_by_mode={"home": Events()}, endings={"completed": 0})
    for table, row in (
        ("grant_reach", "referred"),
        ("grant_reach", "started"),
        ("grant_goals", "goals_reached"),
        ("grant_forms_by_mode", "form_home"),
        ("grant_endings", "ending_completed"),
    ):
        assert cell(empty, table, row, "count") == Cell(0)
        assert cell(empty, table, row, "share").withheld is Withheld.UNKNOWN


def test_own_words_are_shown_where_they_belong() -> None:
    words = {
        section.key: {row.key: row.cells[0].value for table in section.tables for row in table.rows}
        for section in full_report().sections
        if section.key == "grant_leadership"
    }
    assert words == {"grant_leadership": {"words_leadership": "A lead.", "words_budget": None, "words_plan": None}}
    said = table_of(full_report(), "grant_words", "grant_involvement")
    assert [row.cells[0].value for row in said.rows] == ["They choose.", None, None]


# ---- Problem areas


def areas(facts: GrantFacts) -> dict[str, tuple[object, ...]]:
    rows = table_of(full_report(facts), "grant_problem_areas").rows
    return {row.label or row.key: tuple(each.value for each in row.cells) for row in rows}


def test_an_area_stands_out_only_where_its_interval_leaves_the_whole_out() -> None:
    # Of all, 30 of 60 are better. The intervals: 30 of 40, 0.60 to 0.86; 20 of 40, 0.35 to 0.65; 8 of 40, 0.10 to 0.35.
    assert areas(FULL) == {
        "all_areas": (90, pytest.approx(2 / 3), 0.5, 0.2, "is_the_whole"),
        "Anger": (40, 1.0, 0.2, 0.2, "below_whole"),
        "anxiety": (50, 0.8, 0.5, 0.2, "not_told_apart"),
        "sleep": (40, 1.0, 0.75, 0.0, "above_whole"),
    }
    # R 4.2, prop.test(30, 40, correct = FALSE).
    better = cell(FULL, "grant_problem_areas", "area:sleep", "reliable_improvement")
    assert close(better, 0.75, 0.5980604, 0.8581288)


def test_areas_are_in_the_order_of_their_names_and_rare_ones_are_only_counted() -> None:
    table = table_of(full_report(), "grant_problem_areas")
    assert [row.label for row in table.rows] == [None, "Anger", "anxiety", "sleep"]
    assert {note.code: dict(note.evidence) for note in table.notes}["grant_rare_areas"] == {"areas": 1}
    common = replace(FULL, outcomes_by_area={"sleep": Outcomes(40, 40, 30, 0)})
    assert "grant_rare_areas" not in {note.code for note in table_of(full_report(common), "grant_problem_areas").notes}


@pytest.mark.parametrize(
    ("area", "whole", "withheld"),
    [
        (Outcomes(40, 0, 0, 0), Outcomes(90, 60, 30, 12), Withheld.UNKNOWN),
        (Outcomes(40, 40, 39, 0), Outcomes(90, 60, 30, 12), Withheld.SMALL_NUMBER),
        (Outcomes(40, 40, 20, 0), Outcomes(90, 60, 55, 0), Withheld.SMALL_NUMBER),
    ],
)
def test_what_is_not_told_is_not_compared(area: Outcomes, whole: Outcomes, withheld: Withheld) -> None:
    facts = replace(FULL, outcomes=whole, outcomes_by_area={"sleep": area})
    assert cell(facts, "grant_problem_areas", "area:sleep", "compared_with_whole").withheld is withheld


# ---- The overview


def test_the_overview_says_what_is_documented() -> None:
    assert states(FULL) == {
        "target_group": "not_documented",
        "reach": "documented",
        "goals": "documented",
        "method": "documented",
        "evidence_level": "documented",
        "feedback": "documented",
        "own_goals": "documented",
        "involvement_individual": "documented",
        "involvement_service": "not_documented",
        "involvement_system": "not_documented",
        "cooperation": "documented",
        "digital_tools": "documented",
        "leadership": "documented",
        "budget": "not_documented",
        "plan": "not_documented",
        "evaluation_plan": "documented",
        "problem_areas": "documented",
    }
    assert set(states(GrantFacts()).values()) == {"not_documented"}


@pytest.mark.parametrize(
    ("criterion", "changes", "state"),
    [
        ("evidence_level", {"programmes": (ProgrammeFacts("a", "A", "group", 9),)}, "not_documented"),
        (
            "evidence_level",
            {"programmes": (ProgrammeFacts("a", "A", "group", 9, (Evidence("x"), Evidence("y", 0))),)},
            "documented_in_part",
        ),
        ("evaluation_plan", {"programmes": (ProgrammeFacts("a", "A", "group", 9),)}, "not_documented"),
        (
            "evaluation_plan",
            {"programmes": (ProgrammeFacts("a", "A", "group", 9, plan=replace(PLAN, comparator=None)),)},
            "documented_in_part",
        ),
        ("involvement_individual", {"statements": Statements()}, "documented_in_part"),
        ("cooperation", {"referred_on": {"other": 0}}, "documented_in_part"),
        ("cooperation", {"received": {NOT_RECORDED: 9}, "referred_on": {"other": 0}}, "not_documented"),
    ],
)
def test_a_criterion_is_documented_in_part(criterion: str, changes: dict[str, object], state: str) -> None:
    assert states(replace(FULL, **changes))[criterion] == state  # type: ignore[arg-type]  # each is of its field's type


# ---- Mistakes of ours


def test_facts_that_can_t_be_are_refused() -> None:
    for wrong in (lambda: Events(1, 2), lambda: Events(1, -1), lambda: Outcomes(5, 6), lambda: Outcomes(9, 5, 4, 2)):
        with pytest.raises(AssertionError):
            wrong()
