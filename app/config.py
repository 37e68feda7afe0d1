"""Settings of the process, read once from the environment and passed on; read by the shell only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr, StringConstraints, WithJsonSchema
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import ServerMisconfigured

File: TypeAlias = Annotated[Path, WithJsonSchema({"type": "string", "format": "file-path"})]
PostgresAddress: TypeAlias = Annotated[str, StringConstraints(pattern=r"^postgresql(\+psycopg)?://")]


def default_data_dir() -> Path:
    """Give the folder of the embedded database: /var/lib/spor for root, else under the XDG data folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/spor")
    chosen = Path(os.environ.get("XDG_DATA_HOME", ""))
    if chosen.is_absolute():  # the specification has a relative one ignored
        return chosen / "spor"
    try:
        return Path.home() / ".local" / "share" / "spor"
    except RuntimeError:
        raise ServerMisconfigured("there is no home folder to keep the data in; set SPOR_DATA_DIR") from None


class Settings(BaseSettings):
    """Everything that can be set from outside; an unknown value is refused when the program starts."""

    model_config = SettingsConfigDict(env_prefix="SPOR_", extra="ignore", frozen=True)

    database_url: PostgresAddress | None = Field(
        default=None,
        repr=False,
        validation_alias="DATABASE_URL",
        description="PostgreSQL 16 or newer, as the application role `spor_app`. Without it, an embedded one.",
    )
    owner_database_url: PostgresAddress | None = Field(
        default=None,
        repr=False,
        validation_alias="OWNER_DATABASE_URL",
        description="The same database as its owner `spor_owner`; used by `spor db` only, never to serve.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of the embedded database and of the demonstration credentials.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    threads: int = Field(default=4, ge=1, le=64, description="Requests worked on at once in one process.")
    clock_tolerance_seconds: int = Field(
        default=300,
        ge=0,
        le=3600,
        description="How far ahead a tablet's clock may be before its answers need clarification.",
    )
    drain_seconds: int = Field(
        default=0,
        ge=0,
        le=600,
        description="After SIGTERM, how long the service goes on answering while `/health/ready` already says no.",
    )
    shutdown_seconds: int = Field(
        default=10, ge=1, le=600, description="After that, how long running requests may take to finish."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged; each request is a line at `info`."
    )
    log_format: Literal["json", "text"] | None = Field(
        default=None, description="One JSON object a line, or text. Without it, text on a terminal and JSON elsewhere."
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="What Prometheus sends as its bearer token to read `/metrics`. Without it, nobody can.",
    )
    audit_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description=(
            "Key of the seals over the audit, kept outside the database; needed to serve on `DATABASE_URL`. The"
            " embedded database has one beside it."
        ),
    )
    audit_seal_log: File | None = Field(
        default=None,
        description=(
            "File to which each seal is also written, as JSON Lines. Without it, the process's log has them; with the"
            " embedded database, a file beside it."
        ),
    )
    owner_password: SecretStr | None = Field(
        default=None, min_length=16, description="What `spor db provision` sets as the password of `spor_owner`."
    )
    app_password: SecretStr | None = Field(
        default=None, min_length=16, description="What `spor db provision` sets as the password of `spor_app`."
    )
