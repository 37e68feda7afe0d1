"""Where the audit's key and log are: the operator's, or beside the embedded database's data."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from app.config import Settings
from app.errors import ServerMisconfigured
from app.services.seal_log import SealLog

KEY_FILE: Final = "audit.key"
LOG_FILE: Final = "audit-seals.jsonl"


def with_audit_key(settings: Settings) -> Settings:
    """Give the settings with a key and, for the embedded database, with the files that are made for it.

    Raises
    ------
    ServerMisconfigured
        If the database is the operator's and there is no key.
    """
    if settings.database_url is not None:
        if settings.audit_key is None:
            raise ServerMisconfigured(
                "set SPOR_AUDIT_KEY, with which the audit is sealed: at least 32 characters, kept outside the"
                " database and for as long as it (openssl rand -hex 32)"
            )
        return settings
    key = settings.audit_key or _kept_key(settings.data_dir / KEY_FILE)
    log = settings.audit_seal_log or settings.data_dir / LOG_FILE
    return settings.model_copy(update={"audit_key": key, "audit_seal_log": log})


def key_of(settings: Settings) -> bytes:
    """Give the key as the seals are made with it."""
    assert settings.audit_key is not None, "see with_audit_key"
    return settings.audit_key.get_secret_value().encode()


def log_of(settings: Settings) -> SealLog:
    """Give the log that the seals are written to."""
    return SealLog(settings.audit_seal_log)


def _kept_key(file: Path) -> SecretStr:
    """Read the key, or make one that nobody else may read; it is whole before it has its name."""
    if not file.exists():
        unfinished = file.with_suffix(f".{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as written:
            written.write(secrets.token_hex(32))
            written.flush()
            os.fsync(descriptor)
        unfinished.rename(file)
    key = file.read_text(encoding="ascii").strip()
    if len(key) < _SHORTEST:
        raise ServerMisconfigured(f"{file} holds no key: put the one back that the audit was sealed with")
    return SecretStr(key)


_SHORTEST: Final = 32
