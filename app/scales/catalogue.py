"""The instruments that are shipped: reads the instrument files, checks them, and keeps them.

An instrument file is TOML, named after the instrument's key. What is a fact of somebody else's (a figure, a code of
another system, a licence) names its source: ``source`` is a key of the table ``sources``, where text and confidence
stand. A single figure is a table of its own, ``{ value = 10, source = "caseness" }``. A key that the format does not
know is an error, so that a slip of the pen is never a silence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

from app.errors import InstrumentDataError, UnknownInstrument
from app.scales.change import Better, ChangeCriteria
from app.scales.instrument import (
    Band,
    Choice,
    ChoiceList,
    Confidence,
    CriticalItem,
    Cutoff,
    Form,
    InformantRole,
    Instrument,
    Item,
    Licence,
    LicenceStatus,
    MissingMethod,
    MissingRule,
    Reliability,
    ReliabilityMeasure,
    Source,
    Subscale,
)

T = TypeVar("T")
Code = TypeVar("Code", bound=StrEnum)


@cache
def catalogue() -> Mapping[str, Instrument]:
    """Give the shipped instruments by key.

    Returns
    -------
    mapping of str to Instrument
        In alphabetical order; read once.

    Raises
    ------
    InstrumentDataError
        If a file breaks a rule of the format.

    Examples
    --------
    >>> "phq-9" in catalogue()
    True
    """
    shipped = [
        load_instrument(file.read_text(encoding="utf-8"), file.name)
        for file in files("app.scales").joinpath("instruments").iterdir()
        if file.name.endswith(".toml")
    ]
    return MappingProxyType({each.key: each for each in sorted(shipped, key=lambda each: each.key)})


def instrument(key: str) -> Instrument:
    """Give the shipped instrument with a key.

    Parameters
    ----------
    key : str
        Name in lower case.

    Returns
    -------
    Instrument
        The instrument.

    Raises
    ------
    UnknownInstrument
        If there is none with that key.

    Examples
    --------
    >>> instrument("phq-9").form(None).subscale("total").maximum
    27
    """
    shipped = catalogue()
    if key not in shipped:
        raise UnknownInstrument("there is no such instrument", pointer="/instrument", allowed=", ".join(shipped))
    return shipped[key]


def load_instrument(text: str, file: str) -> Instrument:
    """Read an instrument from the text of its file.

    Parameters
    ----------
    text : str
        The file's content, TOML.
    file : str
        The file's name, which is the instrument's key and ``.toml``.

    Returns
    -------
    Instrument
        Checked as a whole.

    Raises
    ------
    InstrumentDataError
        If the file breaks a rule of the format; the sentence names the file, the place and the rule.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InstrumentDataError(f"{file}: not TOML: {error}") from error
    sources: dict[str, Source] = {}
    table = _Table(content, file, sources)
    listed = table.table("sources")
    sources.update({key: _source(listed.table(key)) for key in listed.names()})
    loaded = _instrument(table)
    if file != f"{loaded.key}.toml":
        raise InstrumentDataError(f"{file}: the file of instrument {loaded.key} must be named {loaded.key}.toml")
    return loaded


class _Table:
    """One table of an instrument file, which remembers what was read of it."""

    def __init__(self, content: Mapping[str, object], where: str, sources: Mapping[str, Source]) -> None:
        self._content = content
        self._where = where
        self._sources = sources
        self._read: set[str] = set()

    def names(self) -> tuple[str, ...]:
        return tuple(self._content)

    def has(self, key: str) -> bool:
        return key in self._content

    def text(self, key: str) -> str:
        return self._value(key, str, "a text")

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def integer(self, key: str) -> int:
        return self._value(key, int, "an integer")

    def decimal(self, key: str) -> float:
        return self._value(key, float, "a number with decimals")

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        return default if default is not None and not self.has(key) else self._value(key, bool, "true or false")

    def code(self, key: str, codes: type[Code]) -> Code:
        return self._as_code(self.text(key), key, codes)

    def texts(self, key: str) -> tuple[str, ...]:
        return self._each(key, str, "a list of texts")

    def codes(self, key: str, codes: type[Code]) -> tuple[Code, ...]:
        return tuple(self._as_code(text, key, codes) for text in self.texts(key))

    def table(self, key: str) -> _Table:
        return _Table(self._value(key, dict, "a table"), f"{self._where}: {key}", self._sources)

    def tables(self, key: str) -> tuple[_Table, ...]:
        """Give a list of tables; empty where there is none."""
        found = self._each(key, dict, "a list of tables") if self.has(key) else ()
        return tuple(_Table(each, f"{self._where}: {key}[{place}]", self._sources) for place, each in enumerate(found))

    def source(self) -> Source:
        key = self.text("source")
        if key not in self._sources:
            raise self._fault(f"there is no source {key}")
        return self._sources[key]

    def figure(self, key: str, read: Callable[[_Table, str], T], sources: dict[str, Source]) -> T | None:
        """Give a figure that stands in a table of its own, and add its source; None where there is none."""
        if not self.has(key):
            return None
        table = self.table(key)
        with table.checked():
            value = read(table, "value")
            sources[key] = table.source()
        return value

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Let no key go unread, and say where when what is made of the table breaks a rule."""
        try:
            yield
        except InstrumentDataError as error:
            # What was found deeper down has said already where it is.
            raise error if error.detail.startswith(self._where) else self._fault(error.detail) from error
        unread = sorted(set(self._content) - self._read)
        if unread:
            raise self._fault(f"the format has no key {unread[0]} here")

    def _value(self, key: str, kind: type[T], name: str) -> T:
        self._read.add(key)
        value = self._content.get(key)
        # To Python true is the integer 1; to an instrument file it is not.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        raise self._fault(f"{key} must be given, as {name}" if value is None else f"{key} must be {name}")

    def _each(self, key: str, kind: type[T], name: str) -> tuple[T, ...]:
        listed = self._value(key, list, name)
        found = tuple(each for each in listed if isinstance(each, kind))
        if len(found) != len(listed):
            raise self._fault(f"{key} must be {name}")
        return found

    def _as_code(self, text: str, key: str, codes: type[Code]) -> Code:
        try:
            return codes(text)
        except ValueError:
            raise self._fault(f"{key} must be one of: {', '.join(codes)}") from None

    def _fault(self, rule: str) -> InstrumentDataError:
        return InstrumentDataError(f"{self._where}: {rule}")


def _source(table: _Table) -> Source:
    with table.checked():
        return Source(table.text("text"), table.code("confidence", Confidence))


def _instrument(table: _Table) -> Instrument:
    with table.checked():
        choices = tuple(map(_choice_list, table.tables("choices")))
        by_key = {each.key: each for each in choices}
        critical_items = tuple(map(_critical_item, table.tables("critical_items")))
        sources: dict[str, Source] = {}
        return Instrument(
            key=table.text("key"),
            version=table.text("version"),
            title=table.text("title"),
            forms=tuple(_form(each, by_key, critical_items) for each in table.tables("forms")),
            choices=choices,
            licence=_licence(table.table("licence")),
            main_subscale=table.text("main_subscale"),
            for_change=table.boolean("for_change"),
            asks_about_suicide=table.boolean("asks_about_suicide"),
            recall_days=table.figure("recall_days", _Table.integer, sources),
            loinc_panel=table.figure("loinc_panel", _Table.text, sources),
            sources=sources,
        )


def _licence(table: _Table) -> Licence:
    with table.checked():
        return Licence(
            status=table.code("status", LicenceStatus),
            holder=table.text("holder"),
            terms=table.text("terms"),
            source=table.source(),
        )


def _choice_list(table: _Table) -> ChoiceList:
    with table.checked():
        return ChoiceList(
            key=table.text("key"),
            choices=tuple(map(_choice, table.tables("choices"))),
            source=table.source(),
            loinc=table.optional_text("loinc"),
        )


def _choice(table: _Table) -> Choice:
    with table.checked():
        return Choice(code=table.integer("code"), topic=table.text("topic"), loinc=table.optional_text("loinc"))


def _critical_item(table: _Table) -> CriticalItem:
    with table.checked():
        return CriticalItem(
            item=table.text("item"),
            threshold=table.integer("threshold"),
            kind=table.text("kind"),
            source=table.source(),
        )


def _form(table: _Table, choices: Mapping[str, ChoiceList], critical_items: tuple[CriticalItem, ...]) -> Form:
    with table.checked():
        sources: dict[str, Source] = {}
        return Form(
            key=table.text("key"),
            family=table.text("family"),
            respondents=table.codes("respondents", InformantRole),
            items=tuple(_item(each, choices) for each in table.tables("items")),
            subscales=tuple(map(_subscale, table.tables("subscales"))),
            min_age=table.figure("min_age", _Table.integer, sources),
            max_age=table.figure("max_age", _Table.integer, sources),
            sources=sources,
            critical_items=critical_items,
        )


def _item(table: _Table, choices: Mapping[str, ChoiceList]) -> Item:
    with table.checked():
        listed = table.text("choices")
        if listed not in choices:
            raise InstrumentDataError(f"there is no list of choices {listed}")
        return Item(
            number=table.text("number"),
            topic=table.text("topic"),
            choices=choices[listed],
            source=table.source(),
            loinc=table.optional_text("loinc"),
            scored=table.boolean("scored", default=True),
            reversed=table.boolean("reversed", default=False),
        )


def _subscale(table: _Table) -> Subscale:
    with table.checked():
        sources: dict[str, Source] = {}
        minimum, maximum = _range(table.table("range"), sources)
        criteria = None
        if table.has("better"):
            criteria = ChangeCriteria(
                minimum=minimum,
                maximum=maximum,
                better=table.code("better", Better),
                cutoff=table.figure("cutoff", _Table.integer, sources),
                reliable_change=table.figure("reliable_change", _Table.integer, sources),
                important_difference=table.figure("important_difference", _Table.decimal, sources),
            )
        return Subscale(
            key=table.text("key"),
            items=table.texts("items"),
            minimum=minimum,
            maximum=maximum,
            missing=_missing_rule(table.table("missing")),
            loinc=table.figure("loinc", _Table.text, sources),
            sources=sources,
            bands=tuple(map(_band, table.tables("bands"))),
            criteria=criteria,
            further_cutoffs=tuple(map(_cutoff, table.tables("further_cutoffs"))),
            reliability=tuple(map(_reliability, table.tables("reliability"))),
        )


def _range(table: _Table, sources: dict[str, Source]) -> tuple[int, int]:
    with table.checked():
        sources["range"] = table.source()
        return table.integer("minimum"), table.integer("maximum")


def _missing_rule(table: _Table) -> MissingRule:
    with table.checked():
        return MissingRule(
            max_missing=table.integer("max_missing"),
            method=table.code("method", MissingMethod),
            source=table.source(),
            configurable=table.boolean("configurable", default=False),
        )


def _band(table: _Table) -> Band:
    with table.checked():
        return Band(table.text("code"), table.integer("low"), table.integer("high"), table.source())


def _cutoff(table: _Table) -> Cutoff:
    with table.checked():
        return Cutoff(table.text("key"), table.integer("score"), table.source())


def _reliability(table: _Table) -> Reliability:
    with table.checked():
        return Reliability(table.code("measure", ReliabilityMeasure), table.decimal("coefficient"), table.source())
