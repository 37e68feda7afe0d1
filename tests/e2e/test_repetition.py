"""The same administrations, sent three times each over eight connections at once: stored once, one receipt for each."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import httpx

from tests.e2e.clinic import clinic
from tests.programs import free_port, serving

CONNECTIONS = 8


def test_500_administrations_sent_three_times_are_stored_once() -> None:
    rng = random.Random(6)
    port = free_port()
    with clinic(episodes=25) as place:
        bodies = {uuid4(): place.body(rng) for _ in range(500)}
        sent = 3 * list(bodies)
        rng.shuffle(sent)

        def send(share: list[UUID]) -> list[tuple[UUID, int, bytes]]:
            headers = {"Authorization": f"Bearer {place.tablet}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
                answers = [(each, client.put(f"/v1/administrations/{each}", json=bodies[each])) for each in share]
            return [(each, answer.status_code, answer.content) for each, answer in answers]

        with (
            serving("serve", "--port", port, "--data-dir", place.data_dir),
            ThreadPoolExecutor(CONNECTIONS) as pool,
        ):
            answers = [
                answer
                for share in pool.map(send, [sent[number::CONNECTIONS] for number in range(CONNECTIONS)])
                for answer in share
            ]
        with place.connection() as connection:
            stored = connection.execute("select id, version from administrations").fetchall()
            judged = connection.execute("select administration_id from progress where issue = 1").fetchall()
    assert Counter(status for _, status, _ in answers) == {201: 500, 200: 1000}
    receipts = {(each, body) for each, _, body in answers}
    assert len(receipts) == 500
    assert sorted(stored) == [(each, 1) for each in sorted(bodies)]
    assert len(judged) == len(set(judged)) > 0
