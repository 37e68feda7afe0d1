"""Pictures: each drawn once, in a process that may die, and kept while there is room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from multiprocessing import Pipe
from typing import Any
from xml.etree import ElementTree

import pytest

from app.services import drawing, pictures
from app.services.pictures import DrawingFailed, DrawingProcess, PictureFormat, Pictures

SVG, PNG = PictureFormat.SVG, PictureFormat.PNG


def dots(*scores: int) -> dict[str, Any]:
    """A specification of its own for each list of scores."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": [{"score": score} for score in scores]},
        "mark": "point",
        "encoding": {"x": {"field": "score", "type": "quantitative"}},
    }


class Counting:
    """Stands for the process: answers at once, or when it is let; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.started = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.failures: list[Exception] = []

    def __call__(self) -> DrawingProcess:
        self.started += 1
        return self  # type: ignore[return-value]

    def draw(self, job: bytes) -> bytes:
        assert self.may_answer.wait(10)
        self.asked.append(job)
        if self.failures:
            raise self.failures.pop(0)
        return b"+" + b"x" * 100

    def close(self) -> None: ...


@pytest.fixture
def process() -> Counting:
    return Counting()


@pytest.fixture
def real() -> Iterator[Pictures]:
    found = Pictures()
    yield found
    found.close()


# ---- The real process


def test_it_draws_both_formats(real: Pictures) -> None:
    svg, png = real.draw(dots(1, 2), SVG), real.draw(dots(1, 2), PNG)
    picture = ElementTree.fromstring(svg.result(60))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    content = png.result(60)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    # PNG (ISO 15948): width and height are the first eight bytes of the first chunk. Twice the pixels of the SVG.
    size = [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)]
    assert size == [2 * int(picture.attrib[each]) for each in ("width", "height")]


def test_a_process_that_was_killed_is_replaced(real: Pictures) -> None:
    real.draw(dots(1), SVG).result(60)
    assert real._process is not None
    first = real._process.process.pid
    os.kill(first, signal.SIGKILL)
    assert real.draw(dots(2), SVG).result(60).startswith(b"<svg")
    assert real._process.process.pid != first


def test_what_is_no_specification_is_refused_and_the_process_goes_on(real: Pictures) -> None:
    with pytest.raises(DrawingFailed, match="refused"):
        real.draw({"mark": "no such mark"}, SVG).result(60)
    assert real._process is not None
    process = real._process.process.pid
    real.draw(dots(1), SVG).result(60)
    assert real._process.process.pid == process


def test_nothing_is_fetched(real: Pictures) -> None:
    elsewhere = dots() | {"data": {"url": "http://127.0.0.1:9/scores.json"}}
    with pytest.raises(DrawingFailed, match="refused"):
        real.draw(elsewhere, SVG).result(60)


def test_the_process_is_gone_when_the_pictures_are_closed_and_another_comes_when_needed(real: Pictures) -> None:
    real.draw(dots(1), SVG).result(60)
    assert real._process is not None
    process = real._process.process
    real.close()
    assert process.returncode is not None
    assert real.draw(dots(1), SVG).result(60).startswith(b"<svg")


ORPHAN = """
import os, sys
from app.services.pictures import PictureFormat, pictures
pictures().draw({"mark": "point", "data": {"values": []}}, PictureFormat.SVG).result()
print(pictures()._process.process.pid, flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("end", ["in order", "killed"])
def test_no_process_stays_behind(end: str) -> None:
    ran = subprocess.run([sys.executable, "-c", ORPHAN, end], capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == (0 if end == "in order" else -9), ran.stderr
    for _ in range(200):
        try:
            os.kill(int(ran.stdout), 0)
        except ProcessLookupError:
            return
        threading.Event().wait(0.05)
    pytest.fail("the drawing process is still there")


def test_the_server_s_own_process_does_not_load_the_renderer() -> None:
    program = "import sys, app.main, app.cli; sys.exit('vl_convert' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode == 0


def test_the_drawing_process_ends_when_the_other_side_does() -> None:
    ours, theirs = Pipe()
    ours.send_bytes(b'["svg", {"mark": "nonsense"}]')
    ours.close()
    with theirs, pytest.raises(BrokenPipeError):  # it has nobody to answer
        drawing.serve(theirs)
    ours, theirs = Pipe()
    ours.close()
    with theirs:
        drawing.serve(theirs)


# ---- What is kept


def test_what_is_asked_for_again_is_not_drawn_again(process: Counting) -> None:
    found = Pictures(start=process)
    for _ in range(3):
        assert found.draw(dots(1, 2), SVG).result(10) == b"x" * 100
    found.draw(dots(1, 2), PNG).result(10)
    found.draw(dots(2, 1), SVG).result(10)
    assert (len(process.asked), process.started) == (3, 1)
    found.close()


def test_the_same_picture_asked_for_at_the_same_time_is_drawn_once(process: Counting) -> None:
    found = Pictures(start=process)
    process.may_answer.clear()
    with ThreadPoolExecutor(20) as crowd:
        waiting = list(crowd.map(lambda _: found.draw(dots(1), SVG), range(20)))
        process.may_answer.set()
    assert {each.result(10) for each in waiting} == {b"x" * 100}
    assert len(process.asked) == 1
    found.close()


def test_there_is_room_for_so_many_bytes_and_those_asked_for_last_stay(process: Counting) -> None:
    found = Pictures(room=250, start=process)
    for score in (1, 2, 1, 3):  # 100 bytes each: the third one needs the room of the second
        found.draw(dots(score), SVG).result(10)
    assert len(process.asked) == 3
    for score in (1, 3):
        found.draw(dots(score), SVG).result(10)
    assert len(process.asked) == 3
    found.draw(dots(2), SVG).result(10)
    assert len(process.asked) == 4
    assert found._size == sum(each.size for each in found._kept.values()) <= 250
    found.close()


def test_a_picture_larger_than_all_the_room_is_given_and_not_kept(process: Counting) -> None:
    found = Pictures(room=99, start=process)
    for _ in range(2):
        assert found.draw(dots(1), SVG).result(10) == b"x" * 100
    assert (len(process.asked), found._size, len(found._kept)) == (2, 0, 0)
    found.close()


# ---- What goes wrong


@pytest.mark.parametrize("failure", [EOFError(), BrokenPipeError(), TimeoutError()])
def test_a_process_that_dies_or_hangs_gets_one_successor(process: Counting, failure: Exception) -> None:
    found = Pictures(start=process)
    process.failures = [failure]
    assert found.draw(dots(1), SVG).result(10) == b"x" * 100
    assert (len(process.asked), process.started) == (2, 2)
    found.close()


def test_a_picture_that_kills_twice_is_given_up_and_the_next_is_drawn(process: Counting) -> None:
    found = Pictures(start=process)
    process.failures = [EOFError(), EOFError()]
    with pytest.raises(DrawingFailed, match="twice"):
        found.draw(dots(1), SVG).result(10)
    assert found.draw(dots(2), SVG).result(10) == b"x" * 100
    # What failed was not kept.
    assert found.draw(dots(1), SVG).result(10) == b"x" * 100
    found.close()


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, real: Pictures) -> None:
    real.draw(dots(1), SVG).result(60)
    assert real._process is not None
    hanging = real._process.process
    os.kill(hanging.pid, signal.SIGSTOP)
    monkeypatch.setattr(pictures, "_PATIENCE", 20.0)
    monkeypatch.setattr(real._process._connection, "poll", lambda _: False)
    assert real.draw(dots(2), SVG).result(60).startswith(b"<svg")
    assert hanging.returncode is not None


def test_closing_gives_up_what_is_waiting(process: Counting) -> None:
    found = Pictures(start=process)
    process.may_answer.clear()
    first, second = found.draw(dots(1), SVG), found.draw(dots(2), SVG)
    threading.Timer(0.2, process.may_answer.set).start()
    found.close()
    assert first.result(10) == b"x" * 100
    with pytest.raises(CancelledError):
        second.result(10)
    assert (len(found._kept), found._size) == (0, 0)
