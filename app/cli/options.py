"""What several commands can be told, and the settings that come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from pydantic import ValidationError

from app.config import Settings
from app.errors import ServerMisconfigured

Host: TypeAlias = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port: TypeAlias = Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")]
Seed: TypeAlias = Annotated[int, typer.Option(help="Of everything that is drawn.")]
DataDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the embedded database.", show_default="/var/lib/spor for root, else ~/.local/share/spor"
    ),
]


def settings_of(**given: Any) -> Settings:
    """Read the settings; what the command line gives goes before the environment."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors(include_input=False)[0]
        name = "_".join(str(part) for part in wrong["loc"])
        raise ServerMisconfigured(f"the setting {name} is wrong: {wrong['msg'].lower()}") from None
