"""Rounded reports: counts that round alike give the same file, and shares are those of rounded counts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.reports.document import Cell, Column, Kind, Report, Row, Section, Table, Withheld
from app.reports.guarded import counted, share
from app.reports.outcomes import denominators
from app.reports.proportions import wilson
from app.reports.rounding import TO, rounded, rounded_report
from tests.reports.made_up import ALL, RECOVERED, measured, started, tabulated
from tests.reports.scenes import everything

COLUMNS = (
    Column("count", Kind.COUNT),
    Column("share", Kind.SHARE),
    Column("points", Kind.POINTS),
    Column("effect", Kind.EFFECT),
    Column("days", Kind.DAYS),
    Column("code", Kind.CODE),
    Column("text", Kind.TEXT),
)


def report(*tables: Table) -> Report:
    return Report("outcomes", (), (), (Section("outcomes", tables),))


def file_of(*cells: Cell) -> tuple[Cell, ...]:
    table = Table("x", COLUMNS[: len(cells)], (Row("a", cells),))
    return rounded_report(report(table)).sections[0].tables[0].rows[0].cells


@given(st.integers(0, 10**6))
def test_counts_go_to_the_nearest_multiple_of_five(count: int) -> None:
    assert rounded(count) % TO == 0
    assert abs(rounded(count) - count) <= 2


def within(multiple: int) -> st.SearchStrategy[int]:
    return st.integers(multiple - 2, multiple + 2)


@st.composite
def twins(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int]]:
    of = TO * draw(st.integers(2, 60))
    count = TO * draw(st.integers(2, of // TO))
    found = []
    for _ in range(2):
        whole = draw(within(of))
        found.append((min(draw(within(count)), whole), whole))
    return found[0], found[1]


@given(twins())
def test_counts_that_round_alike_give_the_same_file(both: tuple[tuple[int, int], tuple[int, int]]) -> None:
    one, other = (file_of(counted(count), share(count, of)) for count, of in both)
    assert one == other
    bare = [file_of(counted(count), Cell(count / of, of=of)) for count, of in both]
    assert bare[0] == bare[1]


@given(st.lists(st.integers(2, 20), min_size=4, max_size=4), st.lists(st.integers(-2, 2), min_size=8, max_size=8))
def test_two_services_whose_flow_rounds_alike_have_the_same_file(fives: list[int], off: list[int]) -> None:
    # Referred, started, two sessions, pairs: each of the four counts that are told lies near the same multiple of 5.
    files = []
    for move in (off[:4], off[4:]):
        told = [TO * sum(fives[place:]) + move[place] for place in range(4)]
        begun = [started(0, told[0] - told[1]), started(1, told[1] - told[2]), started(2, told[2])]
        table = denominators(tabulated(begun, [measured(RECOVERED, told[3])]), ALL)
        steps = replace(table, rows=table.rows[:5])  # those who came once are a difference of two of them
        files.append(rounded_report(report(steps)))
    assert files[0] == files[1]


def test_shares_are_those_of_rounded_counts_by_hand() -> None:
    # 23 of 41 are 25 of 40.
    count, of_rounded, points, effect, days, code, text = file_of(
        Cell(23, 20, 30, 41),
        share(23, 41),
        Cell(3.14159, 2.2222, 4.0777, 41),
        Cell(0.4567),
        Cell(12.6),
        Cell("comparable"),
        Cell(7, of=41),
    )
    interval = wilson(25, 40)
    assert interval is not None
    assert count == Cell(25), "an interval or a denominator of a count would be exact"
    assert of_rounded == Cell(0.625, interval.lower, interval.upper, 40)
    assert points == Cell(3.1, 2.2, 4.1, 40)
    assert (effect, days, code, text) == (Cell(0.46), Cell(13), Cell("comparable"), Cell(7, of=40))


def test_shares_of_no_told_number_are_in_whole_per_cent() -> None:
    assert file_of(Cell(1), Cell(0.34567, 0.2222, 0.4888))[1] == Cell(0.35, 0.22, 0.49)
    assert file_of(Cell(1), Cell(1 / 6))[1] == Cell(0.17)
    assert file_of(Cell(1), Cell(0.5, of=2))[1] == Cell(0.0, of=0)


def test_all_of_them_stay_all() -> None:
    # 18 of 18 are 20 of 20.
    assert file_of(Cell(18), share(18, 18))[1].value == 1.0


def test_what_is_hidden_stays_hidden_and_the_first_page_says_that_it_is_rounded() -> None:
    small = Cell(withheld=Withheld.SMALL_NUMBER)
    assert file_of(small, small) == (small, small)
    found = rounded_report(everything())
    assert (found.notes[-1].code, found.notes[-1].evidence) == ("rounded", {"step": TO})
    before = [cell for s in everything().sections for t in s.tables for row in t.rows for cell in row.cells]
    after = [cell for s in found.sections for t in s.tables for row in t.rows for cell in row.cells]
    assert [cell.withheld for cell in before] == [cell.withheld for cell in after]


def test_no_exact_number_of_persons_is_left() -> None:
    found = rounded_report(everything())
    for section in found.sections:
        for table in section.tables:
            for row in table.rows:
                for column, cell in zip(table.columns, row.cells, strict=True):
                    assert cell.of is None or cell.of % TO == 0
                    if column.kind is Kind.COUNT and cell.value is not None:
                        assert int(cell.value) % TO == 0
