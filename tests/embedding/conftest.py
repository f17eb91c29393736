import json
import shutil
from pathlib import Path

import pytest

from kbserver.embedding.base import Encoder
from kbserver.embedding.models import DEFAULT_MODEL, open_encoder, resolve


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def cache(shared: Path) -> Path:
    """Where the exports are: the folder that the tests' store uses too, so that a run exports once."""
    return shared / "store" / ".models"


@pytest.fixture(scope="session")
def encoder(cache: Path) -> Encoder:
    """The default model on ONNX Runtime."""
    return open_encoder(DEFAULT_MODEL, cache=cache, for_queries=True)


@pytest.fixture(scope="session")
def published() -> Path:
    """The default model's folder, as its authors published it."""
    return resolve(DEFAULT_MODEL).folder


@pytest.fixture
def small_model(published: Path, tmp_path: Path) -> Path:
    """A model of one small layer with random weights and e5's prompts, in a folder to be changed at will."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path / "small-model"
    shutil.copytree(
        published,
        folder,
        ignore=shutil.ignore_patterns("*.safetensors", "README.md", "data_config.json"),
    )
    known = json.loads((published / "config.json").read_text())
    small = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    torch.manual_seed(0)
    BertModel(BertConfig(**(known | small))).save_pretrained(folder)
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps(pooling | {"word_embedding_dimension": 32})
    )
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder
