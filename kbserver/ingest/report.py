"""What an ingest did, or would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from kbserver.ingest.blocks import is_not_spoken
from kbserver.ingest.walk import Skipped

_ON_PURPOSE = ("hidden", "ignored by")
"""How the reasons begin for which a file was meant to be skipped."""

Change: TypeAlias = Literal["new", "changed", "gone"]
Stage: TypeAlias = Literal["fetch", "read", "recognise", "embed", "word", "write"]
OnProgress: TypeAlias = Callable[[Stage, int, int], None]
"""Called with a stage, and how many of how many files or passages are done."""


@dataclass(slots=True)
class IngestReport:
    """Counts of one ingest, filled as it goes."""

    corpus: str
    model: str = ""
    documents: int = 0
    """Documents of the new generation: a file, or one record of a file of records."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    """Documents taken over as they were."""
    changes: list[tuple[Change, str]] = field(default_factory=list)
    """What happened to which source, for every document that is not unchanged."""
    passages: int = 0
    embedded: int = 0
    """Passages whose embedding was computed; after a dry run: would be."""
    reused: int = 0
    """Passages whose embedding was taken over; after a dry run: would be."""
    kept: int = 0
    """Computed embeddings that the next ingest would find if this one ended now."""
    skipped: list[Skipped] = field(default_factory=list)
    """Files that were not read, and why."""
    notes: list[Skipped] = field(default_factory=list)
    """What a conversion changed or left out of a document that was read."""
    hints: list[str] = field(default_factory=list)
    """What the documents as a whole look like that the options do not say."""
    withheld: list[Skipped] = field(default_factory=list)
    """Passages left out because they address the language model, with the words
    that do; those of unchanged documents too."""
    generation: str = ""
    """The generation that is live afterwards."""
    held: str = ""
    """A new generation that waits, unpublished, because the gate said no."""
    is_refused: bool = False
    """Whether nothing was published because of what is `unheard`."""
    published: bool = False
    """Whether that generation is new: an ingest that finds no change makes none."""
    dry_run: bool = False
    seconds: float = 0.0
    embedding_seconds: float = 0.0

    @property
    def unheard(self) -> list[Skipped]:
        """What a reader of the documents sees and a caller cannot hear.

        Files left out on purpose, by their name or a pattern, do not count.
        """
        return [
            *(one for one in self.skipped if not one.reason.startswith(_ON_PURPOSE)),
            *(one for one in self.notes if is_not_spoken(one.reason)),
            *self.withheld,
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values for `kbserver ingest --json`."""
        documents: dict[str, Any] = {
            "total": self.documents,
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
        }
        passages = {
            "total": self.passages,
            "embedded": self.embedded,
            "reused": self.reused,
        }
        report: dict[str, Any] = {
            "corpus": self.corpus,
            "model": self.model,
            "generation": self.generation,
            "published": self.published,
            "held": self.held or None,
            "dry_run": self.dry_run,
            "documents": documents,
        }
        report["changes"] = [
            {"change": change, "source": source}
            for change, source in self.changes
            if self.dry_run or change == "gone"
        ]
        return report | {
            "passages": passages,
            "skipped": _as_dicts(self.skipped, "reason"),
            "notes": _as_dicts(self.notes, "note"),
            "hints": self.hints,
            "withheld": _as_dicts(self.withheld, "said"),
            "unheard": len(self.unheard),
            "seconds": round(self.seconds, 2),
            "embedding_seconds": round(self.embedding_seconds, 2),
        }


def _as_dicts(entries: list[Skipped], key: str) -> list[dict[str, str]]:
    return [{"source": entry.source, key: entry.reason} for entry in entries]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during an ingest; the next ingest finds `kept` computed embeddings."""

    def __init__(self, kept: int) -> None:
        """Remember how many embeddings are kept."""
        super().__init__(f"interrupted; {kept} embeddings are kept")
        self.kept = kept
