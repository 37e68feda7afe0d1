"""Routes whose bodies are read so that nothing of them gets lost."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.services.bodies import read_body


class _Request(Request):
    async def json(self) -> Any:
        return read_body(await self.body())


class WholeBody(APIRoute):
    """A route that is given every value of its body, also of a name that comes twice."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what answers, with a request that reads its body that way."""
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            return await answer(_Request(request.scope, request.receive))

        return handler
