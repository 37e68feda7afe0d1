"""The chain of migrations: one line of numbered steps, up and down, that never waits for ever."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.script import Script, ScriptDirectory

from app.db import migrations
from app.db.embedded import EmbeddedServer
from app.db.provision import OWNER_ROLE
from app.errors import ServerMisconfigured

ROOT = Path(__file__).resolve().parents[2]
SQUAWK = Path(sys.executable).with_name("squawk")

SCHEMA = """
select format('column %s.%s %s', c.relname, a.attname,
              concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attidentity, a.attnotnull,
                        pg_get_expr(d.adbin, d.adrelid), a.attacl::text))
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
 where c.relnamespace = 'public'::regnamespace
union all
select format('%s %s %s %s %s', c.relkind, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text)
  from pg_class c where c.relnamespace = 'public'::regnamespace
union all
select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  from pg_constraint where connamespace = 'public'::regnamespace
union all
select indexdef from pg_indexes where schemaname = 'public'
union all
select format('policy %s %s %s %s %s %s %s', tablename, policyname, permissive, roles, cmd, qual, with_check)
  from pg_policies
union all
select format('function %s %s %s', pg_get_functiondef(oid), proowner::regrole, proacl::text)
  from pg_proc where pronamespace = 'public'::regnamespace
union all
select format('type %s', typname) from pg_type where typnamespace = 'public'::regnamespace and typname not like '\\_%'
order by 1
"""
"""Everything that a migration can make, as lines of text."""

PROBE = """
from alembic import op

revision = "{revision}"
down_revision = "{down_revision}"

LIMITS = "current_setting('lock_timeout'), current_setting('statement_timeout')"


def upgrade():
    op.execute("create table if not exists limits_seen (step text, lock_timeout text, statement_timeout text)")
    op.execute("insert into limits_seen values ('{revision} up', " + LIMITS + ")")


def downgrade():
    op.execute("insert into limits_seen values ('{revision} down', " + LIMITS + ")")
"""
"""A migration that writes down the limits that are in force inside it."""


def scripts() -> list[Script]:
    """The migrations, oldest first."""
    return list(ScriptDirectory.from_config(migrations.configuration()).walk_revisions())[::-1]


def offline_sql(revisions: str) -> str:
    """The SQL that an upgrade would run; it is written for PostgreSQL, without a server."""
    written = io.StringIO()
    config = migrations.configuration()
    config.output_buffer = written
    command.upgrade(config, revisions, sql=True)
    return written.getvalue()


def schema(server: EmbeddedServer, name: str) -> list[str]:
    with psycopg.connect(server.conninfo(name, OWNER_ROLE)) as connection:
        return [line for (line,) in connection.execute(SCHEMA)]


def squawk(sql: str) -> subprocess.CompletedProcess[str]:
    given = ["--config", str(ROOT / ".squawk.toml"), "--reporter", "gcc", "--stdin-filepath", "upgrade.sql"]
    return subprocess.run([str(SQUAWK), *given], input=sql, capture_output=True, text=True, check=False)


def test_one_head_and_numbered_files_in_sequence() -> None:
    directory = ScriptDirectory.from_config(migrations.configuration())
    assert len(directory.get_heads()) == 1
    found = scripts()
    assert [script.revision for script in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    previous: list[str | None] = [None, *(script.revision for script in found)]
    assert [script.down_revision for script in found] == previous[:-1]
    files = sorted(path.name for path in Path(directory.versions).glob("*.py"))
    assert [name.partition("_")[0] for name in files] == [script.revision for script in found]
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", name) for name in files)


def test_the_tables_and_the_migrations_say_the_same(server: EmbeddedServer, database: object) -> None:
    migrations.check(server.url("spor", OWNER_ROLE))


def test_up_down_and_up_again_gives_the_same(server: EmbeddedServer, empty_database: str) -> None:
    url = server.url(empty_database, OWNER_ROLE)
    assert migrations.present_revision(url) is None
    migrations.upgrade(url)
    first = schema(server, empty_database)
    assert migrations.present_revision(url) == migrations.newest_revision()
    migrations.downgrade(url, "base")
    # What stays is alembic's own: its table, the key's constraint and index, and the row type.
    assert [line for line in schema(server, empty_database) if "alembic_version" not in line] == []
    assert migrations.present_revision(url) is None
    migrations.upgrade(url)
    assert schema(server, empty_database) == first
    assert len(first) > 300


def test_each_step_alone_can_be_undone(server: EmbeddedServer, empty_database: str) -> None:
    url = server.url(empty_database, OWNER_ROLE)
    for script in scripts():
        before = schema(server, empty_database)
        migrations.upgrade(url, script.revision)
        if script.down_revision is not None:
            migrations.downgrade(url, str(script.down_revision))
            assert schema(server, empty_database) == before
            migrations.upgrade(url, script.revision)


def test_every_migration_runs_under_both_limits(server: EmbeddedServer, empty_database: str, tmp_path: Path) -> None:
    copy = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", copy, ignore=shutil.ignore_patterns("__pycache__"))
    head = migrations.newest_revision()
    for revision, down in (("probe_1", head), ("probe_2", "probe_1")):
        (copy / "versions" / f"{revision}.py").write_text(PROBE.format(revision=revision, down_revision=down))
    config = migrations.configuration(server.url(empty_database, OWNER_ROLE))
    config.set_main_option("script_location", str(copy))
    command.upgrade(config, "head")
    command.downgrade(config, str(head))
    with psycopg.connect(server.conninfo(empty_database, OWNER_ROLE)) as connection:
        seen = connection.execute("select * from limits_seen").fetchall()
    assert seen == [(step, "5s", "15min") for step in ("probe_1 up", "probe_2 up", "probe_2 down", "probe_1 down")]


def test_no_migration_takes_the_limits_away() -> None:
    assert [script.path for script in scripts() if "timeout" in Path(script.path).read_text(encoding="utf-8")] == []
    sql = offline_sql("head")
    assert sql.index("set lock_timeout = '5s';") < sql.index("CREATE TABLE")
    assert sql.index("set statement_timeout = '15min';") < sql.index("CREATE TABLE")


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.revision)
def test_squawk_finds_nothing(script: Script) -> None:
    found = squawk(offline_sql(f"{script.down_revision or 'base'}:{script.revision}"))
    assert (found.returncode, found.stdout) == (0, ""), found.stdout


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("alter table scores add column band_2 text not null;", "adding-required-field"),
        ("create index scores_band_idx on scores (band);", "require-concurrent-index-creation"),
        ("alter table scores drop column band;", "ban-drop-column"),
        ("alter table scores alter column band type varchar(20);", "changing-column-type"),
    ],
)
def test_squawk_would_find_a_step_that_stops_the_service(statement: str, rule: str) -> None:
    found = squawk(f"begin;\nset lock_timeout = '5s';\nset statement_timeout = '15min';\n{statement}\ncommit;\n")
    assert found.returncode != 0
    assert rule in found.stdout


def test_a_hand_run_migration_needs_the_owner_s_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OWNER_DATABASE_URL", raising=False)
    with pytest.raises(ServerMisconfigured, match="set OWNER_DATABASE_URL"):
        migrations.owner_engine(None)


def test_a_revision_that_is_not_there_is_one_line(server: EmbeddedServer, empty_database: str) -> None:
    with pytest.raises(ServerMisconfigured, match=r"^[^\n]+$"):
        migrations.upgrade(server.url(empty_database, OWNER_ROLE), "0999")


def test_tables_that_are_not_there_are_one_line(server: EmbeddedServer, empty_database: str) -> None:
    with pytest.raises(ServerMisconfigured, match=r"^[^\n]+$"):
        migrations.check(server.url(empty_database, OWNER_ROLE))
