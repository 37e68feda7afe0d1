"""De-identified rows: enough persons share each combination that is told, whatever the rows are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.reports.deidentification import LEFT_OUT_IN_ORDER, Deidentified, Identified, Quasi, deidentify

QUASI = st.builds(
    Quasi,
    service=st.sampled_from(["A", "B", "C"]),
    programme=st.sampled_from([None, "group"]),
    age_band=st.sampled_from(["18-24", "25-44"]),
    language=st.sampled_from(["nb", "nn"]),
    pathway=st.sampled_from([None, 1, 2]),
    sex=st.sampled_from([None, "female", "male"]),
)
FRAMES = st.tuples(st.integers(2023, 2025), st.sampled_from(["phq-9", "gad-7"]))
ROWS = st.lists(st.tuples(st.integers(0, 30), FRAMES, QUASI), max_size=60).map(
    lambda rows: [Identified(person, frame, quasi, (number,)) for number, (person, frame, quasi) in enumerate(rows)]
)
THRESHOLDS = st.integers(1, 8)
WOMAN = Quasi("A", "group", "18-24", "nb", 2, "female")


def row(person: int, number: int = 0, frame: int = 2025, service: str = "A") -> Identified[int]:
    return Identified(person, (frame,), WOMAN._replace(service=service), (number,))


def told(found: Deidentified[int]) -> dict[object, Quasi]:
    return {each.measured[0]: each.quasi for each in found.rows}


@given(ROWS, THRESHOLDS)
def test_enough_persons_share_each_combination(rows: list[Identified[int]], threshold: int) -> None:
    persons: dict[object, set[object]] = {}
    for each in deidentify(rows, threshold).rows:
        persons.setdefault((each.frame, each.quasi), set()).add(each.person)
    assert all(len(each) >= threshold for each in persons.values())


@given(ROWS, THRESHOLDS)
def test_what_is_told_is_true_or_left_out_in_order(rows: list[Identified[int]], threshold: int) -> None:
    found = told(deidentify(rows, threshold))
    for each in rows:
        if each.measured[0] in found:
            quasi = found[each.measured[0]]
            beginnings = [[None] * left_out + [*each.quasi[left_out:]] for left_out in range(len(quasi) + 1)]
            assert [*quasi] in beginnings


@given(ROWS, THRESHOLDS)
def test_only_frames_of_too_few_persons_are_not_told(rows: list[Identified[int]], threshold: int) -> None:
    found = told(deidentify(rows, threshold))
    for frame in {each.frame for each in rows}:
        persons = {each.person for each in rows if each.frame == frame}
        silent = {each.person for each in rows if each.frame == frame and each.measured[0] not in found}
        assert len(silent) < threshold
        if len(persons) < threshold:
            assert silent == persons


@given(ROWS, THRESHOLDS, st.integers(2023, 2025))
def test_a_wider_export_tells_of_a_row_what_a_narrower_one_tells(
    rows: list[Identified[int]], threshold: int, year: int
) -> None:
    wide, narrow = (
        told(deidentify(each, threshold)) for each in (rows, [each for each in rows if each.frame[0] == year])
    )
    assert narrow == {
        each.measured[0]: wide[each.measured[0]] for each in rows if each.frame[0] == year and each.measured[0] in wide
    }


@given(ROWS)
def test_with_a_threshold_of_one_everything_is_told(rows: list[Identified[int]]) -> None:
    found = deidentify(rows, 1)
    assert (list(found.rows), found.left_out) == (rows, None)


def places(rows: Sequence[Identified[int]]) -> Counter[str | None]:
    return Counter(each.quasi.service for each in rows)


def test_few_of_a_service_lose_its_name_and_keep_the_rest() -> None:
    # Three of A, two of B, one of C; of B and C together there are three, who differ in nothing else.
    rows = [row(n, n, service=service) for n, service in enumerate("AAABBC")]
    found = deidentify(rows, 3)
    assert places(found.rows) == {"A": 3, None: 3}
    assert {each.quasi for each in found.rows if each.quasi.service is None} == {WOMAN._replace(service=None)}
    assert found.left_out is None


def test_a_person_does_not_hide_among_the_own_episodes() -> None:
    rows = [row(1, n) for n in range(5)] + [row(2, 5)]
    assert deidentify(rows, 3).rows == ()
    assert len(deidentify(rows, 2).rows) == 6


def test_what_is_left_out_is_only_counted_where_it_is_of_enough_persons() -> None:
    # Two persons in each of four years: eight persons, none of whom can be told.
    rows = [row(n, n, frame=2020 + n // 2) for n in range(8)]
    assert deidentify(rows, 3) == Deidentified((), 10)  # 8, rounded to 5
    assert deidentify(rows[:2], 3) == Deidentified((), None)


def test_the_order_begins_with_where_somebody_went() -> None:
    assert LEFT_OUT_IN_ORDER == ("service", "programme", "age_band", "language", "pathway", "sex")
