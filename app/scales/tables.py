"""Tables of an instrument file: what is read of them is checked, and nothing that stands in them goes unread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import TypeVar

from app.errors import InstrumentDataError
from app.scales.sources import Source

T = TypeVar("T")
Code = TypeVar("Code", bound=StrEnum)


class Table:
    """One table of an instrument file, which remembers what was read of it."""

    def __init__(
        self,
        content: Mapping[str, object],
        where: str,
        sources: Mapping[str, Source],
        path: tuple[str | int, ...] = (),
    ) -> None:
        self._content = content
        self._where = where
        self._path = path
        self._sources = sources
        self._read: set[str] = set()

    def names(self) -> tuple[str, ...]:
        """Give the keys of the table, in its order."""
        return tuple(self._content)

    def has(self, key: str) -> bool:
        """Tell whether the table has a key."""
        return key in self._content

    def text(self, key: str) -> str:
        """Give a text."""
        return self._value(key, str, "a text")

    def optional_text(self, key: str) -> str | None:
        """Give a text; None where there is none."""
        return self.text(key) if self.has(key) else None

    def integer(self, key: str) -> int:
        """Give an integer; true is none."""
        return self._value(key, int, "an integer")

    def decimal(self, key: str) -> float:
        """Give a number with decimals."""
        return self._value(key, float, "a number with decimals")

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        """Give true or false, or the default where the key is absent."""
        return default if default is not None and not self.has(key) else self._value(key, bool, "true or false")

    def code(self, key: str, codes: type[Code]) -> Code:
        """Give a text that is one of some codes."""
        return self._as_code(self.text(key), key, codes)

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts."""
        return self._each(key, str, "a list of texts")

    def codes(self, key: str, codes: type[Code]) -> tuple[Code, ...]:
        """Give a list of texts that are each one of some codes."""
        return tuple(self._as_code(text, key, codes) for text in self.texts(key))

    def table(self, key: str) -> Table:
        """Give a table."""
        return Table(self._value(key, dict, "a table"), f"{self._where}: {key}", self._sources, (*self._path, key))

    def tables(self, key: str) -> tuple[Table, ...]:
        """Give a list of tables; empty where there is none."""
        found = self._each(key, dict, "a list of tables") if self.has(key) else ()
        return tuple(
            Table(each, f"{self._where}: {key}[{place}]", self._sources, (*self._path, key, place))
            for place, each in enumerate(found)
        )

    def source(self) -> Source:
        """Give the source that the table names."""
        return self.source_named(self.text("source"))

    def source_named(self, key: str) -> Source:
        """Give the source of a name."""
        if key not in self._sources:
            raise self._fault(f"there is no source {key}")
        return self._sources[key]

    def figure(self, key: str, read: Callable[[Table, str], T], sources: dict[str, Source]) -> T | None:
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
            raise self._fault(f"the format has no key {unread[0]} here", unread[0])

    def _value(self, key: str, kind: type[T], name: str) -> T:
        self._read.add(key)
        value = self._content.get(key)
        # To Python true is the integer 1; to an instrument file it is not.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        raise self._fault(f"{key} must be given, as {name}" if value is None else f"{key} must be {name}", key)

    def _each(self, key: str, kind: type[T], name: str) -> tuple[T, ...]:
        listed = self._value(key, list, name)
        found = tuple(each for each in listed if isinstance(each, kind))
        if len(found) != len(listed):
            raise self._fault(f"{key} must be {name}", key)
        return found

    def _as_code(self, text: str, key: str, codes: type[Code]) -> Code:
        try:
            return codes(text)
        except ValueError:
            raise self._fault(f"{key} must be one of: {', '.join(codes)}", key) from None

    def _fault(self, rule: str, *keys: str) -> InstrumentDataError:
        fault = InstrumentDataError(f"{self._where}: {rule}")
        fault.path = (*self._path, *keys)
        return fault
