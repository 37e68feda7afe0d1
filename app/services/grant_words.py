"""What a lead writes for the grant report: evidence and evaluation of programmes, statements of the own service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from app.db.codes import Role
from app.db.editing import add_of_organisation, edit_of_organisation, get_of_organisation
from app.db.grant_words import evidence_of, get_evidence, plans_of, statements_of
from app.db.instruments import find_instrument
from app.db.models import EvaluationPlan, Programme, ProgrammeEvidence, Service, ServiceStatements
from app.db.session import Work
from app.errors import NotFound, PreconditionFailed

Written = TypeVar("Written", EvaluationPlan, ServiceStatements)


def list_evidence(work: Work, programme_id: UUID) -> list[ProgrammeEvidence]:
    """List what is known of a programme, by target group."""
    return evidence_of(work, get_of_organisation(work, Programme, programme_id).id)


def add_evidence(work: Work, programme_id: UUID, values: Mapping[str, Any]) -> ProgrammeEvidence:
    """Add what is known of a programme for a target group."""
    programme = get_of_organisation(work, Programme, programme_id)
    return add_of_organisation(work, ProgrammeEvidence, {**values, "programme_id": programme.id})


def change_evidence(work: Work, evidence_id: UUID, version: int, changes: Mapping[str, Any]) -> ProgrammeEvidence:
    """Change what is known of a programme for a target group."""
    return edit_of_organisation(work, get_evidence(work, evidence_id), version, changes)


def read_evaluation_plan(work: Work, programme_id: UUID) -> EvaluationPlan:
    """Give how a programme is evaluated: an empty plan of version 0 where nobody has written one."""
    programme = get_of_organisation(work, Programme, programme_id)
    return plans_of(work, programme.id).get(programme.id) or EvaluationPlan(programme_id=programme.id, version=0)


def put_evaluation_plan(work: Work, programme_id: UUID, version: int, values: Mapping[str, Any]) -> EvaluationPlan:
    """Write how a programme is evaluated, over what was read."""
    if values["measure"] is not None:
        find_instrument(work, values["measure"], pointer="/measure")
    return _written(work, read_evaluation_plan(work, programme_id), version, {"programme_id": programme_id}, values)


def read_statements(work: Work, service_id: UUID, year: int) -> ServiceStatements:
    """Give what a service says of itself for a year: nothing yet, of version 0, where nobody has written.

    Raises
    ------
    NotFound
        If there is no such service, or it is another than the caller's; an administrator reads of each.
    """
    service = get_of_organisation(work, Service, service_id)
    if work.scope.role is not Role.ADMINISTRATOR and service.id != work.scope.service_id:
        raise NotFound("there is no such service", pointer="/id")
    empty = ServiceStatements(service_id=service.id, year=year, version=0)
    return statements_of(work, service.id, year) or empty


def put_statements(
    work: Work, service_id: UUID, year: int, version: int, values: Mapping[str, Any]
) -> ServiceStatements:
    """Write what a service says of itself for a year, over what was read."""
    key = {"service_id": service_id, "year": year}
    return _written(work, read_statements(work, service_id, year), version, key, values)


def _written(work: Work, present: Written, version: int, key: Mapping[str, Any], values: Mapping[str, Any]) -> Written:
    """Write a row as a whole: the first time over version 0, and so at the same time by one person only.

    Raises
    ------
    PreconditionFailed
        If somebody else has written since it was read.
    """
    if present.version:
        return edit_of_organisation(work, present, version, values)
    if version:
        raise PreconditionFailed("nobody has written it yet; read it again")
    return add_of_organisation(work, type(present), {**key, **values})
