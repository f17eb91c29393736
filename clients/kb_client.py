"""Asks a kbserver from any Python program: one file, the standard library alone.

    kb = KnowledgeBase("https://kb.example.com/kb", token, label="support")
    kb.ask("when are you open").context          # "" if it says nothing, is late or is down
    await kb.ask_async("when are you open", session="call-42")

No call raises, and none takes longer than `timeout_s`: an agent goes on without its facts. What
failed is logged, each kind once, without the words that were asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import logging
import os
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

log = logging.getLogger("kb_client")

TIMEOUT_S = 0.3
"""Of a voice agent: more would be heard as a pause."""

MOST_AT_ONCE = 16
"""Questions under way; a further one is answered with nothing at once."""

LONGEST_SESSION = 256
"""Characters that the server takes."""

_Connection = http.client.HTTPConnection


@dataclass(frozen=True)
class Grounding:
    """What a knowledge base says: a text for the model, and the passages it was made from."""

    context: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    """Each with `id`, `content` and `score`, best first."""


NOTHING = Grounding()


class KnowledgeBase:
    """One kbserver and label. Safe to share between tasks and threads."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        label: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Take the address; without one KB_URL, KB_TOKEN and KB_LABEL of the environment count.

        Args:
            url: of `/kb`.
            token: a bearer token; None where the server is open.
            label: decides which documents answer.
            timeout_s: for a whole question, connecting included.
        """
        self.url = url or os.environ.get("KB_URL", "http://127.0.0.1:8080/kb")
        self.label = label if label is not None else os.environ.get("KB_LABEL")
        self.timeout_s = timeout_s
        self._token = token or os.environ.get("KB_TOKEN", "")
        self._idle: queue.LifoQueue[_Connection] = queue.LifoQueue()
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._said: set[str] = set()

    def ask(self, query: str, session: str | None = None) -> Grounding:
        """Ask in the words of a caller; an empty answer if there is none in time.

        Args:
            query: the words.
            session: names the conversation, so that "and how much is that" leans on what was asked
                before, and unfinished sentences count as one turn. None: the question stands alone.
        """
        try:
            return self._start(query, session).result(self.timeout_s)
        except Exception as exc:
            return self._nothing(exc)

    async def ask_async(self, query: str, session: str | None = None) -> Grounding:
        """Ask as `ask` does, and let other tasks run meanwhile."""
        try:
            future = asyncio.wrap_future(self._start(query, session))
            return await asyncio.wait_for(future, self.timeout_s)
        except Exception as exc:
            return self._nothing(exc)

    def close(self) -> None:
        """Close the connections that are kept for further questions."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _start(self, query: str, session: str | None) -> Future[Grounding]:
        """Begin to ask in a thread that no exit waits for."""
        if not self._places.acquire(blocking=False):
            raise RuntimeError("too many questions at once")
        future: Future[Grounding] = Future()
        deadline = time.monotonic() + self.timeout_s

        def work() -> None:
            try:
                answer = self._post(query, session, deadline)
            except Exception as exc:
                _end(future, exc)
            else:
                _end(future, answer)
            finally:
                self._places.release()

        try:
            threading.Thread(target=work, daemon=True, name="kb_client").start()
        except RuntimeError:  # no thread is left
            self._places.release()
            raise
        return future

    def _post(self, query: str, session: str | None, deadline: float) -> Grounding:
        body = json.dumps({"session_label": self.label, "query": query}).encode()
        left_ms = int(1000 * (deadline - time.monotonic()))
        headers = {
            "Content-Type": "application/json",
            "X-Request-Timeout-Ms": str(max(1, left_ms * 3 // 4)),
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if session:
            headers["X-KBServer-Session"] = _plain(session)
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            return self._exchange(self._connect(), body, headers, deadline)
        try:
            return self._exchange(connection, body, headers, deadline)
        except (http.client.HTTPException, ConnectionError):
            # It was kept, and the server has closed it.
            return self._exchange(self._connect(), body, headers, deadline)

    def _exchange(
        self,
        connection: _Connection,
        body: bytes,
        headers: dict[str, str],
        deadline: float,
    ) -> Grounding:
        try:
            left_s = max(0.001, deadline - time.monotonic())
            connection.timeout = left_s
            if connection.sock is not None:
                connection.sock.settimeout(left_s)
            path = urlsplit(self.url).path or "/"
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            content = response.read(1_000_000)
        except BaseException:
            connection.close()
            raise
        if response.status == 200:
            self._idle.put(connection)
            return _grounding(json.loads(content))
        connection.close()
        raise RuntimeError(f"the server answered {response.status}")

    def _connect(self) -> _Connection:
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            return http.client.HTTPSConnection(parts.netloc)
        return http.client.HTTPConnection(parts.netloc)

    def _nothing(self, exc: Exception) -> Grounding:
        """Say once what is wrong, and find nothing."""
        kind = type(exc).__name__
        reason = f"{kind}: {exc}".rstrip(": ")
        if isinstance(exc, TimeoutError):
            reason = f"no answer within {self.timeout_s:g} s"
        if kind not in self._said:
            self._said.add(kind)
            log.warning("no facts from %s: %s (said once)", self.url, reason)
        return NOTHING


def _plain(session: str) -> str:
    """Return a session as it can travel in a header: no two of them become one."""
    plain = quote(session, safe="!#$&'()*+,/:;=?@[]", errors="surrogatepass")
    if len(plain) > LONGEST_SESSION:
        plain = hashlib.sha256(plain.encode()).hexdigest()
    return plain


def _grounding(answer: Any) -> Grounding:
    context, results = answer["context"], answer["results"]
    if not isinstance(context, str) or not isinstance(results, list):
        raise ValueError("the answer is not one of kbserver")
    return Grounding(context, results)


def _end(future: Future[Grounding], outcome: Grounding | Exception) -> None:
    """End a future, unless its caller has given it up."""
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
