"""A local Omni engine: the same paths, keys, frames and events, and the same call to `kb_endpoint`.

Any Omni client connects to it unchanged but for the base URL. Source: the Omni contract, sections 4
and 7.
"""

from __future__ import annotations

import ipaddress
import json
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from kbserver.bodies import Bodies
from kbserver.errors import OmniError, WireError
from kbserver.omni.connect import FORMATS, OMNI_PATH, PROTOCOL, RATES, check_label
from kbserver.omni.simulator.access import (
    FORBIDDEN,
    SANDBOX_SCOPES,
    TOO_MANY,
    UNAUTHORIZED,
    KeyRing,
    Refusal,
    echoed_protocol,
    offered_key,
)
from kbserver.omni.simulator.faults import Fault, FaultKind, parse_fault
from kbserver.omni.simulator.options import SimulatorOptions
from kbserver.omni.simulator.recording import Recorder
from kbserver.omni.simulator.session import SessionState, SimulatedSession, Source
from kbserver.urls import is_loopback

OLD_PATH = "/v2/omni/chat"
FAULT_PARAMETER = "simulate_fault"  # of the connect URL: a fault for this session alone
_REFUSALS: dict[FaultKind, Refusal] = {
    "4401": UNAUTHORIZED,
    "http-401": UNAUTHORIZED,
    "4403": FORBIDDEN,
    "http-403": FORBIDDEN,
    "4429": TOO_MANY,
    "http-429": TOO_MANY,
}
MAX_BODY_BYTES = 64 * 1024
MAX_SESSIONS = 100
"""At once; one more is refused as the live engine refuses it."""
MAX_CLOSE_REASON = 120  # characters; a close frame holds at most 123 bytes
_ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}


class Simulator:
    """The engine simulator; an ASGI application for uvicorn with a WebSocket implementation.

    It calls any `kb_endpoint` that a client names: let it listen on loopback only.
    """

    def __init__(
        self,
        options: SimulatorOptions | None = None,
        *,
        script: Iterable[str] = (),
        keys: Collection[str] | None = None,
        recorder: Recorder | None = None,
        names: Collection[str] = (),
    ) -> None:
        """Set the stage; nothing listens yet.

        Args:
            script: the caller's words, one a turn that any session hears as audio.
            keys: accepted API keys; None accepts any that is not empty.
            recorder: takes every session's records.
            names: of this machine, under which clients may ask beside localhost and addresses.
        """
        self.options = options or SimulatorOptions()
        self.keys = KeyRing(keys)
        self.sessions: dict[str, SimulatedSession] = {}
        self._script = deque(script)
        self._recorder = recorder or Recorder()
        self._names = frozenset(name.lower() for name in names)
        self._bodies = Bodies(MAX_BODY_BYTES)
        one_session = "/simulator/sessions/{call_id}"
        self.app = Starlette(
            routes=[
                WebSocketRoute(OMNI_PATH, self._session),
                WebSocketRoute(OLD_PATH, self._session),
                Route("/v1/omni/sessions", self._mint_token, methods=["POST"]),
                Route("/v1/sandbox/keys", self._mint_sandbox_key, methods=["POST"]),
                Route("/simulator/sessions", self._list_sessions, methods=["GET"]),
                Route(f"{one_session}/say", self._admin_say, methods=["POST"]),
                Route(f"{one_session}/fault", self._admin_fault, methods=["POST"]),
            ],
            exception_handlers={WireError: _wire_error},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] == "lifespan" or self._is_meant(HTTPConnection(scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            websocket = WebSocket(scope, receive, send)
            await websocket.send_denial_response(_misdirected())
        else:
            await _misdirected()(scope, receive, send)

    def _is_meant(self, connection: HTTPConnection) -> bool:
        """Whether the `Host` is a name of this machine, or any address.

        A page from elsewhere whose name was made to lead here says that name, and could otherwise
        read the answers as its own.
        """
        try:
            host = urlsplit("//" + connection.headers.get("host", "")).hostname or ""
        except ValueError:
            return False
        return is_loopback(host) or host in self._names or _is_address(host)

    def add_to_script(self, *utterances: str) -> None:
        """Put more of the caller's words at the end of the script."""
        self._script.extend(utterances)

    def say(
        self, text: str, *, source: Source = "typed", call_id: str = "latest"
    ) -> bool:
        """Let the caller of a session say something; False if there is no such session."""
        session = self._find(call_id)
        if session is not None:
            session.say(text, source)
        return session is not None

    def _find(self, call_id: str) -> SimulatedSession | None:
        if call_id == "latest":
            return next(reversed(self.sessions.values()), None)
        return self.sessions.get(call_id)

    def _next_utterance(self) -> str | None:
        if not self._script:
            return None
        return self._script.popleft()

    # The session

    async def _session(self, websocket: WebSocket) -> None:
        """Open a session, or refuse it as the live engine would."""
        faults = _faults_of(websocket.query_params.getlist(FAULT_PARAMETER))
        at_connect = [
            fault for fault in self.options.faults + faults if fault.at_connect
        ]
        for fault in at_connect:
            if fault.kind.startswith("http-"):
                await self._deny(websocket, fault)
                return
        offered = [str(protocol) for protocol in websocket.scope["subprotocols"]]
        strict = self.options.strict
        await websocket.accept(echoed_protocol(offered, strict=strict))
        refusal = self._refusal(websocket, offered, at_connect)
        if refusal is not None:
            await self._refuse(websocket, refusal)
            return
        rate = int(websocket.query_params.get("rate", RATES[-1]))
        state = SessionState(_label_of(websocket.query_params), rate)
        session = SimulatedSession(
            _SocketLine(websocket),
            state,
            options=self.options,
            recorder=self._recorder,
            next_utterance=self._next_utterance,
            faults=faults,
        )
        self.sessions[state.call_id] = session
        try:
            await session.run(remark=_remark(offered, strict=strict))
        finally:
            del self.sessions[state.call_id]

    def _refusal(
        self, websocket: WebSocket, offered: Sequence[str], faults: Sequence[Fault]
    ) -> Refusal | None:
        """Return why a client that connected gets no session, or None if it gets one."""
        if faults:
            return _refusal_of(faults[0])
        if len(self.sessions) >= MAX_SESSIONS:
            return TOO_MANY
        query = websocket.query_params
        key = offered_key(websocket.headers, query, offered)
        refused = self.keys.check(key, origin=websocket.headers.get("origin"))
        if refused is not None:
            return refused
        problem = _problem(_label_of(query), query.get("format"), query.get("rate"))
        if problem is not None:
            reason = problem[:MAX_CLOSE_REASON]
            return Refusal(1008, 400, reason, problem)
        return None

    async def _refuse(self, websocket: WebSocket, refusal: Refusal) -> None:
        """Close a connection that was accepted."""
        self._note_refusal(refusal.close_code, refusal.message)
        await websocket.close(refusal.close_code, refusal.code)

    async def _deny(self, websocket: WebSocket, fault: Fault) -> None:
        """Answer with an HTTP status instead of the upgrade."""
        refusal = _REFUSALS[fault.kind]
        self._note_refusal(refusal.status, _refusal_of(fault).message)
        answer = _envelope(refusal.status, refusal.message, refusal.code)
        await websocket.send_denial_response(answer)

    def _note_refusal(self, code: int, reason: str) -> None:
        self._recorder.write("refused", "", code=code, reason=reason)

    # What a client asks for over HTTP

    async def _mint_token(self, request: Request) -> Response:
        if not self.keys.check_api_key(offered_key(request.headers, {})):
            return _envelope(401, UNAUTHORIZED.message, UNAUTHORIZED.code)
        try:
            token = self.keys.mint_token(await self._json_body(request))
        except OmniError as exc:
            return _envelope(400, str(exc), "invalid_request")
        scheme = "ws"
        if request.url.scheme == "https":
            scheme = "wss"
        answer = {
            "object": "omni.session",
            "token": token.token,
            "expires_at": round(token.expires_at * 1000),
            "url": f"{scheme}://{request.url.netloc}{OMNI_PATH}",
            "session_label": token.session_label,
        }
        return JSONResponse(answer, status_code=201)

    async def _mint_sandbox_key(self, request: Request) -> Response:
        key, expires_at = self.keys.mint_sandbox_key()
        answer = {
            "api_key": key,
            "org_id": "org_simulated",
            "scopes": list(SANDBOX_SCOPES),
            "expires_at": round(expires_at * 1000),
        }
        return JSONResponse(answer, status_code=201)

    # What a test or a user asks for

    async def _list_sessions(self, request: Request) -> Response:
        states = [session.state for session in self.sessions.values()]
        listed = [
            {"call_id": state.call_id, "label": state.label, "turns": state.turns}
            for state in states
        ]
        return JSONResponse({"sessions": listed})

    async def _admin_say(self, request: Request) -> Response:
        body = await self._admin_body(request)
        if isinstance(body, Response):
            return body
        text = body.get("text")
        if not isinstance(text, str):
            wanted = 'the body must be {"text": "what the caller says"}'
            return _envelope(400, wanted, "invalid_request")
        call_id = request.path_params["call_id"]
        if not self.say(text, source="admin", call_id=call_id):
            return _no_session()
        return JSONResponse({"said": text}, status_code=202)

    async def _admin_fault(self, request: Request) -> Response:
        body = await self._admin_body(request)
        if isinstance(body, Response):
            return body
        session = self._find(request.path_params["call_id"])
        if session is None:
            return _no_session()
        try:
            fault = parse_fault(str(body.get("fault")))
            if fault.at_connect:
                raise OmniError(
                    f"the fault {fault.kind} strikes when a client connects, "
                    "and this one is connected"
                )
        except OmniError as exc:
            return _envelope(400, str(exc), "invalid_request")
        session.inject(fault)
        return JSONResponse({"fault": body["fault"]}, status_code=202)

    async def _json_body(self, request: Request) -> object:
        try:
            return json.loads(await self._bodies.read(request))
        except (ValueError, RecursionError):
            raise OmniError("the body is not valid JSON") from None

    async def _admin_body(self, request: Request) -> dict[str, Any] | Response:
        if request.headers.get("origin"):
            # A page elsewhere must not drive a local simulator.
            return _envelope(403, "not for web pages", "forbidden")
        try:
            body = await self._json_body(request)
        except OmniError as exc:
            return _envelope(400, str(exc), "invalid_json")
        if not isinstance(body, dict):
            return _envelope(400, "the body must be a JSON object", "invalid_request")
        return body


class _SocketLine:
    """A Starlette WebSocket as a session's connection."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._dropped = False

    @property
    def _is_open(self) -> bool:
        if self._dropped:
            return False
        return self._websocket.application_state is WebSocketState.CONNECTED

    async def send(self, message: bytes) -> None:
        if not self._is_open:
            return
        try:
            await self._websocket.send_bytes(message)
        except WebSocketDisconnect:
            self._dropped = True

    async def receive(self) -> bytes | str | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        data: bytes | None = message.get("bytes")
        if data is None:
            return str(message.get("text", ""))
        return data

    async def close(self, code: int, reason: str) -> None:
        if self._is_open:
            await self._websocket.close(code, reason)

    async def drop(self) -> None:
        # An ASGI application that returns without closing leaves the server to cut the connection.
        self._dropped = True


def _label_of(query: Mapping[str, str]) -> str | None:
    for name in ("session_label", "agent_id", "agent"):
        if query.get(name):
            return query[name]
    return None


def _refusal_of(fault: Fault) -> Refusal:
    refusal = _REFUSALS[fault.kind]
    return replace(refusal, message=f"{refusal.code}, the fault {fault.kind}")


def _faults_of(texts: Iterable[str]) -> tuple[Fault, ...]:
    found = []
    for text in texts:
        try:
            found.append(parse_fault(text))
        except OmniError:
            continue  # as the live engine does with a parameter it does not know
    return tuple(found)


def _remark(offered: Sequence[str], *, strict: bool) -> str | None:
    """What is to be said about the subprotocols of a client, if anything."""
    if not offered or PROTOCOL in offered:
        return None
    done = f"echoed here; the live engine echoes {PROTOCOL} alone"
    if strict:
        done = "none is echoed, as by the live engine"
    return (
        f"the client does not offer {PROTOCOL} ({done}): "
        "Node's ws and browsers then close the connection"
    )


def _problem(label: str | None, format: str | None, rate: str | None) -> str | None:
    if label is not None:
        try:
            check_label(label)
        except OmniError as exc:
            return str(exc)
    if format is not None and format not in FORMATS:
        return f"format must be {FORMATS[0]}"
    if rate is not None and rate not in map(str, RATES):
        return f"rate must be {' or '.join(map(str, RATES))}"
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _misdirected() -> Response:
    message = (
        "the Host is no name of the simulator's; ask for localhost or for its address, "
        "or start it with --host NAME"
    )
    return _envelope(421, message, "misdirected_request")


async def _wire_error(request: Request, exc: Exception) -> Response:
    if not isinstance(exc, WireError):
        raise exc
    return _envelope(exc.status, str(exc), exc.code)


def _no_session() -> Response:
    message = "no such session; GET /simulator/sessions lists them"
    return _envelope(404, message, "not_found")


def _envelope(status: int, message: str, code: str) -> Response:
    kind = _ERROR_TYPES.get(status, "invalid_request_error")
    error = {"message": message, "type": kind, "code": code, "param": None}
    return JSONResponse({"error": error}, status_code=status)
