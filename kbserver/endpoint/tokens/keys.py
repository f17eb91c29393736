"""Signing keys: an HS256 secret or an Ed25519 key pair, read from text and named by a `kid`.

Source: RFC 7518 section 3.2 (an HS256 key is at least 256 bits long), RFC 8037 (EdDSA), RFC 8725
section 3.1 (an algorithm belongs to a key; a token's header never chooses it).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import InvalidKeyError

from kbserver.errors import SettingsError

MIN_SECRET_BYTES = 32  # RFC 7518 section 3.2: as long as the hash
# A repeated word has fewer; random hex digits once in 2,000 keys.
_MIN_DISTINCT_BYTES = 8

_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_HOW = "make one with  kbserver token --new-key"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key and the one algorithm it is good for. Printing it shows no secret."""

    kid: str
    """Derived from the key itself: 16 hex digits, the same for both halves of a pair."""
    algorithm: Literal["HS256", "EdDSA"]
    verifying: bytes | Ed25519PublicKey = field(repr=False)
    signing: bytes | Ed25519PrivateKey | None = field(repr=False)
    """None: the public half alone, good for checking tokens that another machine issues."""


def read_keys(text: str, *, source: str) -> list[SigningKey]:
    r"""Read every key of a text: PEM blocks, and secrets separated by commas or white space.

    They keep their order. Inside PEM, a line break may be written as the two characters `\n`, as
    environment files need it.

    Args:
        source: where the text comes from, for messages: `KBSERVER_SIGNING_KEY`, a path.

    Raises:
        SettingsError: no key, a weak one, or one that is neither. The message never repeats it.
    """
    if "-----BEGIN" in text:
        text = text.replace("\\n", "\n")
    keys: list[SigningKey] = []
    at = 0
    for block in _PEM_BLOCK.finditer(text):
        keys += [_secret(word, source) for word in _words(text[at : block.start()])]
        keys.append(_ed25519(block[0], kind=block[1], source=source))
        at = block.end()
    keys += [_secret(word, source) for word in _words(text[at:])]
    if not keys:
        raise SettingsError(f"{source} holds no signing key; {_HOW}")
    return keys


def read_key_file(path: Path) -> list[SigningKey]:
    """Read every key of a file, as `read_keys` does.

    Raises:
        SettingsError: the file cannot be read, or a key in it cannot be used.
    """
    source = f"signing key file {str(path)!r}"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"{source}: {exc.strerror}; {_HOW} > {path}") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{source}: not text; {_HOW} > {path}") from exc
    return read_keys(text, source=source)


def new_secret() -> str:
    """Return a fresh HS256 secret: 256 random bits as 43 characters of base64url."""
    return secrets.token_urlsafe(MIN_SECRET_BYTES)


def new_ed25519() -> str:
    """Return a fresh Ed25519 private key as PEM (PKCS #8, not encrypted)."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode("ascii")


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _secret(word: str, source: str) -> SigningKey:
    if "-----BEGIN" in word or "-----END" in word:
        raise SettingsError(
            f"{source}: a PEM block without its BEGIN or END line; copy it whole"
        )
    secret = word.encode("utf-8", "surrogateescape")
    if len(secret) < MIN_SECRET_BYTES:
        raise SettingsError(
            f"{source}: a signing key of {len(secret)} bytes can be guessed; "
            f"HS256 wants at least {MIN_SECRET_BYTES} random ones: {_HOW}"
        )
    distinct = len(set(secret))
    if distinct < _MIN_DISTINCT_BYTES:
        raise SettingsError(
            f"{source}: a signing key of only {distinct} different characters; {_HOW}"
        )
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except InvalidKeyError:
        raise SettingsError(
            f"{source}: a key in a form that is not supported (JWK or SSH); "
            f"give a plain secret or PEM: {_HOW}"
        ) from None
    return SigningKey(_kid("HS256", secret), "HS256", verifying=secret, signing=secret)


def _ed25519(pem: str, *, kind: str, source: str) -> SigningKey:
    """Read one PEM block; `kind` is the word after BEGIN."""
    private: Ed25519PrivateKey | None = None
    key = _loaded(pem, kind, source)
    public = key
    if isinstance(key, Ed25519PrivateKey):
        private = key
        public = key.public_key()
    if not isinstance(public, Ed25519PublicKey):
        found = type(key).__name__.lstrip("_")
        raise SettingsError(
            f"{source} holds an {found}; wanted is an Ed25519 key: {_HOW} --ed25519"
        )
    kid = _kid("EdDSA", public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return SigningKey(kid, "EdDSA", verifying=public, signing=private)


def _loaded(pem: str, kind: str, source: str) -> object:
    material = pem.encode("utf-8")
    try:
        if kind == "PRIVATE KEY":
            return load_pem_private_key(material, password=None)
        if kind == "PUBLIC KEY":
            return load_pem_public_key(material)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(
            f"{source}: the PEM block {kind!r} is damaged; "
            f"copy it whole, or {_HOW} --ed25519"
        ) from None
    raise SettingsError(
        f"{source} holds a PEM block {kind!r}; "
        f"wanted is PRIVATE KEY or PUBLIC KEY: {_HOW} --ed25519"
    )


def _kid(algorithm: str, material: bytes) -> str:
    """Name a key. Of a secret this tells no more than any token signed with it."""
    named = b"kbserver kid " + algorithm.encode() + b"\0" + material
    return hashlib.sha256(named).hexdigest()[:16]
