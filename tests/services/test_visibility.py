"""Who may be shown whose answers, where one note is for all parents; and until when a patient is under age."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from app.db.models import Informant
from app.services.record_note import _is_of_age
from app.services.visibility import view_of_parents


def hidden(*informants: tuple[str, str]) -> tuple[list[int], bool]:
    everybody = [Informant(id=uuid4(), role=role, visibility=visibility) for role, visibility in informants]
    view = view_of_parents(everybody)
    return [place for place, each in enumerate(everybody) if each.id in view.hidden], view.hides_patient


@pytest.mark.parametrize(
    ("informants", "places", "hides_patient"),
    [
        ([("self", "restricted")], [0], True),
        ([("self", "open")], [], False),
        ([("self", "restricted"), ("parent", "restricted")], [0], True),
        ([("self", "open"), ("parent", "restricted"), ("teacher", "restricted")], [2], False),
        ([("self", "open"), ("parent", "restricted"), ("parent", "restricted")], [1, 2], False),
        ([("self", "open"), ("parent", "restricted"), ("parent", "open")], [1], False),
    ],
)
def test_a_parent_sees_what_they_answered_and_what_was_opened(
    informants: list[tuple[str, str]], places: list[int], hides_patient: bool
) -> None:
    assert hidden(*informants) == (places, hides_patient)


@pytest.mark.parametrize(
    ("day", "of_age"),
    [(date(2028, 3, 31), False), (date(2028, 4, 30), False), (date(2028, 5, 1), True), (date(2029, 1, 1), True)],
)
def test_of_the_birthday_the_month_alone_is_known(day: date, of_age: bool) -> None:
    assert _is_of_age(date(2010, 4, 1), day) is of_age
