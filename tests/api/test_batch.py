"""The batch form: good entries stored, bad ones reported, each told in its place."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient
from httpx2 import Response

from app.db.session import Database
from tests.factories import (
    START,
    Caller,
    Clinic,
    administration,
    created,
    gad_7,
    make_clinic,
    make_episode,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)
from tests.owner import Owner


def entry(episode: Mapping[str, Any], total: int, week: float = 0, **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid4())} | administration(episode, phq_9(total), week=week) | fields


def put_batch(caller: Caller, entries: Sequence[object], **headers: str) -> Response:
    return caller.put("/v1/administrations", {"administrations": entries}, headers=headers)


def outcomes(caller: Caller, entries: Sequence[object]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok(put_batch(caller, entries))["administrations"]
    assert len(found) == len(entries)
    return found


def verdict_of(clinic: Clinic, administration_id: str) -> dict[str, Any] | None:
    verdict = ok(clinic.therapist.get(f"/v1/administrations/{administration_id}"))["result"]["verdict"]
    return {name: value for name, value in verdict.items() if name != "issued_at"} if verdict else None


# ---- Each entry in its place


def test_a_tablet_gets_a_receipt_for_each_in_order(clinic: Clinic) -> None:
    episodes = [make_episode(clinic) for _ in range(3)]
    entries = [entry(each, 12, week) for week in range(3) for each in episodes]
    found = outcomes(clinic.tablet, entries)
    assert [each["id"] for each in found] == [each["id"] for each in entries]
    for each in found:
        assert (each["status"], each["problem"]) == ("stored", None)
        assert set(each["receipt"]) == {"id", "state", "received_at"}
        assert (each["receipt"]["id"], each["receipt"]["state"]) == (each["id"], "final")


def test_a_clinician_gets_the_results_too(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 2)
    found = outcomes(clinic.therapist, [entry(episode, 16), entry(episode, 23, 1)])
    assert [each["receipt"]["result"]["scores"]["total"]["value"] for each in found] == [16, 23]
    assert [each["receipt"]["result"]["verdict"]["signal"] for each in found] == ["grey", "red"]


def test_bad_entries_are_reported_and_good_ones_stored(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    entries = [
        entry(episode, 12),
        entry(episode, 12, answers={"1": 9, "12": 1}),
        entry({"id": str(uuid4())}, 12),
        entry(episode, 12, 1),
        entry(episode, 12, instrument="phq-8"),
        entry(episode, 12, comment="?"),
        {"id": str(uuid4())},
        entry(episode, 12, answers={"1": 9, "9": 1}),
        entry(episode, 12, 2),
    ]
    found = outcomes(clinic.tablet, entries)
    assert [each["id"] for each in found] == [each["id"] for each in entries]
    assert [each["problem"] and each["problem"]["type"].rpartition("/")[2] for each in found] == [
        None,
        "invalid-answer",
        "not-found",
        None,
        "unknown-instrument",
        "malformed-body",
        "malformed-body",
        None,
        None,
    ]
    assert [each["status"] for each in found] == ["refused" if each["problem"] else "stored" for each in found]
    # The faults of an entry are told as they would be alone.
    assert found[1]["problem"]["pointer"] == "/answers/1"
    assert [each["pointer"] for each in found[1]["problem"]["errors"]] == ["/answers/1", "/answers/12"]
    assert found[7]["receipt"]["state"] == "needs_clarification"
    assert owner.counts(clinic.organisation_id)["administrations"] == 4


def test_an_entry_that_has_no_id_is_told_by_its_place(clinic: Clinic, owner: Owner) -> None:
    """It must not keep the others, among them a critical answer perhaps, from being stored."""
    episode = make_episode(clinic)
    nameless = administration(episode, phq_9(12))
    entries = [
        entry(episode, 12),
        nameless,
        nameless | {"id": "x"},
        nameless | {"id": 7},
        None,
        "x",
        entry(episode, 12, 1),
    ]
    found = outcomes(clinic.tablet, entries)
    assert [each["status"] for each in found] == ["stored", *["refused"] * 5, "stored"]
    for index, each in enumerate(found[1:6], start=1):
        assert each["id"] is None
        assert each["problem"]["pointer"] == f"/administrations/{index}/id"
    assert owner.counts(clinic.organisation_id)["administrations"] == 2


def test_what_is_no_batch_is_refused_as_a_whole(clinic: Clinic, owner: Owner) -> None:
    good = entry(make_episode(clinic), 12)
    for body in ([good], {"administrations": good}, {"administrations": [good], "more": 1}, {}, None, 7, "x"):
        refused = clinic.tablet.put("/v1/administrations", body)
        assert refused.status_code == 422
        assert refused.json()["type"] == "/v1/problems/malformed-body"
    assert owner.counts(clinic.organisation_id)["administrations"] == 0


def test_an_empty_batch_stores_nothing(clinic: Clinic) -> None:
    assert outcomes(clinic.tablet, []) == []


def test_problems_are_said_in_the_reader_s_language(clinic: Clinic) -> None:
    bad = [entry(make_episode(clinic), 12, comment="?")]
    titles = {
        language: ok(put_batch(clinic.tablet, bad, **{"Accept-Language": language}))["administrations"][0]["problem"][
            "title"
        ]
        for language in ("nb", "nn", "en")
    }
    assert len(set(titles.values())) == 3


# ---- Once, however often


def test_the_same_batch_again_gets_the_same_receipts(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 3)
    entries = [entry(episode, 12, week, answers=phq_9(12, item_9=1)) for week in range(3)]
    first = outcomes(clinic.tablet, entries)
    stored = owner.counts(clinic.organisation_id)
    again = outcomes(clinic.tablet, entries[::-1])[::-1]
    assert [each["status"] for each in again] == ["repeated"] * 3
    assert [each["receipt"] for each in again] == [each["receipt"] for each in first]
    assert owner.counts(clinic.organisation_id) == stored | {"audit_events": stored["audit_events"] + 1}


def test_repeated_new_and_conflicting_entries_in_one_batch(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    old = entry(episode, 12)
    [first] = outcomes(clinic.tablet, [old])
    found = outcomes(clinic.tablet, [old, entry(episode, 13, 1), old | {"answers": phq_9(14)}])
    assert [each["status"] for each in found] == ["repeated", "stored", "refused"]
    assert found[0]["receipt"] == first["receipt"]
    assert found[2]["problem"]["type"] == "/v1/problems/administration-conflict"


def test_an_entry_twice_in_one_batch_is_stored_once(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    one = entry(episode, 12, answers=phq_9(12, item_9=1))
    found = outcomes(clinic.tablet, [one, one, one | {"answers": phq_9(13)}, dict(reversed(one.items()))])
    assert [each["status"] for each in found] == ["stored", "repeated", "refused", "repeated"]
    assert found[0]["receipt"] == found[1]["receipt"] == found[3]["receipt"]
    counts = owner.counts(clinic.organisation_id)
    assert (counts["administrations"], counts["risk_alerts"]) == (1, 1)


def test_put_alone_or_in_a_batch_is_the_same(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    one, other = entry(episode, 12), entry(episode, 13, 1)
    [first] = outcomes(clinic.tablet, [one])
    body = {name: value for name, value in one.items() if name != "id"}
    assert ok(clinic.tablet.put(f"/v1/administrations/{one['id']}", body)) == first["receipt"]
    body = {name: value for name, value in other.items() if name != "id"}
    receipt = created(clinic.tablet.put(f"/v1/administrations/{other['id']}", body))
    [again] = outcomes(clinic.tablet, [other])
    assert (again["status"], again["receipt"]) == ("repeated", receipt)


def test_an_id_of_another_organisation_is_refused_and_leaves_no_trace(
    clinic: Clinic, database: Database, client: TestClient, owner: Owner
) -> None:
    elsewhere = make_clinic(database, client)
    taken = [uuid4(), uuid4()]
    for administration_id in taken:
        created(put(elsewhere.tablet, administration(make_episode(elsewhere), phq_9(12)), administration_id))
    episode, alone = make_episode(clinic), make_episode(clinic)
    for each in (episode, alone):
        make_sessions(clinic, each, 4)
    risky = entry(episode, 24, 1, id=str(taken[0]), answers=phq_9(24, item_9=2))
    entries = [
        entry(episode, 16),
        risky,
        entry(episode, 14, 2),
        risky,
        entry(episode, 3, 1) | {"id": str(taken[1]), "instrument": "gad-7", "answers": gad_7(3)},
    ]
    found = outcomes(clinic.therapist, entries)
    assert [each["status"] for each in found] == ["stored", "refused", "stored", "refused", "refused"]
    assert {each["problem"]["type"] for each in found if each["problem"]} == {"/v1/problems/administration-conflict"}
    # All is as if only the others had been sent.
    plain = outcomes(clinic.therapist, [entry(alone, 16), entry(alone, 14, 2)])
    expected = [verdict_of(clinic, each["id"]) for each in plain]
    assert [verdict_of(clinic, found[index]["id"]) for index in (0, 2)] == expected
    # Nor does one that comes alone.
    assert [each["status"] for each in outcomes(clinic.tablet, entries[-1:])] == ["refused"]
    counts = owner.counts(clinic.organisation_id)
    assert (counts["series"], counts["administrations"], counts["risk_alerts"]) == (2, 4, 0)
    assert clinic.therapist.get("/v1/risk-alerts").json() == []


# ---- Many at once


def test_five_hundred_in_one_batch_and_not_one_more(clinic: Clinic, owner: Owner) -> None:
    episodes = [make_episode(clinic) for _ in range(10)]
    entries = [entry(each, 12, week / 7) for week in range(50) for each in episodes]
    refused = put_batch(clinic.tablet, [*entries, entry(episodes[0], 12)])
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/administrations")
    assert owner.counts(clinic.organisation_id)["administrations"] == 0
    assert {each["status"] for each in outcomes(clinic.tablet, entries)} == {"stored"}
    assert owner.counts(clinic.organisation_id)["administrations"] == 500


def test_many_answers_of_one_patient_get_the_verdicts_that_they_get_one_by_one(clinic: Clinic) -> None:
    """Two measures, shuffled, with one that needs clarification and one that is refused among them."""
    shuffled = random.Random(20260105)
    totals = [shuffled.randrange(8, 25) for _ in range(9)]
    one_by_one, at_once = make_episode(clinic, planned_dose=12), make_episode(clinic, planned_dose=12)
    for episode in (one_by_one, at_once):
        make_sessions(clinic, episode, 9)
    receipts = put_weekly(clinic, one_by_one, totals)
    for week, total in enumerate(totals[:4]):
        receipts.append(
            created(put(clinic.therapist, administration(one_by_one, gad_7(total // 2), week=week, instrument="gad-7")))
        )
    expected = [verdict_of(clinic, receipt["id"]) for receipt in receipts]

    entries = [entry(at_once, total, week) for week, total in enumerate(totals)]
    entries += [
        entry(at_once, 0, week) | {"instrument": "gad-7", "answers": gad_7(total // 2)}
        for week, total in enumerate(totals[:4])
    ]
    ids = [each["id"] for each in entries]
    entries += [entry(at_once, 3, 2, answers={"1": 3}), entry(at_once, 3, 2, answers={"1": 4})]
    shuffled.shuffle(entries)
    found = outcomes(clinic.tablet, entries)
    assert sorted(each["status"] for each in found) == ["refused"] + ["stored"] * 14
    assert [verdict_of(clinic, each) for each in ids] == expected


def test_a_batch_of_many_patients_does_not_mix_them(clinic: Clinic) -> None:
    episodes = [make_episode(clinic) for _ in range(4)]
    for episode in episodes:
        make_sessions(clinic, episode, 3)
    entries = [entry(episode, 10 + number + week, week) for week in range(3) for number, episode in enumerate(episodes)]
    random.Random(4).shuffle(entries)
    outcomes(clinic.tablet, entries)
    for number, episode in enumerate(episodes):
        trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
        assert [each["score"] for each in trajectory["observations"]] == [10 + number + week for week in range(3)]
        assert trajectory["verdict"]["baseline"] == 10 + number


def test_the_same_five_hundred_from_eight_connections_at_once_three_times_each(clinic: Clinic, owner: Owner) -> None:
    """The issue's sixth demand: in random order, alone and in batches; 500 are stored, and all receipts are alike."""
    episodes = [make_episode(clinic) for _ in range(20)]
    for episode in episodes:
        make_sessions(clinic, episode, 2)
    entries = []
    for number in range(500):
        completed_at = START + timedelta(hours=7 * (number // 20))
        answers = phq_9(10, item_9=1) if number % 50 == 0 else phq_9(10)
        entries.append(entry(episodes[number % 20], 10, completed_at=completed_at.isoformat(), answers=answers))

    def send(connection: int) -> list[tuple[str, str, Any]]:
        order, answers = random.Random(connection), []
        for _ in range(3):
            waiting = order.sample(entries, len(entries))
            while waiting:
                size = order.choice([1, 100, 400])
                some, waiting = waiting[:size], waiting[size:]
                if size == 1:
                    body = {name: value for name, value in some[0].items() if name != "id"}
                    answer = clinic.tablet.put(f"/v1/administrations/{some[0]['id']}", body)
                    assert answer.status_code in (200, 201), answer.text
                    status = "stored" if answer.status_code == 201 else "repeated"
                    answers.append((some[0]["id"], status, answer.json()))
                else:
                    answers += [(each["id"], each["status"], each["receipt"]) for each in outcomes(clinic.tablet, some)]
        return answers

    with ThreadPoolExecutor(8) as connections:
        told = [answer for answers in connections.map(send, range(8)) for answer in answers]
    assert len(told) == 500 * 8 * 3
    receipts: dict[str, Any] = {}
    for administration_id, _, receipt in told:
        assert receipts.setdefault(administration_id, receipt) == receipt
    assert sorted(receipts) == sorted(each["id"] for each in entries)
    assert sorted(each for each, status, _ in told if status == "stored") == sorted(receipts)
    counts = owner.counts(clinic.organisation_id)
    assert (counts["administrations"], counts["scores"], counts["risk_alerts"]) == (500, 500, 10)
    assert counts["series"] == 20


def test_two_patients_who_are_given_the_same_id_at_once_do_not_mix(clinic: Clinic, owner: Owner) -> None:
    """One of them has it and the other is refused, and leaves no trace."""
    episodes = [make_episode(clinic) for _ in range(2)]
    for episode in episodes:
        make_sessions(clinic, episode, 1)
    ids = [str(uuid4()) for _ in range(20)]

    def send(episode: Mapping[str, Any]) -> list[str]:
        statuses = []
        for number, administration_id in enumerate(ids):
            one = entry(episode, 12, number / 100, id=administration_id, answers=phq_9(12, item_9=1))
            statuses += [each["status"] for each in outcomes(clinic.tablet, [one])]
        return statuses

    with ThreadPoolExecutor(2) as connections:
        first, second = connections.map(send, episodes)
    assert all({one, other} == {"stored", "refused"} for one, other in zip(first, second, strict=True))
    counts = owner.counts(clinic.organisation_id)
    assert (counts["administrations"], counts["risk_alerts"], counts["scores"]) == (20, 20, 20)
    wrong = (
        "select count(*) from risk_alerts r join administrations a on a.id = r.administration_id"
        " where a.organisation_id = %s and a.episode_id <> r.episode_id"
    )
    assert owner.rows(wrong, clinic.organisation_id) == [{"count": 0}]
