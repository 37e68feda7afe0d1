"""The state machine: what tablets, therapists and a service lead may do to a record, in any order."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from app.db.session import Database
from app.services import summaries
from tests.factories import make_clinic
from tests.machine import forms
from tests.machine.courses import NOW, PLANS, SETTINGS, SHAPES, STEPS, WEEKS_AGO, Course
from tests.machine.events import is_readable
from tests.machine.forms import Form, body_of, new_id
from tests.machine.practice import Practice
from tests.machine.questionnaires import answers
from tests.machine.record_model import WEEK, Administration, Episode, Patient, Session
from tests.machine.tally import count_what_occurred

DAILY = settings(
    max_examples=20,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    # To make a failing example shorter would take longer than all of the run.
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
"""The budget of a daily run, which is the same every time."""


@dataclass(frozen=True)
class Chosen:
    """Whom and what a step is about."""

    episode: Episode
    another: Episode
    kept: Administration
    drawn: int


class RecordMachine(RuleBasedStateMachine):
    """Two organisations beside each other; most of what happens, happens in the first.

    One rule chooses among all that may happen. Of several rules Hypothesis leaves out about half in each example, which
    finds more in thousands of examples; in the few of a daily run, too much would never meet.
    """

    episodes: Bundle[Episode] = Bundle("episodes")

    database: Database
    client: TestClient
    tally: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        clinics = [make_clinic(self.database, self.client) for _ in range(2)]
        self.practice, self.elsewhere = (Practice(each, self.tally) for each in clinics)
        self.courses: dict[Episode, Course] = {}
        self.touched: list[Episode] = []

    @initialize(
        target=episodes, plan=PLANS, weeks_ago=st.sampled_from(WEEKS_AGO), total=st.integers(12, 20), shape=SHAPES
    )
    def first_episode(self, plan: dict[str, int], weeks_ago: int, total: int, shape: dict[str, Any]) -> Episode:
        """A patient with some weeks of treatment; another in another organisation, whom nobody here may see."""
        stranger = self._open(self.elsewhere, weeks_ago, total, plan, 30)
        self._weeks(stranger, shape, "at once")
        episode = self._open(self.practice, weeks_ago, total, plan, 30)
        self._weeks(episode, shape, "in order")
        return episode

    @rule(target=episodes, episode=episodes, another=episodes, drawn=st.integers(0, 200), step=STEPS)
    def happens(
        self, episode: Episode, another: Episode, drawn: int, step: tuple[str, dict[str, Any]]
    ) -> MultipleResults[Episode]:
        name, details = step
        model = self.practice.model
        before = len(model.episodes)
        self.tally[f"step {name}"] += 1
        kept = model.administrations[drawn % len(model.administrations)]
        getattr(self, name)(Chosen(episode, another, kept, drawn), **details)
        return multiple(*model.episodes[before:])

    # ---- What is found

    def open_another_episode(
        self, chosen: Chosen, again: bool, plan: dict[str, int], weeks_ago: int, total: int, age: int
    ) -> None:
        """Of the same patient again, or of another one, who may be too young for the forms."""
        if len(self.practice.model.episodes) < 4:
            self._open(self.practice, weeks_ago, total, plan, age, chosen.episode.patient if again else None)

    def _open(
        self,
        practice: Practice,
        weeks_ago: int,
        total: int,
        plan: dict[str, int],
        age: int,
        patient: Patient | None = None,
    ) -> Episode:
        began_at = NOW - weeks_ago * WEEK
        patient = patient or practice.register(began_at.replace(year=began_at.year - age, day=1))
        episode = practice.open_episode(patient, began_at - WEEK, plan)
        self.courses[episode] = Course(practice, began_at, total)
        return episode

    def _sessions(self, episode: Episode) -> list[Session]:
        attendances = self.courses[episode].practice.model.attendances
        return list(dict.fromkeys(each.session for each in attendances if each.episode is episode))

    # ---- Forms come in

    def weeks(self, chosen: Chosen, shape: dict[str, Any], how: str) -> None:
        """Weeks of a course: a form an hour before each session, put at once, late, or in one batch at the end."""
        self._weeks(chosen.episode, shape, how)

    def _weeks(self, episode: Episode, shape: dict[str, Any], how: str) -> None:
        course, instrument = self.courses[episode], shape["instrument"]
        practice, first = course.practice, course.weeks
        if episode.closed_at is not None:  # the patient is back
            practice.change_episode(episode, closed_at=None, closing_reason=None)
        bodies = [forms.plain(episode, instrument, total, course.at(week)) for week, total in course.go_on(shape)]
        order = [week for week in shape["order"] if week < len(bodies)]
        kept: list[Administration | None] = []
        for week, body in enumerate(bodies):
            if how == "in order":
                kept.append(practice.put(new_id(), body, (), by_tablet=week % 2 == 0))
            practice.hold(course.at(first + week, 1), "individual", {episode: shape["outcomes"][week]})
        if how == "late":
            kept += [practice.put(new_id(), bodies[week], (), by_tablet=week % 2 == 0) for week in order]
        elif how == "at once":
            kept += practice.put_batch([(new_id(), bodies[week]) for week in order], ())
        stored = [each for each in kept if each is not None]
        practice.put(stored[0].id, stored[0].body, ())  # the tablet is not sure that it was heard
        if shape["slip"]:
            practice.correct(stored[1], {"answers": answers(instrument, shape["slip"])}, ())
        self.touched.append(episode)

    def put_one(self, chosen: Chosen, form: Form, week: int, hours: int) -> None:
        """Any form of any time: early, in order or late, linked or not, and now and then with some trouble."""
        episode, course = chosen.episode, self.courses[chosen.episode]
        body = body_of(form, episode, course.total, course.near(week, hours), self._sessions(episode))
        self.practice.put(new_id(), body, (), by_tablet=form.first % 2 == 0)
        self.touched.append(episode)

    def put_batch(self, chosen: Chosen, entries: list[tuple[Form, int]], also: str) -> None:
        """Forms of two patients at once; bad ones may be among them."""
        batch: list[tuple[str, Mapping[str, Any]]] = []
        for number, (form, week) in enumerate(entries):
            of = chosen.another if number % 2 else chosen.episode
            course = self.courses[of]
            at = course.near(week, number)
            batch.append((new_id(), body_of(form, of, course.total, at, self._sessions(of))))
        name, body = batch[0]
        [stranger, *_] = self.elsewhere.model.administrations
        more: dict[str, list[tuple[str, Mapping[str, Any]]]] = {
            "nothing": [],
            "the same again": [(name, body)],
            "the same id again": [(name, forms.otherwise(body))],
            "a stranger's": [(new_id(), stranger.body), (stranger.id, body)],
        }
        self.practice.put_batch([*batch, *more[also]], {stranger.id})
        self.touched += [chosen.episode, chosen.another]

    def put_again(self, chosen: Chosen, how: str, by_tablet: bool) -> None:
        """The same id again: the same receipt for the same form, a conflict for anything else."""
        kept, practice, elsewhere = chosen.kept, self.practice, set[str]()
        body = kept.body
        if how == "otherwise spelt" and is_readable(body):
            body = forms.respelt(body, kept.versions[0].content.episode)
        elif how == "other answers":
            body = forms.otherwise(body)
        elif how == "by another organisation":
            practice, elsewhere = self.elsewhere, {kept.id}
            body = dict(body) | {"episode_id": practice.model.episodes[0].id}
        practice.put(kept.id, body, elsewhere, by_tablet=by_tablet)

    # ---- Forms are corrected

    def correct(self, chosen: Chosen, what: str, form: Form, week: int, hours: int) -> None:
        """Other answers, another time, another session or person; moved elsewhere; or entered in error."""
        kept, episode = chosen.kept, chosen.kept.now.content.episode
        course, sessions = self.courses[episode], self._sessions(episode)
        named = {role: informant for informant, role in episode.patient.informants.items()}
        session = sessions[form.session % len(sessions)].id if sessions else None
        changes: dict[str, dict[str, Any]] = {
            "answers": {"answers": forms.answers_of(form, kept.now.content.instrument, course.total)},
            "time": {"completed_at": course.near(week, hours).isoformat()},
            "link": {"treatment_session_id": session, "timing": form.timing},
            "unlink": {"treatment_session_id": None},
            "unknown session": {"treatment_session_id": forms.UNKNOWN, "timing": form.timing},
            "mother": {"informant_id": named["parent"]},
            "unknown informant": {"informant_id": forms.UNKNOWN},
            "himself": {"informant_id": named["self"]},
            "mode": {"mode": "paper"},
            "move": {"episode_id": chosen.another.id},
            "move out of reach": {"episode_id": self.elsewhere.model.episodes[0].id},
        }
        if what == "enter in error":
            self.practice.enter_in_error(kept)
            self.touched.append(episode)
        else:
            self._correct(kept, changes[what], ())

    def _correct(self, kept: Administration, changes: dict[str, Any], accept: Sequence[str]) -> None:
        self.touched.append(kept.now.content.episode)
        self.practice.correct(kept, changes, accept)
        self.touched.append(kept.now.content.episode)

    # ---- Sessions

    def attend(self, chosen: Chosen, what: str, week: int, contact: str, outcome: str) -> None:
        """One more session, of one patient or two; it was recorded wrongly who came, when, or what it was."""
        episode, another, model = chosen.episode, chosen.another, self.practice.model
        at = self.courses[episode].near(week, 1)
        own = [each for each in model.attendances if each.episode is episode]
        self.touched += [episode, another]
        if what == "hold" or not own:
            self.practice.hold(at, contact, {another: "attended"} | {episode: outcome})
            return
        attendance = own[chosen.drawn % len(own)]
        if what == "attended":
            self.practice.change_attendance(attendance, "no_show" if attendance.outcome == "attended" else "attended")
        elif what == "somebody else":  # another patient's mother; the same person only once
            informant = list(another.patient.informants)[-1]
            self.practice.add_attendance(attendance.session, another, informant, outcome)
        else:
            self.practice.change_session(attendance.session, at, contact)
            self.touched += model.episodes

    # ---- Plans, and what the service has decided

    def plan(self, chosen: Chosen, what: str, plan: dict[str, int], programme: dict[str, Any], week: int) -> None:
        """Another plan; a crisis pause, a closing, a programme or a setting of the organisation begins, or ends."""
        episode, course = chosen.episode, self.courses[chosen.episode]
        now, changes = course.at(course.weeks, 4), dict[str, Any](plan)
        if what == "pause":
            changes = {"crisis_pause_since": None if episode.crisis_pause_since else now}
        elif what == "close":
            at = None if episode.closed_at else max(min(course.near(week, 4), now), episode.opened_at)
            changes = {"closed_at": at, "closing_reason": "completed" if at else None}
        self.touched.append(episode)
        if what == "start a programme":
            self.practice.start_programme(episode, self.practice.add_programme(**programme), course.near(week))
        elif what == "end a programme" and episode.programmes:
            latest = episode.programmes[-1]
            ended_at = max(course.near(week), latest.started_at) if latest.ended_at is None else None
            self.practice.end_programme(episode, ended_at)
        elif what in SETTINGS:
            self._change_settings(what, SETTINGS[what])
        elif changes:
            self.practice.change_episode(episode, **changes)

    def _change_settings(self, name: str, other: object) -> None:
        """Change a setting, or change it back."""
        usual: dict[str, object] = {"flagging": "pending", "mode": "decision_support", "max_missing": {}}
        changed = getattr(self.practice.model, name) != usual[name]
        self.practice.change_settings(**{name: usual[name] if changed else other})
        self.touched += self.practice.model.episodes

    def oversee(self, chosen: Chosen, what: str, back: int, due: int | None) -> None:
        """Accept what was set aside as right, assess an alert, hold a review; or only look."""
        model = self.practice.model
        self.touched.append(chosen.episode)
        set_aside = [each for each in model.administrations if each.now.clarifications]
        alerting = [each for each in model.administrations if each.alerts]
        if what == "review":
            self._review(chosen.episode, back, due)
        elif what == "accept" and set_aside:
            kept = set_aside[chosen.drawn % len(set_aside)]
            self._correct(kept, {}, kept.now.clarifications)
        elif what == "assess" and alerting:
            self._assess(alerting[chosen.drawn % len(alerting)])
        else:
            self._look(chosen.episode)

    def _review(self, episode: Episode, back: int, due: int | None) -> None:
        """Where it is time for it, if anywhere; at a dose that has been reached, or, in vain, at the next."""
        model = self.practice.model
        for each in model.episodes:
            standing = model.standing(each, each.main) if each.main else None
            if standing is not None and standing.says["signal_reason"] == "time_for_review":
                episode = each
        due_on = (NOW + timedelta(days=due)).date().isoformat() if due else None
        self.practice.review(episode, max(0, len(model.counted_sessions(episode)) - back), due_on)
        self.touched.append(episode)

    def _assess(self, kept: Administration) -> None:
        """Somebody talks with the patient, who answers the same once more."""
        self.practice.acknowledge(kept)
        alert = kept.alerts[-1]
        answered_at = kept.versions[0].content.completed_at or NOW
        body = forms.plain(alert.episode, "phq-9", 15, answered_at + timedelta(hours=1), item_9=alert.code)
        self.practice.put(new_id(), body, ())
        self.touched.append(alert.episode)

    def _look(self, episode: Episode) -> None:
        """Look at everything of one patient's series, and at the caseload; perhaps choose another main measure."""
        self.practice.check_alerts()
        for key in episode.series:
            self.practice.check_trajectory(episode, key)
        self.practice.check_main_measure(episode)
        self.practice.check_caseload()
        if len(episode.series) > 1:
            self.practice.choose_main(episode, list(episode.series)[-1])

    # ---- Comparing

    @invariant()
    def the_service_says_what_the_model_says(self) -> None:
        for episode in dict.fromkeys(self.touched):
            if episode.main is not None:
                self.courses[episode].practice.check_trajectory(episode, episode.main)
        self.touched.clear()
        self.practice.check_changed()

    def teardown(self) -> None:
        if sys.exc_info()[0] is not None:
            return  # has failed already
        self.practice.check_everything()
        self.elsewhere.check_everything()
        for practice in (self.practice, self.elsewhere):
            checked = summaries.check(self.database, practice.clinic.organisation_id)
            assert [episode_id for part in checked for episode_id in part.differing] == []
        self.practice.check_hidden_from(self.elsewhere.clinic.therapist)
        self.practice.check_hidden_from(self.practice.clinic.colleague)
        count_what_occurred(self.practice.model, self.tally)


def machine(database: Database, client: TestClient, tally: Counter[str]) -> type[RecordMachine]:
    """Make the machine for a service; `tally` counts what occurs."""
    return type("TheMachine", (RecordMachine,), {"database": database, "client": client, "tally": tally})
