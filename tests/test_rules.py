"""What must hold everywhere: each rule is tried on the project, and on a planted violation that it has to catch."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI

from app import errors
from app.api.deps import OpenWork, allow
from app.api.errors import NOT_OURS, STATUS
from app.config import Settings
from app.db import auditing
from app.db.codes import Role
from app.db.models import Base
from app.db.session import Database
from app.errors import slug
from app.identity.policy import ALLOWED, Action
from app.main import create_app
from app.texts.catalogue import LANGUAGES, say
from tests import rules
from tests.rules import ROOT, Source, sources

APP = sources("app")
CORE = sources("app/scales", "app/trajectories", "app/texts", "app/charts", "app/errors.py")

OF_THE_ORGANISATION = {
    "AuditEvent",
    "AuditSeal",
    "Credential",
    "Curve",
    "Device",
    "EvaluationPlan",
    "Login",
    "Organisation",
    "OrganisationSettings",
    "Programme",
    "ProgrammeEvidence",
    "ReportJob",
    "Service",
    "ServiceStatements",
    "User",
}
"""Tables that say nothing of a patient, or not what a caller may see: row-level security alone is enough for them."""

OF_PATIENTS = {
    mapper.class_.__name__: str(mapper.local_table)
    for mapper in Base.registry.mappers
    if mapper.class_.__name__ not in OF_THE_ORGANISATION
}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(), Database("postgresql+psycopg://nobody@/nowhere"))


def broken(rule: Callable[[Source], list[str]], over: list[Source]) -> list[str]:
    assert over
    return [finding for source in over for finding in rule(source)]


def unscoped(source: Source) -> list[str]:
    return rules.unscoped_statements(source, OF_PATIENTS, OF_THE_ORGANISATION)


# Layers


def lint_imports(folder: Path) -> str:
    program = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run(
        [program, "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    return ran.stdout


def contracts() -> list[str]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [contract["name"] for contract in configuration["tool"]["importlinter"]["contracts"]]


def test_imports_point_one_way() -> None:
    said = lint_imports(ROOT)
    assert f"Contracts: {len(contracts())} kept, 0 broken" in said, said


def test_an_import_the_other_way_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = {
        "app/scales/risk.py": "import pydantic\nimport app.trajectories.series\n",
        "app/services/reviews.py": "import sqlalchemy\nimport fastapi\n",
    }
    for path, imports in planted.items():
        text = (tmp_path / path).read_text(encoding="utf-8")
        (tmp_path / path).write_text(text + imports, encoding="utf-8")
    said = lint_imports(tmp_path)
    assert f"Contracts: 0 kept, {len(contracts())} broken" in said, said
    (tmp_path / "app" / "stray.py").write_text('"""A module without a place."""\n', encoding="utf-8")
    assert "stray" in lint_imports(tmp_path)


def test_the_core_imports_nothing_foreign() -> None:
    assert broken(rules.foreign_imports, CORE) == []
    planted = Source("app/scales/x.py", "import numpy as np\nimport pandas as pd\nfrom yaml import load\nimport re\n")
    assert rules.foreign_imports(planted) == ["app/scales/x.py: pandas", "app/scales/x.py: yaml"]


# Transactions and scope


def test_one_place_opens_transactions() -> None:
    assert broken(rules.transactions_elsewhere, APP) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("work.db.commit()", "commit"),
        ("with Session(engine) as db: pass", "Session"),
        ("orm.Session(bind)", "Session"),
        ("sessionmaker(bind)()", "sessionmaker"),
        ("connection = database.engine.connect()", "engine"),
        ("engine = create_engine(url)", "create_engine"),
    ],
)
def test_a_transaction_elsewhere_is_found(line: str, name: str) -> None:
    assert rules.transactions_elsewhere(Source("app/services/x.py", line)) == [f"app/services/x.py: {name}"]
    assert rules.transactions_elsewhere(Source("app/db/record.py", line)) == [f"app/db/record.py: {name}"]


def test_nothing_stays_on_a_connection() -> None:
    assert broken(rules.state_between_transactions, APP) == []


@pytest.mark.parametrize(
    "statement",
    [
        "set statement_timeout = 0",
        "listen alerts",
        "select pg_advisory_lock(1)",
        "select set_config('spor.organisation', :organisation, false)",
    ],
)
def test_what_stays_on_a_connection_is_found(statement: str) -> None:
    planted = f'work.db.execute(text("{statement}"))'
    assert rules.state_between_transactions(Source("app/db/record.py", planted)) == ["app/db/record.py:1"]
    assert rules.state_between_transactions(Source("app/db/record.py", 'f("set local statement_timeout = 0")')) == []


def test_only_db_asks_the_database() -> None:
    assert broken(rules.asks_outside_db, APP) == []
    for asked in ("work.db.get(Patient, key)", "work.db.scalars(statement).all()", "self.work.db.add(row)"):
        assert rules.asks_outside_db(Source("app/services/x.py", f"def f(work):\n    return {asked}\n"))
    assert rules.asks_outside_db(Source("app/services/x.py", "work.db.flush()\nfound.get(1)\n")) == []


def test_every_statement_on_patients_says_whose_rows_it_means() -> None:
    queries = [source for source in sources("app/db") if source.path != "app/db/scope.py"]
    assert broken(unscoped, queries) == []


@pytest.mark.parametrize(
    "statement",
    [
        "work.db.scalars(select(Patient).where(Patient.id == patient_id))",
        "work.db.scalars(select(Patient.reference, func.count()))",
        "work.db.scalar(select(func.max(Review.dose)))",
        "work.db.scalars(select(table).where(table.id == row_id))",
        "work.db.execute(update(Episode).values(closed_at=None))",
        "work.db.execute(sa.select(Score))",
        "work.db.get(Administration, administration_id)",
        "exists(select(Attendance.id))",
        "text('select * from patients where id = :id')",
        "text('select * from episodes e join patients p on p.id = e.patient_id where e.organisation_id = :o')",
        "text(f'update administrations set superseded_at = now() where id in ({ids})')",
    ],
)
def test_a_statement_on_everybody_s_patients_is_found(statement: str) -> None:
    assert unscoped(Source("app/db/record.py", f"def f(work, table):\n    for row in {statement}:\n        pass\n"))
    assert unscoped(
        Source("app/db/record.py", f"def f(work, table):\n    scope = organisation_id\n    return {statement}\n")
    )


@pytest.mark.parametrize(
    "statement",
    [
        "work.db.scalars(select(Patient).where(may_reach_patient(work)))",
        "work.db.scalars(reachable_episodes(work).where(Episode.id == episode_id))",
        "work.db.get(TreatmentSession, (work.scope.organisation_id, session_id))",
        "work.db.scalars(select(table).where(table.organisation_id == work.scope.organisation_id))",
        "work.db.scalars(select(Programme))",
        "text('select * from patients where organisation_id = :organisation_id')",
        "rows.get(patient_id)",
        "headers.update(etag)",
    ],
)
def test_a_scoped_statement_passes(statement: str) -> None:
    assert unscoped(Source("app/db/record.py", f"def f(work, table):\n    return {statement}\n")) == []


def test_what_writes_rows_of_patients_takes_the_audit_entry() -> None:
    assert broken(writes_without_entry, sources("app/db")) == []


@pytest.mark.parametrize(
    "written",
    [
        "work.db.add(Goal(place=1))",
        "work.db.execute(insert(Goal), rows)",
        "work.ask(Query(statement('update goals set place = 1'), {}, list))",
        "work.ask(Query(_ADD, {}, list))",
    ],
)
def test_a_write_without_the_entry_is_found(written: str) -> None:
    module = f"_ADD = statement('insert into goals values (1)')\n\ndef f(work: WorkWITH) -> None:\n    {written}\n"
    assert writes_without_entry(Source("app/db/x.py", module.replace("WITH", "")))
    assert writes_without_entry(Source("app/db/x.py", module.replace("WITH", ", entry: Entry"))) == []


def writes_without_entry(source: Source) -> list[str]:
    about = auditing.OF_PATIENTS
    classes = {mapper.class_.__name__ for mapper in Base.registry.mappers if str(mapper.local_table) in about}
    return rules.writes_without_entry(source, classes, lambda text: auditing.writes_patients(text.encode()))


def test_one_place_writes_the_audit() -> None:
    assert broken(rules.audit_elsewhere, APP) == []
    planted = "work.write_audit()\nwork.db.execute(insert(AuditEvent))\ntext('insert into audit_events values (1)')\n"
    assert len(rules.audit_elsewhere(Source("app/services/x.py", planted))) == 3
    assert len(rules.audit_elsewhere(Source("app/db/seals.py", planted))) == 2


# Routes and errors


def test_every_route_names_what_it_lets_callers_do(app: FastAPI) -> None:
    assert rules.routes_without_action(app.routes) == []


def test_a_route_that_lets_anybody_in_is_found() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/open", operation_id="open_episode")
    def nothing() -> None: ...

    @app.get("/other", operation_id="open_episode")
    def other(open_work: Annotated[OpenWork, allow(Action.READ_EPISODE)]) -> None: ...

    @app.get("/right", operation_id="read_episode")
    def right(open_work: Annotated[OpenWork, allow(Action.READ_EPISODE)]) -> None: ...

    assert rules.routes_without_action(app.routes) == ["/open: []", f"/other: {[Action.READ_EPISODE]}"]


def test_every_action_has_one_route_and_somebody_who_may(app: FastAPI) -> None:
    routed = Counter(rules.actions_of(app.routes))
    assert routed == dict.fromkeys(Action, 1)
    assert set().union(*ALLOWED.values()) == set(Action)
    assert set(ALLOWED) == set(Role)


def test_nothing_is_committed_after_the_answer(app: FastAPI) -> None:
    assert rules.commits_after_the_answer(app.routes) == []
    assert rules.blocks_the_loop(app.routes) == []


def late_transaction() -> Iterator[None]:
    yield


def through_transaction(transaction: Annotated[None, Depends(late_transaction)]) -> None: ...


def test_a_commit_after_the_answer_is_found() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/late")
    async def late(through: Annotated[None, Depends(through_transaction)]) -> None: ...

    assert rules.commits_after_the_answer(app.routes) == ["/late: late_transaction"]
    assert rules.blocks_the_loop(app.routes) == ["/late"]


def test_every_error_has_a_status_and_a_title() -> None:
    concrete = rules.concrete_errors(errors, errors.SporError)
    assert set(STATUS) == set(concrete)
    for name in [*map(slug, concrete), *NOT_OURS.values()]:
        assert all(say(f"problem.{name}", language) for language in LANGUAGES)


def test_an_error_without_a_status_is_found() -> None:
    class Base(Exception): ...

    class General(Base): ...

    class Special(General): ...

    class Other(Base): ...

    module = SimpleNamespace(Base=Base, General=General, Special=Special, Other=Other, text="no class", Path=Path)
    assert rules.concrete_errors(module, Base) == [Special, Other]


# Modules


def test_modules_are_named_after_what_they_are_about() -> None:
    everything = [*APP, *sources("tests", "migrations")]
    assert [source.path for source in everything if rules.vague_name(source.path)] == []
    for planted in ("app/db/utils.py", "app/common/x.py", "app/api/date_helpers.py", "app/session_manager.py"):
        assert rules.vague_name(planted)
    assert not rules.vague_name("app/scales/commonality.py")


def test_modules_are_short() -> None:
    assert [source.path for source in APP if rules.too_long(source)] == []
    assert rules.too_long(Source("app/x.py", "pass\n" * 401))
    assert not rules.too_long(Source("app/x.py", "pass\n" * 400))


def test_the_cases_of_a_test_are_the_same_in_every_process() -> None:
    assert broken(rules.changing_cases, sources("tests")) == []
    for planted in ('("x", [uuid4()])', '("x", {1, 2})', '("x", [("?at=" + str(datetime.now(UTC)), 404)])'):
        text = f"@pytest.mark.parametrize{planted}\ndef test(x): pass\n"
        assert rules.changing_cases(Source("tests/x.py", text)) == ["tests/x.py:1"]


def test_the_core_reads_no_clock() -> None:
    assert broken(rules.reads_a_clock, CORE) == []


@pytest.mark.parametrize(
    "line",
    ["import time", "from time import monotonic", "datetime.now(UTC)", "datetime.date.today()", "dt.datetime.utcnow()"],
)
def test_a_clock_in_the_core_is_found(line: str) -> None:
    assert rules.reads_a_clock(Source("app/scales/x.py", line)) == ["app/scales/x.py:1"]


def test_nothing_of_a_patient_is_logged_or_printed() -> None:
    shell = [source for source in APP if not source.path.startswith("app/cli/")]
    assert broken(rules.says_answers, shell) == []


@pytest.mark.parametrize(
    "line",
    [
        "print(answers)",
        'logger.info("put %s", submission.answers)',
        'logger.info("put %s", extra={"score": score})',
        'logger.debug(f"put {body}")',
        'self.logger.error("refused " + detail)',
        'logging.warning("item %s", len(answers))',
    ],
)
def test_a_log_line_with_answers_is_found(line: str) -> None:
    assert rules.says_answers(Source("app/services/x.py", line)) == ["app/services/x.py:1"]


def test_nothing_of_the_core_is_left_out_of_the_coverage() -> None:
    assert broken(rules.uncovered_on_purpose, CORE) == []
    assert rules.uncovered_on_purpose(Source("app/scales/x.py", "if x:  # " + "pragma: no cover\n")) == [
        "app/scales/x.py:1"
    ]


# Files


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = {path: [*rules.names_a_registry(text), *rules.names_a_machine(text)] for path, text in rules.files()}
    assert {"requirements.lock", "pyproject.toml", "README.md", "tests/rules.py", ".ci/run", ".squawk.toml"} <= set(
        found
    )
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "line",
    [
        "https://files.pythonhosted" + ".org/packages/a.whl",
        "--extra-" + "index-url https://mirror.example",
        "--find-" + "links wheels",
        "https://registry.npmjs" + ".org/htmx.org",
        "https://mirror.example/sim" + "ple/numpy",
    ],
)
def test_a_registry_in_a_file_is_found(line: str) -> None:
    assert rules.names_a_registry(line)
    assert not rules.names_a_machine(line)


@pytest.mark.parametrize(
    "line", ["/ho" + "me/kari/spor/x", "# via -r /wo" + "rk/main/x", "file:/" + "//srv/wheels", "/Us" + "ers/ola/x"]
)
def test_a_path_of_a_machine_in_a_file_is_found(line: str) -> None:
    assert rules.names_a_machine(line)


def test_the_lock_names_no_address_and_pins_by_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    pinned = re.findall(r"^([a-z0-9][\w.\-]*(?:\[[\w,\-]+\])?)==", lock, re.MULTILINE | re.IGNORECASE)
    packages = re.findall(r"^[a-z0-9].*(?:\n[ ]+--hash=sha256:[0-9a-f]{64}.*)+", lock, re.MULTILINE | re.IGNORECASE)
    assert len(pinned) == len(packages) > 50
    assert len(pinned) == len(re.findall(r"^[^\s#].*$", lock, re.MULTILINE))


def references(folder: str) -> list[Path]:
    return sorted((ROOT / folder).glob("*.toml"))


@pytest.mark.parametrize("path", references("app/scales/instruments"), ids=lambda path: path.stem)
def test_every_instrument_has_a_reference_table_and_sources(path: Path) -> None:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert rules.unsourced_figures(content) == []
    assert all(source["text"].strip() and source["confidence"] for source in content["sources"].values())
    with (ROOT / "tests" / "reference" / f"{path.stem}.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert rows
    assert all(row["source"].strip() for row in rows)


@pytest.mark.parametrize("path", references("app/trajectories/defaults"), ids=lambda path: path.stem)
def test_every_curve_has_a_reference_table_and_sources(path: Path) -> None:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert rules.unsourced_figures(content) == []
    table = (ROOT / "tests" / "reference" / f"{content['curve']['key']}.csv").read_text(encoding="utf-8")
    assert re.search(r"^# Source: \S", table, re.MULTILINE)
    assert f"\n{content['curve']['instrument']}," in table


def test_a_figure_without_a_source_is_found() -> None:
    content = tomllib.loads(
        """
        cutoff = 10
        loinc = { value = "44249-1" }
        range = { minimum = 0, maximum = 27, source = "scoring" }
        bands = [{ low = 0, high = 4 }]
        configurable = true
        [[choices]]
        source = "scoring"
        choices = [{ code = 0 }]
        [curve]
        intercept = 14.3
        [curve.provenance]
        source = "a paper"
        """
    )
    assert rules.unsourced_figures(content) == ["/cutoff", "/bands/0/low", "/bands/0/high"]
