"""Where things stand in a TOML file: held against the parser of the standard library, which knows what stands there."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files

import pytest

from app.scales.lines import lines_of

FILES = sorted(
    (file for file in files("app.scales").joinpath("instruments").iterdir() if file.name.endswith(".toml")),
    key=lambda file: file.name,
)

AWKWARD = '''\
# a comment with [[brackets]]
title = "a \\" quoted, [text] # no comment" # a comment
'quoted key' = 1
a.b.c = { d = 1, "e f" = [1, 2,
   # between
   3], g = "}" }
long = """
[not.a.table]
x = 1 \\"""
"""
raw = \'\'\'
key = "no"
\'\'\'
quotes = """one ""quoted"" word"""
empty = []
nothing = {}

[table]
x = 2026-11-27T10:00:00Z
[table.inner]
y = [[1, 2], [3]]
[[list]]
x = 1
[[list.inner]]
y = 1
[[list.inner]]
y = 2
[list.inner.deep]
z = 3
[[list]]
[[list.inner]]
y = 3
'''


def paths(content: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if path:
        yield path, content
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from paths(value, (*path, key))
    elif isinstance(content, list):
        for place, value in enumerate(content):
            yield from paths(value, (*path, place))


def test_what_stands_where() -> None:
    found = lines_of(AWKWARD)
    assert {
        path: found[path]
        for path in (
            ("title",),
            ("quoted key",),
            ("a", "b", "c", "d"),
            ("a", "b", "c", "e f", 1),
            ("a", "b", "c", "e f", 2),
            ("a", "b", "c", "g"),
            ("long",),
            ("raw",),
            ("quotes",),
            ("table",),
            ("table", "inner", "y", 1, 0),
            ("list", 0),
            ("list", 0, "inner", 1, "y"),
            ("list", 0, "inner", 1, "deep", "z"),
            ("list", 1, "inner", 0, "y"),
        )
    } == {
        ("title",): 2,
        ("quoted key",): 3,
        ("a", "b", "c", "d"): 4,
        ("a", "b", "c", "e f", 1): 4,
        ("a", "b", "c", "e f", 2): 6,
        ("a", "b", "c", "g"): 6,
        ("long",): 7,
        ("raw",): 11,
        ("quotes",): 14,
        ("table",): 18,
        ("table", "inner", "y", 1, 0): 21,
        ("list", 0): 22,
        ("list", 0, "inner", 1, "y"): 27,
        ("list", 0, "inner", 1, "deep", "z"): 29,
        ("list", 1, "inner", 0, "y"): 32,
    }


@pytest.mark.parametrize("text", [AWKWARD, *(file.read_text(encoding="utf-8") for file in FILES)])
def test_everything_that_the_parser_finds_has_a_line_on_which_it_stands(text: str) -> None:
    found, lines = lines_of(text), text.splitlines()
    for path, value in paths(tomllib.loads(text)):
        # A list of tables, or a table that only holds others, has no line of its own.
        if path in found and isinstance(path[-1], str) and isinstance(value, int | str):
            assert path[-1] in lines[found[path] - 1]
            first = str(value).splitlines()[0] if str(value).strip() else ""
            if isinstance(value, int) and not isinstance(value, bool):
                assert first in lines[found[path] - 1]
        if not isinstance(value, list | Mapping):
            assert path in found


def test_the_files_are_there() -> None:
    assert len(FILES) > 20
