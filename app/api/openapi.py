"""The OpenAPI document: FastAPI's own, with the shapes, examples, problems and headers that it can't know of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api.examples import EXAMPLES
from app.api.problems import Problem, ProblemPart, declared
from app.api.schemas.administrations import AdministrationBatch, AdministrationPut

_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The request's id: the caller's own, if that was a UUID.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "ETag": {
        "description": "The version, for If-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$', "examples": ['"3"']},
    },
    "WWW-Authenticate": {
        "description": "How a credential is given.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
    "Retry-After": {
        "description": "Seconds after which trying again may help.",
        "schema": {"type": "integer", "minimum": 0},
    },
}


def document_of(app: FastAPI) -> dict[str, Any]:
    """Give the document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        shapes = document["components"]["schemas"]
        for model in (AdministrationPut, AdministrationBatch, Problem, ProblemPart):
            shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
            shapes.update(shape.pop("$defs", {}))
            shapes[model.__name__] = shape
        for body, example in EXAMPLES.items():
            shapes[body.__name__]["examples"] = [example]
        document["components"]["headers"] = _HEADERS
        for path in document["paths"].values():
            for operation in path.values():
                _complete(operation, shapes)
        app.openapi_schema = document
    return app.openapi_schema


def _complete(operation: dict[str, Any], shapes: Mapping[str, Any]) -> None:
    """Add to an operation what holds for all that are like it."""
    if "requestBody" in operation:
        operation["responses"] |= {str(status): declared(status) for status in (400, 408, 413)}
    if "security" in operation:
        operation["responses"] |= {str(status): declared(status) for status in (421, 431)}
    for response in operation["responses"].values():
        names = ["X-Request-ID", *(["ETag"] if _is_edited(response, shapes) else [])]
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = headers | response.get("headers", {})


def _is_edited(response: Mapping[str, Any], shapes: Mapping[str, Any]) -> bool:
    """Tell whether a response is one thing that has versions."""
    shape = response.get("content", {}).get("application/json", {}).get("schema", {})
    name = str(shape.get("$ref", "")).rpartition("/")[2]
    return bool({"version", "versions"} & {*shapes.get(name, {}).get("properties", ())})
