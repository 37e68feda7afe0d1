"""Where in a TOML file something stands: the parser of the standard library tells what, but not where.

The file has been parsed before, so that nothing here has to check it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Keys, and places in lists, from the whole file down to one value."""

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*""")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
_PLAIN = re.compile(r"[^,\]}#\n]*")


def lines_of(text: str) -> Mapping[Path, int]:
    r"""Give the line, from 1, on which each table, key and list element of a TOML file begins.

    Parameters
    ----------
    text : str
        A file that can be parsed.

    Returns
    -------
    mapping of tuple to int
        By path.

    Examples
    --------
    >>> found = lines_of('a = 1\n[[b]]\nc = [\n  { d = 2 },\n]\n')
    >>> found["a",], found["b", 0], found["b", 0, "c", 0, "d"]
    (1, 2, 4)
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walks through a file once, and notes where things begin."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}
        """How many tables each list of tables has so far."""

    def scan(self) -> dict[Path, int]:
        inside: Path = ()
        self._skip(_SPACE)
        while self.at < len(self.text):
            inside = self._header() if self._next("[") else self._pair(inside)
            self._skip(_SPACE)
        return self.lines

    def _header(self) -> Path:
        line, listed = self._line(), self.text.startswith("[[", self.at)
        self.at += 2 if listed else 1
        keys = self._keys()
        self.at += 2 if listed else 1
        path: Path = ()
        for place, key in enumerate(keys):
            path += (key,)
            if listed and place == len(keys) - 1:
                self.tables[path] = self.tables.get(path, 0) + 1
            if path in self.tables:
                path += (self.tables[path] - 1,)
        self.lines.setdefault(path, line)
        return path

    def _pair(self, inside: Path) -> Path:
        line, path = self._line(), (*inside, *self._keys())
        self.at += 1  # =
        for length in range(len(inside) + 1, len(path) + 1):
            self.lines.setdefault(path[:length], line)
        self._value(path)
        return inside

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        if self._next("["):
            self._elements(path, "]")
        elif self._next("{"):
            self._elements(path, "}")
        else:
            self._skip(_STRING if self._next('"') or self._next("'") else _PLAIN)

    def _elements(self, path: Path, end: str) -> None:
        self.at += 1
        self._skip(_SPACE)
        place = 0
        while not self._next(end):
            if end == "}":
                self._pair(path)
            else:
                self.lines[*path, place] = self._line()
                self._value((*path, place))
            place += 1
            self._skip(_SPACE)
            if self._next(","):
                self.at += 1
                self._skip(_SPACE)
        self.at += 1

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while self._next("."):
            self.at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        found = _KEY.match(self.text, self.at)
        assert found is not None, "a file that was parsed has keys where they belong"
        self.at = found.end()
        return next(group for group in found.groups() if group is not None)

    def _next(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        assert found is not None, "a file that was parsed has values where they belong"
        self.at = found.end()

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1
