"""The grant report of a service, or of the whole organisation, in one calendar year."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime
from uuid import UUID

from app.db.access_log import organisation_name
from app.db.editing import all_of_organisation, get_of_organisation
from app.db.grant_facts import Reported, counted_facts, programmes_begun
from app.db.grant_words import evidence_of, plans_of, statements_of
from app.db.models import Programme, Service
from app.db.session import Work
from app.errors import NotFound
from app.reports.document import Fact, Report
from app.reports.grant import THRESHOLD, grant_report
from app.reports.grant_facts import EvaluationPlan, Evidence, GrantFacts, ProgrammeFacts, Statements
from app.scales.catalogue import catalogue
from app.services.report_request import A_SERVICE
from app.services.settings import current_settings


def report_for_grant(work: Work, service_id: UUID | None, year: int, threshold: int = THRESHOLD) -> Report:
    """Give the grant report of a service, or of all of them, and note in the audit that it was made.

    Raises
    ------
    NotFound
        If there is no such service.
    """
    about = [Fact("organisation", organisation_name(work))]
    if service_id is not None:
        about.append(Fact("service", _service_name(work, service_id)))
    work.note()
    return grant_report(facts_for_grant(work, service_id, year), (*about, Fact("year", str(year))), threshold)


def _service_name(work: Work, service_id: UUID) -> str:
    try:
        return get_of_organisation(work, Service, service_id).name
    except NotFound:  # which would point at an id in the path
        raise NotFound("there is no such service", pointer="/service_id", allowed=A_SERVICE) from None


def facts_for_grant(work: Work, service_id: UUID | None, year: int) -> GrantFacts:
    """Count and collect what the report tells; the year is the local one."""
    zone = current_settings(work).time_zone
    reported = Reported(service_id, datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone), zone)
    written = None if service_id is None else statements_of(work, service_id, year)
    said = {each.name: getattr(written, each.name, None) for each in fields(Statements)}
    counted = counted_facts(work, reported, catalogue().values())
    return replace(counted, programmes=_programmes(work, reported), statements=Statements(**said))


def _programmes(work: Work, reported: Reported) -> tuple[ProgrammeFacts, ...]:
    """Give the programmes that were begun, by name, with what is known of each."""
    begun = programmes_begun(work, reported)
    plans, evidence = plans_of(work, *begun), evidence_of(work, *begun)
    offered = sorted(
        (each for each in all_of_organisation(work, Programme) if each.id in begun), key=lambda each: each.name
    )
    names = [each.name for each in fields(EvaluationPlan)]
    return tuple(
        ProgrammeFacts(
            id=str(each.id),
            name=each.name,
            format=each.format,
            episodes=begun[each.id],
            evidence=tuple(
                Evidence(line.target_group, line.level, line.source, _written(line.assessed_on))
                for line in evidence
                if line.programme_id == each.id
            ),
            plan=EvaluationPlan(**{name: getattr(plans[each.id], name) for name in names})
            if each.id in plans
            else None,
        )
        for each in offered
    )


def _written(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
