"""What is kept in words for the grant report: evidence and evaluation of programmes, statements of a service."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.db.models import EvaluationPlan, ProgrammeEvidence, ServiceStatements
from app.db.session import Work
from app.errors import NotFound


def evidence_of(work: Work, *programme_ids: UUID) -> list[ProgrammeEvidence]:
    """List what is known of programmes, by target group."""
    own = select(ProgrammeEvidence).where(
        ProgrammeEvidence.organisation_id == work.scope.organisation_id,
        ProgrammeEvidence.programme_id.in_(programme_ids),
    )
    return list(work.db.scalars(own.order_by(ProgrammeEvidence.target_group, ProgrammeEvidence.id)))


def get_evidence(work: Work, evidence_id: UUID) -> ProgrammeEvidence:
    """Load one line of evidence.

    Raises
    ------
    NotFound
        If there is none.
    """
    row = work.db.get(ProgrammeEvidence, (work.scope.organisation_id, evidence_id))
    if row is None:
        raise NotFound("there is no such evidence", pointer="/id")
    return row


def plans_of(work: Work, *programme_ids: UUID) -> dict[UUID, EvaluationPlan]:
    """Give the evaluation plans of programmes that have one."""
    own = select(EvaluationPlan).where(
        EvaluationPlan.organisation_id == work.scope.organisation_id, EvaluationPlan.programme_id.in_(programme_ids)
    )
    return {plan.programme_id: plan for plan in work.db.scalars(own)}


def statements_of(work: Work, service_id: UUID, year: int) -> ServiceStatements | None:
    """Give what a service has said of itself for a year; None if nothing."""
    own = select(ServiceStatements).where(
        ServiceStatements.organisation_id == work.scope.organisation_id,
        ServiceStatements.service_id == service_id,
        ServiceStatements.year == year,
    )
    return work.db.scalars(own).one_or_none()
