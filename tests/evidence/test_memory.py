"""The server's memory stays flat, however much is put and however many charts are drawn."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import numpy as np
import numpy.typing as npt
import psycopg
import pytest
from fastapi.testclient import TestClient
from scipy import stats

from app.config import Settings
from app.db import migrations
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.provision import APP_ROLE, DATABASE, OWNER_ROLE
from app.db.session import Database
from app.main import create_app
from tests import bulk
from tests.factories import Clinic, administration, gad_7, make_clinic, phq_9
from tests.programs import enterable_folder, free_port, serving

logger = logging.getLogger("evidence")

PUTS: Final = int(os.environ.get("PUTS", "1200"))
CHARTS: Final = int(os.environ.get("CHARTS", "24"))
"""`make evidence` asks for 100,000 and 10,000."""

CLIENTS: Final = 4
IN_A_BATCH: Final = 80
BY_ITSELF: Final = 20
"""Of each hundred administrations so many come in a batch, as from a tablet that was offline, and the others singly."""

PUTS_OF_A_SERIES: Final = 9
INSTRUMENTS: Final = ("phq-9", "gad-7")

MOST_PER_PUT: Final = 100
"""Bytes: less than a body (330) or a receipt (150), so that a server that kept either, or a row, would not pass."""

MOST_PER_CHART: Final = 1000
"""Bytes: a fiftieth of a picture. Pictures are kept while there is room, and that has long been taken by then."""

CHARTS_THAT_FILL_THE_ROOM: Final = 1000

WARMING_UP: Final = 0.2
"""The share of the load after which pools, caches and plans are what they are going to be."""

MEANS: Final = 10

MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class Growth:
    """The slope of a line through memory, bytes for each piece of work, with its 95 % bounds."""

    slope: float
    lower: float
    upper: float

    @classmethod
    def of(cls, work: npt.ArrayLike, memory: npt.ArrayLike) -> Growth:
        """Fit a line to what follows the warming up.

        Neighbouring samples are nearly the same, so the line is put through the means of ten stretches.
        """
        work, memory = np.asarray(work), np.asarray(memory)
        steady = work >= WARMING_UP * work[-1]
        done, used = ([part.mean() for part in np.array_split(each[steady], MEANS)] for each in (work, memory))
        if np.ptp(used) == 0:  # scipy gives a line without any scatter no standard error
            return cls(0.0, 0.0, 0.0)
        line = stats.linregress(done, used)
        margin = stats.t.ppf(0.975, MEANS - 2) * line.stderr
        return cls(line.slope, line.slope - margin, line.slope + margin)


def test_a_leak_is_told_from_noise() -> None:
    rng = np.random.default_rng(4)
    work = np.arange(0, 100_000, 500)
    warming_up = 40e6 * np.exp(-work / 5000)
    noise = rng.normal(0, 0.3e6, len(work))
    flat = Growth.of(work, 150e6 - warming_up + noise)
    leak = Growth.of(work, 150e6 - warming_up + noise + 200 * work)
    assert flat.lower < 0 < flat.upper < MOST_PER_PUT < leak.lower < 200 < leak.upper
    assert Growth.of(work, np.full(len(work), 43_000_000)) == Growth(0.0, 0.0, 0.0)


def resident(process: int, field_name: str = "VmRSS") -> int:
    """Give a figure of a process's memory, bytes; 0 for one that has just ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line.split()[1] for line in lines if line.startswith(f"{field_name}:")]
    return int(found[0]) * 1024 if found else 0


def descendants(process: int) -> Iterator[int]:
    """Give a process and all that it has started."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            started = children.read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in started:
            yield from descendants(int(child))


@dataclass
class Memory:
    """What a server and what it has started have used, after so much work; bytes."""

    server: int
    work: list[int] = field(default_factory=list)
    used: dict[str, list[int]] = field(default_factory=lambda: {"server": [], "drawing": [], "postgres": []})

    def sample(self, work: int) -> None:
        """Look now. Of PostgreSQL only what is a process's own counts: what they share is its buffer pool."""
        sums = dict.fromkeys(self.used, 0)
        for process in descendants(self.server):
            if process == self.server:
                sums["server"] += resident(process)
            elif is_postgres(process):
                sums["postgres"] += resident(process, "RssAnon")
            else:
                sums["drawing"] += resident(process)
        self.work.append(work)
        for name, each in sums.items():
            self.used[name].append(each)

    def series(self, name: str) -> str:
        """Give a series in a line, MiB, some twenty samples."""
        step = max(1, len(self.work) // 20)
        return " ".join(f"{each / MEBIBYTE:.0f}" for each in self.used[name][::step])


def is_postgres(process: int) -> bool:
    try:
        return "postgres" in Path(f"/proc/{process}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass(frozen=True)
class Site:
    """A clinic whose server runs in a process of its own."""

    clinic: Clinic
    episode_ids: list[UUID]
    data_dir: Path


@contextmanager
def site(puts: int) -> Iterator[Site]:
    """Furnish a data directory with open episodes for so many puts, all of one therapist."""
    episodes = -(-puts // (PUTS_OF_A_SERIES * len(INSTRUMENTS)))
    practices = -(-episodes // bulk.OPEN_EPISODES)
    with enterable_folder() as folder:
        with EmbeddedServer(folder / "spor") as server:
            migrations.upgrade(server.url(DATABASE, OWNER_ROLE))
            database = Database(server.url(DATABASE, APP_ROLE))
            with TestClient(create_app(Settings(), database)) as client:
                clinic = make_clinic(database, client)
                bulk.make_practice(clinic, answered_weeks=1)
            database.close()
            with psycopg.connect(server.conninfo(DATABASE, SUPERUSER)) as connection:
                bulk.multiply(connection, clinic, practices)
                connection.execute(
                    "delete from treatment_relations r using treatment_relations o"
                    " where o.organisation_id = r.organisation_id and o.episode_id = r.episode_id and o.id < r.id"
                )
                connection.execute("update treatment_relations set user_id = %s", [clinic.therapist_id])
                found = connection.execute("select id from episodes where closed_at is null order by id").fetchall()
            bulk.settle(server, DATABASE)
        yield Site(clinic, [episode_id for (episode_id,) in found], folder / "spor")


def bodies(episode_ids: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    """Give administrations of all episodes, week by week."""
    rng = random.Random(8)
    for week in range(1, 1 + PUTS_OF_A_SERIES):
        for episode_id in episode_ids:
            of = {"id": str(episode_id)}
            yield administration(of, phq_9(rng.randint(1, 24), item_9=int(rng.random() < 0.05)), week=week)
            yield administration(of, gad_7(rng.randint(1, 21)), week=week, instrument="gad-7")


def in_turn(pieces: Sequence[Any], do: Callable[[httpx.Client, Any], int], address: str, token: str) -> Iterator[int]:
    """Do pieces of work over some connections that are kept; give how much is done, now and again."""
    done, lock, waiting = 0, threading.Lock(), iter(pieces)
    changed = threading.Condition(lock)

    def work() -> None:
        nonlocal done
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=120) as client:
            while True:
                with lock:
                    piece = next(waiting, None)
                if piece is None:
                    return
                amount = do(client, piece)
                with changed:
                    done += amount
                    changed.notify()

    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(work) for _ in range(CLIENTS)]
        while not all(each.done() for each in working):
            with changed:
                changed.wait(1)
                so_far = done
            yield so_far
        for each in working:
            each.result()
    yield done


def put_hundred(client: httpx.Client, hundred: Sequence[dict[str, Any]]) -> int:
    """Put some administrations one by one, and the others as a batch."""
    for body in hundred[:BY_ITSELF]:
        assert client.put(f"/v1/administrations/{uuid4()}", json=body).status_code == 201
    batch = [{"id": str(uuid4()), **body} for body in hundred[BY_ITSELF:]]
    answer = client.put("/v1/administrations", json={"administrations": batch})
    assert answer.status_code == 200, answer.text
    assert all(each["receipt"] for each in answer.json()["administrations"])
    return len(hundred)


def draw(client: httpx.Client, chart: tuple[UUID, str]) -> int:
    episode_id, instrument = chart
    path = f"/v1/episodes/{episode_id}/trajectory?instrument={instrument}"
    answer = client.get(path, headers={"Accept": "image/svg+xml"})
    assert answer.status_code == 200, answer.text
    assert "<svg" in answer.text
    return 1


@contextmanager
def ended(program: subprocess.Popen[str]) -> Iterator[None]:
    """End a server in order, and its database with it."""
    try:
        yield
    finally:
        program.terminate()
        program.wait(60)


@pytest.fixture(scope="module")
def measured() -> Iterator[dict[str, Memory]]:
    """Put and draw as much as was asked for, and watch the memory."""
    with site(PUTS) as place:
        planned = list(islice(bodies(place.episode_ids), PUTS))
        hundreds = [planned[first : first + 100] for first in range(0, PUTS, 100)]
        charts = list(islice(((each, name) for name in INSTRUMENTS for each in place.episode_ids), CHARTS))
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        with serving("serve", "--port", port, "--data-dir", place.data_dir) as (program, _), ended(program):
            loads: dict[str, tuple[Sequence[Any], Callable[[httpx.Client, Any], int], str, int]] = {
                "puts": (hundreds, put_hundred, place.clinic.tablet.token, PUTS // 200),
                "charts": (charts, draw, place.clinic.therapist.token, max(1, CHARTS // 200)),
            }
            found = {}
            for name, (pieces, do, token, step) in loads.items():
                found[name] = Memory(program.pid)
                found[name].sample(0)
                for done in in_turn(pieces, do, address, token):
                    if done >= found[name].work[-1] + step:
                        found[name].sample(done)
                found[name].sample(done)
        yield found


@pytest.mark.parametrize("process", ["server", "postgres"])
def test_memory_is_flat_while_administrations_are_put(measured: dict[str, Memory], process: str) -> None:
    judge(measured["puts"], process, "puts", MOST_PER_PUT, whole=PUTS >= 100_000)


@pytest.mark.parametrize("process", ["server", "drawing", "postgres"])
def test_memory_is_flat_while_charts_are_drawn(measured: dict[str, Memory], process: str) -> None:
    judge(measured["charts"], process, "charts", MOST_PER_CHART, whole=CHARTS >= 10_000)


def judge(memory: Memory, process: str, what: str, most: float, *, whole: bool) -> None:
    """Demand that memory is flat; a part of the load only warms up, and shows that the right things are looked at."""
    assert min(memory.used[process][1:]) > 5 * MEBIBYTE
    assert max(memory.used[process]) < 500 * MEBIBYTE
    growth = Growth.of(memory.work, memory.used[process])
    scale = 10_000 if what == "puts" else 1000
    slopes = [scale * each / MEBIBYTE for each in (growth.slope, growth.lower, growth.upper)]
    logger.info(
        "%s, %d %s: %+.2f MiB for each %d (95 %% bounds %+.2f to %+.2f); MiB along the way: %s",
        process, memory.work[-1], what, slopes[0], scale, *slopes[1:], memory.series(process),
    )  # fmt: skip
    if whole:
        assert growth.upper < most
