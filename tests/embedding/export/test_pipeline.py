import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from kbserver.embedding.export.pipeline import NotWritable, can_write, read_pipeline

Change = dict[str, Any]


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """The default model's folder but for its weights, which are not looked into."""
    folder = tmp_path / "model"
    shutil.copytree(published, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "model.safetensors").touch()
    return folder


def change(file: Path, **values: Any) -> None:
    content = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(content | values))


def test_the_default_model_is_read_as_its_authors_published_it(folder: Path) -> None:
    pipeline = read_pipeline(folder)
    assert (pipeline.pooling, pipeline.max_tokens, pipeline.pad_id) == ("mean", 256, 0)
    assert (pipeline.query_prompt, pipeline.passage_prompt) == ("", "")
    assert (pipeline.config.hidden_size, pipeline.config.head_size) == (384, 32)
    long = "word " * 300
    assert len(pipeline.tokenizer.encode(long).ids) == 302  # the file cuts at 128
    assert len(pipeline.tokenizer.encode("word").ids) == 3  # and pads to 128


REFUSED: dict[str, tuple[str, Change, str]] = {
    "another architecture": (
        "config.json",
        {"model_type": "xlm-roberta"},
        "model_type: .*'bert'",
    ),
    "relative positions": (
        "config.json",
        {"position_embedding_type": "relative_key"},
        "position_embedding_type",
    ),
    "a decoder": ("config.json", {"is_decoder": True}, "is_decoder"),
    "cross attention": (
        "config.json",
        {"add_cross_attention": True},
        "add_cross_attention",
    ),
    "another activation": ("config.json", {"hidden_act": "relu"}, "hidden_act"),
    "remote code": (
        "config.json",
        {"auto_map": {"AutoModel": "model.Bert"}},
        "auto_map",
    ),
    "quantised weights": (
        "config.json",
        {"quantization_config": {}},
        "quantization_config",
    ),
    "heads of broken size": (
        "config.json",
        {"num_attention_heads": 7},
        "not a multiple",
    ),
    "max pooling": (
        "1_Pooling/config.json",
        {"pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True},
        "pooling by max_tokens",
    ),
    "two poolings": (
        "1_Pooling/config.json",
        {"pooling_mode_cls_token": True},
        "pooling by cls and mean",
    ),
    "the last token": (
        "1_Pooling/config.json",
        {"pooling_mode": "lasttoken"},
        "by lasttoken",
    ),
    "a prompt left out of pooling": (
        "1_Pooling/config.json",
        {"include_prompt": False},
        "include_prompt",
    ),
    "pooling of another size": (
        "1_Pooling/config.json",
        {"word_embedding_dimension": 16},
        "pooling of 16 numbers a token, found 384",
    ),
    "more tokens than positions": (
        "sentence_bert_config.json",
        {"max_seq_length": 513},
        "513 is more than the positions",
    ),
    "another task": (
        "sentence_bert_config.json",
        {"transformer_task": "fill-mask"},
        "transformer_task",
    ),
    "an option not known": (
        "sentence_bert_config.json",
        {"new": 1},
        "new: Extra inputs",
    ),
    "a cut from the left": (
        "tokenizer_config.json",
        {"truncation_side": "left"},
        "truncation",
    ),
    "padding on the left": (
        "tokenizer_config.json",
        {"padding_side": "left"},
        "padding_side",
    ),
    "shortened vectors": (
        "config_sentence_transformers.json",
        {"truncate_dim": 64},
        "truncate",
    ),
    "a default prompt that is missing": (
        "config_sentence_transformers.json",
        {"default_prompt_name": "s2p"},
        "there is no prompt s2p",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_says_more_than_is_understood_is_not_written(
    case: str, folder: Path
) -> None:
    file, values, complaint = REFUSED[case]
    assert can_write(folder)
    change(folder / file, **values)
    assert not can_write(folder)
    with pytest.raises(NotWritable, match=complaint):
        read_pipeline(folder)


MODULES = {
    "a dense layer": (["Transformer", "Pooling", "Dense", "Normalize"], "Dense"),
    "no pooling": (["Transformer"], "the modules are Transformer"),
    "static embeddings": (["StaticEmbedding"], "StaticEmbedding"),
}


@pytest.mark.parametrize("case", MODULES)
def test_other_modules_are_not_written(case: str, folder: Path) -> None:
    names, complaint = MODULES[case]
    modules = [
        {"path": "", "type": f"sentence_transformers.models.{name}"} for name in names
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(NotWritable, match=complaint):
        read_pipeline(folder)


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        ({"type": "custom_st.Transformer"}, "not sentence-transformers' own"),
        ({"path": "../elsewhere"}, "lies outside"),
        ({"path": "/etc"}, "lies outside"),
        ({"path": 3}, "not a list of modules"),
    ],
)
def test_modules_from_elsewhere_are_not_written(
    module: Change, complaint: str, folder: Path
) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[0] |= module
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(NotWritable, match=complaint):
        read_pipeline(folder)


@pytest.mark.parametrize(
    "file", ["modules.json", "config.json", "model.safetensors", "tokenizer.json"]
)
def test_a_missing_file_is_named(file: str, folder: Path) -> None:
    (folder / file).unlink()
    (folder / "pytorch_model.bin").touch()  # weights that only torch reads
    with pytest.raises(NotWritable, match=f"{file} is missing"):
        read_pipeline(folder)


@pytest.mark.parametrize("file", ["modules.json", "config.json", "tokenizer.json"])
def test_a_damaged_file_is_named(file: str, folder: Path) -> None:
    (folder / file).write_text("{")
    with pytest.raises(NotWritable, match=f"{file} cannot be read"):
        read_pipeline(folder)


def test_an_adapter_is_not_written(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(NotWritable, match="adapter"):
        read_pipeline(folder)


@pytest.mark.parametrize(
    ("prompts", "default", "wanted"),
    [
        ({}, None, ("", "")),
        ({"query": "q: ", "passage": "p: "}, None, ("q: ", "p: ")),
        ({"query": "q: ", "document": "d: ", "passage": "p: "}, None, ("q: ", "d: ")),
        ({"query": "q: ", "document": "", "corpus": "c: "}, None, ("q: ", "c: ")),
        ({"s2s": "same: "}, "s2s", ("same: ", "same: ")),
        ({"query": None, "document": None}, None, ("", "")),
    ],
)
def test_prompts_are_those_of_queries_and_passages(
    prompts: dict[str, str | None],
    default: str | None,
    wanted: tuple[str, str],
    folder: Path,
) -> None:
    file = folder / "config_sentence_transformers.json"
    change(file, prompts=prompts, default_prompt_name=default)
    pipeline = read_pipeline(folder)
    assert (pipeline.query_prompt, pipeline.passage_prompt) == wanted


@pytest.mark.parametrize(
    ("text", "tokenizer", "wanted"),
    [
        ({"max_seq_length": 64}, {"model_max_length": 32}, 64),
        ({"max_seq_length": None}, {"model_max_length": 32}, 32),
        ({"max_seq_length": None}, {"model_max_length": 10**30}, 512),
    ],
)
def test_the_limit_is_the_folders_own_or_that_of_tokenizer_and_positions(
    text: Change, tokenizer: Change, wanted: int, folder: Path
) -> None:
    change(folder / "sentence_bert_config.json", **text)
    change(folder / "tokenizer_config.json", **tokenizer)
    assert read_pipeline(folder).max_tokens == wanted


def test_the_padding_token_is_looked_up(folder: Path) -> None:
    change(folder / "tokenizer_config.json", pad_token={"content": "[MASK]"})
    assert read_pipeline(folder).pad_id == 103
