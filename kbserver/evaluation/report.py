"""What an evaluation leaves behind: JSON to compare a later run with, and a TREC run file."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from kbserver.errors import SettingsError
from kbserver.evaluation.compare import Comparison, compare
from kbserver.evaluation.evaluate import Evaluation
from kbserver.index.manifest import Manifest

COMPARED = ("ndcg@10", "recall@3", "mrr@10")


Run: TypeAlias = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Variant → question id → measure → value."""


def as_dict(evaluation: Evaluation, manifest: Manifest) -> dict[str, Any]:
    """JSON values of an evaluation: means by variant and kind of question, values by question."""
    latency = None
    if evaluation.latency is not None:
        latency = asdict(evaluation.latency)
    return {
        "kbserver": version("kbserver"),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "corpus": manifest.corpus,
        "generation": manifest.generation,
        "passages": manifest.passages,
        "model": {
            "name": manifest.model.name,
            "fingerprint": manifest.model.fingerprint,
        },
        "questions": evaluation.dataset.counts(),
        "missing_documents": list(evaluation.missing),
        "min_score": evaluation.min_score,
        "latency": latency,
        "variants": {name: _variant(evaluation, name) for name in evaluation.variants},
    }


def _variant(evaluation: Evaluation, name: str) -> dict[str, Any]:
    measured = evaluation.variants[name]
    kinds = evaluation.kinds()
    return {
        "all": evaluation.summary(name),
        "kinds": {kind: evaluation.summary(name, kind) for kind in kinds},
        "per_query": measured.per_query,
        "best_score": {
            id: answer.best_score for id, answer in measured.answers.items()
        },
    }


def read_run(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Read the values by question of a run that was saved.

    Returns:
        Variant → question id → measure → value.

    Raises:
        SettingsError: the file cannot be read or is no saved run.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        variants = values["variants"].items()
        return {
            str(name): _per_query(variant["per_query"]) for name, variant in variants
        }
    except FileNotFoundError:
        raise SettingsError(
            f"no run {path}; write one with  kbserver eval … --save {path}"
        ) from None
    except OSError as exc:
        raise SettingsError(f"cannot read {path}: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise SettingsError(
            f"{path} is no run that  kbserver eval --save  wrote: {exc!r}"
        ) from exc


def _per_query(questions: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    return {
        str(id): {str(measure): float(value) for measure, value in measures.items()}
        for id, measures in questions.items()
    }


def against(evaluation: Evaluation, before: Run) -> dict[str, list[Comparison]]:
    """Compare with an earlier run, variant by variant of the same name.

    Raises:
        SettingsError: the two have no variant or no question in common.
    """
    compared: dict[str, list[Comparison]] = {}
    for name, measured in evaluation.variants.items():
        earlier = before.get(name, {})
        found = [compare(earlier, measured.per_query, measure) for measure in COMPARED]
        rows = [row for row in found if row is not None]
        if rows:
            compared[name] = rows
    if not compared:
        raise SettingsError(
            "the earlier run and this one have no question in common: it holds "
            f"{', '.join(before) or 'nothing'}, this one {', '.join(evaluation.variants)}; "
            "evaluate the same questions with the same --arms"
        )
    return compared


def write_trec_run(path: Path, evaluation: Evaluation, variant: str) -> None:
    """Write the ranking of one variant as a TREC run: `query Q0 document rank score tag`.

    White space in ids is percent-encoded, because it parts the columns.

    Raises:
        SettingsError: the file cannot be written.
    """
    tag = f"kbserver-{variant.replace(' ', '-')}"
    lines = []
    for query, ranking in evaluation.ranking(variant).items():
        for rank, (document, score) in enumerate(ranking, start=1):
            columns = (
                f"{_column(query)} Q0 {_column(document)} {rank} {score:.6f} {tag}"
            )
            lines.append(f"{columns}\n")
    write(path, "".join(lines))


def write(path: Path, text: str) -> None:
    """Write a file that the user named.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"cannot write {path}: {exc.strerror}") from exc


def _column(id: str) -> str:
    return re.sub(r"\s", _percent_encoded, id)


def _percent_encoded(found: re.Match[str]) -> str:
    return quote(found[0])
