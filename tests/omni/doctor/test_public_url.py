"""The public URL from the environment, and from tunnels on real sockets."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from kbserver.answers import AnswerLimits
from kbserver.omni.doctor.public_url import LIMITS, PublicUrl, find_public_url
from kbserver.omni.serving import base_url, serving

pytestmark = pytest.mark.anyio


async def test_the_public_url_comes_from_the_environment_first() -> None:
    environment = {
        "RENDER_EXTERNAL_URL": "https://x.onrender.com",
        "PUBLIC_URL": " https://kb.example.com/ ",
    }
    assert await find_public_url(environment) == PublicUrl(
        "https://kb.example.com", "PUBLIC_URL"
    )
    del environment["PUBLIC_URL"]
    assert await find_public_url(environment) == PublicUrl(
        "https://x.onrender.com", "RENDER_EXTERNAL_URL"
    )


async def test_the_public_url_comes_from_a_running_tunnel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = AnswerLimits(seconds=30.0, body_bytes=LIMITS.body_bytes)
    monkeypatch.setattr("kbserver.omni.doctor.public_url.LIMITS", patient)
    tunnels = [
        {"public_url": "tcp://1.tcp.ngrok.io:1", "config": {"addr": "localhost:22"}},
        {
            "public_url": "https://other.ngrok.app",
            "config": {"addr": "http://localhost:9999"},
        },
        {
            "public_url": "https://mine.ngrok.app",
            "config": {"addr": "http://localhost:8080"},
        },
    ]

    async def ngrok(request: Request) -> JSONResponse:
        return JSONResponse({"tunnels": tunnels, "uri": "/api/tunnels"})

    async def cloudflared(request: Request) -> JSONResponse:
        return JSONResponse({"hostname": "some-words.trycloudflare.com"})

    routes = [Route("/api/tunnels", ngrok), Route("/quicktunnel", cloudflared)]
    async with (
        serving(Starlette(routes=routes)) as server,
        serving(Starlette()) as empty,
    ):
        there, nothing = base_url(server), base_url(empty)
        both = {"ngrok": there, "cloudflared": [nothing, there]}
        assert await find_public_url({}, port=8080, **both) == PublicUrl(
            "https://mine.ngrok.app", "ngrok"
        )
        assert await find_public_url({}, port=1234, **both) == PublicUrl(
            "https://some-words.trycloudflare.com", "cloudflared"
        )
        assert await find_public_url({}, ngrok=nothing, cloudflared=[nothing]) is None


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"tunnels": 7}', '{"tunnels": [7, {}]}', '{"hostname": 7}'],
)
async def test_an_api_that_answers_otherwise_names_no_url(body: str) -> None:
    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(body)

    routes = [Route("/api/tunnels", answer), Route("/quicktunnel", answer)]
    async with serving(Starlette(routes=routes)) as server:
        url = base_url(server)
        assert await find_public_url({}, ngrok=url, cloudflared=[url]) is None


async def test_a_tunnel_without_a_local_port_counts_for_any() -> None:
    async def ngrok(request: Request) -> JSONResponse:
        return JSONResponse({"tunnels": [{"public_url": "https://a.ngrok.app/"}]})

    async with serving(Starlette(routes=[Route("/api/tunnels", ngrok)])) as server:
        found = await find_public_url({}, port=8080, ngrok=base_url(server))
    assert found == PublicUrl("https://a.ngrok.app", "ngrok")
