"""The OpenAPI document: FastAPI's own, with the shapes, examples and problems that it can't know of."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api.examples import EXAMPLES
from app.api.problems import Problem, ProblemPart, declared
from app.api.schemas.administrations import AdministrationBatch, AdministrationPut


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
        for path in document["paths"].values():
            for operation in path.values():
                if "requestBody" in operation:
                    operation["responses"]["400"] = declared(400)
        app.openapi_schema = document
    return app.openapi_schema
