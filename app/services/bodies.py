"""A body as JSON text and back, with nothing lost.

JSON leaves open what a name means that comes twice in an object, and most readers take the last value. Of
`{"9": 3, "9": 0}` that would be the harmless one, so here both are kept, as one value that no field accepts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.scales.answers import SeveralValues, each_value

_FIELDS_AND_ITEMS = 2


def read_body(text: str | bytes) -> Any:
    """Read JSON; a name that comes with different values gets all of them.

    Examples
    --------
    >>> read_body('{"1": 2, "9": 3, "9": 0, "1": 2}')
    {'1': 2, '9': (3, 0)}
    """
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        for name in read:
            # Compared as text: to Python, true is 1.
            values = {json.dumps(value): value for each, value in pairs if each == name}
            if len(values) > 1:
                read[name] = SeveralValues(values.values())
    return read


def write_body(body: object, levels: int = _FIELDS_AND_ITEMS) -> str:
    """Write a body as it came: where a field, or an item in it, had several values, its name comes as often again.

    Examples
    --------
    >>> write_body(read_body('{"answers": {"9": 3, "9": 0}}'))
    '{"answers": {"9": 3, "9": 0}}'
    """
    if not levels or not isinstance(body, Mapping):
        return json.dumps(body)
    members = [
        f"{json.dumps(name)}: {write_body(value, levels - 1)}"
        for name, given in body.items()
        for value in each_value(given)
    ]
    return f"{{{', '.join(members)}}}"
