"""Who may ask: static bearer tokens, several at once, each good for some session labels."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from kbserver.errors import SettingsError, Unauthorized
from kbserver.labels import LabelPattern
from kbserver.types import Scope


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows. A label outside it is treated like an unknown one: nothing tells the two apart."""

    labels: tuple[LabelPattern, ...]
    corpora: tuple[str, ...] | None = None
    """None: whatever the route names."""
    scope: Scope = field(default_factory=dict)

    def allows(self, label: str | None) -> bool:
        """Whether the token is good for this session label; a call without one counts as the empty label."""
        return any(pattern.match(label or "") is not None for pattern in self.labels)


EVERYTHING = Grant(labels=(LabelPattern("*"),))


class TokenTable:
    """The tokens of a server: static ones, of which only the digests are kept, and signed ones."""

    def __init__(
        self,
        tokens: Iterable[tuple[str, Sequence[str]]],
        *,
        open_to_all: bool = False,
        signed: Callable[[str], Grant] | None = None,
    ) -> None:
        """Take (token, label patterns) pairs.

        Args:
            signed: what a signed token allows, or Unauthorized (`SigningKeys.verify`); None: there are none.

        Raises:
            SettingsError: no way to have a token and not `open_to_all`, or a token that cannot travel in a header.
        """
        self._grants: list[tuple[bytes, Grant]] = []
        for token, labels in tokens:
            if not token.isascii() or not token.isprintable() or " " in token:
                raise SettingsError(
                    "a token holds a space or a character that cannot travel in an HTTP header; use letters and digits"
                )
            self._grants.append(
                (_digest(token), Grant(tuple(LabelPattern(label) for label in labels)))
            )
        self._open = open_to_all
        self._signed = signed
        if not self._grants and signed is None and not open_to_all:
            raise SettingsError(
                "no token: anyone could read the corpora. Set KB_TOKEN (the `kb_token` of the configure frame), "
                "for example  export KB_TOKEN=$(openssl rand -hex 24)  or start with --open"
            )

    def check(self, authorization: str | None) -> Grant:
        """Return what the token of an `Authorization` header allows; a signed token takes one of its turns.

        Raises:
            Unauthorized: no bearer token, none of ours, or a signed one that is good no longer.
        """
        try:
            token = _bearer(authorization)
            found = self._static(token)
            if found is None and self._signed is not None and token.count(".") == 2:
                found = self._signed(token)
        except Unauthorized:
            if self._open:
                return EVERYTHING
            raise
        return found or self._stranger()

    def check_static(self, authorization: str | None) -> Grant:
        """Return what a static token allows; a signed one, which a browser may hold, is no good here.

        Raises:
            Unauthorized: no bearer token, or none of ours.
        """
        if self._open:
            return EVERYTHING
        return self._static(_bearer(authorization)) or self._stranger()

    def _static(self, token: str) -> Grant | None:
        """Compare every stored digest in constant time, whether or not an earlier one fits."""
        offered = _digest(token)
        found: Grant | None = None
        for digest, grant in self._grants:
            if hmac.compare_digest(digest, offered):
                found = grant
        return found

    def _stranger(self) -> Grant:
        if self._open:
            return EVERYTHING
        raise Unauthorized(
            "this bearer token is not known here; compare `kb_token` with KB_TOKEN",
            code="invalid_token",
        )


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if not token or scheme.lower() != "bearer":
        raise Unauthorized(
            "no bearer token; send  Authorization: Bearer <kb_token>",
            code="missing_token",
        )
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
