"""`POST /kb` around a retriever without a server of its own, two turns at a time in threads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Found = list[tuple[str, str, float]]
"""Passages as (id, text, score), best first."""

Retrieve = Callable[[str, int], Found]


def turn_app(
    retrieve: Retrieve,
    *,
    at_once: int = 2,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Starlette:
    """Answer in the form of a `kb_endpoint`.

    Args:
        retrieve: called in a thread with the query and how many passages are wanted.
        at_once: turns in work; with more, threads take the cores from each other.
        around: entered while the application runs.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette):
        app.state.limiter = CapacityLimiter(at_once)
        with around():
            yield

    async def kb(request: Request) -> JSONResponse:
        body = await request.json()
        top_k = int(request.query_params.get("top_k", 3))
        found = await to_thread.run_sync(
            retrieve, body["query"], top_k, limiter=request.app.state.limiter
        )
        return JSONResponse(
            {
                "session_label": body.get("session_label"),
                "query": body["query"],
                "context": "\n".join(f"- {text}" for _, text, _ in found),
                "results": [
                    {"id": id, "content": text, "score": score}
                    for id, text, score in found
                ],
            }
        )

    return Starlette(routes=[Route("/kb", kb, methods=["POST"])], lifespan=lifespan)
