"""Whether a JSON value fits its shape: the part of JSON Schema that the OpenAPI document uses, and no more.

Stricter than JSON Schema in two things: a keyword that it does not know is an error, and an object has no field
that its shape does not name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

Shape = Mapping[str, Any]

SAYS_NOTHING = {"title", "description", "examples", "default"}

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}

FORMATS: dict[str, Callable[[str], object]] = {
    "uuid": UUID,
    "date-time": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def has_format(value: str, name: str) -> bool:
    try:
        FORMATS[name](value)
    except ValueError:
        return False
    return True


LIMITS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, limit: TYPES[limit](value),
    "enum": lambda value, limit: value in limit,
    "const": lambda value, limit: bool(value == limit),
    "minimum": lambda value, limit: bool(value >= limit),
    "maximum": lambda value, limit: bool(value <= limit),
    "exclusiveMinimum": lambda value, limit: bool(value > limit),
    "exclusiveMaximum": lambda value, limit: bool(value < limit),
    "minLength": lambda value, limit: len(value) >= limit,
    "maxLength": lambda value, limit: len(value) <= limit,
    "minItems": lambda value, limit: len(value) >= limit,
    "maxItems": lambda value, limit: len(value) <= limit,
    "pattern": lambda value, limit: re.search(limit, value) is not None,
    "format": has_format,
}

OF_PARTS = {"$ref", "anyOf", "items", "properties", "required", "additionalProperties", "patternProperties"}
OF_PARTS |= {"propertyNames"}


def name_of(shape: Shape) -> str:
    """Give the name that a shape refers to."""
    return str(shape["$ref"]).rpartition("/")[2]


def mismatches(value: Any, shape: Shape, shapes: Mapping[str, Shape], path: str = "") -> Iterator[str]:
    """Say where a value does not fit its shape; `shapes` are those that can be referred to by name."""
    unknown = {*shape} - SAYS_NOTHING - OF_PARTS - {*LIMITS}
    assert not unknown, f"nothing is known of {unknown}"
    if "type" in shape and not TYPES[shape["type"]](value):
        yield f"{path}: no {shape['type']}"
        return
    yield from (f"{path}: {name}" for name, holds in LIMITS.items() if name in shape and not holds(value, shape[name]))
    if "$ref" in shape:
        yield from mismatches(value, shapes[name_of(shape)], shapes, path)
    if "anyOf" in shape:
        tried = [list(mismatches(value, each, shapes, path)) for each in shape["anyOf"]]
        if all(tried):
            yield from min(tried, key=len)
    if isinstance(value, list) and "items" in shape:
        for index, each in enumerate(value):
            yield from mismatches(each, shape["items"], shapes, f"{path}/{index}")
    if isinstance(value, dict) and shape.get("type") == "object":
        yield from object_mismatches(value, shape, shapes, path)


def object_mismatches(value: dict[str, Any], shape: Shape, shapes: Mapping[str, Shape], path: str) -> Iterator[str]:
    yield from (f"{path}: {name} is missing" for name in shape.get("required", ()) if name not in value)
    for name, each in value.items():
        inner = shape_of_field(name, shape)
        if inner is False:
            yield f"{path}/{name}: not declared"
        elif inner is not True:
            yield from mismatches(each, inner, shapes, f"{path}/{name}")
        if "propertyNames" in shape:
            yield from mismatches(name, shape["propertyNames"], shapes, f"{path}/{name}")


def shape_of_field(name: str, shape: Shape) -> Any:
    """Give the shape of a field; False where there may be none of that name, True where anything goes."""
    if name in shape.get("properties", {}):
        return shape["properties"][name]
    by_pattern = [inner for pattern, inner in shape.get("patternProperties", {}).items() if re.search(pattern, name)]
    return by_pattern[0] if by_pattern else shape.get("additionalProperties", False)
