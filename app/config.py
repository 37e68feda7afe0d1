"""Settings of the process, read once from the environment and passed on; read by the shell only."""

from __future__ import annotations

import ipaddress
import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from app.errors import ServerMisconfigured

File: TypeAlias = Annotated[Path, WithJsonSchema({"type": "string", "format": "file-path"})]


ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures of access tokens that may be allowed: by a key that only the provider has."""

PostgresAddress: TypeAlias = Annotated[str, StringConstraints(pattern=r"^postgresql(\+psycopg)?://")]
WebAddress: TypeAlias = Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+$")]

_PASSWORD_OF = {
    "database_url": "app_password",
    "owner_database_url": "owner_password",
    "admin_database_url": "admin_password",
}


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

    secrets_dir: Path | None = Field(
        default=None,
        description="Folder with a file for each setting that is kept out of the environment, such as"
        " `spor_app_password`; what the environment has goes before it.",
    )
    admin_password: SecretStr | None = Field(
        default=None, min_length=16, description="Password of `ADMIN_DATABASE_URL`, where that has none."
    )
    owner_password: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="What `spor db provision` sets as the password of `spor_owner`, and that of `OWNER_DATABASE_URL`"
        " where that has none.",
    )
    app_password: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="What `spor db provision` sets as the password of `spor_app`, and that of `DATABASE_URL` where"
        " that has none.",
    )
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
        description="The same database as its owner `spor_owner`; used by `spor db`, `backup` and `restore` only,"
        " never to serve.",
    )
    admin_database_url: str | None = Field(
        default=None,
        repr=False,
        validation_alias="ADMIN_DATABASE_URL",
        description="The server, as a role that may make roles and databases; used by `spor db provision` only.",
    )
    prepared_statements: bool = Field(
        default=True,
        description="Off behind a pooler of transactions that knows nothing of them: pgbouncer before 1.21, or with"
        " `max_prepared_statements` 0.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of the embedded database and of the demonstration credentials.",
    )
    backup_dir: Path | None = Field(
        default=None,
        description="Where `spor backup` is made to write, so that `spor doctor` sees how old the newest is.",
    )
    report_threshold: int = Field(
        default=8, ge=5, le=100, description="The smallest count of persons that reports tell."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    public_url: WebAddress | None = Field(
        default=None,
        description="Where callers reach the service, through the proxy. Where that is https, browsers stay with it.",
    )
    allowed_hosts: str | None = Field(
        default=None,
        description="Names by which the service may be called, with commas; `*` is any. Without it: this machine's own"
        " (`localhost`, `127.0.0.1`, `[::1]`), that of `SPOR_HOST` and that of `SPOR_PUBLIC_URL`.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies whose `X-Forwarded-For` is believed, with commas; nobody else's"
        " is.",
    )
    requests_per_minute: int = Field(
        default=1200, ge=0, le=1_000_000, description="How much one credential may ask; 0 is no limit."
    )
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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as pydantic calls it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what was given, then the environment, then the folder of secrets, if one is named."""
        folder = os.environ.get(f"{cls.model_config['env_prefix']}SECRETS_DIR")
        if not folder:
            return init_settings, env_settings
        if not Path(folder).is_dir():
            raise ServerMisconfigured("the setting secrets_dir is wrong: there is no such folder")
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder)

    @field_validator("database_url", "owner_database_url", "admin_database_url")
    @classmethod
    def _with_password(cls, url: str | None, others: ValidationInfo) -> str | None:
        """Put a password that was given apart into its address."""
        password: SecretStr | None = others.data.get(_PASSWORD_OF[str(others.field_name)])
        if url is None or password is None:
            return url
        parts = urlsplit(url)
        user, found, place = parts.netloc.rpartition("@")
        if not found or ":" in user:
            return url
        return urlunsplit(parts._replace(netloc=f"{user}:{quote(password.get_secret_value(), safe='')}@{place}"))

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, listed: str) -> str:
        for each in names_in(listed):
            try:
                ip_network(each)
            except ValueError:
                raise ValueError("every part must be an address or a network, such as 10.0.0.0/8") from None
        return listed

    def hosts(self) -> frozenset[str]:
        """Give the names by which the service may be called, without ports and in lower case."""
        if self.allowed_hosts is not None:
            return frozenset(host_of(each) for each in names_in(self.allowed_hosts))
        own = {"localhost", "127.0.0.1", "[::1]", f"[{self.host}]" if ":" in self.host else self.host.lower()}
        if self.public_url is not None:
            own.add(host_of(self.public_url.partition("//")[2]))
        return frozenset(own - {"", "0.0.0.0", "[::]"})  # noqa: S104 - compared with, not listened on


def names_in(listed: str) -> list[str]:
    """Give the parts of a list that is written with commas."""
    return [part for each in listed.split(",") if (part := each.strip())]


def host_of(authority: str) -> str:
    """Give the name in `name:port`, in lower case; an address of IPv6 stays in its brackets."""
    name, _, port = authority.lower().rpartition(":")
    return name if name and port.isdecimal() else authority.lower()
