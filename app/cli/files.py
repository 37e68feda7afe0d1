"""Files that commands read: as text, and as CSV with named columns; what is wrong is told by line and column."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from app.errors import InvalidInput


def require(holds: bool, rule: str) -> None:
    """Require that a rule holds; the rule is the one line that is told if it does not.

    Raises
    ------
    InvalidInput
        If it does not.
    """
    if not holds:
        raise InvalidInput(rule)


def name_of(file: str) -> str:
    """Name a file as people would: - is standard input."""
    return "standard input" if file == "-" else file


def text_of(file: str) -> str:
    """Read a file as UTF-8.

    Raises
    ------
    InvalidInput
        If it can't be read, or is not UTF-8.
    """
    name = name_of(file)
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"can't read {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not UTF-8") from None


def rows_of(text: str, name: str, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Read the rows of a CSV file with some columns; give each with its line.

    Raises
    ------
    InvalidInput
        If columns or cells are missing, or a line is no CSV.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        require(not missing, f"{name}, line 1: the columns must be {','.join(columns)}")
        for cells in reader:
            line = reader.line_num
            whole = None not in cells and None not in cells.values()
            require(whole, f"{name}, line {line}: there must be a cell for each column")
            yield line, cells
    except csv.Error:
        raise InvalidInput(f"{name}, line {reader.reader.line_num}: the line is no CSV") from None


def number(text: str, rule: str) -> float:
    """Read a finite number.

    Raises
    ------
    InvalidInput
        With the rule, if it is none.
    """
    try:
        figure = float(text)
    except ValueError:
        figure = math.nan
    require(math.isfinite(figure), rule)
    return figure
