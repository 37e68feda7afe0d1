"""What was acknowledged is there, once, whatever is killed while tablets are sending."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.e2e.clinic import Clinic, clinic
from tests.programs import free_port, serving

logger = logging.getLogger("evidence")

KILLS = int(os.environ.get("KILLS", "3"))
"""`make evidence` asks for twenty."""

TABLETS = 8
SECONDS_OF_LOAD = (0.4, 1.2)


@dataclass
class Tablets:
    """Eight tablets: what they have sent, and the receipts that they got."""

    clinic: Clinic
    bodies: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[UUID, dict[str, Any]] = field(default_factory=dict)

    def send(self, client: httpx.Client, administration_id: UUID) -> int | None:
        """Put one administration; without an answer, or with an error of the server, it is not acknowledged."""
        try:
            answer = client.put(f"/v1/administrations/{administration_id}", json=self.bodies[administration_id])
        except httpx.TransportError:
            return None
        if answer.status_code >= 500:
            return None
        assert answer.status_code in (200, 201), answer.text
        receipt = self.receipts.setdefault(administration_id, answer.json())
        assert answer.json() == receipt, "a receipt is the same however often it is asked for"
        return answer.status_code

    def client(self, address: str) -> httpx.Client:
        return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {self.clinic.tablet}"}, timeout=20)

    def send_until(self, stopped: threading.Event, address: str, seed: int) -> None:
        """Send new administrations until told to stop."""
        rng = random.Random(seed)
        with self.client(address) as client:
            while not stopped.is_set():
                administration_id = uuid4()
                self.bodies[administration_id] = self.clinic.body(rng)
                if self.send(client, administration_id) is None:
                    stopped.wait(0.05)

    def send_again(self, address: str) -> None:
        """Send everything again: what was acknowledged must be known, and the rest arrives now."""
        acknowledged = set(self.receipts)

        def again(share: list[UUID]) -> None:
            with self.client(address) as client:
                for administration_id in share:
                    status = self.send(client, administration_id)
                    assert status is not None
                    assert status == 200 or administration_id not in acknowledged, "an acknowledged one was lost"

        everything = list(self.bodies)
        with ThreadPoolExecutor(TABLETS) as pool:
            list(pool.map(again, [everything[place::TABLETS] for place in range(TABLETS)]))


def kill_program(program: subprocess.Popen[str], _: Clinic) -> None:
    program.kill()
    program.wait()


def kill_database(program: subprocess.Popen[str], clinic: Clinic) -> None:
    """Kill PostgreSQL under the program, which goes on without it until it is told to stop."""
    postmaster = int((clinic.data_dir / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    time.sleep(0.3)
    program.terminate()
    assert program.wait(60) == 0


def load_and_kill(tablets: Tablets, number: int) -> None:
    """Start the program, see that nothing was lost, send for a while, and kill in the middle of it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with serving("serve", "--port", port, "--data-dir", tablets.clinic.data_dir) as (program, _):
        tablets.send_again(address)
        before, stopped = len(tablets.receipts), threading.Event()
        with ThreadPoolExecutor(TABLETS) as pool:
            sending = [
                pool.submit(tablets.send_until, stopped, address, 1000 * number + tablet) for tablet in range(TABLETS)
            ]
            time.sleep(random.Random(number).uniform(*SECONDS_OF_LOAD))
            (kill_database if number % 2 else kill_program)(program, tablets.clinic)
            stopped.set()
        for each in sending:
            each.result()
        assert len(tablets.receipts) > before, "nothing was acknowledged: the load was none"


def test_nothing_acknowledged_is_lost_or_doubled() -> None:
    with clinic(episodes=40) as place:
        tablets = Tablets(place)
        for number in range(KILLS):
            load_and_kill(tablets, number)
        port = free_port()
        with serving("serve", "--port", port, "--data-dir", place.data_dir):
            tablets.send_again(f"http://127.0.0.1:{port}")
        with place.connection() as connection:
            stored = connection.execute("select id from administrations").fetchall()
            scored = connection.execute("select administration_id from scores where subscale = 'total'").fetchall()
            alerts = connection.execute("select administration_id from risk_alerts").fetchall()
    logger.info("%d kills, %d administrations acknowledged, none lost, none doubled", KILLS, len(tablets.receipts))
    critical = [each for each, body in tablets.bodies.items() if body["answers"]["9"]]
    assert sorted(row[0] for row in stored) == sorted(tablets.receipts) == sorted(tablets.bodies)
    assert sorted(row[0] for row in scored) == sorted(tablets.receipts)
    assert sorted(row[0] for row in alerts) == sorted(critical)
