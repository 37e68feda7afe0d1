"""The rules of the design, as functions that read source and list what breaks them.

Each takes text (or routes, classes, data), so that a test can show that it catches a planted violation.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from pathlib import Path
from typing import Any, TypeVar

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from app.api.middleware import WITHOUT_CREDENTIAL

ROOT = Path(__file__).resolve().parents[1]
NOT_OURS = {"__pycache__", "build", "dist", "spor.egg-info"}
"""Folders that git ignores, beside the hidden ones."""


@dataclass(frozen=True)
class Source:
    """One module."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


def sources(*places: str) -> list[Source]:
    """Read the modules under folders (or at paths) of the project."""
    found = [
        path for place in places for path in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    ]
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in sorted(found)]


def files() -> Iterator[tuple[str, str]]:
    """Read every text file of the project."""
    for path in sorted(ROOT.rglob("*")):
        *folders, name = path.relative_to(ROOT).parts
        strange = any((each.startswith(".") and each != ".ci") or each in NOT_OURS for each in folders)
        if strange or name.startswith(".coverage") or not path.is_file():
            continue
        try:
            yield "/".join([*folders, name]), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture
            continue


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Give each call with its dotted name, as far as it is one: `work.db.get`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def words(node: ast.AST) -> set[str]:
    """Give every name, attribute and keyword below a node."""
    found: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found.add(each.attr)
        elif isinstance(each, ast.keyword) and each.arg:
            found.add(each.arg)
    return found


# Silent writes

MAKES_ROWS = re.compile(r"(?:.+\.)?db\.(?:add|add_all|merge|delete)|(?:(?:sa|sqlalchemy)\.)?(?:insert|update|delete)")


def writes_without_entry(source: Source, classes: set[str], writes: Callable[[str], bool]) -> list[str]:
    """What writes rows of patients takes the audit entry, or names itself whom it has written about.

    `classes` are those of the patients' tables; `writes` tells whether a statement writes to one. A function counts as
    writing also where it uses a name of the module that was made of such words, or calls a function that was.
    """
    if source.path == "app/db/session.py":
        return []
    tree = source.tree
    writing = {
        name
        for node in tree.body
        for name in _names_given(node)
        if any(writes(text) for _, text in strings(node)) and not _takes_work(node)
    }
    while grown := {
        name
        for node in tree.body
        for name in _names_given(node)
        if not _takes_work(node) and name not in writing and words(node) & writing
    }:
        writing |= grown
    return [
        f"{source.path}: {node.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and _takes_work(node)
        and (words(node) & writing or any(writes(text) for _, text in strings(node)) or _makes_rows(node, classes))
        and not any(isinstance(each.annotation, ast.Name) and each.annotation.id == "Entry" for each in node.args.args)
        and not any(name == "work.saw" for name, _ in calls(node))
    ]


def _makes_rows(node: ast.AST, classes: set[str]) -> bool:
    return any(MAKES_ROWS.fullmatch(name) for name, _ in calls(node)) and bool(words(node) & classes)


def _takes_work(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(each.arg == "work" for each in node.args.args)


def _names_given(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.id for each in targets if isinstance(each, ast.Name)]


# Transactions

OPENERS = {"Session", "sessionmaker", "scoped_session", "AsyncSession", "create_engine", "create_async_engine"}
MAY_OPEN = {
    "app/db/session.py": {"Session", "create_engine", "commit", "engine"},
    "app/db/migrations.py": {"create_engine"},
    "app/db/health.py": {"engine"},
    "app/db/backup.py": {"commit"},  # a database that nobody works with yet
}


def transactions_elsewhere(source: Source) -> list[str]:
    """Only app/db/session.py opens sessions and commits; the migrations have an engine of their own."""
    used = {name.rpartition(".")[2] for name, _ in calls(source.tree)} & (OPENERS | {"commit"})
    if any(isinstance(node, ast.Attribute) and node.attr == "engine" for node in ast.walk(source.tree)):
        used.add("engine")
    return [f"{source.path}: {name}" for name in sorted(used - MAY_OPEN.get(source.path, set()))]


KEPT = re.compile(r"\A\s*(?:set(?!\s+local)|listen|prepare|declare)\s|pg_(?:try_)?advisory_lock|spor[.]organisation")


def state_between_transactions(source: Source) -> list[str]:
    """Nothing stays on a connection, so that a pooler may give each transaction another one.

    The one setting there is belongs to its transaction, and to app/db/session.py; the migrations have their own, and
    what inspects a deployment reads settings and compares policies.
    """
    apart = {"app/db/session.py", "app/db/migrations.py", "app/db/inspection.py"}
    if not source.path.startswith("app/db/") or source.path in apart:
        return []
    return [f"{source.path}:{line}" for line, text in strings(source.tree) if KEPT.search(text)]


ASKING = {"add", "add_all", "connection", "delete", "execute", "get", "get_one", "merge", "query", "scalar", "scalars"}


def asks_outside_db(source: Source) -> list[str]:
    """Only app/db asks the database; the others call its functions, which know the scope."""
    if source.path.startswith("app/db/"):
        return []
    asked = [name for name, _ in calls(source.tree) if ".db." in name and name.rpartition(".")[2] in ASKING]
    return [f"{source.path}: {name}" for name in asked]


# Scope

SCOPED_BY = {
    "may_reach_episode",
    "may_reach_patient",
    "may_see_opening",
    "reachable_episodes",
    "get_episode",
    "get_patient",
    "get_of_episode",
    "organisation_id",
}
QUERIES = re.compile(r"(?:(?:sa|sqlalchemy)\.)?(?:select|update|delete|exists)|(?:.+\.)?db\.(?:get|get_one)")


def unscoped_statements(source: Source, tables: Mapping[str, str], free: set[str]) -> list[str]:
    """A statement on patients' tables says in the same breath whose rows it means.

    `tables` names the patients' tables by class; `free` names the classes of all others. What is selected from a
    name that is neither (a parameter that holds a table) is held to the same.
    """
    found = []
    for statement in simple_statements(source.tree):
        selected = set().union(
            *(selected_tables(call, free) for name, call in calls(statement) if QUERIES.fullmatch(name))
        )
        if selected & {*tables, "?"} and not words(statement) & SCOPED_BY:
            found.append(f"{source.path}:{statement.lineno}: {', '.join(sorted(selected))}")
    pattern = re.compile(rf"\b(?:from|join|update)\s+(?:{'|'.join(tables.values())})\b", re.IGNORECASE)
    for line, text in strings(source.tree):
        if len(pattern.findall(text)) > text.count("organisation_id"):
            found.append(f"{source.path}:{line}: SQL")
    return found


def selected_tables(call: ast.Call, free: set[str]) -> set[str]:
    """Give the classes that a query names in its arguments; `?` where an argument is a name that is no class."""
    named = {each.id for argument in call.args for each in ast.walk(argument) if isinstance(each, ast.Name)}
    unknown = any(isinstance(argument, ast.Name) and argument.id[0].islower() for argument in call.args[:1])
    return {name for name in named - free if name[0].isupper()} | ({"?"} if unknown else set())


def simple_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Give the statements that hold no others, and the heads of those that do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For):
            yield ast.copy_location(ast.Expr(node.iter), node)
        elif isinstance(node, ast.If | ast.While):
            yield ast.copy_location(ast.Expr(node.test), node)
        elif isinstance(node, ast.stmt) and not hasattr(node, "body"):
            yield node


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give the texts of a module but its docstrings, each f-string as one."""
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    within |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, " ".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within:
            yield node.lineno, node.value


MAY_AUDIT = {"app/db/auditing.py", "app/db/session.py", "app/db/models/__init__.py", "app/db/models/oversight.py"}
MAY_READ_AUDIT = {"app/db/seals.py", "app/db/access_log.py"}


def audit_elsewhere(source: Source) -> list[str]:
    """One place writes the audit event of a request; two others read: what seals, and what tells the patient."""
    named = {"AuditEvent", "write_audit"} & words(source.tree)
    texts = [text for _, text in strings(source.tree) if "audit_events" in text]
    if source.path in MAY_READ_AUDIT:
        named, texts = named - {"AuditEvent"}, [text for text in texts if re.search("insert|update|delete", text)]
    named |= {"audit_events" for _ in texts}
    return [] if source.path in MAY_AUDIT else [f"{source.path}: {name}" for name in sorted(named)]


# Routes


def routes_without_action(routes: Iterable[BaseRoute]) -> list[str]:
    """Every route for users declares exactly one `allow(Action)`, and its operation id is that action."""
    found = []
    for route in iter_route_contexts(list(routes)):
        if route.path in WITHOUT_CREDENTIAL:
            continue
        actions = [call.action for call in dependencies(route) if hasattr(call, "action")]
        if len(actions) != 1 or getattr(route, "operation_id", None) != actions[0]:
            found.append(f"{route.path}: {actions}")
    return found


def actions_of(routes: Iterable[BaseRoute]) -> list[str]:
    return [
        call.action
        for route in iter_route_contexts(list(routes))
        for call in dependencies(route)
        if hasattr(call, "action")
    ]


def commits_after_the_answer(routes: Iterable[BaseRoute]) -> list[str]:
    """No dependency yields: what follows its `yield` runs after the answer has left."""
    return [
        f"{route.path}: {call.__name__}"
        for route in iter_route_contexts(list(routes))
        for call in dependencies(route)
        if isgeneratorfunction(call) or isasyncgenfunction(call)
    ]


def blocks_the_loop(routes: Iterable[BaseRoute]) -> list[str]:
    """No route for users is a coroutine: the database is asked synchronously, in a thread."""
    contexts = iter_route_contexts(list(routes))
    return [
        str(route.path)
        for route in contexts
        if iscoroutinefunction(route.endpoint) and route.path not in WITHOUT_CREDENTIAL
    ]


def dependencies(route: Any) -> Iterator[Callable[..., Any]]:
    """Give the functions that a route depends on, directly and through others."""
    waiting = [getattr(route, "dependant", None)]
    while waiting:
        dependant = waiting.pop()
        for each in getattr(dependant, "dependencies", []):
            yield each.call
            waiting.append(each)


# Errors

Failure = TypeVar("Failure", bound=Exception)


def concrete_errors(module: object, base: type[Failure]) -> list[type[Failure]]:
    """Give the errors of a module that no other of them specialises."""
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, base)]
    return [each for each in classes if not any(other is not each and issubclass(other, each) for other in classes)]


# Names, sizes, clocks, logs

VAGUE = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?|common|misc|shared)(?:_|$)")


def vague_name(path: str) -> bool:
    """Tell whether a module or package is named after nothing."""
    return any(VAGUE.search(part) for part in Path(path).with_suffix("").parts)


def too_long(source: Source, limit: int = 400) -> bool:
    return len(source.text.splitlines()) > limit


CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}


def reads_a_clock(source: Source) -> list[str]:
    """Time is a parameter of the core."""
    found = [
        f"{source.path}:{node.lineno}"
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Import) and any(name.name == "time" for name in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "time")
    ]
    for name, call in calls(source.tree):
        owner, _, last = name.rpartition(".")
        if last in CLOCKS and owner.rpartition(".")[2] in {"datetime", "date", "time"}:
            found.append(f"{source.path}:{call.lineno}")
    return found


SAYING = {"debug", "info", "warning", "error", "exception", "critical", "log"}
OF_PATIENTS = {
    "answer",
    "answers",
    "body",
    "code",
    "codes",
    "content",
    "item_states",
    "payload",
    "reference",
    "score",
    "value",
}


def says_answers(source: Source) -> list[str]:
    """No log line has anything of a patient, or is put together where nobody can see what goes in."""
    found = []
    for name, call in calls(source.tree):
        owner, _, last = name.rpartition(".")
        if name == "print" or (last in SAYING and owner.rpartition(".")[2] in {"log", "logger", "logging"}):
            message, *given = [*call.args, *(keyword.value for keyword in call.keywords)] or [ast.Constant("")]
            said = set().union(*(words(each) for each in given))
            if name == "print" or not isinstance(message, ast.Constant) or said & OF_PATIENTS:
                found.append(f"{source.path}:{call.lineno}")
    return found


def foreign_imports(source: Source) -> list[str]:
    """The core uses the standard library, numpy, scipy and itself."""
    ours = sys.stdlib_module_names | {"app", "numpy", "scipy"}
    imported = {
        name.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    return [f"{source.path}: {name}" for name in sorted(imported) if name.partition(".")[0] not in ours]


CHANGING = {"uuid1", "uuid4", "uuid7", "now", "today", "time", "random", "token_hex", "new_token"}


def changing_cases(source: Source) -> list[str]:
    """The cases of a test have the same names in every process, else they can't be shared out among several."""
    found = []
    for name, call in calls(source.tree):
        named = any(keyword.arg == "ids" and isinstance(keyword.value, ast.List) for keyword in call.keywords)
        if name.endswith("parametrize") and not named:
            made = any(each.rpartition(".")[2] in CHANGING for each, _ in calls(call))
            unordered = any(isinstance(each, ast.Set | ast.SetComp) for each in call.args[1:])
            if made or unordered:
                found.append(f"{source.path}:{call.lineno}")
    return found


EXCUSE = re.compile(r"#\s*pragma:\s*no\s*(?:cover|branch)")


def uncovered_on_purpose(source: Source) -> list[str]:
    """Nothing of the core is left out of the coverage."""
    return [f"{source.path}:{number}" for number, line in enumerate(source.text.splitlines(), 1) if EXCUSE.search(line)]


# Files

# Brackets keep these patterns from finding themselves.
HOSTS = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:com|org)|yarnpkg[.]com|crates[.]io|rubygems[.]org|conda[.]io"
    r"|anaconda[.]org|proxy[.]golang[.]org|(?:artifactory|nexus|devpi)[.]|[/]simple[/]|--(?:extra-)?index[-]url|--find[-]links",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.])[/](?:root|work)[/]\w|[/](?:home|Users)[/](?!\$)\w+[/]|[A-Z]:\\Users\\|file:[/]{3}\w"
)


def names_a_registry(text: str) -> list[str]:
    return HOSTS.findall(text)


def names_a_machine(text: str) -> list[str]:
    return MACHINE_PATHS.findall(text)


def unsourced_figures(content: Any, sourced: bool = False, path: str = "") -> list[str]:
    """Give where a data file holds a number with no source beside it or above it."""
    if isinstance(content, Mapping):
        given = content.get("source") or content.get("provenance", {}).get("source")
        return [
            each
            for key, value in content.items()
            for each in unsourced_figures(value, sourced or bool(given), f"{path}/{key}")
        ]
    if isinstance(content, list):
        return [each for n, value in enumerate(content) for each in unsourced_figures(value, sourced, f"{path}/{n}")]
    is_figure = isinstance(content, int | float) and not isinstance(content, bool)
    return [path] if is_figure and not sourced else []
