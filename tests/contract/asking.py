"""Requests made from an OpenAPI document, sent with one credential, and held against the document.

schemathesis makes the requests: one for every limit of every field, on both sides of it (`coverage`), and random ones.
Left to itself it asks for ids that nobody has; a `Conversation` lets its requests be about what is there.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NOT_SET
from schemathesis.core.failures import AcceptedNegativeData, Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override
from schemathesis.schemas import APIOperation, BaseSchema
from starlette.types import Receive, Scope, Send

from app.api.errors import NOT_OURS, PROBLEM_JSON, STATUS, problem_type
from app.errors import slug

BOTH = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]

PROBLEMS = {problem_type(slug(error)): status for error, status in STATUS.items()}
PROBLEMS |= {problem_type(name): status for status, name in NOT_OURS.items()}
"""The catalogue of problems: what is described at their own addresses."""

CONFIG: dict[str, dict[str, Any]] = {
    # The credentials are given, not made up.
    "generation": {"with-security-parameters": False},
    "checks": {
        # A request that fits may meet what is not there, or has changed since; `problem_conformance` looks at each 422.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "412", "422"]},
        "negative_data_rejection": {"expected-statuses": ["400", "401", "403", "404", "405", "406", "422", "428"]},
        "missing_required_header": {"expected-statuses": ["401", "403", "428"]},
        # Every credential is tried on its own, and has to meet with exactly 401 or 403.
        "ignored_auth": {"enabled": False},
        # Nothing is deleted by its own address.
        "use_after_free": {"enabled": False},
        # Goes by links, of which the document has none; `what_was_made_is_there` goes by the id.
        "ensure_resource_availability": {"enabled": False},
    },
}

BEYOND_A_SCHEMA = re.compile(
    "there is no such (instrument|time zone)|no such form|the form has no such item|item [0-9]+ has no such answer|"
    "the instrument needs no agreement|"
    "the rule '[a-z ]+' is broken|"  # holds between several fields
    "[a-z_]+ must be (at least|at most|more than) [a-z_]+|ascending doses, all above late_window_dose|"  # likewise
    "[a-z_]+ must be ascending doses, all above late_window_dose|"
    "[a-z_]+ points at nothing in this organisation|the main measure must be a series of the episode|"
    "(form_family|subscale|item_threshold|at_most) does not fit the items of the instrument|"
    "one of every_sessions and months must be given|the form is not for such an informant|"
    "there is no such assignment|"
    "the (statement|decision) lies ahead|retention_until_age goes with retention_years|"
    "the patient's own copy names no informant|a copy is made for the patient or for a parent of this patient|"
    "consent is the patient's or a parent's of this patient|"
    "the password is (too short|one that would be guessed)|"
    "a dimension and its value go together|not a dimension of one value|no closed episode has this value|"
    "a comparator of one's own goes with its source|there is no such service|a report is of one year or of three|"
    "a review can't be of a dose that has not been reached|"
    r"[a-z0-9._-]+\.toml:[0-9]+: [^\n]*|"  # the file has a format of its own
    "there is no question for item [^\n]*|the question (belongs to no item of the form|of item [0-9]+ has no text)|"
    "item [0-9]+ (has a question already|lists no answer for [0-9, ]+)|"
    "an answer of item [0-9]+ belongs to none of its codes|answer [0-9]+ of item [0-9]+ has no text"
)
"""Why a request may be refused that fits its schema: what no schema can say."""

TOLD_WITHIN = {"put_administration", "put_administrations"}
"""A form that does not fit may be kept for its critical answer, and a batch refuses one by one: the answer tells."""

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Request: TypeAlias = Case[Operation]


def loaded(app: FastAPI) -> BaseSchema:
    """Read the document of an application, to be asked in this process."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette raises what was unexpected again once it has answered; a server logs it and goes on.
        with suppress(Exception):
            await app(scope, receive, send)

    schema = schemathesis.openapi.from_dict(app.openapi(), config=SchemathesisConfig.from_dict(CONFIG))
    schema.app = served
    return schema


def operations_of(schema: BaseSchema) -> dict[str, Operation]:
    """Give the operations of a document by their ids."""
    found: list[Operation] = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(found) == len(schema), "an operation can't be read"
    return {each.definition.raw["operationId"]: each for each in found}


def coverage(operation: Operation) -> list[Request]:
    """Give requests that try every limit of every field, and methods that there are not; the same every time."""
    kept = _MADE.get(id(operation))
    if kept is None:
        kept = _MADE[id(operation)] = list(
            CoverageGenerator(
                operation=operation,
                generation_modes=BOTH,
                generation_config=operation.schema.config.generation_for(operation=operation, phase="coverage"),
                auth_storage=None,
                override=Override(),
                feedback=NO_FEEDBACK,
            )
        )
    return [_copied(each) for each in kept]


_MADE: dict[int, list[Request]] = {}
"""By the identity of the operation, which its requests keep alive: operations of two services may be equal."""


def _copied(case: Request) -> Request:
    names = ("path_parameters", "headers", "cookies", "query", "body", "meta")
    made = {name: deepcopy(getattr(case, name), {id(NOT_SET): NOT_SET}) for name in names}
    return Case(case.operation, case.method, case.path, media_type=case.media_type, **made)


def thinned(cases: list[Request], wanted: int) -> list[Request]:
    """Give so many of the cases, evenly spread."""
    return cases[:: -(-len(cases) // wanted)]


@dataclass
class Conversation:
    """One operation, asked again and again with one credential.

    `known` gives what is there by the names of fields, or makes something new each time; `version` is the one that
    was told last, for If-Match.
    """

    operation: Operation
    credential: Mapping[str, str]
    known: Mapping[str, object | Callable[[], object]] = field(default_factory=dict)
    version: int = 1
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    def ask(self, case: Request, *, about_known: bool = True) -> Response:
        """Send a request, and note every way in which the answer is not as the document has it."""
        if about_known:
            self._point(case)
        response = case.call(headers=dict(self.credential))
        self.statuses[response.status_code] += 1
        if response.status_code < 300 and "etag" in response.headers:
            self.version = int(response.headers["etag"][0].strip('"'))
        try:
            case.validate_response(response)
        except FailureGroup as found:
            for failure in found.exceptions:
                if not (isinstance(failure, AcceptedNegativeData) and self._is_told(response)):
                    self._note(failure, case, response)
        return response

    def ask_at_random(self, examples: int) -> None:
        """Ask with random data, three times out of four about what is there; the same every time."""

        @hypothesis_settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.one_of(*(self.operation.as_strategy(generation_mode=mode) for mode in BOTH)), st.integers(0, 3))
        def draw(case: Request, chance: int) -> None:
            self.ask(case, about_known=chance > 0)

        draw()

    def _is_told(self, response: Response) -> bool:
        if self.operation.definition.raw["operationId"] not in TOLD_WITHIN:
            return False
        answer = response.json()
        entries = answer.get("administrations", [{"status": "stored", "receipt": answer}])
        return any(
            each["status"] == "refused" or (each["receipt"] or {}).get("state") == "needs_clarification"
            for each in entries
        )

    def _note(self, failure: Failure, case: Request, response: Response) -> None:
        why = " ".join(f"{failure.title}: {failure.message}".split())
        told = f"{why}\n    {case.as_curl_command()}\n    {response.status_code} {response.text[:500]}"
        self.faults.setdefault(re.sub(r"[0-9.]+", "#", why)[:150], told)

    def _point(self, case: Request) -> None:
        """Let a request be about what is there; what is wrong with it stays wrong."""
        for container in (case.path_parameters, case.query):
            container.update({name: self._instead(name, value) for name, value in container.items()})
        if re.fullmatch(r'"?[0-9]{1,9}"?', str(case.headers.get("if-match", ""))):
            case.headers["if-match"] = f'"{self.version}"'
        if case.body is not NOT_SET:
            case.body = self._instead("", case.body)

    def _instead(self, name: str, value: Any) -> Any:
        """Give what is there in place of what was made up, if that was right in form."""
        if name in self.known:
            known = self.known[name]
            there = known() if callable(known) else known
            if is_like(value, there):
                return there
        if isinstance(value, dict):
            return {key: self._instead(key, each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._instead("", each) for each in value]
        return value


def is_like(value: object, there: object) -> bool:
    """Tell whether a value is of the kind of what is there: a number, codes by item, an id, or a name."""
    if isinstance(there, int):
        return type(value) is int
    if isinstance(there, dict):
        return isinstance(value, dict) and all(type(each) is int for each in value.values())
    if not isinstance(value, str) or is_uuid(value) is not is_uuid(str(there)):
        return False
    return 0 < len(value) <= 200 and "\0" not in value


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@schemathesis.check
def problem_conformance(_: CheckContext, response: Response, case: Request) -> None:
    """A refusal is a problem of the catalogue, as it is there, with the request's id; what fits is not refused."""
    if response.status_code < 400:
        return
    assert response.headers["content-type"] == [PROBLEM_JSON], "a refusal is a problem document"
    problem = response.json()
    assert PROBLEMS.get(problem["type"]) == response.status_code, f"{problem['type']} is not in the catalogue as this"
    assert problem["status"] == response.status_code, "a problem tells the status"
    assert [problem["request_id"]] == response.headers["x-request-id"], "a problem tells the request's id"
    if response.status_code == 422 and is_meant_to_fit(case):
        strange = [
            each["detail"] for each in problem.get("errors", [problem]) if not BEYOND_A_SCHEMA.fullmatch(each["detail"])
        ]
        assert not strange, f"refused what the schema allows: {strange[0]}"


@schemathesis.check
def what_was_made_is_there(_: CheckContext, response: Response, case: Request) -> None:
    """What was added to a collection can be read at its own address, and is what was answered."""
    schema, made = case.operation.schema, re.compile(re.escape(case.operation.path) + r"/\{(\w+)\}")
    if case.method != "POST" or response.status_code != 201:
        return
    for path, name in [
        (path, found[1])
        for path in schema
        if (found := made.fullmatch(path)) and "get" in {each.lower() for each in schema[path]}
    ]:
        answer = response.json()
        again = schema[path]["GET"].Case(path_parameters={name: answer[name if name in answer else "id"]})
        read = again.call(headers={"Authorization": response.request.headers["Authorization"]})
        # The database keeps numbers as they are written out, so that 1e300 comes back with three hundred zeros.
        told, kept = (json.loads(each.text, parse_int=float) for each in (response, read))
        assert (read.status_code, kept) == (200, told), "what was made can't be read as it was made"


def is_meant_to_fit(case: Request) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
