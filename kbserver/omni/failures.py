"""Why an endpoint could not be reached, in one stable word and one sentence."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import httpcore2
import httpx2

from kbserver.answers import AnswerTooLarge

# Source: OpenSSL, x509_vfy.h: CERT_HAS_EXPIRED, HOSTNAME_MISMATCH and IP_ADDRESS_MISMATCH.
_CERTIFICATE_EXPIRED = 10
_OTHER_HOST = (62, 64)


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong between here and the first byte of an answer."""

    word: str
    """timeout, refused, dns, certificate_expired, certificate_hostname, certificate, tls, closed,
    protocol, too_large or network."""
    sentence: str
    """The same for a person, with the system's own words."""


def explain(error: BaseException) -> Failure:
    """Name a failed call by the cause that is known; the transport wraps causes several times."""
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(
                _certificate_word(cause),
                f"the certificate is not accepted: {cause.verify_message}",
            )
        if isinstance(cause, socket.gaierror):
            return Failure("dns", f"the host name cannot be resolved: {cause.strerror}")
        if isinstance(cause, ConnectionRefusedError):
            return Failure("refused", "nothing listens there: connection refused")
        if isinstance(cause, ConnectionResetError | BrokenPipeError):
            return Failure("closed", "the connection was closed before an answer came")
    return _of_an_exchange(chain)


def _of_an_exchange(chain: list[BaseException]) -> Failure:
    """Name a call that failed for none of the system's own reasons."""
    for cause in chain:
        if isinstance(cause, AnswerTooLarge):
            return Failure("too_large", f"the answer is too large: {cause}")
        if isinstance(cause, TimeoutError | httpcore2.TimeoutException):
            return Failure("timeout", "no answer in time")
        if isinstance(cause, ssl.SSLError):
            return Failure("tls", f"no TLS connection: {cause.reason or cause}")
    for cause in chain:
        if isinstance(cause, httpcore2.RemoteProtocolError | httpcore2.ReadError):
            return Failure("closed", "the connection was closed before an answer came")
        if isinstance(cause, httpcore2.ProtocolError | httpx2.DecodingError):
            return Failure("protocol", f"what came back is not HTTP: {cause}")
    error = chain[0]
    return Failure("network", str(error) or type(error).__name__)


def _certificate_word(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _CERTIFICATE_EXPIRED:
        return "certificate_expired"
    if error.verify_code in _OTHER_HOST:
        return "certificate_hostname"
    return "certificate"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
