"""What an evaluation leaves behind: JSON that a later run is compared with, and a run file of the field's format."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kbserver.errors import SettingsError
from kbserver.evaluation.compare import Comparison, compare
from kbserver.evaluation.evaluate import Evaluation
from kbserver.index.manifest import Manifest

COMPARED = ("ndcg@10", "recall@3", "mrr@10")


def as_dict(evaluation: Evaluation, manifest: Manifest) -> dict[str, Any]:
    """JSON values of an evaluation: what was asked of what, means by variant and kind, values by question."""
    kinds = evaluation.kinds()
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
        "latency": asdict(evaluation.latency) if evaluation.latency else None,
        "variants": {
            name: {
                "all": evaluation.summary(name),
                "kinds": {kind: evaluation.summary(name, kind) for kind in kinds},
                "per_query": measured.per_query,
                "best_score": {
                    id: answer.best_score for id, answer in measured.answers.items()
                },
            }
            for name, measured in evaluation.variants.items()
        },
    }


def read_run(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Read the values by question of a run that was saved: variant → question id → measure → value.

    Raises:
        SettingsError: the file cannot be read or is no saved run.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(name): {
                str(id): {
                    str(measure): float(value) for measure, value in measures.items()
                }
                for id, measures in variant["per_query"].items()
            }
            for name, variant in values["variants"].items()
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


def against(
    evaluation: Evaluation, before: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> dict[str, list[Comparison]]:
    """Compare with an earlier run, variant by variant of the same name.

    Raises:
        SettingsError: the two have no variant or no question in common.
    """
    compared: dict[str, list[Comparison]] = {}
    for name, measured in evaluation.variants.items():
        found = [
            compare(before.get(name, {}), measured.per_query, measure)
            for measure in COMPARED
        ]
        if rows := [row for row in found if row is not None]:
            compared[name] = rows
    if not compared:
        raise SettingsError(
            f"the earlier run and this one have no question in common: it holds {', '.join(before) or 'nothing'}, this "
            f"one {', '.join(evaluation.variants)}; evaluate the same questions with the same --arms"
        )
    return compared


def write_trec_run(path: Path, evaluation: Evaluation, variant: str) -> None:
    """Write the ranking of one variant as a TREC run: `query Q0 document rank score tag`.

    Ids are percent-encoded where they hold white space, which parts the columns.

    Raises:
        SettingsError: the file cannot be written.
    """
    tag = f"kbserver-{variant.replace(' ', '-')}"
    lines = [
        f"{_column(query)} Q0 {_column(document)} {rank} {score:.6f} {tag}\n"
        for query, ranking in evaluation.ranking(variant).items()
        for rank, (document, score) in enumerate(ranking, start=1)
    ]
    write(path, "".join(lines))


def write(path: Path, text: str) -> None:
    """Write a file of the user's.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"cannot write {path}: {exc.strerror}") from exc


def _column(id: str) -> str:
    return "".join(quote(sign) if sign.isspace() else sign for sign in id)
