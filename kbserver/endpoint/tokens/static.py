"""Static bearer tokens, each good for some session labels; and what a token allows."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from kbserver.endpoint.tokens.turns import TokenTurns
from kbserver.errors import SettingsError, Unauthorized
from kbserver.labels import LabelPattern
from kbserver.settings import StaticToken
from kbserver.types import Scope


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows.

    A label outside it is answered like an unknown one, so that the two cannot be told apart.
    """

    labels: tuple[LabelPattern, ...]
    corpora: tuple[str, ...] | None = None
    """None: whatever the route names."""
    scope: Scope = field(default_factory=dict)
    turns: TokenTurns | None = None
    """How many turns are left to it; None: any number."""
    doors: tuple[str, ...] | None = None
    """Names of the doors it is good for; None: all of them."""
    kind: Literal["open", "static", "signed"] = field(default="open", compare=False)
    """Of the token; `open` if none was asked for."""

    def allows(self, label: str | None) -> bool:
        """Whether the token is good for a session label; None counts as the empty label."""
        return any(pattern.match(label or "") is not None for pattern in self.labels)


EVERYTHING = Grant(labels=(LabelPattern("*"),))


def bearer_token(headers: Mapping[str, str]) -> str:
    """Return the token of an `Authorization: Bearer` header.

    Raises:
        Unauthorized: there is no such header, or no token in it.
    """
    authorization = headers.get("authorization", "")
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if not token or scheme.lower() != "bearer":
        raise Unauthorized(
            "no bearer token; send  Authorization: Bearer <kb_token>",
            code="missing_token",
        )
    return token


class TokenTable:
    """The tokens of a server: digests of the static ones, and a check for the signed ones."""

    def __init__(
        self,
        tokens: Iterable[StaticToken],
        *,
        open_to_all: bool = False,
        signed: Callable[[str], Grant] | None = None,
    ) -> None:
        """Take the static tokens.

        Args:
            open_to_all: a request without a good token may ask everything.
            signed: returns what a signed token allows, or raises Unauthorized, as
                `SigningKeys.verify` does; None: there are no signed tokens.

        Raises:
            SettingsError: no token is possible and the server is not `open_to_all`, or a token
                cannot travel in a header.
        """
        self._grants = [(_digest(token.value), _grant(token)) for token in tokens]
        self._open = open_to_all
        self._signed = signed
        if not self._grants and signed is None and not open_to_all:
            raise SettingsError(
                "no token: anyone could read the corpora. Set KB_TOKEN (the `kb_token` of the "
                "configure frame), for example  export KB_TOKEN=$(openssl rand -hex 24)  "
                "or start with --open"
            )

    def check(
        self,
        headers: Mapping[str, str],
        token_of: Callable[[Mapping[str, str]], str] = bearer_token,
        *,
        door: str = "omni",
    ) -> Grant:
        """Return what the token of a request allows. No turn is counted.

        Args:
            token_of: finds the token in the headers, or raises Unauthorized.
            door: the request came in by it.

        Raises:
            Unauthorized: no token, none of ours, one for other doors, or a signed one that is good
                no longer.
        """
        try:
            grant = self._grant_of(token_of(headers))
            if grant.doors is not None and door not in grant.doors:
                raise Unauthorized(
                    "this token is not good at this door; use one that is",
                    code="wrong_door",
                )
        except Unauthorized:
            if self._open:
                return EVERYTHING
            raise
        if self._open and grant.turns is not None:  # without the token it may ask more
            return replace(grant, turns=None)
        return grant

    def check_static(self, headers: Mapping[str, str]) -> Grant:
        """Return what a static bearer token allows.

        A signed one, which a browser may hold, fails, and so does one that is for some doors alone.

        Raises:
            Unauthorized: no bearer token, or none of ours.
        """
        if self._open:
            return EVERYTHING
        grant = self._static(bearer_token(headers))
        if grant is None or grant.doors is not None:
            raise _unknown_token()
        return grant

    def _grant_of(self, token: str) -> Grant:
        grant = self._static(token)
        if grant is not None:
            return grant
        if self._signed is not None and token.count(".") == 2:
            return self._signed(token)
        raise _unknown_token()

    def _static(self, token: str) -> Grant | None:
        """Compare every stored digest in constant time, also after one has fitted."""
        offered = _digest_of_any(token)
        found: Grant | None = None
        for digest, grant in self._grants:
            if hmac.compare_digest(digest, offered):
                found = grant
        return found


def _unknown_token() -> Unauthorized:
    return Unauthorized(
        "this bearer token is not known here; compare `kb_token` with KB_TOKEN",
        code="invalid_token",
    )


def _grant(token: StaticToken) -> Grant:
    patterns = tuple(LabelPattern(label) for label in token.labels)
    return Grant(patterns, doors=token.doors, kind="static")


def _digest(token: str) -> bytes:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(
            "a token holds a space or a character that cannot travel in an HTTP header; "
            "use letters and digits"
        )
    return _digest_of_any(token)


def _digest_of_any(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
