"""One organisation from both sides: everything is asked of the service, told to the model, and the two are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from httpx2 import Response

from tests.factories import Caller, Clinic, open_on_tablet
from tests.machine import events, expected
from tests.machine.record_model import (
    Administration,
    Attendance,
    Episode,
    Patient,
    Programme,
    ProgrammeOfEpisode,
    RecordModel,
    SeriesKey,
    Session,
)
from tests.machine.told import Moment, Told, differences

CHECKED_AT_ONCE = 2
"""Administrations that are read after each step, of those that it changed; all are read at the end."""

STATUS_OF_PUT = {
    events.STORED: {201},
    events.REPEATED: {200},
    events.CONFLICT: {409},
    events.UNREADABLE: {422},
    events.NO_EPISODE: {404},
}


class Difference(AssertionError):
    """The service and the model disagree."""


def _agree(what: str, want: Any, got: Any) -> None:
    found = differences(want, got)
    if found:
        raise Difference(f"{what}: " + "; ".join(found[:4]))


class Practice:
    """A clinic and the model of its record; `tally` counts what occurred."""

    def __init__(self, clinic: Clinic, tally: Counter[str]) -> None:
        self.clinic, self.tally = clinic, tally
        self.model = RecordModel()
        self.tablet, self.therapist = Told(), Told(str(clinic.therapist_id))
        self.programmes: list[Programme] = []
        self.read: dict[Administration, tuple[int, int, int]] = {}

    # ---- Asking

    def _ask(self, method: str, path: str, body: object, status: int, version: int | None = None) -> tuple[Any, Moment]:
        """Ask as the therapist, and demand a status."""
        headers = {"If-Match": f'"{version}"'} if version is not None else {}
        moment = Moment()
        response = self.clinic.therapist.request(method, f"/v1/{path}", json=body, headers=headers)
        moment.is_over()
        if response.status_code != status:
            raise Difference(f"{method} {path}: expected {status}, got {response.status_code} {response.text}")
        return response.json(), moment

    def get(self, path: str) -> Any:
        response = self.clinic.therapist.get(f"/v1/{path}")
        if response.status_code != 200:
            raise Difference(f"GET {path}: {response.status_code} {response.text}")
        return response.json()

    # ---- Patients, episodes and their plans

    def register(self, birth_month: datetime) -> Patient:
        """Register a patient, with a mother who answers too."""
        body = {"reference": f"P-{uuid4()}", "birth_month": birth_month.date().isoformat()}
        row, _ = self._ask("POST", "patients", body, 201)
        [himself] = self.get(f"patients/{row['id']}/informants")
        patient = Patient(row["id"], body["reference"], birth_month, {himself["id"]: "self"})
        self.model.patients.append(patient)
        named = {"role": "parent", "label": "mother"}
        mother, _ = self._ask("POST", f"patients/{patient.id}/informants", named, 201)
        patient.informants[mother["id"]] = "parent"
        return patient

    def open_episode(self, patient: Patient, opened_at: datetime, plan: Mapping[str, Any]) -> Episode:
        body = {"patient_id": patient.id, "opened_at": opened_at.isoformat(), **plan}
        row, _ = self._ask("POST", "episodes", body, 201)
        open_on_tablet(self.clinic, row["id"])
        episode = Episode(row["id"], patient, opened_at, row["version"])
        self._plan(episode, plan)
        self.model.episodes.append(episode)
        return episode

    def add_programme(self, **plan: Any) -> Programme:
        body = {"name": f"Programme {uuid4()}", "format": "individual", **plan}
        row = self.clinic.lead.post("/v1/programmes", body).json()
        programme = Programme(
            row["id"],
            set(plan["counted_contact_types"]),
            plan.get("planned_dose"),
            plan["planned_interval_days"],
            plan.get("main_instrument"),
        )
        self.programmes.append(programme)
        return programme

    def start_programme(self, episode: Episode, programme: Programme, started_at: datetime) -> None:
        body = {"programme_id": programme.id, "started_at": started_at.isoformat()}
        closed = episode.closed_at is not None
        row, moment = self._ask("POST", f"episodes/{episode.id}/programmes", body, 409 if closed else 201)
        if not closed:
            episode.programmes.append(ProgrammeOfEpisode(row["id"], programme, started_at))
            self.model.issue_for_episodes([episode], "plan", moment)

    def end_programme(self, episode: Episode, ended_at: datetime | None) -> None:
        latest = episode.programmes[-1]
        body = {"ended_at": ended_at.isoformat() if ended_at else None}
        row, moment = self._ask("PATCH", f"episode-programmes/{latest.id}", body, 200, latest.version)
        latest.ended_at, latest.version = ended_at, row["version"]
        self.model.issue_for_episodes([episode], "plan", moment)

    def change_episode(self, episode: Episode, **changes: Any) -> None:
        """Change the plan, pause, close or reopen; only the newest verdicts follow."""
        written = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in changes.items()}
        row, moment = self._ask("PATCH", f"episodes/{episode.id}", written, 200, episode.version)
        episode.version = row["version"]
        self._plan(episode, changes)
        self.model.issue_newest(episode, "plan", moment)

    def _plan(self, episode: Episode, changes: Mapping[str, Any]) -> None:
        named = {"planned_interval_days": "interval_days"}
        for name, value in changes.items():
            if name != "closing_reason":
                setattr(episode, named.get(name, name), value)

    def choose_main(self, episode: Episode, key: SeriesKey) -> None:
        """Make another series the main measure; its id has been told by its trajectory."""
        body = {"main_series_id": episode.series[key].value}
        row, _ = self._ask("PATCH", f"episodes/{episode.id}", body, 200, episode.version)
        episode.version, episode.main = row["version"], key

    def review(self, episode: Episode, dose: int, due_on: str | None) -> None:
        reached = len(self.model.counted_sessions(episode))
        body = {"dose": dose, "with_patient": True, "causes": ["alliance"], "action": "continue", "due_on": due_on}
        _, moment = self._ask("POST", f"episodes/{episode.id}/reviews", body, 201 if dose <= reached else 422)
        if dose <= reached:
            episode.reviews.append((dose, due_on))
            self.model.issue_newest(episode, "review", moment)

    def change_settings(self, **changes: Any) -> None:
        """Change the organisation's settings; what was shown stays as it was."""
        policy = {"policy": {"flagging": changes["flagging"]}} if "flagging" in changes else {}
        body = {name: value for name, value in changes.items() if name != "flagging"} | policy | {"reason": "agreed"}
        response = self.clinic.lead.patch("/v1/settings", body, self.model.settings_version)
        _agree("settings", {"version": self.model.settings_version + 1}, response.json())
        self.model.settings_version += 1
        for name, value in changes.items():
            setattr(self.model, name, value)

    # ---- Sessions and who came

    def hold(self, starts_at: datetime, contact_type: str, outcomes: Mapping[Episode, str]) -> list[Attendance]:
        body = {
            "starts_at": starts_at.isoformat(),
            "contact_type": contact_type,
            "attendances": [{"episode_id": each.id, "outcome": outcome} for each, outcome in outcomes.items()],
        }
        row, moment = self._ask("POST", "treatment-sessions", body, 201)
        session = Session(row["id"], starts_at, contact_type)
        self.model.sessions.append(session)
        came = [Attendance(session, each, each.patient.himself(), outcome) for each, outcome in outcomes.items()]
        self.model.attendances += came
        self.model.issue_for_episodes(outcomes, "attendance", moment)
        return came

    def add_attendance(self, session: Session, episode: Episode, informant: str, outcome: str) -> Attendance | None:
        known = [(each.session, each.episode, each.informant) for each in self.model.attendances]
        twice = (session, episode, informant) in known
        body = {"episode_id": episode.id, "informant_id": informant, "outcome": outcome}
        path = f"treatment-sessions/{session.id}/attendances"
        row, moment = self._ask("POST", path, body, 409 if twice else 201)
        if twice:
            return None
        attendance = Attendance(session, episode, informant, outcome, row["id"])
        self.model.attendances.append(attendance)
        self.model.issue_for_episodes([episode], "attendance", moment)
        return attendance

    def change_attendance(self, attendance: Attendance, outcome: str) -> None:
        if attendance.id is None:
            rows = self.get(f"treatment-sessions/{attendance.session.id}/attendances")
            ids = {(each["episode_id"], each["informant_id"]): each["id"] for each in rows}
            attendance.id = ids[attendance.episode.id, attendance.informant]
        body = {"outcome": outcome, "reason": "recorded wrongly"}
        row, moment = self._ask("PATCH", f"attendances/{attendance.id}", body, 200, attendance.version)
        attendance.version, attendance.outcome = row["version"], outcome
        self.model.issue_for_episodes([attendance.episode], "attendance", moment)

    def change_session(self, session: Session, starts_at: datetime, contact_type: str) -> None:
        body = {"starts_at": starts_at.isoformat(), "contact_type": contact_type}
        row, moment = self._ask("PATCH", f"treatment-sessions/{session.id}", body, 200, session.version)
        session.version, session.starts_at, session.contact_type = row["version"], starts_at, contact_type
        touched = {each.episode for each in self.model.attendances if each.session is session}
        for kept in self.model.administrations:
            touched |= {each.content.episode for each in kept.versions if each.session is session}
        self.model.issue_for_episodes([each for each in self.model.episodes if each in touched], "attendance", moment)

    # ---- Forms

    def put(
        self, administration_id: str, body: Mapping[str, Any], elsewhere: Collection[str], *, by_tablet: bool = True
    ) -> Administration | None:
        """Put one form; give it if it is kept."""
        caller = self.clinic.tablet if by_tablet else self.clinic.therapist
        moment = Moment()
        response = caller.put(f"/v1/administrations/{administration_id}", body)
        moment.is_over()
        if response.status_code == 201:
            moment.admits(response.json()["received_at"])
        author = self.tablet if by_tablet else self.therapist
        [(status, kept)] = events.put(self.model, [(administration_id, body)], moment, author, elsewhere)
        self.tally[f"put {status}"] += 1
        if response.status_code not in STATUS_OF_PUT[status]:
            raise Difference(f"put: expected {status}, got {response.status_code} {response.text}")
        if kept is not None:
            self._check_receipt(kept, response, by_tablet=by_tablet)
        return kept

    def _check_receipt(self, kept: Administration, response: Response, *, by_tablet: bool) -> None:
        """A tablet gets the same bytes for ever, and nothing else; a clinician the result as it is now as well."""
        given = response.json()
        _agree("receipt", expected.receipt(kept), given)
        if not by_tablet:
            _sort_alerts(given["result"])
            _agree("result", expected.result(kept, deciding=self.model.deciding), given["result"])
            return
        if set(given) != {"id", "state", "received_at"}:
            raise Difference(f"a tablet was told {sorted(given)}")
        kept.receipt = kept.receipt or response.content
        if kept.receipt != response.content:
            raise Difference(f"the receipt was {kept.receipt!r}, and is now {response.content!r}")

    def put_batch(
        self, entries: Sequence[tuple[str, Mapping[str, Any]]], elsewhere: Collection[str]
    ) -> list[Administration]:
        """Put several forms in one transaction; give those that are kept."""
        body = {"administrations": [{"id": each, **body} for each, body in entries]}
        moment = Moment()
        response = self.clinic.tablet.put("/v1/administrations", body)
        moment.is_over()
        if response.status_code != 200:
            raise Difference(f"batch: {response.status_code} {response.text}")
        outcomes = events.put(self.model, entries, moment, self.tablet, elsewhere)
        told = response.json()["administrations"]
        _agree("batch", [each for each, _ in entries], [each["id"] for each in told])
        for (status, kept), given in zip(outcomes, told, strict=True):
            self.tally[f"batch {status}"] += 1
            shown = status if status in (events.STORED, events.REPEATED) else "refused"
            want = {"status": shown, "receipt": expected.receipt(kept) if kept else None}
            if shown == "refused":
                [problem] = STATUS_OF_PUT[status]
                want["problem"] = {"status": problem}
            _agree("batch", want, given)
        return [kept for _, kept in outcomes if kept is not None]

    def correct(self, kept: Administration, changes: Mapping[str, Any], accept: Sequence[str]) -> None:
        body = {"reason": "read wrongly from the paper", **changes, "accept": list(accept)}
        told = (changes, accept, self.therapist, str(body["reason"]))
        self._amend(kept, "corrections", body, lambda moment: events.correct(self.model, kept, moment, *told))

    def enter_in_error(self, kept: Administration) -> None:
        reason = "another patient's form"
        told = (self.therapist, reason)
        body = {"reason": reason}
        self._amend(
            kept, "entered-in-error", body, lambda moment: events.enter_in_error(self.model, kept, moment, *told)
        )

    def _amend(self, kept: Administration, step: str, body: Mapping[str, Any], event: Any) -> None:
        headers = {"If-Match": f'"{kept.now.number}"'}
        moment = Moment()
        response = self.clinic.therapist.post(f"/v1/administrations/{kept.id}/{step}", body, headers=headers)
        moment.is_over()
        status = event(moment)
        self.tally[f"{step} {status}"] += 1
        if response.status_code != status:
            raise Difference(f"{step}: expected {status}, got {response.status_code} {response.text}")
        if status == 201:
            self._agree_on(kept, response.json())

    def acknowledge(self, kept: Administration) -> None:
        """Assess the last alert of an administration, if nobody has."""
        alert = kept.alerts[-1]
        self._check_administration(kept)  # tells its id
        path = f"risk-alerts/{alert.id.value}/acknowledgement"
        status = 409 if alert.acknowledged else 201
        row, moment = self._ask("POST", path, {"assessment": "talked it through"}, status, alert.version)
        if not alert.acknowledged:
            alert.acknowledged, alert.version = moment, row["version"]

    # ---- Comparing

    def check_changed(self) -> None:
        """Read some of the administrations that have changed since they were read last."""
        changed = [each for each in self.model.administrations if self.read.get(each) != _extent(each)]
        for kept in [*changed[: CHECKED_AT_ONCE - 1], *changed[CHECKED_AT_ONCE - 1 :][-1:]]:
            self._check_administration(kept)

    def _check_administration(self, kept: Administration) -> None:
        self._agree_on(kept, self.get(f"administrations/{kept.id}"))

    def _agree_on(self, kept: Administration, got: dict[str, Any]) -> None:
        _sort_alerts(got["result"])
        _agree(f"administration {kept.id}", expected.administration(kept, deciding=self.model.deciding), got)
        if kept.now.number == 1 and kept.now.content.codes is None and not got["body"]:
            raise Difference("what could not be read was not kept whole")
        self.read[kept] = _extent(kept)

    def check_trajectory(self, episode: Episode, key: SeriesKey) -> None:
        named = f"instrument={key.instrument}&informant={key.informant}"
        got = self.get(f"episodes/{episode.id}/trajectory?{named}")
        got["needs_clarification"] = sorted(each["administration_id"] for each in got["needs_clarification"])
        got["disagreements"] = _disagreeing(got["disagreements"])
        want = expected.trajectory(self.model, episode, key, datetime.now(UTC))
        _agree(f"trajectory {key}", want, got)
        self.tally.update(f"phase {each['phase']}" for each in want["observations"])
        self.tally.update({f"late baseline {want['late_baseline']}": 1, f"stale {want['stale']}": 1})
        self.tally["no verdict " + want["no_verdict"]["code"] if want["no_verdict"] else "verdict shown"] += 1

    def check_main_measure(self, episode: Episode) -> None:
        """Nobody names a series: then it is the main measure, if there is one yet."""
        response = self.clinic.therapist.get(f"/v1/episodes/{episode.id}/trajectory")
        if response.status_code != (200 if episode.main else 404):
            raise Difference(f"main measure: {response.status_code} {response.text}")
        if episode.main is not None:
            _agree("main measure", {"id": episode.series[episode.main]}, response.json()["series"])

    def check_caseload(self) -> None:
        got = self.get("caseload")["episodes"]
        for entry in got:
            entry["open_alerts"] = sorted(each["id"] for each in entry["open_alerts"])
            entry["overdue"] = sorted(each["kind"] for each in entry["overdue"])
            entry["disagreements"] = _disagreeing(entry["disagreements"])
        now = datetime.now(UTC)
        want = {each.id: expected.caseload_entry(self.model, each, now) for each in expected.in_caseload(self.model)}
        if sorted(want) != sorted(each["episode_id"] for each in got):
            raise Difference(f"caseload: {sorted(want)} expected, not {[each['episode_id'] for each in got]}")
        for entry in got:
            _agree("caseload", want[entry["episode_id"]], entry)
        order = [expected.urgency(each) for each in got]
        if order != sorted(order):
            raise Difference(f"the caseload is not in the order of urgency: {order}")

    def check_alerts(self) -> None:
        for kept in self.model.administrations:
            if any(alert.id.value is None for alert in kept.alerts):
                self._check_administration(kept)
        still_open = [alert for kept in self.model.administrations for alert in kept.alerts if not alert.acknowledged]
        got = sorted(each["id"] for each in self.get("risk-alerts"))
        _agree("open alerts", sorted(str(each.id.value) for each in still_open), got)

    def check_everything(self) -> None:
        """Everything ever kept is there, as the model has it, and no verdict, alert or score beside it."""
        for kept in self.model.administrations:
            self._check_administration(kept)
        self.check_alerts()
        for episode in self.model.episodes:
            for key in episode.series:
                self.check_trajectory(episode, key)
            self.check_main_measure(episode)
        self.check_caseload()

    def check_hidden_from(self, stranger: Caller) -> None:
        """Somebody else can't tell that there is anything."""
        paths = [f"administrations/{kept.id}" for kept in self.model.administrations[-2:]]
        paths += [f"episodes/{episode.id}/trajectory" for episode in self.model.episodes[-2:]]
        for path in paths:
            status = stranger.get(f"/v1/{path}").status_code
            if status != 404:
                raise Difference(f"{path}: {status} to somebody else")


def _extent(kept: Administration) -> tuple[int, int, int]:
    """How much there is of an administration: it only ever grows."""
    acknowledged = sum(alert.acknowledged is not None for alert in kept.alerts)
    return len(kept.versions), len(kept.verdicts), len(kept.alerts) + 100 * acknowledged


def _sort_alerts(result: dict[str, Any]) -> None:
    result["risk_alerts"].sort(key=lambda each: each["raised_at"])


def _disagreeing(found: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return sorted([each["code"], each["evidence"]["label"]] for each in found)
