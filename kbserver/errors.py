"""Every error kbserver raises on purpose.

    KbServerError                       exit  HTTP
    ├── SettingsError                      2        an unusable flag, environment variable or key
    ├── StoreError                         3
    │   ├── StoreMissing                   3        no store, corpus or generation there
    │   ├── SnapshotMismatch               3        built with another model, dimension or schema
    │   ├── SnapshotCorrupt                3        a checksum, count or file is wrong
    │   └── StoreBusy                      3        another ingest holds the corpus
    ├── ModelError                         4        no model there, or not one to be trusted
    ├── IngestError                        5
    │   ├── DocumentUnreadable             5        one file cannot be read; the others go on
    │   ├── ExtraMissing                   5        a format needs an optional dependency
    │   └── ShrinkRefused                  5        too many documents would be lost
    ├── DimensionMismatch                  1        a vector of the wrong length
    ├── NotFinite                          1        a vector with NaN or infinity in it
    ├── EmbedderUnavailable                1        no query embedding in time
    ├── WireError                          1  4xx   what a caller of the endpoint got wrong
    │   ├── Unauthorized                      401
    │   ├── InvalidRequest                    400
    │   ├── Forbidden                         403
    │   ├── BodyTooLarge                      413
    │   ├── BodyEncoded                       415
    │   ├── Overloaded                        503
    │   │   └── RateLimited                   429
    │   ├── UpstreamFailed                    502  PyAI did not do its part
    │   └── InternalError                     500  a fault of our own
    ├── OmniError                          6        what Omni would refuse
    └── ReleaseHeld                        7        a generation misses what was required of it

A message holds what was found, what was wanted and the next step. The class holds the exit code of
the command line and, for what travels over HTTP, the status of the answer; the error envelope has
a stable `code`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # it imports numpy, which no command should wait for before it runs
    from kbserver.types import Unavailability


class KbServerError(Exception):
    """Base of every error kbserver raises on purpose; the message is written for its reader."""

    exit_code: ClassVar[int] = 1


class SettingsError(KbServerError):
    """A flag, an environment variable or a key of the configuration file cannot be used."""

    exit_code = 2


class StoreError(KbServerError):
    """The store on disk cannot be used as asked."""

    exit_code = 3


class StoreMissing(StoreError):
    """The store, the corpus or the generation named does not exist."""


class SnapshotMismatch(StoreError):
    """A snapshot was built with another embedding model, dimension or schema version."""


class SnapshotCorrupt(StoreError):
    """A file of a snapshot is missing, or differs from what its manifest says."""


class StoreBusy(StoreError):
    """Another process is writing this corpus."""


class ModelError(KbServerError):
    """The embedding model cannot be found, loaded or trusted."""

    exit_code = 4


class IngestError(KbServerError):
    """Documents could not be turned into a snapshot."""

    exit_code = 5


class DocumentUnreadable(IngestError):
    """One document cannot be read; `reason` says why in a few words. The others go on."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class ExtraMissing(IngestError):
    """A format needs an optional dependency that is not installed; the message names the extra."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs an optional dependency: pip install 'kbserver[{extra}]'"
        )
        self.extra = extra


class ShrinkRefused(IngestError):
    """The new generation would lose more documents than allowed without `--allow-shrink`."""


class DimensionMismatch(KbServerError):
    """A vector's length is not the index's; the message names both."""


class EmbedderUnavailable(KbServerError):
    """The query could not be embedded in time; `reason` is one of busy, late, loading, failed."""

    def __init__(self, reason: Unavailability, detail: str = "") -> None:
        message = f"embedder {reason}"
        if detail:
            message = f"{message}: {detail}"
        super().__init__(message)
        self.reason: Unavailability = reason


class WireError(KbServerError):
    """What a caller of the HTTP endpoint got wrong; answered with `status` and `code`."""

    status: ClassVar[int] = 400
    type: ClassVar[str] = "invalid_request_error"

    def __init__(self, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class InvalidRequest(WireError):
    """The body, a header or the method is not what the endpoint takes."""


class Unauthorized(WireError):
    """No token, or not one of ours."""

    status = 401
    type = "authentication_error"


class BodyTooLarge(WireError):
    """The request's body is over the limit."""

    status = 413


class BodyEncoded(WireError):
    """The request's body is compressed."""

    status = 415


class Overloaded(WireError):
    """Refused at once: the server is beyond its capacity; try again after `retry_after_s`."""

    status = 503
    type = "overloaded_error"

    def __init__(
        self, message: str, *, code: str = "overloaded", retry_after_s: int = 1
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class OmniError(KbServerError):
    """Something that Omni would refuse; the message names field and limit."""

    exit_code = 6


class ReleaseHeld(KbServerError):
    """A new generation misses what was required of it, and is not published."""

    exit_code = 7


class NotFinite(KbServerError, ValueError):
    """A vector holds NaN or infinity, so that no score of it means anything."""


class Forbidden(WireError):
    """The caller may not use this part of the server, whatever its token."""

    status = 403
    type = "permission_error"


class RateLimited(Overloaded):
    """Too many requests of one caller or of all; try again after `retry_after_s`."""

    status = 429
    type = "rate_limit_error"


class InternalError(WireError):
    """A fault of our own; the message tells nothing of it, the log does."""

    status = 500
    type = "server_error"


class UpstreamFailed(WireError):
    """PyAI's API refused, failed or did not answer a call that the request depends on."""

    status = 502
    type = "upstream_error"


def said_by(error: BaseException) -> str:
    """Return what an error says, in one line; one that is not raised on purpose with its kind."""
    if isinstance(error, KbServerError):
        return str(error)
    kind = type(error).__name__
    text = " ".join(str(error).split())
    if not text:
        return kind
    return f"{kind}: {text}"
