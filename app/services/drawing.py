"""Turns Vega-Lite specifications into pictures: a program of its own, and the only one that has the renderer.

It draws what comes through a connection until that is closed; `app.services.pictures` starts it. It imports nothing
of the application, so that it is small and soon ready.
"""

from __future__ import annotations

import json
import os
import sys
from multiprocessing.connection import Connection
from typing import Any, Final

import vl_convert

_VEGA_LITE: Final = "6.4"
"""The version that draws, of those that the renderer brings."""

_PNG_SCALE: Final = 2
"""Pixels of a bitmap for one of the chart's, for screens and print."""

_GIVES_WAY: Final = 5
"""How much further back this process stands in the queue for a processor than the one that answers requests."""

DRAWN, REFUSED = b"+", b"-"
"""The first byte of an answer."""


def draw(picture_format: str, spec: dict[str, Any]) -> bytes:
    """Draw a specification as `svg` or `png`. It has its data inside: nothing is fetched.

    Raises
    ------
    ValueError
        If it is no Vega-Lite specification.
    """
    if picture_format == "svg":
        return vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE, allowed_base_urls=[]).encode()
    return vl_convert.vegalite_to_png(spec, vl_version=_VEGA_LITE, allowed_base_urls=[], scale=_PNG_SCALE)


def serve(connection: Connection) -> None:
    """Draw what comes through a connection, until the other side closes it or is gone."""
    while True:
        try:
            picture_format, spec = json.loads(connection.recv_bytes())
        except EOFError:
            return
        try:
            answer = DRAWN + draw(picture_format, spec)
        except ValueError:  # what the renderer says may hold scores
            answer = REFUSED
        connection.send_bytes(answer)


if __name__ == "__main__":
    os.nice(_GIVES_WAY)
    serve(Connection(int(sys.argv[1])))
