"""Charts as answers: a specification, a picture, a page or a table, by what the caller wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from app.api.headers import A_PICTURE
from app.api.negotiation import chosen
from app.charts.canvas import Spec
from app.services.pictures import PictureFormat, pictures

JSON: Final = "application/json"
VEGA_LITE: Final = "application/vnd.vegalite.v6+json"
VEGA_LITE_5: Final = "application/vnd.vegalite.v5+json"
SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
HTML: Final = "text/html"
CSV: Final = "text/csv"

SPECIFICATIONS: Final = (VEGA_LITE, VEGA_LITE_5)
PICTURES: Final[Mapping[str, PictureFormat]] = {SVG: PictureFormat.SVG, PNG: PictureFormat.PNG}

VARY: Final = {"Vary": "Accept, Accept-Language"}

_SHAPES: Final[Mapping[str, dict[str, Any]]] = {
    VEGA_LITE: {"type": "object", "additionalProperties": True},
    VEGA_LITE_5: {"type": "object", "additionalProperties": True},
    SVG: {"type": "string"},
    PNG: {"type": "string", "format": "binary"},
    HTML: {"type": "string"},
    CSV: {"type": "string"},
}


def wanted(request: Request, offered: Sequence[str]) -> str:
    """Give the media type that a caller wants; the first of those that are offered if it does not matter."""
    return chosen(",".join(request.headers.getlist("accept")), offered)


def given_as(offered: Sequence[str]) -> dict[int | str, dict[str, Any]]:
    """Declare what a route that gives charts answers when it succeeds."""
    content = {each: {"schema": _SHAPES[each]} for each in offered if each in _SHAPES}
    vary = {"description": "What chose the form and its words.", "schema": {"type": "string", "const": VARY["Vary"]}}
    return {200: {"content": content, "headers": {"Vary": vary}}}


def specification(spec: Spec, media_type: str) -> Response:
    """Answer with a specification, in the version that was asked for; both versions read it."""
    if media_type == VEGA_LITE_5:
        spec = spec | {"$schema": spec["$schema"].replace("v6", "v5")}
    return Response(json.dumps(spec, ensure_ascii=False), media_type=media_type, headers=VARY)


def table_of_text(text: str) -> Response:
    """Answer with a table as comma-separated values."""
    return Response(text, media_type=CSV, headers=VARY)


class Drawn(Response):
    """An answer that waits for its picture on the event loop, where it holds no thread.

    The route has returned by then, and its transaction is closed.

    Parameters
    ----------
    picture : Future of bytes
        The picture, drawn or on its way.
    media_type : str
        What the answer is.
    finish : callable, optional
        Makes the answer of the picture.
    """

    def __init__(self, picture: Future[bytes], media_type: str, finish: Callable[[bytes], bytes] = bytes) -> None:
        super().__init__(headers=VARY | {"Content-Security-Policy": A_PICTURE}, media_type=media_type)
        self._picture = picture
        self._finish = finish

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the picture, then send it. Others may wait for the same one: who goes away takes it from nobody."""
        self.body = self._finish(await asyncio.shield(asyncio.wrap_future(self._picture)))
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def drawn(spec: Spec, media_type: str, finish: Callable[[str], str]) -> Drawn:
    """Answer with a picture, or with what is made of its SVG."""
    picture_format = PICTURES.get(media_type, PictureFormat.SVG)
    picture = pictures().draw(spec, picture_format)
    if picture_format is PictureFormat.PNG:
        return Drawn(picture, media_type)
    return Drawn(picture, media_type, lambda svg: finish(svg.decode()).encode())
