"""Curves learnt in tests: a practice to learn from, and methods that give what a test wants of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from app.db.curves import Line
from app.db.models import Curve
from app.db.session import Access, Database, Work
from app.identity.credentials import token_hash
from app.scales.change import ChangeCriteria
from app.services.learning import Methods, learn
from app.services.organisations import founding_scope
from app.trajectories.episodes import Episodes
from app.trajectories.fit_warning import FitWarning
from app.trajectories.fitting import FittedParameter, GrowthFit
from app.trajectories.gates import HeldOut
from app.trajectories.growth import GrowthCurve
from tests.factories import Caller, Clinic, administration, created, hold, make_episode, phq_9, put
from tests.trajectories.held_out import DOES_WELL, about

DOES_BADLY = replace(DOES_WELL, coverage=about(0.6))
"""What does not: the interval is too narrow."""

LINE = Line("phq-9", "self")


def a_fit(curve: GrowthCurve, episodes: Episodes, *, converged: bool) -> GrowthFit:
    """Give a fit with figures of a test's own."""
    return GrowthFit(
        curve=curve,
        parameters=(FittedParameter("intercept", 12.0, 0.8, 0.8, prior=12.0, held=False),),
        n_episodes=episodes.count,
        n_observations=len(episodes.scores),
        loglik=0.0,
        log_prior=0.0,
        converged=converged,
        iterations=1,
        local_information=0.37,
        warnings=(FitWarning.FEW_EPISODES,),
    )


@dataclass
class Asked:
    """What the methods were given."""

    learnt_from: list[Episodes] = field(default_factory=list)
    priors: list[GrowthCurve] = field(default_factory=list)
    judged_by: list[Episodes] = field(default_factory=list)
    candidates: list[GrowthCurve] = field(default_factory=list)
    present: list[GrowthCurve] = field(default_factory=list)
    strata: list[Mapping[str, Episodes]] = field(default_factory=list)


def fake_methods(
    held_out: HeldOut = DOES_WELL,
    asked: Asked | None = None,
    *,
    meanwhile: Callable[[], object] = lambda: None,
    converged: bool = True,
    **changes: Any,
) -> Methods:
    """Give methods that say what is wanted: the prior with changes, and how it did."""
    asked = asked or Asked()

    def fit(episodes: Episodes, prior: GrowthCurve) -> GrowthFit:
        asked.learnt_from.append(episodes)
        asked.priors.append(prior)
        meanwhile()
        return a_fit(replace(prior, **changes), episodes, converged=converged)

    def evaluate(
        learnt_from: Episodes,
        held_back: Episodes,
        candidate: GrowthCurve,
        present: GrowthCurve,
        criteria: ChangeCriteria,
    ) -> HeldOut:
        assert criteria.reliable_change == 6, "that of the PHQ-9"
        assert learnt_from.count == asked.learnt_from[-1].count
        asked.judged_by.append(held_back)
        asked.candidates.append(candidate)
        asked.present.append(present)
        return held_out

    def fit_programme(strata: Mapping[str, Episodes], name: str, prior: GrowthCurve) -> GrowthFit:
        asked.strata.append(strata)
        fitted = fit(Episodes.joined(list(strata.values())), prior)
        return replace(fitted, curve=replace(fitted.curve, intercept=fitted.curve.intercept + strata[name].count))

    return Methods(fit, fit_programme, evaluate)


def by_command(database: Database, clinic: Clinic, now: datetime | None = None) -> AbstractContextManager[Work]:
    """Open a transaction as the command line does, where nobody is named."""
    return database.work(founding_scope(clinic.organisation_id), Access("learn_curve", uuid4()), now=now)


def by(
    database: Database, caller: Caller, action: str = "test", now: datetime | None = None
) -> AbstractContextManager[Work]:
    """Open the transaction of whoever holds a caller's token."""
    return database.work_for_token(token_hash(caller.token), Access(action, uuid4()))


def learn_curve(database: Database, clinic: Clinic, line: Line = LINE, methods: Methods | None = None) -> UUID:
    """Learn a candidate; without methods it passes every gate, and starts lower than the default."""
    with by_command(database, clinic) as work:
        curve: Curve = learn(work, line, methods or fake_methods(intercept=8.0))
    return curve.id


def make_courses(clinic: Clinic, first_scores: Sequence[int] = (20, 18, 16, 14), **fields: Any) -> list[dict[str, Any]]:
    """Make patients who start a week after each other, each with two scores before two sessions, falling by 3."""
    episodes = []
    for week, first in enumerate(first_scores):
        episode = make_episode(clinic, **fields)
        for number in range(2):
            hold(clinic, episode, week=week + number)
            body = administration(episode, phq_9(first - 3 * number), week=week + number)
            created(put(clinic.tablet, body))
        episodes.append(episode)
    return episodes
