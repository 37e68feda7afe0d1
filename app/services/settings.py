"""An organisation's settings, read into the types that the core takes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.db.codes import Language, OrganisationMode
from app.db.curves import Line
from app.db.instruments import Instruments, find_instruments, known_instrument
from app.db.session import Work
from app.db.settings import KeptSettings, add_settings, settings_in_force
from app.errors import InstrumentDataError, MalformedBody, PreconditionFailed, UnknownInstrument
from app.scales.instrument import Instrument, LicenceStatus
from app.trajectories.curve_files import curve_from_document
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.policy import Flagging, Policy

logger = logging.getLogger("spor.settings")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """One version of an organisation's settings, and the curves that it has put into force."""

    version: int
    mode: OrganisationMode
    language: Language
    time_zone: ZoneInfo
    policy: Policy
    max_missing: Mapping[str, int]
    agreements: Mapping[str, Mapping[str, str]]
    """By instrument: with whom, reference and date of the agreement by which the organisation may use it."""
    retention_years: int | None
    """Whole years after the last activity for which a record is kept; None: nothing is deleted for its age."""
    retention_until_age: int | None
    """The age up to which it is kept whatever the years say."""
    pools_reports: bool
    """Whether its counts may be part of a report over several organisations."""
    curves: Mapping[Line, GrowthCurve]
    """The live ones among those that it has learnt."""

    def enables(self, asked: Instrument) -> bool:
        """Tell whether the organisation may use an instrument: it is free, or there is a note of an agreement."""
        return asked.licence.status is LicenceStatus.FREE or asked.key in self.agreements

    def curve_for(self, line: Line) -> GrowthCurve | None:
        """Give the curve in force: the programme's own, else that of the whole organisation, else the published one."""
        whole = replace(line, programme_id=None)
        return self.curves.get(line) or self.curves.get(whole) or default_curve(line.instrument)


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
    _check(work, changes)
    _check_retention(present, changes)
    work.note(", ".join(_noted(present, changes)))
    add_settings(work, present, changes, reason)
    return current_settings(work)


def _noted(present: KeptSettings, changes: Mapping[str, Any]) -> Iterator[str]:
    """Give what the audit says of a change: what the tool does for everybody, and who else may be told of them."""
    for name in ("mode", "pools_reports"):
        before = getattr(present, name)
        if (after := changes.get(name, before)) != before:
            yield f"{name} {before} to {after}".lower()


def _check_retention(present: KeptSettings, changes: Mapping[str, Any]) -> None:
    new = {name: changes.get(name, getattr(present, name)) for name in ("retention_years", "retention_until_age")}
    if new["retention_years"] is None and new["retention_until_age"] is not None:
        raise MalformedBody(
            "retention_until_age goes with retention_years", pointer="/retention_until_age", allowed="null"
        )


def _check(work: Work, changes: Mapping[str, Any]) -> None:
    limits, agreements = changes.get("max_missing", {}), changes.get("agreements", {})
    instruments = find_instruments(work, [*limits, *agreements])
    for key, limit in limits.items():
        try:
            for form in known_instrument(instruments, key, pointer="/max_missing").forms:
                for subscale in form.subscales:
                    subscale.missing.limit(limit)
        except MalformedBody as error:
            error.pointer = f"/max_missing/{key}"
            raise
    for key in agreements:
        _require_agreement_needed(instruments, key)
    if "time_zone" in changes:
        try:
            ZoneInfo(changes["time_zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError):  # "Europe" is a folder
            raise MalformedBody("there is no such time zone", pointer="/time_zone", allowed="Europe/Oslo") from None
    _policy(changes.get("policy", {}))


def _require_agreement_needed(instruments: Instruments, key: str) -> None:
    needing = [each.key for each in instruments.values() if each.licence.status is LicenceStatus.AGREEMENT_NEEDED]
    if key not in needing:
        detail = "the instrument needs no agreement" if key in instruments else "there is no such instrument"
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
        max_missing=MappingProxyType(limits),
        agreements=MappingProxyType(json.loads(kept.agreements)),
        retention_years=kept.retention_years,
        retention_until_age=kept.retention_until_age,
        pools_reports=kept.pools_reports,
        curves=MappingProxyType(dict(_live_curves(json.loads(kept.curves)))),
    )


def _live_curves(kept: Iterable[Sequence[Any]]) -> Iterator[tuple[Line, GrowthCurve]]:
    """Read the live curves. One that a newer program has written must not stop anybody's answers from being stored."""
    for instrument, form_family, programme_id, document in kept:
        try:
            curve = curve_from_document(document)
        except InstrumentDataError as error:
            logger.warning("a live curve can't be read, so the published one is used: %s", error.detail)
            continue
        yield Line(instrument, form_family, UUID(programme_id) if programme_id else None), curve
