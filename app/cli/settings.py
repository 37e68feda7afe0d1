"""`spor settings`: what can be set from outside, told from the class that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from app.config import Settings

_HEADINGS: Final = ("variable", "kind", "default", "meaning")
_DATA_DIR: Final = "`/var/lib/spor` for root, else `$XDG_DATA_HOME/spor` or `~/.local/share/spor`"

Row = tuple[str, str, str, str]


def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown, also on a terminal.")] = False,
) -> None:
    """Print every setting of the environment, with its kind, default and meaning."""
    console = Console()
    if markdown or not console.is_terminal:
        print("\n".join(markdown_table()))
        return
    table = Table(*_HEADINGS)
    for row in rows():
        table.add_row(*(cell.replace("`", "") for cell in row))
    console.print(table)


def markdown_table() -> Iterator[str]:
    """Give the lines of the table in Markdown."""
    for row in (_HEADINGS, ("---",) * len(_HEADINGS), *rows()):
        yield f"| {' | '.join(row)} |"


def rows() -> Iterator[Row]:
    """Give each setting: the variable, what it may be, what it is otherwise, and what it means."""
    shapes = Settings.model_json_schema(by_alias=False)["properties"]
    for name, field in Settings.model_fields.items():
        variable = field.validation_alias or f"{Settings.model_config['env_prefix']}{name}".upper()
        default = _DATA_DIR if field.default_factory else _written(field.default)
        yield f"`{variable}`", _kind(shapes[name]), default, str(field.description)


def _written(default: object) -> str:
    """Write a default as the environment would have it."""
    if default is None or default == "":
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _kind(shape: Mapping[str, Any]) -> str:
    """Say what a value may be, from its JSON Schema."""
    [shape] = [each for each in shape.get("anyOf", [shape]) if each["type"] != "null"]
    match shape:
        case {"enum": [*values]}:
            kind = ", ".join(f"`{value}`" for value in values)
        case {"minimum": least, "maximum": most}:
            kind = f"{least} to {most}"
        case {"pattern": str(pattern)}:
            kind = "`https://…`" if pattern.startswith("^http") else "`postgresql://…`"
        case {"format": "password", "minLength": least}:
            kind = f"secret, at least {least} characters"
        case {"format": "file-path"}:
            kind = "file"
        case {"type": "boolean"}:
            kind = "`true`, `false`"
        case {"format": "path"}:
            kind = "folder"
        case _:
            kind = "text"
    return kind
