"""What a sentence-transformers folder says of a model of the BERT family, read without torch.

MiniLM, e5, bge and gte are of this family. A folder that says more than is understood here raises
`NotWritable`; torch then traces the model instead (`export/traced.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from tokenizers import Tokenizer, normalizers

from kbserver.embedding.onnx import UNBOUNDED_TOKENS

Pooling = Literal["cls", "mean"]

_PIPELINES = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_POOLING_FLAG = "pooling_mode_"
_POOLING_NAMES = {"cls_token": "cls", "mean_tokens": "mean"}


class NotWritable(Exception):
    """The graph of this model is not written by hand; the message says what stands in the way."""


class BertConfig(BaseModel):
    """`config.json`, with the defaults of transformers; a value not supported is refused."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model_type: Literal["bert"]
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: Literal["gelu"] = "gelu"
    layer_norm_eps: float = 1e-12
    max_position_embeddings: int = 512
    vocab_size: int = 30522
    type_vocab_size: int = 2
    position_embedding_type: Literal["absolute"] | None = "absolute"
    is_decoder: Literal[False] = False
    add_cross_attention: Literal[False] = False
    auto_map: None = None
    quantization_config: None = None

    @model_validator(mode="after")
    def _divided_evenly(self) -> BertConfig:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError("hidden_size is not a multiple of num_attention_heads")
        return self

    @property
    def head_size(self) -> int:
        """Numbers of each query, key and value vector of one head."""
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True)
class BertPipeline:
    """A model whose graph can be written: BERT, then pooling, then unit length."""

    weights: Path
    """The safetensors file."""
    config: BertConfig
    pooling: Pooling
    tokenizer: Tokenizer
    """Neither cuts nor pads."""
    max_tokens: int
    pad_id: int
    query_prompt: str
    passage_prompt: str


def can_write(folder: Path) -> bool:
    """Whether the graph of the model in this folder can be written without torch."""
    try:
        read_pipeline(folder)
    except NotWritable:
        return False
    return True


def read_pipeline(folder: Path) -> BertPipeline:
    """Read a model folder as sentence-transformers saves it.

    Raises:
        NotWritable: a file is missing or damaged, or says something that is not supported here.
    """
    transformer, pooling = _modules(folder)
    config = _read(transformer / "config.json", BertConfig)
    weights = transformer / "model.safetensors"
    if not weights.is_file():
        raise NotWritable(f"{weights.name} is missing")
    if (transformer / "adapter_config.json").exists():
        raise NotWritable("adapter_config.json: the weights are changed by an adapter")
    text_config = _read_or_default(
        transformer / "sentence_bert_config.json", _TextConfig
    )
    tokens_config = _read_or_default(
        transformer / "tokenizer_config.json", _TokenizerConfig
    )
    prompts = _read_or_default(folder / "config_sentence_transformers.json", _Prompts)
    tokenizer = _tokenizer(
        transformer / "tokenizer.json", lower=text_config.do_lower_case
    )
    return BertPipeline(
        weights=weights,
        config=config,
        pooling=_read(pooling / "config.json", _PoolingConfig).mode(config.hidden_size),
        tokenizer=tokenizer,
        max_tokens=_max_tokens(text_config, tokens_config, config),
        pad_id=tokenizer.token_to_id(tokens_config.pad_text) or 0,
        query_prompt=prompts.of("query"),
        passage_prompt=prompts.of("document", "passage", "corpus"),
    )


class _TextModality(BaseModel):
    model_config = ConfigDict(extra="forbid")

    method: Literal["forward"]
    method_output_name: Literal["last_hidden_state"]


class _Modalities(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: _TextModality


class _TextConfig(BaseModel):
    """`sentence_bert_config.json`."""

    model_config = ConfigDict(extra="forbid")

    max_seq_length: int | None = None
    do_lower_case: bool = False
    transformer_task: Literal["feature-extraction"] = "feature-extraction"
    module_output_name: Literal["token_embeddings"] = "token_embeddings"
    modality_config: _Modalities | None = None
    unpad_inputs: bool | None = None
    processing_kwargs: dict[str, Any] = Field(default_factory=dict, max_length=0)
    query_length: None = None
    document_length: None = None
    query_expansion: None = None


class _TokenizerConfig(BaseModel):
    """`tokenizer_config.json`, as far as tokenizer.json does not say it."""

    model_config = ConfigDict(extra="ignore")

    model_max_length: float = float("inf")
    pad_token: str | dict[str, Any] = "[PAD]"  # noqa: S105 - a token of text
    padding_side: Literal["right"] = "right"
    truncation_side: Literal["right"] = "right"
    auto_map: None = None

    @property
    def pad_text(self) -> str:
        if isinstance(self.pad_token, str):
            return self.pad_token
        return str(self.pad_token.get("content"))


class _PoolingConfig(BaseModel):
    """`config.json` of the pooling module, whose mode older versions wrote as flags."""

    model_config = ConfigDict(extra="allow")

    word_embedding_dimension: int | None = None
    embedding_dimension: int | None = None
    pooling_mode: str | list[str] | None = None
    include_prompt: Literal[True] = True

    def mode(self, hidden_size: int) -> Pooling:
        for size in (self.word_embedding_dimension, self.embedding_dimension):
            if size not in (None, hidden_size):
                raise NotWritable(
                    f"pooling of {size} numbers a token, found {hidden_size}"
                )
        modes = self._modes()
        if modes == ["cls"]:
            return "cls"
        if modes == ["mean"]:
            return "mean"
        raise NotWritable(f"pooling by {' and '.join(modes)}")

    def _modes(self) -> list[str]:
        if isinstance(self.pooling_mode, str):
            return [self.pooling_mode]
        if self.pooling_mode is not None:
            return list(self.pooling_mode)
        flags = [
            name.removeprefix(_POOLING_FLAG)
            for name, is_set in (self.model_extra or {}).items()
            if name.startswith(_POOLING_FLAG) and is_set
        ]
        return [_POOLING_NAMES.get(flag, flag) for flag in flags] or ["mean"]


class _Prompts(BaseModel):
    """`config_sentence_transformers.json`."""

    model_config = ConfigDict(extra="ignore")

    prompts: dict[str, str | None] = Field(default_factory=dict)
    default_prompt_name: str | None = None
    truncate_dim: None = None
    requirements: None = None
    model_type: Literal["SentenceTransformer"] = "SentenceTransformer"

    @model_validator(mode="after")
    def _default_is_there(self) -> _Prompts:
        known = {"query", "document", *self.prompts}
        if (
            self.default_prompt_name is not None
            and self.default_prompt_name not in known
        ):
            raise ValueError(f"there is no prompt {self.default_prompt_name}")
        return self

    def of(self, *names: str) -> str:
        """The first prompt of these names that is not empty, else the default one.

        sentence-transformers overlooks `passage` when `document` is missing; e5's authors mean it.
        """
        for name in (*names, self.default_prompt_name or ""):
            if text := self.prompts.get(name):
                return text
        return ""


_Config = TypeVar("_Config", bound=BaseModel)


def _modules(folder: Path) -> tuple[Path, Path]:
    """The folders of the transformer and of the pooling module."""
    modules = _json(folder / "modules.json")
    try:
        types = [str(module["type"]) for module in modules]
        paths = [PurePosixPath(module["path"]) for module in modules]
    except (KeyError, TypeError) as exc:
        raise NotWritable(f"modules.json: not a list of modules: {exc!r}") from exc
    names = [name.rpartition(".")[2] for name in types]
    if names not in _PIPELINES:
        raise NotWritable(f"modules.json: the modules are {', '.join(names)}")
    if not all(name.startswith("sentence_transformers.") for name in types):
        raise NotWritable("modules.json: a module is not sentence-transformers' own")
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise NotWritable("modules.json: a module lies outside of the folder")
    return folder / paths[0], folder / paths[1]


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError as exc:
        raise NotWritable(f"{file.name} is missing") from exc
    except (OSError, ValueError) as exc:
        raise NotWritable(f"{file.name} cannot be read: {exc}") from exc


def _read(file: Path, kind: type[_Config]) -> _Config:
    try:
        return kind.model_validate(_json(file))
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "content"
        message = f"{file.name}: {key}: {first['msg']}, found {first['input']!r}"
        raise NotWritable(message) from exc


def _read_or_default(file: Path, kind: type[_Config]) -> _Config:
    if not file.exists():
        return kind()
    return _read(file, kind)


def _tokenizer(file: Path, *, lower: bool) -> Tokenizer:
    if not file.is_file():
        raise NotWritable(f"{file.name} is missing")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as exc:  # tokenizers raises nothing more exact
        raise NotWritable(f"{file.name} cannot be read: {exc}") from exc
    # The file of all-MiniLM-L6-v2 cuts and pads to 128 tokens; sentence-transformers does neither.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if lower:
        steps = [normalizers.Lowercase()]
        if tokenizer.normalizer is not None:
            steps.append(tokenizer.normalizer)
        tokenizer.normalizer = normalizers.Sequence(steps)
    return tokenizer


def _max_tokens(text: _TextConfig, tokens: _TokenizerConfig, bert: BertConfig) -> int:
    if text.max_seq_length is None:
        limit = min(tokens.model_max_length, bert.max_position_embeddings)
        return int(min(limit, UNBOUNDED_TOKENS))
    if text.max_seq_length > bert.max_position_embeddings:
        raise NotWritable(
            f"max_seq_length {text.max_seq_length} is more than the positions there are"
        )
    return min(text.max_seq_length, UNBOUNDED_TOKENS)
