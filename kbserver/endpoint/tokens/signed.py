"""Signed session tokens: good for some labels, for a while, and safe to hand to a browser.

A token is a JSON Web Token (RFC 7519) signed with HS256 or EdDSA. Its claims:

    aud         "kbserver"
    exp nbf iat seconds since 1970
    jti         names the token, for revocation and for counting its turns
    kb_labels   label patterns it is good for
    kb_corpora  corpora it may read; absent: whatever the route names
    kb_scope    metadata filter on top of the route's own
    kb_turns    turns it may ask; absent: any number
    kb_doors    doors it is good for; absent: all of them

Any JWT library can issue them from the same key. The algorithm is bound to the key that the
header's `kid` names (RFC 8725 section 3.1): a header that says `none`, or another algorithm, gets
nowhere.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import jwt
from jwt.types import Options
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kbserver.endpoint.tokens.keys import SigningKey, read_key_file, read_keys
from kbserver.endpoint.tokens.revocations import Revocations
from kbserver.endpoint.tokens.static import Grant
from kbserver.endpoint.tokens.turns import TokenTurns, TurnCounts
from kbserver.errors import SettingsError, Unauthorized
from kbserver.labels import LabelPattern, label_problem
from kbserver.settings import Settings, check_door_names

AUDIENCE = "kbserver"
LEEWAY_S = 5  # by which the clocks of two machines may differ
MAX_TTL_S = 366 * 86_400
MAX_TOKEN_CHARACTERS = 4_096  # half of what common proxies allow for all headers
KEY_VARIABLE = "KBSERVER_SIGNING_KEY"
FOLLOWED_LIST = "REVOKED"
"""In the folder of what is followed: the revocation list of the object store."""

_Time = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Name = Annotated[str, Field(min_length=1, max_length=256)]


class _Claims(BaseModel):
    """What a token says, of the right types; other claims are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    exp: _Time
    nbf: _Time = 0.0
    iat: _Time = 0.0
    jti: _Name
    kb_labels: Annotated[list[_Name], Field(min_length=1, max_length=32)]
    kb_corpora: Annotated[list[_Name], Field(min_length=1)] | None = None
    kb_scope: dict[str, str] = Field(default_factory=dict)
    kb_turns: Annotated[int, Field(ge=1)] | None = None
    kb_doors: Annotated[list[_Name], Field(min_length=1)] | None = None

    def grant(self, turns: TokenTurns | None) -> Grant:
        """Return what the token allows.

        Raises:
            SettingsError: a label is no pattern.
        """
        labels = tuple(LabelPattern(label) for label in self.kb_labels)
        corpora: tuple[str, ...] | None = None
        if self.kb_corpora is not None:
            corpora = tuple(self.kb_corpora)
        doors: tuple[str, ...] | None = None
        if self.kb_doors is not None:
            doors = tuple(self.kb_doors)
        scope = dict(self.kb_scope)
        return Grant(labels, corpora, scope, turns, doors, kind="signed")


class SigningKeys:
    """Issues and checks signed tokens. The first key that can sign does; every key checks.

    To rotate: put the new key in front, restart, and take the old one away once the last token it
    signed has expired.
    """

    def __init__(
        self,
        keys: Iterable[SigningKey],
        *,
        revocations: Revocations | None = None,
        share_of: Callable[[int], int] = int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the live keys.

        Args:
            revocations: tokens that are no longer good; None: revoke in this process only.
            share_of: how many of a token's turns are granted here, beside other replicas.
            clock: seconds since 1970.

        Raises:
            SettingsError: there is no key.
        """
        listed = list(keys)
        if not listed:
            raise SettingsError(
                "no signing key; make one with  kbserver token --new-key"
            )
        self._by_kid = {key.kid: key for key in reversed(listed)}
        self._signer = next((key for key in listed if key.signing is not None), None)
        self.revocations = revocations or Revocations()
        self._turns = TurnCounts()
        self._share_of = share_of
        self._clock = clock

    @classmethod
    def read(
        cls,
        text: str | None = None,
        files: Sequence[Path] = (),
        *,
        revoked: Path | None = None,
        may_come: bool = False,
        share_of: Callable[[int], int] = int,
    ) -> SigningKeys | None:
        """Read the keys of a text, then those of files; None if there are none.

        Args:
            text: of the variable `KBSERVER_SIGNING_KEY`.
            revoked: the revocation list.
            may_come: whether the list may be missing so far.
            share_of: see `SigningKeys`.

        Raises:
            SettingsError: a file cannot be read, or a key is weak or unusable.
        """
        keys: list[SigningKey] = []
        if text and text.strip():
            keys += read_keys(text, source=KEY_VARIABLE)
        for file in files:
            keys += read_key_file(file)
        if not keys:
            return None
        revocations = Revocations(revoked, may_come=may_come)
        return cls(keys, revocations=revocations, share_of=share_of)

    @classmethod
    def from_settings(cls, settings: Settings) -> SigningKeys | None:
        """Read the keys that the settings name; None if they name none.

        Raises:
            SettingsError: a file cannot be read, or a key is weak or unusable.
        """
        text: str | None = None
        if settings.signing_key is not None:
            text = settings.signing_key.get_secret_value()
        files = settings.signing_key_files
        revoked = settings.revoked_tokens
        is_followed = revoked is None and settings.follow is not None
        if is_followed:
            revoked = settings.follow_folder / FOLLOWED_LIST
        return cls.read(
            text,
            files,
            revoked=revoked,
            may_come=is_followed,
            share_of=settings.share_of,
        )

    def go_on_from(self, before: SigningKeys, *, same_list: bool) -> None:
        """Count turns on where other keys left off, so that no token begins anew.

        Args:
            same_list: the revocation list is the same file: its tokens stay revoked.
        """
        self._turns = before._turns
        if same_list:
            self.revocations = before.revocations

    def issue(
        self,
        label: str | Sequence[str],
        ttl_s: int,
        *,
        corpora: Sequence[str] | None = None,
        scope: Mapping[str, str] | None = None,
        max_turns: int | None = None,
        doors: Sequence[str] | None = None,
        now: float | None = None,
    ) -> str:
        """Return a token.

        Args:
            label: an exact session label, a pattern (`billing-*`, `hotel-{id}`), or several. `*`
                and `{name}` are always read as a pattern: never build one from what a caller typed.
            ttl_s: seconds it is good for, from 1 to 366 days. It must outlast the call.
            corpora: the only corpora it may read; None: whatever the route names.
            scope: a metadata filter on top of the route's own.
            max_turns: how many turns it may ask, in each server process.
            now: when its time begins, seconds since 1970; None: now.

        Raises:
            SettingsError: a value cannot be used, or no key here can sign.
        """
        signer = self._signer
        if signer is None or signer.signing is None:
            raise SettingsError(
                "only public keys here: they check tokens and sign none; "
                "add a private key or a secret"
            )
        labels: list[str] = []
        if isinstance(label, str):
            labels.append(label)
        else:
            labels += label
        _check_labels(labels)
        _check_ttl(ttl_s)
        if isinstance(corpora, str):
            raise SettingsError(
                f"corpora is the text {corpora!r}; give a list of names"
            )
        if doors is not None:
            _check_doors(doors)
        begins = self._clock()
        if now is not None:
            begins = now
        claims = _claims(labels, int(begins), ttl_s, corpora, scope, max_turns)
        if doors is not None:
            claims["kb_doors"] = list(doors)
        headers = {"kid": signer.kid}
        token = jwt.encode(claims, signer.signing, signer.algorithm, headers=headers)
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise SettingsError(
                f"the token would be {len(token)} characters long and must fit a header of "
                f"{MAX_TOKEN_CHARACTERS}; name fewer labels or corpora"
            )
        return token

    def verify(self, token: str) -> Grant:
        """Return what a token allows. Its turns are counted by the grant, where it has a limit.

        Raises:
            Unauthorized: with the code `invalid_token` (not signed by one of our keys, or no token
                of ours), `expired_token`, `premature_token`, `revoked_token` or `exhausted_token`.
                Every token that we did not sign is `invalid_token`.
        """
        try:
            claims = self._authentic(token)
            turns = self._turns_of(claims)
            grant = claims.grant(turns)
        except (jwt.PyJWTError, ValidationError, SettingsError):
            raise _refused("invalid_token") from None
        now = self._clock()
        if claims.exp <= now - LEEWAY_S:
            raise _refused("expired_token")
        if max(claims.nbf, claims.iat) > now + LEEWAY_S:
            raise _refused("premature_token")
        if claims.jti in self.revocations:
            raise _refused("revoked_token")
        if turns is not None:
            turns.check()
        return grant

    def _turns_of(self, claims: _Claims) -> TokenTurns | None:
        if claims.kb_turns is None:
            return None
        expires_at = claims.exp + LEEWAY_S
        return TokenTurns(
            claims.jti,
            self._share_of(claims.kb_turns),
            expires_at,
            self._turns,
            self._clock,
        )

    def _authentic(self, token: str) -> _Claims:
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise jwt.InvalidTokenError
        kid = jwt.get_unverified_header(token).get("kid", "")
        key = self._by_kid.get(kid)
        if key is None:
            raise jwt.InvalidTokenError
        claims = jwt.decode(
            token,
            key.verifying,
            algorithms=[key.algorithm],
            audience=AUDIENCE,
            options=_DECODING,
        )
        return _Claims.model_validate(claims)


# `require` makes PyJWT refuse null as well. Times are compared in `verify`, with our clock.
_DECODING: Options = {
    "require": ["exp", "aud", "jti"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}

_MESSAGES = {
    "invalid_token": "this token is not one of ours; ask for a new one",
    "expired_token": "this token has expired; ask for a new one",
    "premature_token": "this token is not good yet; compare the clocks",
    "revoked_token": "this token has been revoked; ask for a new one",
}


def _refused(code: str) -> Unauthorized:
    return Unauthorized(_MESSAGES[code], code=code)


def unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token as they stand there: no key vouches for them.

    Raises:
        SettingsError: it is not a JSON Web Token.
    """
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, UnicodeError):
        raise SettingsError(
            "not a signed token: it has three parts of base64url, separated by dots"
        ) from None
    return whole["header"], whole["payload"]


def _claims(
    labels: list[str],
    begins: int,
    ttl_s: int,
    corpora: Sequence[str] | None,
    scope: Mapping[str, str] | None,
    max_turns: int | None,
) -> dict[str, Any]:
    """Return the claims of a new token.

    Raises:
        SettingsError: one of them cannot be used.
    """
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "iat": begins,
        "nbf": begins,
        "exp": begins + ttl_s,
        "jti": secrets.token_hex(16),
        "kb_labels": labels,
    }
    if corpora is not None:
        claims["kb_corpora"] = list(corpora)
    if scope:
        claims["kb_scope"] = dict(scope)
    if max_turns is not None:
        claims["kb_turns"] = max_turns
    try:
        _Claims.model_validate(claims)
    except ValidationError as exc:
        errors = exc.errors(
            include_url=False, include_context=False, include_input=False
        )
        field = ".".join(str(part) for part in errors[0]["loc"]).removeprefix("kb_")
        raise SettingsError(
            f"the token's {field} cannot be used: {errors[0]['msg']}"
        ) from None
    return claims


def _check_doors(doors: Sequence[str]) -> None:
    try:
        check_door_names(tuple(doors))
    except ValueError as exc:
        raise SettingsError(f"the token's doors cannot be used: {exc}") from None


def _check_ttl(ttl_s: object) -> None:
    if type(ttl_s) is not int or not 1 <= ttl_s <= MAX_TTL_S:  # True is no number here
        raise SettingsError(
            f"a token's time is {ttl_s!r} s; "
            f"it must be a whole number from 1 to {MAX_TTL_S}"
        )


def _check_labels(labels: Sequence[str]) -> None:
    if not labels:
        raise SettingsError(
            "a token needs at least one session label or label pattern, like billing-*"
        )
    for label in labels:
        if not label:
            raise SettingsError(
                "the session label is empty; write * for every label, and for none"
            )
        problem = label_problem(label)
        if problem:
            raise SettingsError(problem)
        LabelPattern(label)
