"""Two organisations through one connection of a transaction-pooling pgbouncer: nobody sees the other's rows.

    python -m tests.evidence.pgbouncer

Part of `make evidence`. It needs Debian's package pgbouncer, and root's rights to run it as another account.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import psycopg
from fastapi.testclient import TestClient

from app.db import migrations
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.postgres_programs import ServerAccount
from app.db.provision import APP_ROLE, DATABASE, OWNER_ROLE
from app.db.session import Database
from tests.factories import Clinic, administration, make_clinic, make_episode, make_patient, ok, phq_9, put
from tests.programs import enterable_folder, free_port, serving

SECONDS = float(os.environ.get("SECONDS", "5"))
FIRST_THAT_KNOWS_PREPARED = (1, 21)
EPISODES = 5
THREADS_OF_EACH = 4


@dataclass
class Seen:
    """What was done and found, counted over all threads."""

    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, number: int = 1) -> None:
        with self.lock:
            self.counts[what] += number


def main() -> None:
    """Run the load with what this pgbouncer can do, and show what it can't."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(program).exists():
        raise SystemExit("pgbouncer: not tried: install the package pgbouncer")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    found = re.search(r"(\d+)\.(\d+)", said)
    assert found is not None, said
    knows_prepared = (int(found[1]), int(found[2])) >= FIRST_THAT_KNOWS_PREPARED
    print(f"{said}, pool_mode=transaction, pool_size=1")
    with enterable_folder() as folder, EmbeddedServer(folder / "root") as server:
        migrations.upgrade(server.url(DATABASE, OWNER_ROLE))
        with pooled(program, server, folder, knows_prepared=knows_prepared) as (port, log):
            address = f"postgresql+psycopg://{APP_ROLE}@127.0.0.1:{port}/{DATABASE}?connect_timeout=5"
            for prepares in (False, True):
                if prepares and not knows_prepared:
                    show_refusal(address)
                else:
                    try_load(server, address, prepares=prepares)
            errors = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]
            print("errors in pgbouncer's log:", len(errors))


@contextmanager
def pooled(program: str, server: EmbeddedServer, folder: Path, *, knows_prepared: bool) -> Iterator[tuple[int, Path]]:
    """Run a pgbouncer with one server connection; give its port and its log."""
    port, account = free_port(), ServerAccount.choose()
    place = folder / "pooler"
    place.mkdir()
    account.take(place)
    configuration = place / "pgbouncer.ini"
    lines = [
        "[databases]",
        f"{DATABASE} = host={server.socket_directory} port=5432 dbname={DATABASE} user={APP_ROLE}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        "pool_mode = transaction",
        "default_pool_size = 1",
        "max_client_conn = 200",
        *(["max_prepared_statements = 200"] if knows_prepared else []),
    ]
    configuration.write_text("\n".join(lines) + "\n")
    log = folder / "pgbouncer.log"
    with log.open("wb") as output:
        process = account.spawn([program, str(configuration)], output=output)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(host="127.0.0.1", port=port, user=APP_ROLE, dbname=DATABASE).close()
                break
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"pgbouncer did not start: {log.read_text()}") from None
                time.sleep(0.1)
        yield port, log
    finally:
        process.terminate()
        process.wait(20)


def try_load(server: EmbeddedServer, address: str, *, prepares: bool) -> None:
    """Let both organisations work at once, and count what each sees."""
    seen = Seen()
    port = free_port()
    settings = {"DATABASE_URL": address, "SPOR_PREPARED_STATEMENTS": str(prepares).lower(), "SPOR_THREADS": "8"}
    with (
        serving("serve", "--port", port, **settings),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        closing(Database(server.url(DATABASE, APP_ROLE), pool_size=1)) as direct,
    ):
        clinics = [make_clinic(direct, cast(TestClient, client)) for _ in range(2)]
        works = [furnish(clinic, name) for clinic, name in zip(clinics, ("north", "south"), strict=True)]
        until = time.monotonic() + SECONDS
        with ThreadPoolExecutor(2 * THREADS_OF_EACH + 2) as threads:
            running = [
                threads.submit(work_on, clinic, own, until, seen)
                for clinic, own in works
                for _ in range(THREADS_OF_EACH)
            ]
            running.append(threads.submit(look_for_leftovers, address, until, seen))
            running.append(threads.submit(count_connections, server, until, seen))
            for each in running:
                each.result()
    tell(seen, prepares=prepares)
    check(server, clinics, seen)


def furnish(clinic: Clinic, name: str) -> tuple[Clinic, dict[str, set[str]]]:
    """Give an organisation patients by whose references its rows are known."""
    episodes = []
    for number in range(EPISODES):
        patient = make_patient(clinic, reference=f"{name}-{number}")
        episodes.append(make_episode(clinic, patient_id=patient["id"])["id"])
    return clinic, {"references": {f"{name}-{number}" for number in range(EPISODES)}, "episodes": set(episodes)}


def work_on(clinic: Clinic, own: dict[str, set[str]], until: float, seen: Seen) -> None:
    """Put and read by turns; every row must be one's own."""
    turn = 0
    while time.monotonic() < until:
        for episode in sorted(own["episodes"]):
            turn += 1
            week = (threading.get_ident() % 1000 + turn) / 1000
            answer = put(clinic.tablet, administration({"id": episode}, phq_9(turn % 20), week=week))
            assert answer.status_code == 201, answer.text
            seen.add("puts")
            patients = {each["reference"] for each in ok(clinic.therapist.get("/v1/patients"))["patients"]}
            episodes = {each["id"] for each in ok(clinic.therapist.get("/v1/episodes"))["episodes"]}
            ok(clinic.therapist.get(f"/v1/episodes/{episode}/trajectory"))
            seen.add("reads", 3)
            seen.add("rows of the other organisation", len(patients - own["references"]))
            seen.add("rows of the other organisation", len(episodes - own["episodes"]))
            assert patients == own["references"]
            assert episodes == own["episodes"]


def look_for_leftovers(address: str, until: float, seen: Seen) -> None:
    """Begin transactions that set nothing, on the same server connection, and look what they find."""
    plain = address.replace("+psycopg", "")
    with psycopg.connect(plain, prepare_threshold=None, autocommit=True) as connection:
        while time.monotonic() < until:
            row = connection.execute(
                "select nullif(current_setting('spor.organisation', true), ''), current_setting('plan_cache_mode'),"
                " (select count(*) from patients)"
            ).fetchone()
            seen.add("looks between transactions")
            seen.add("settings or rows left behind", row != (None, "auto", 0))
            time.sleep(0.002)


def count_connections(server: EmbeddedServer, until: float, seen: Seen) -> None:
    with psycopg.connect(server.conninfo(DATABASE, SUPERUSER), autocommit=True) as connection:
        while time.monotonic() < until:
            [(backends,)] = connection.execute(
                "select array_agg(pid) from pg_stat_activity where usename = %s and client_port = -1"
                " and application_name <> 'direct' and datname = %s and backend_type = 'client backend'"
                " and state_change > now() - interval '5 seconds'",
                [APP_ROLE, DATABASE],
            ).fetchall()
            with seen.lock:
                seen.counts["most server connections"] = max(
                    seen.counts["most server connections"], len(backends or ())
                )
            time.sleep(0.2)


def tell(seen: Seen, *, prepares: bool) -> None:
    how = "prepared statements" if prepares else "SPOR_PREPARED_STATEMENTS=false"
    rest = ("rows of the other organisation", "settings or rows left behind", "most server connections")
    counted = [f"{seen.counts[each]} {each}" for each in ("puts", "reads", "looks between transactions", *rest)]
    print(f"{how}: {', '.join(counted)}")


def check(server: EmbeddedServer, clinics: list[Clinic], seen: Seen) -> None:
    assert seen.counts["puts"] > 0
    assert seen.counts["looks between transactions"] > 0
    assert seen.counts["rows of the other organisation"] == 0
    assert seen.counts["settings or rows left behind"] == 0
    assert seen.counts["most server connections"] <= 2, "the one pooled, and the one that furnished"
    ids = [clinic.organisation_id for clinic in clinics]
    with psycopg.connect(server.conninfo(DATABASE, OWNER_ROLE)) as connection:
        rows: list[Any] = connection.execute(
            "select organisation_id, count(*) from administrations where organisation_id = any(%s) group by 1", [ids]
        ).fetchall()
    assert sum(number for _, number in rows) == seen.counts["puts"]
    print(f"every put is stored, in its own organisation: {' and '.join(str(number) for _, number in rows)}")


def show_refusal(address: str) -> None:
    """Show what comes of prepared statements where the pooler does not know of them."""
    port = free_port()
    with serving("serve", "--port", port, DATABASE_URL=address):
        answers: Counter[int] = Counter()
        for _ in range(20):
            answer = httpx.get(f"http://127.0.0.1:{port}/v1/settings", headers={"Authorization": "Bearer spor_nobody"})
            answers[answer.status_code] += 1
        with httpx.Client() as client, ThreadPoolExecutor(8) as threads:

            def ask(_: int) -> int:
                headers = {"Authorization": "Bearer spor_nobody"}
                return client.get(f"http://127.0.0.1:{port}/v1/settings", headers=headers).status_code

            answers.update(threads.map(ask, range(200)))
    told = ", ".join(f"{number} times {status}" for status, number in sorted(answers.items()))
    print(f"prepared statements, which this pgbouncer does not know: {told} (401 is right, 500 is not)")


if __name__ == "__main__":
    main()
