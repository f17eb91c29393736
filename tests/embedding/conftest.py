import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kbserver.embedding.base import Encoder
from kbserver.embedding.models import open_encoder
from kbserver.embedding.source import resolve
from kbserver.settings import DEFAULT_MODEL

MakeModel = Callable[..., Path]
SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
E5_PROMPTS = {"query": "query: ", "passage": "passage: "}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def cache(user_cache: Path) -> Path:
    """Where the exports are: the user's cache, so that a run exports once."""
    return user_cache / "kbserver" / "models"


@pytest.fixture(scope="session")
def encoder(cache: Path) -> Encoder:
    """The default model on ONNX Runtime."""
    return open_encoder(DEFAULT_MODEL, cache=cache, for_queries=True)


@pytest.fixture(scope="session")
def published() -> Path:
    """The default model's folder, as its authors published it."""
    return resolve(DEFAULT_MODEL).folder


@pytest.fixture
def make_model(published: Path, tmp_path: Path) -> MakeModel:
    """Make folders of small models of the BERT family with random weights."""

    def make(
        name: str = "small-model",
        *,
        pooling: dict[str, Any] | None = None,
        prompts: dict[str, str] | None = None,
        dtype: str = "float32",
        **config: Any,
    ) -> Path:
        import torch
        from transformers import BertConfig, BertModel

        folder = tmp_path / name
        unwanted = ("*.safetensors", "README.md", "data_config.json")
        shutil.copytree(published, folder, ignore=shutil.ignore_patterns(*unwanted))
        known = json.loads((published / "config.json").read_text())
        torch.manual_seed(0)
        bert = BertModel(BertConfig(**(known | SMALL | config)))
        for (
            parameter
        ) in bert.parameters():  # transformers starts biases at 0, which hides them
            parameter.data += 0.05 * torch.randn_like(parameter)
        bert.to(getattr(torch, dtype)).save_pretrained(folder)
        file = folder / "1_Pooling" / "config.json"
        of_pooling = pooling or json.loads(file.read_text())
        size = {"word_embedding_dimension": bert.config.hidden_size}
        file.write_text(json.dumps(of_pooling | size))
        if prompts is not None:
            text = json.dumps({"prompts": prompts})
            (folder / "config_sentence_transformers.json").write_text(text)
        return folder

    return make


@pytest.fixture
def small_model(make_model: MakeModel) -> Path:
    """A model of one small layer with e5's prompts, in a folder to be changed at will."""
    return make_model(prompts=E5_PROMPTS)
