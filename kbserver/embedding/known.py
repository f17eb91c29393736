"""The models that a user names and kbserver knows: where they come from, and how to use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model by name.

    Attributes:
        name: what a user writes.
        repository: on the Hugging Face hub.
        revision: the commit of the repository.
        sha256: of files that must be what was published, by name.
        prompts: what is put in front, by `query` and `passage`.
        gain: what one point of cosine above the background counts; None: by the background.
        multilingual: whether it was made for many languages.
    """

    name: str
    repository: str
    revision: str
    sha256: Mapping[str, str]
    prompts: Mapping[str, str]
    gain: float | None = None
    multilingual: bool = False


MULTILINGUAL_E5_SMALL: Final = KnownModel(
    name="multilingual-e5-small",
    repository="intfloat/multilingual-e5-small",
    revision="fd1525a9fd15316a2d503bf26ab031a61d056e98",
    sha256=MappingProxyType(
        {
            "model.safetensors": "1a55775f53449dac10a2bcbc312469fa"
            "c40b96d53198c407081a831f81c98477",
            "tokenizer.json": "0b44a9d7b51c3c62626640cda0e2c2f7"
            "0fdacdc25bbbd68038369d14ebdf4c39",
        }
    ),
    prompts=MappingProxyType({"query": "query: ", "passage": "passage: "}),
    # Right answers then lie where the default model's do in English.
    gain=5.0,
    multilingual=True,
)

KNOWN: Final[Mapping[str, KnownModel]] = MappingProxyType(
    {
        name: model
        for model in (MULTILINGUAL_E5_SMALL,)
        for name in (model.name, model.repository)
    }
)
"""By each name that a user may write."""


def known_model(name: str) -> KnownModel | None:
    """Return what is known of a model by its name; None for any other."""
    return KNOWN.get(name)
