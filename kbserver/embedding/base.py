"""What an embedding model must do for ingest and for serving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from kbserver.types import FloatMatrix, ModelIdentity

Progress = Callable[[int], None]
"""Called in the caller's thread with the number of passages finished since the last call."""


class Encoder(Protocol):
    """An embedding model, loaded and ready. Every method may be called from several threads."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is.

        Equal identities give equal vectors; quantised weights give nearly equal ones.
        """

    @property
    def backend(self) -> str:
        """How the model runs, in a few words for people: `onnx fp32`, `torch cuda:0`."""

    @property
    def queries_per_call(self) -> int:
        """How many waiting queries to hand to one call of `embed_queries` at most."""

    @property
    def side_by_side(self) -> bool:
        """Whether calls side by side, one a core, get more done than one call at a time."""

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector a query, shape (len(texts), dim), float32, in the order given.

        The model's query prompt is put in front. A query longer than `identity.max_tokens` is cut
        there, as sentence-transformers does: a caller that talks for minutes still gets an answer.
        """

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Progress | None = None
    ) -> FloatMatrix:
        """Return one unit vector a passage, shape (len(texts), dim), float32, in the order given.

        Works in batches of similar length; memory beyond the result does not grow with the number.

        Raises:
            IngestError: a passage is longer than `identity.max_tokens`. No passage is ever cut in
                silence; the chunker keeps passages below the limit with `count_tokens`.
        """

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a passage of this text has, uncut, with prompt and specials."""

    def pieces(self, text: str) -> list[str]:
        """Return what the tokenizer cuts a text into, without specials; "" for what it drops."""

    def close(self) -> None:
        """Free the model. A second call does nothing; any other call afterwards is an error."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
