"""What `spor doctor` asks the database: whether the walls stand that the migrations built, and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import psycopg

from app.db import migrations
from app.db.models import Base
from app.db.models.base import Edited
from app.db.provision import OLDEST_SERVER, libpq_address

Connection = psycopg.Connection[Any]


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one check says: how bad it is, what was found, and what to do about it."""

    check: str
    level: Level
    found: str
    remedy: str = ""


def good(check: str, found: str) -> Opinion:
    """Say that a check found nothing."""
    return Opinion(check, Level.OK, found)


def judged(check: str, wrong: list[str], fine: str, bad: str, remedy: str) -> Opinion:
    """Say which things are not as they must be, if any."""
    if not wrong:
        return good(check, fine)
    return Opinion(check, Level.UNSAFE, f"{bad}: {', '.join(sorted(wrong))}", remedy)


OWN_ROWS: Final = "({} = (NULLIF(current_setting('spor.organisation'::text, true), ''::text))::uuid)"
"""The policy of every tenant's table, as PostgreSQL writes it back."""

_GRANTED_OTHERWISE: Final[dict[str, frozenset[str]]] = {
    # The functions of the owner write these, each time with what they delete.
    "deletions": frozenset({"select"}),
    "deleted_administrations": frozenset({"select"}),
    # Their state moves on, but nobody edits them.
    "logins": frozenset({"select", "insert", "update"}),
    "assignment_openings": frozenset({"select", "insert", "update"}),
    # They follow from the record, and are written anew when it changes.
    "episode_summaries": frozenset({"select", "insert", "update"}),
    "measure_summaries": frozenset({"select", "insert", "update"}),
    "summary_years": frozenset({"select", "insert", "update"}),
    "counted_cells": frozenset({"select", "insert", "update"}),
}
"""What the role may do with a table where its model does not tell."""

_TABLES: Final = """
select c.relname, c.relrowsecurity,
       array(select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = c.oid and polpermissive) as seen,
       array(select coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid))
               from pg_policy where polrelid = c.oid and polpermissive) as written,
       array(select p from unnest(array['delete', 'truncate', 'references', 'trigger', 'update', 'insert', 'select']) p
              where has_table_privilege(current_user, c.oid, p)) as granted
  from pg_class c
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'
"""
_FUNCTIONS: Final = """
select proname from pg_proc
 where prosecdef and pronamespace = 'public'::regnamespace
   and (has_function_privilege('public', oid, 'execute')
        or not exists (select from unnest(proconfig) s where s ~ '^search_path=pg_catalog(,|$)'))
"""
_TOO_STRONG: Final = """
select exists (select from pg_roles r where pg_has_role(current_user, r.oid, 'member') and (r.rolsuper
    or r.rolbypassrls or exists (select from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p'))))
"""
_DURABLE: Final = "select name from pg_settings where name = any(%s) and setting = 'off'"
_NEEDED: Final = ["fsync", "full_page_writes", "synchronous_commit"]
_BY_TLS: Final = "select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)"
_UTC: Final = frozenset({"UTC", "Etc/UTC", "GMT"})


def inspect(url: str) -> Iterator[Opinion]:
    """Look at the database as the service sees it."""
    try:
        connection = psycopg.connect(libpq_address(url), autocommit=True, client_encoding="utf8", connect_timeout=5)
    except psycopg.OperationalError:
        yield Opinion("database", Level.UNSAFE, "it can't be reached", "start it, or put DATABASE_URL right")
        return
    with connection:
        yield good("database", "it answers")
        yield _version(connection)
        revision = _revision(connection)
        yield revision
        yield _role(connection)
        if revision.level is Level.OK:
            yield from _tables(connection)
            yield _functions(connection)
        yield _durability(connection)
        yield _transport(connection)
        yield _clock(connection)
        yield _time_zone(connection)


def _one(connection: Connection, statement: str) -> Any:
    [value] = connection.execute(statement).fetchone()  # type: ignore[misc]  # each of these gives one row
    return value


def _version(connection: Connection) -> Opinion:
    major = connection.info.server_version // 10_000
    if connection.info.server_version < OLDEST_SERVER:
        return Opinion("version", Level.UNSAFE, f"PostgreSQL {major}", "upgrade to PostgreSQL 16 or newer")
    return good("version", f"PostgreSQL {major}")


def _revision(connection: Connection) -> Opinion:
    there = _one(connection, "select to_regclass('public.alembic_version') is not null")
    present = _one(connection, "select version_num from alembic_version") if there else "base"
    newest = migrations.newest_revision()
    if present != newest:
        return Opinion("revision", Level.UNSAFE, f"{present}, and this program needs {newest}", "run spor db upgrade")
    return good("revision", present)


def _role(connection: Connection) -> Opinion:
    name = _one(connection, "select current_user")
    if _one(connection, _TOO_STRONG):
        found = f"{name} owns tables, is a superuser or bypasses row-level security"
        return Opinion("role", Level.UNSAFE, found, "let DATABASE_URL name spor_app")
    return good("role", str(name))


def _tables(connection: Connection) -> Iterator[Opinion]:
    edited = {str(each.local_table) for each in Base.registry.mappers if issubclass(each.class_, Edited)}
    open_to_all, too_much, too_little = [], [], []
    for table, secured, seen, written, granted in connection.execute(_TABLES).fetchall():
        own = [OWN_ROWS.format("id" if table == "organisations" else "organisation_id")]
        if not secured or seen != own or written != own:
            open_to_all.append(table)
        usual = {"select", "insert", "update"} if table in edited else {"select", "insert"}
        allowed = _GRANTED_OTHERWISE.get(table, usual)
        too_much += [f"{privilege} on {table}" for privilege in set(granted) - allowed]
        too_little += [f"{privilege} on {table}" for privilege in (allowed - {"update"}) - set(granted)]
    again = "restore the policy of the migrations, and find out who changed it"
    yield judged("row-level security", open_to_all, "every table has its policy", "not as it must be on", again)
    take = "revoke it from spor_app, and find out who granted it"
    yield judged("grants", too_much, "nothing more than the migrations give", "the role may also", take)
    yield judged("access", too_little, "nothing is missing", "the role lacks", "grant it to spor_app")


def _functions(connection: Connection) -> Opinion:
    found = [name for (name,) in connection.execute(_FUNCTIONS).fetchall()]
    remedy = "set search_path = pg_catalog, pg_temp on it, and revoke execute from public"
    fine = "those of the owner have a fixed path, and are not everybody's"
    return judged("functions", found, fine, "run as their owner, and can be led astray", remedy)


def _durability(connection: Connection) -> Opinion:
    off = [name for (name,) in connection.execute(_DURABLE, [_NEEDED]).fetchall()]
    fine = "what is acknowledged is on the disk"
    return judged(
        "durability", off, fine, "acknowledged answers can be lost, off is", "set it to on in postgresql.conf"
    )


def _transport(connection: Connection) -> Opinion:
    host = connection.info.host
    if host.startswith("/") or host in {"localhost", "127.0.0.1", "::1", ""}:
        return good("transport", "the database is on this machine")
    if not _one(connection, _BY_TLS):
        remedy = "add sslmode=verify-full to DATABASE_URL, unless the network is of these two alone"
        return Opinion("transport", Level.WARNING, "answers go to another machine without TLS", remedy)
    return good("transport", "the database is asked by TLS")


def _clock(connection: Connection) -> Opinion:
    before = datetime.now(UTC)
    theirs: datetime = _one(connection, "select clock_timestamp()")
    after = datetime.now(UTC)
    apart = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0)
    return judge_clock(apart)


def judge_clock(seconds: float) -> Opinion:
    """Say what a difference between this clock and the database's means."""
    if seconds > 2:
        level = Level.UNSAFE if seconds > 60 else Level.WARNING
        return Opinion("clock", level, f"{seconds:.0f} s from the database's", "let both follow a time server")
    return good("clock", "the same as the database's")


def _time_zone(connection: Connection) -> Opinion:
    zone = _one(connection, "select current_setting('TimeZone')")
    if zone not in _UTC:
        remedy = "set timezone = 'UTC': what is read by hand is an hour off twice a year otherwise"
        return Opinion("time zone", Level.WARNING, f"the server's is {zone}", remedy)
    return good("time zone", zone)
