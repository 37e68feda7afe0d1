"""Facts of a made-up service in which everything that the grant report can say is said."""

from __future__ import annotations

from app.db.codes import AnsweringMode, ClosingReason, ContactMode, ProgrammeFormat, ReferralSource, ReferredTo
from app.reports.document import Fact, Kind, Report
from app.reports.grant import grant_report
from app.reports.grant_facts import (
    NOT_RECORDED,
    EvaluationPlan,
    Events,
    Evidence,
    GrantFacts,
    Outcomes,
    ProgrammeFacts,
    Statements,
)

PLAN = EvaluationPlan(
    question="Does it help?",
    measure="phq-9",
    time="first and last session",
    comparator="the expected course",
    missing_data="the share without is told",
    drop_out_follow_up="a call",
    responsible="the lead",
)

FULL = GrantFacts(
    received={**dict.fromkeys(ReferralSource, 10), NOT_RECORDED: 20},
    without_referral=20,
    first_session_days={4: 10, 9: 20, 30: 10},
    endings=dict.fromkeys(ClosingReason, 10),
    referred_on={**dict.fromkeys(ReferredTo, 0), ReferredTo.SPECIALIST_CARE: 8, NOT_RECORDED: 8},
    helped=60,
    measured_twice=45,
    discussed=30,
    with_goals=24,
    with_next_of_kin=12,
    goals_set=Events(40, 24),
    goals_ended=Events(30, 20),
    goals_judged=Events(20, 16),
    goals_reached=Events(10, 9),
    sessions=Events(400, 70),
    sessions_measured=Events(300, 60),
    sessions_by_mode={**dict.fromkeys(ContactMode, Events()), ContactMode.IN_PERSON: Events(300, 60)},
    forms_by_mode={**dict.fromkeys(AnsweringMode, Events()), NOT_RECORDED: Events(), AnsweringMode.HOME: Events(90, 9)},
    reviews=Events(50, 40),
    reviews_with_patient=Events(40, 30),
    programmes=tuple(
        ProgrammeFacts(f"p-{format_}", f"Programme {format_}", format_, 10, (Evidence("adults", 0),), PLAN)
        for format_ in ProgrammeFormat
    ),
    outcomes=Outcomes(90, 60, 30, 12),
    outcomes_by_area={
        "sleep": Outcomes(40, 40, 30, 0),
        "anxiety": Outcomes(50, 40, 20, 8),
        "Anger": Outcomes(40, 40, 8, 8),
        "gambling": Outcomes(3, 3, 3, 0),
    },
    statements=Statements(goals="Help within two weeks.", leadership="A lead.", involvement_individual="They choose."),
)

ABOUT = (Fact("organisation", "Storvik"), Fact("service", "Rask psykisk helsehjelp"), Fact("year", "2025"))


def full_report(facts: GrantFacts = FULL, threshold: int = 8) -> Report:
    return grant_report(facts, ABOUT, threshold)


def keys_of(report: Report) -> set[str]:
    """Name every text that a report needs."""
    found = {f"title.{report.key}", *(f"fact.{each.key}" for each in report.facts)}
    found |= {f"note.{each.code}" for each in report.notes}
    for section in report.sections:
        found |= {f"section.{section.key}", *(f"note.{each.code}" for each in section.notes)}
        for table in section.tables:
            found |= {f"{part}.{table.key}" for part in ("table", "reading", "head")}
            found |= {*(f"note.{each.code}" for each in table.notes)}
            found |= {f"column.{each.key}" for each in table.columns}
            found |= {f"row.{each.key}" for each in table.rows if each.label is None}
            coded = [number for number, column in enumerate(table.columns) if column.kind is Kind.CODE]
            cells = [row.cells[number] for row in table.rows for number in coded]
            found |= {f"code.{each.value}" for each in cells if each.withheld is None}
    return {f"report.{key}" for key in found}
