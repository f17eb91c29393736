"""What a visitor may see and do: tokens and their roles, cookies, the link that works once.

The console's tokens are its own: one of the endpoint opens nothing here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kbserver.errors import SettingsError
from kbserver.labels import LabelPattern
from kbserver.settings import Role, Settings

COOKIE = "kbserver_console"
SESSION_S = 12 * 3_600
"""After which a browser must show its token again."""

MIN_TOKEN_CHARACTERS = 16
ROLES: tuple[Role, ...] = ("view", "judge", "publish")
"""Each may do what those before it may."""

_EVERYTHING = ("*",)
_LONGEST_COOKIE = 512


@dataclass(frozen=True, slots=True)
class Grant:
    """What one token opens."""

    role: Role
    labels: tuple[str, ...] = _EVERYTHING
    """Patterns; only routes that lie inside them are seen."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request's sender."""

    grant: Grant
    form_token: str = ""
    """Every form must send it back; empty for a script, which sends its token by itself."""

    def may(self, role: Role) -> bool:
        """Whether this or more is allowed."""
        return ROLES.index(self.grant.role) >= ROLES.index(role)

    @property
    def sees_all(self) -> bool:
        """Whether every route is seen."""
        return any(pattern == "*" for pattern in self.grant.labels)

    def sees(self, route: str) -> bool:
        """Whether a route's turns may be seen, by its pattern; "" are those without a route."""
        if self.sees_all:
            return True
        if not route:
            return False
        wanted = LabelPattern(route)
        return any(LabelPattern(mine).covers(wanted) for mine in self.grant.labels)


def grants_of(settings: Settings) -> list[tuple[str, Grant]]:
    """Return the tokens of the settings, each with what it opens.

    Raises:
        SettingsError: one is short enough to be guessed, opens the endpoint as well, or cannot be
            read.
    """
    found: list[tuple[str, Grant]] = []
    if settings.kb_console_token is not None:
        token = settings.kb_console_token.get_secret_value().strip()
        found.append((token, Grant("publish")))
    for one in settings.console.tokens:
        found.append((one.secret(), Grant(one.role, one.labels)))
    of_endpoint = {token.value for token in settings.static_tokens()}
    for token, _ in found:
        if len(token) < MIN_TOKEN_CHARACTERS:
            raise SettingsError(
                f"a token of the console has {len(token)} characters, at least "
                f"{MIN_TOKEN_CHARACTERS} are wanted; make one with:  openssl rand -hex 24"
            )
        if token in of_endpoint:
            raise SettingsError(
                "a token of the console opens the endpoint as well; give the console one of its "
                "own:  openssl rand -hex 24"
            )
    return found


class Doors:
    """Recognises visitors. Its keys last as long as the process."""

    def __init__(
        self,
        grants: Iterable[tuple[str, Grant]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the tokens; without any, `link_code` opens the door once.

        Args:
            clock: seconds since the epoch.
        """
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._grants: list[Grant] = []
        self._digests: list[bytes] = []
        for token, grant in grants:
            self._digests.append(self._digest(token))
            self._grants.append(grant)
        self.link_code = ""
        """Of the link that opens once; empty if there are tokens, and once it was used."""
        self._ended: dict[
            str, int
        ] = {}  # MACs of cookies, and until when they were good
        if not self._grants:
            self.link_code = secrets.token_urlsafe(24)
            self._grants.append(Grant("publish"))

    @property
    def has_tokens(self) -> bool:
        """Whether there are tokens to sign in with."""
        return bool(self._digests)

    def by_token(self, token: str) -> Grant | None:
        """Return what a token opens; None if it is none of ours."""
        place = self._place_of(token)
        if place is None:
            return None
        return self._grants[place]

    def session_of_token(self, token: str) -> str | None:
        """Return a cookie for a token; None if it is none of ours."""
        place = self._place_of(token)
        if place is None:
            return None
        return self._session(place)

    def session_of_link(self, code: str) -> str | None:
        """Return a cookie for the link's code, the first time; else None."""
        known = self.link_code
        if not known or not hmac.compare_digest(known.encode(), code.encode()):
            return None
        self.link_code = ""
        return self._session(0)

    def by_cookie(self, cookie: str) -> Visitor | None:
        """Return the visitor of a cookie; None if it is none of ours, too old, or was ended."""
        payload, _, mac = cookie.partition(".")
        if len(cookie) > _LONGEST_COOKIE or not payload.isascii() or not mac.isascii():
            return None
        if not hmac.compare_digest(mac, self._mac("cookie", payload)):
            return None
        place, until = _read(payload)
        if self._clock() > until or mac in self._ended:
            return None
        return Visitor(self._grants[place], self._mac("form", payload))

    def end(self, cookie: str) -> None:
        """Let a cookie open nothing any more, also where it was kept."""
        if self.by_cookie(cookie) is None:
            return
        now = self._clock()
        self._ended = {mac: until for mac, until in self._ended.items() if until > now}
        payload, _, mac = cookie.partition(".")
        self._ended[mac] = _read(payload)[1]

    def _session(self, place: int) -> str:
        until = int(self._clock()) + SESSION_S
        values = json.dumps([place, until, secrets.token_hex(8)])
        payload = base64.urlsafe_b64encode(values.encode()).decode()
        return f"{payload}.{self._mac('cookie', payload)}"

    def _place_of(self, token: str) -> int | None:
        digest = self._digest(token)
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        if True in matches:
            return matches.index(True)
        return None

    def _digest(self, token: str) -> bytes:
        text = token.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, hashlib.sha256)

    def _mac(self, purpose: str, payload: str) -> str:
        text = f"{purpose}:{payload}".encode()
        return hmac.digest(self._key, text, hashlib.sha256).hex()


def _read(payload: str) -> tuple[int, int]:
    """Return which grant a cookie of ours is for, and until when."""
    place, until, _ = json.loads(base64.urlsafe_b64decode(payload))
    return place, until


def visible(routes: Sequence[str], visitor: Visitor) -> list[str] | None:
    """Return the routes that a visitor sees, of those there are; None for all."""
    if visitor.sees_all:
        return None
    return [route for route in routes if visitor.sees(route)]
