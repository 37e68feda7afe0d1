"""How an assignment is come by: a code for a tablet of the service, a link for home, each once and for exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.db.assignments import OpenAssignment, code_is_taken, decline, open_assignments, open_on_device, take_code
from app.db.codes import AssignmentState, DecliningReason
from app.db.devices import seen
from app.db.episode_records import lock_episode_of_assignment
from app.db.founding import add_credential
from app.db.models import Assignment
from app.db.scope import get_episode, get_of_episode
from app.db.session import NOTHING_SUCH, Access, Database, Secret, Work
from app.errors import NotFound, StateConflict
from app.identity.codes import OPENING_LENGTH, new_code, opening_hash
from app.identity.credentials import new_token, token_hash
from app.services.summaries import follow_what_is_around

CODE_LASTS: Final = timedelta(hours=8)
"""A working day: codes are handed over in the waiting room."""

LINK_LASTS: Final = timedelta(days=14)

RESPONDENT_LASTS: Final = timedelta(hours=2)
"""To fill in the longest form there is, with a break."""


@dataclass(frozen=True, slots=True)
class Opener:
    """A code or the token of a link, in plain for the only time."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Respondent:
    """The credential of whoever held a link, in plain for the only time."""

    token: str
    expires_at: datetime
    assignment_id: UUID


def make_code(work: Work, assignment_id: UUID) -> Opener:
    """Make a code by which a tablet of the service opens an assignment; an earlier one holds no longer.

    Raises
    ------
    StateConflict
        If the assignment is not to be answered now.
    """
    assignment = _to_be_answered(work, assignment_id)
    if assignment.opens_at > work.now:
        raise StateConflict("the assignment's window is not open yet")
    service_id = get_episode(work, assignment.episode_id).service_id
    code = new_code(OPENING_LENGTH)
    while code_is_taken(work, opening_hash(service_id, code)):
        code = new_code(OPENING_LENGTH)
    assignment.code_hash = opening_hash(service_id, code)
    assignment.code_expires_at = _ends(assignment, work.now + CODE_LASTS)
    work.db.flush()
    return Opener(code, assignment.code_expires_at)


def make_link(work: Work, assignment_id: UUID) -> Opener:
    """Make the token of a link by which an assignment is answered at home; an earlier one holds no longer.

    Raises
    ------
    StateConflict
        If the assignment is not to be answered any more.
    """
    assignment = _to_be_answered(work, assignment_id)
    token = new_token()
    assignment.link_hash = token_hash(token)
    assignment.link_expires_at = _ends(assignment, max(work.now, assignment.opens_at) + LINK_LASTS)
    work.db.flush()
    return Opener(token, assignment.link_expires_at)


def _to_be_answered(work: Work, assignment_id: UUID) -> Assignment:
    assignment = get_of_episode(work, Assignment, assignment_id)
    work.db.refresh(assignment, with_for_update={"key_share": True})
    if assignment.state != AssignmentState.OFFERED:
        raise StateConflict("the assignment is not open any more: it was completed, declined or could not be answered")
    if assignment.closes_at is not None and assignment.closes_at <= work.now:
        raise StateConflict("the assignment's window is over")
    return assignment


def _ends(assignment: Assignment, at: datetime) -> datetime:
    return at if assignment.closes_at is None else min(at, assignment.closes_at)


def open_by_code(work: Work, code: str) -> OpenAssignment:
    """Open on the tablet that asks what a code stands for.

    Raises
    ------
    NotFound
        If the code opens nothing here: no difference is made between the reasons.
    """
    work.ask_all(*seen(work))
    found = take_code(work, opening_hash(work.scope.service_id, code))
    if found is None:
        raise NotFound(NOTHING_SUCH, pointer="/code")
    entry, assignment_id, episode_id = found
    open_on_device(work, entry, assignment_id, episode_id, work.scope.actor_id)
    opened = {each.assignment_id: each for each in open_assignments(work)}
    return opened[assignment_id]


def redeem_link(database: Database, request_id: UUID, token: str) -> Respondent:
    """Give whoever holds a link the credential for its one assignment; the link holds no longer.

    Raises
    ------
    NotFound
        If the link opens nothing: no difference is made between the reasons.
    """
    access = Access("redeem_link", request_id)
    with database.work_for_secret(Secret.LINK, token_hash(token), access, "/token") as work:
        assignment = get_of_episode(work, Assignment, work.scope.actor_id)
        expires_at = _ends(assignment, work.now + RESPONDENT_LASTS)
        issued = new_token()
        add_credential(work, token_hash(issued), assignment_id=assignment.id, expires_at=expires_at)
        return Respondent(issued, expires_at, assignment.id)


def list_open(work: Work) -> list[OpenAssignment]:
    """List what is open for the tablet or the respondent."""
    for noted in seen(work):
        work.ask(noted)
    return open_assignments(work)


def decline_assignment(work: Work, assignment_id: UUID, state: AssignmentState, reason: DecliningReason) -> None:
    """Note that a form was not answered, and why.

    Raises
    ------
    NotFound
        If no such assignment is open for the caller.
    """
    locked = lock_episode_of_assignment(work, assignment_id)
    if not decline(work, assignment_id, state, reason):
        raise NotFound("no such assignment is open here", pointer="/id")
    follow_what_is_around(work, locked)
