"""Screens as instrument files tell them: signs in named lists, and outcomes that count them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from app.errors import InstrumentDataError
from app.scales.screens import Count, MeanAbove, Outcome, Requirement, Screen, Sign
from app.scales.tables import Table

Signs = Mapping[str, tuple[Sign, ...]]


def read_screen(table: Table) -> Screen:
    """Read one screen.

    Raises
    ------
    InstrumentDataError
        If it breaks a rule of the format; the sentence names the place and the rule.
    """
    with table.checked():
        named = table.table("signs")
        with named.checked():
            signs = {name: _signs(named.tables(name)) for name in named.names()}
        outcomes = tuple(_outcome(each, signs) for each in table.tables("outcomes"))
        return Screen(table.text("key"), outcomes, table.source())


def _signs(tables: Sequence[Table]) -> tuple[Sign, ...]:
    """Read lists of items, each with the code from which on, or down from which, its answers count."""
    signs: list[Sign] = []
    for table in tables:
        with table.checked():
            at_least = table.integer("at_least") if table.has("at_least") else None
            at_most = table.integer("at_most") if table.has("at_most") else None
            signs += [Sign(number, at_least, at_most) for number in table.texts("items")]
    return tuple(signs)


def _outcome(table: Table, signs: Signs) -> Outcome:
    with table.checked():
        any_of_them = table.has("any")
        listed = table.tables("any" if any_of_them else "all")
        return Outcome(table.text("code"), tuple(_requirement(each, signs) for each in listed), any_of_them)


def _requirement(table: Table, signs: Signs) -> Requirement:
    with table.checked():
        name = table.text("of")
        if name not in signs:
            raise InstrumentDataError(f"there is no list of signs {name}")
        if table.has("mean_above"):
            # As it is written: 1.5 is three halves, and 0.1 one tenth.
            limit = Fraction(str(table.decimal("mean_above")))
            return MeanAbove(limit, tuple(sign.item for sign in signs[name]))
        return Count(table.integer("count"), signs[name])
