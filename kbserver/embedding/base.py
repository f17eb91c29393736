"""What an embedding model must do for ingest and for serving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from kbserver.types import FloatMatrix, ModelIdentity

Progress = Callable[[int], None]
"""Called in the caller's own thread with the number of passages finished since the last call."""


class Encoder(Protocol):
    """An embedding model that is loaded and ready. Every method may be called from several threads at once."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is: equal identities give equal vectors, with rounded weights nearly equal ones."""

    @property
    def backend(self) -> str:
        """How it runs, in a few words for people: `onnx fp32`, `torch cuda:0`."""

    @property
    def queries_per_call(self) -> int:
        """How many queries to hand to one `embed_queries` call at most, where that many are waiting."""

    @property
    def side_by_side(self) -> bool:
        """Whether calls side by side, one a core, get more done than one call at a time."""

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector a query, shape (len(texts), dim), float32, in the order given.

        Args:
            texts: in any number.

        A query longer than `identity.max_tokens` is cut there, as sentence-transformers does: a caller who
        talks for minutes still gets an answer. The model's own query prompt is put in front.
        """

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Progress | None = None
    ) -> FloatMatrix:
        """Return one unit vector a passage, shape (len(texts), dim), float32, in the order given.

        Works in batches of similar length; memory does not grow with their number beyond the result.

        Raises:
            IngestError: a passage is longer than `identity.max_tokens`. It is never cut in silence; the
                chunker keeps passages below the limit with `count_tokens`.
        """

    def count_tokens(self, text: str) -> int:
        """How many tokens the model reads of this text as a passage, with prompt and special tokens, uncut."""

    def close(self) -> None:
        """Free the model. Calling it again does nothing; calling anything else afterwards is an error."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
