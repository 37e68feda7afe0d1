"""Settings of the process, read once from the environment and passed on; read by the shell only."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import ServerMisconfigured

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures of access tokens that may be allowed: by a key that only the provider has."""

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


def is_safe_address(address: str) -> bool:
    """Tell whether an address can't be overheard: https, or of this machine itself."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _safe_address(value: str | None) -> str | None:
    """Refuse an address that could be overheard."""
    if value is not None and not is_safe_address(value):
        raise ValueError("must begin with https:// (or http:// and be of this machine itself)")
    return value


def _beside_issuer(value: str | None, given: ValidationInfo) -> str | None:
    """Refuse an issuer without an audience: tokens for any other service would open this one."""
    if not value and given.data.get("oidc_issuer"):
        raise ValueError("must be set where SPOR_OIDC_ISSUER is")
    return value


def _known_algorithms(value: str) -> str:
    if unknown := {name.strip() for name in value.split(",")} - set(ALGORITHMS):
        raise ValueError(f"{', '.join(sorted(unknown))} can't be allowed; there are {', '.join(ALGORITHMS)}")
    return value


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
    oidc_issuer: Annotated[str | None, AfterValidator(_safe_address)] = Field(
        default=None,
        description="Identity provider (OpenID Connect) whose access tokens are taken, exactly as it names itself."
        " Without it, people have passwords of our own.",
    )
    oidc_audience: Annotated[str | None, AfterValidator(_beside_issuer)] = Field(
        default=None,
        validate_default=True,
        description="What a token must be meant for: the name of this service at the provider. Needed with an issuer.",
    )
    oidc_jwks_url: Annotated[str | None, AfterValidator(_safe_address)] = Field(
        default=None, description="Where the provider's keys are. Without it, the provider is asked for that."
    )
    oidc_algorithms: Annotated[str, AfterValidator(_known_algorithms)] = Field(
        default="RS256,ES256,EdDSA",
        description="Signatures that are taken, with commas between; never `none`, never one by a shared secret.",
    )
    oidc_subject_claim: str = Field(
        default="sub", min_length=1, description="The claim that says who it is, as kept with each person."
    )
    oidc_organisation_claim: str | None = Field(
        default=None,
        min_length=1,
        description="A claim that must hold the id of the person's organisation here. Without it, none is looked at.",
    )
    oidc_clock_skew_seconds: int = Field(
        default=60, ge=0, le=300, description="How far the provider's clock may differ from ours."
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="What Prometheus sends as its bearer token to read `/metrics`. Without it, nobody can.",
    )
    owner_password: SecretStr | None = Field(
        default=None, min_length=16, description="What `spor db provision` sets as the password of `spor_owner`."
    )
    app_password: SecretStr | None = Field(
        default=None, min_length=16, description="What `spor db provision` sets as the password of `spor_app`."
    )
