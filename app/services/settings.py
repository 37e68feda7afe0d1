"""An organisation's settings, read into the types that the core takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.db.codes import Language, OrganisationMode
from app.db.session import Work
from app.db.settings import KeptSettings, add_settings, settings_in_force
from app.errors import MalformedBody, PreconditionFailed, UnknownInstrument
from app.scales.catalogue import catalogue, instrument
from app.scales.instrument import Instrument, LicenceStatus
from app.trajectories.policy import Flagging, Policy


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """One version of an organisation's settings."""

    version: int
    mode: OrganisationMode
    language: Language
    time_zone: ZoneInfo
    policy: Policy
    max_missing: Mapping[str, int]
    agreements: Mapping[str, Mapping[str, str]]
    """By instrument: with whom, reference and date of the agreement by which the organisation may use it."""

    def enables(self, asked: Instrument) -> bool:
        """Tell whether the organisation may use an instrument: it is free, or there is a note of an agreement."""
        return asked.licence.status is LicenceStatus.FREE or asked.key in self.agreements


def current_settings(work: Work) -> ServiceSettings:
    """Give the settings in force."""
    return read_settings(work.ask(settings_in_force(work)))


def change_settings(work: Work, version: int, changes: dict[str, Any], reason: str) -> ServiceSettings:
    """Add a version of the settings; those not named stay as they are.

    Raises
    ------
    PreconditionFailed
        If somebody else has changed them since.
    MalformedBody
        If a setting is not one, or out of its range.
    """
    present = work.ask(settings_in_force(work))
    if present.version != version:
        raise PreconditionFailed("the settings have been changed since; read them again")
    _check(changes)
    add_settings(work, present, changes, reason)
    return current_settings(work)


def _check(changes: Mapping[str, Any]) -> None:
    for key, limit in changes.get("max_missing", {}).items():
        if key not in catalogue():
            allowed = ", ".join(catalogue())
            raise UnknownInstrument("there is no such instrument", pointer="/max_missing", allowed=allowed)
        try:
            for form in instrument(key).forms:
                for subscale in form.subscales:
                    subscale.missing.limit(limit)
        except MalformedBody as error:
            error.pointer = f"/max_missing/{key}"
            raise
    for key in changes.get("agreements", {}):
        _require_agreement_needed(key)
    if "time_zone" in changes:
        try:
            ZoneInfo(changes["time_zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError):  # "Europe" is a folder
            raise MalformedBody("there is no such time zone", pointer="/time_zone", allowed="Europe/Oslo") from None
    _policy(changes.get("policy", {}))


def _require_agreement_needed(key: str) -> None:
    needing = [each.key for each in catalogue().values() if each.licence.status is LicenceStatus.AGREEMENT_NEEDED]
    if key not in needing:
        detail = "the instrument needs no agreement" if key in catalogue() else "there is no such instrument"
        raise UnknownInstrument(detail, pointer="/agreements", allowed=", ".join(needing))


def _policy(chosen: Mapping[str, Any]) -> Policy:
    unknown = sorted(set(chosen) - set(Policy.__dataclass_fields__))
    if unknown:
        raise MalformedBody(
            f"{unknown[0]} is not a setting of the policy",
            pointer=f"/policy/{unknown[0]}",
            allowed=", ".join(Policy.__dataclass_fields__),
        )
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()
    }
    if "flagging" in values:
        values["flagging"] = Flagging(values["flagging"])
    try:
        return Policy(**values)
    except MalformedBody as error:
        error.pointer = f"/policy{error.pointer}"
        raise


@lru_cache(maxsize=1024)
def read_settings(kept: KeptSettings) -> ServiceSettings:
    """Read one version; it never changes."""
    limits = json.loads(kept.max_missing)
    return ServiceSettings(
        version=kept.version,
        mode=OrganisationMode(kept.mode),
        language=Language(kept.language),
        time_zone=ZoneInfo(kept.time_zone),
        policy=_policy(json.loads(kept.policy)),
        max_missing=MappingProxyType({key: limit for key, limit in limits.items() if key in catalogue()}),
        agreements=MappingProxyType(json.loads(kept.agreements)),
    )
