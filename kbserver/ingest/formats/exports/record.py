"""Records of helpdesks, wikis and FAQ files: which fields are title, text and answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from kbserver.ingest.formats.shared.table import column_key

ID_KEYS = ("_id", "id", "key", "slug")
TITLE_KEYS = (
    *("title", "name", "heading", "subject", "headline", "short_description"),
    *("post_title", "label"),
)
TEXT_KEYS = (
    *("text", "content", "body", "passage", "html", "body_html", "content_html"),
    *("html_body", "post_content", "articlebody", "article_body"),
)
QUESTION_KEYS = ("question", "q", "frage", "questions", "pregunta")
ANSWER_KEYS = (
    *("answer", "a", "response", "antwort", "acceptedanswer", "accepted_answer"),
    *("respuesta", "réponse", "suggestedanswer"),
)

MAX_NESTED = 50
"""Of records inside each other."""

_WRAPPERS = ("rendered", "value", "storage", "view", "text", "html", "markdown", "raw")
"""Keys of an object that stands for its text: `{"rendered": "<p>Hi</p>"}`."""
_FIELDS = ("attributes", "fields", "article")
"""Keys of an object that holds all fields of a record."""
_DESCRIPTION = "description"
_EDITED = frozenset(
    "created_at updated_at createdat updatedat folder_id description_text".split()
)
"""A record with one of these was written in a helpdesk: its description is its text."""
_LOCALE = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?$")
_TAG = re.compile(r"</\w+>|<(?:br|p)\s*/?>")

_GENERIC = frozenset(
    "articles article faqs "
    "faq items item "
    "data results result "
    "entries entry questions "
    "records pages posts "
    "rows list documents "
    "mainentity graph db "
    "content contents "
    "children qnalist qna "
    "knowledge_base kb comments "
    "solutions translations messages "
    "haspart itemlistelement "
    "products conversations "
    "conversation_parts parts "
    "source "
    "nodes edges node collection".split()
)
"""Keys of lists that say nothing about what is in them."""
_BOOKKEEPING = frozenset(
    "context type id "
    "count page pages "
    "page_count per_page total "
    "total_count total_pages "
    "next next_page previous "
    "previous_page prev sort_by "
    "sort_order version locale "
    "language lang meta "
    "links users authors "
    "agents brands user_segments "
    "permission_groups exported_at generated_at "
    "has_more url limit "
    "offset start size".split()
)
"""Keys beside the records of an export that say nothing to a caller."""
_TABLES = {
    "section": ("sections",),
    "category": ("categories",),
    "folder": ("folders",),
    "collection": ("collections",),
    "parent": ("collections", "sections", "folders"),
    "topic": ("topics",),
}
"""Lists in which a record's `section_id` and the like is looked up."""
_REFERENCE = re.compile(r"^(\w+?)_?id$")
_MOST_TABLES_UP = 3


@dataclass(slots=True)
class Record:
    """One record with a text of its own."""

    fields: Mapping[str, object]
    """As its author named them, unwrapped."""
    topics: tuple[str, ...] = ()
    """The sections that it stands in, outermost first."""
    keys: dict[str, str] = field(default_factory=dict)
    """The author's name of each field by its key."""

    def __post_init__(self) -> None:
        """Look up the names."""
        self.keys = {key_of(name): name for name in self.fields}

    def text(self, wanted: Iterable[str]) -> str:
        """Return the first text under one of the keys wanted, else ""."""
        for key in wanted:
            text = _as_text(self.fields.get(self.keys.get(key, key)))
            if text:
                return text
        return ""

    @property
    def title(self) -> str:
        """Its title or name, else ""."""
        return self.text(TITLE_KEYS)

    @property
    def answer(self) -> str:
        """Its answer, else ""."""
        return self.text(ANSWER_KEYS)

    @property
    def questions(self) -> list[str]:
        """What it answers; several phrasings of one thing, or [] without an answer."""
        if not self.answer:
            return []
        value = self.fields.get(self.keys.get("questions", ""))
        if isinstance(value, list):
            return [
                one.strip() for one in value if isinstance(one, str) and one.strip()
            ]
        question = self.text(QUESTION_KEYS) or self.title
        return [question] if question else []

    @property
    def body(self) -> str:
        """Its text, else ""; a helpdesk's description, but not a product's."""
        text = self.text(TEXT_KEYS)
        if text or not self.title:
            return text
        description = self.text((_DESCRIPTION,))
        if _TAG.search(description) or not _EDITED.isdisjoint(self.keys):
            return description
        return ""

    @property
    def is_readable(self) -> bool:
        """Whether it has a text of its own."""
        return bool(self.questions or self.body)


@dataclass(slots=True)
class Found:
    """What was found in a file of data."""

    records: list[Record]
    rest: object
    """What is in none of them, bookkeeping left out; None if nothing."""


def find_records(data: object) -> Found:
    """Find the records with a text in nested data.

    The names of the lists they stand in, of records around them and of what their
    `section_id` and the like points at become their topics.
    """
    finder = _Finder(data)
    rest = finder.walk(data, (), 0)
    return Found(finder.records, rest)


def key_of(name: object) -> str:
    """Return the name of a field as a key; `_id` stays as it is."""
    if name == "_id":
        return "_id"
    return column_key(str(name))


class _Finder:
    def __init__(self, data: object) -> None:
        self.records: list[Record] = []
        self._tables: dict[str, dict[object, Mapping[str, object]]] = {}
        if isinstance(data, dict):
            names = {name for names in _TABLES.values() for name in names}
            for name in names.intersection(data):
                if table := _by_id(data[name]):
                    self._tables[name] = table

    def walk(self, data: object, topics: tuple[str, ...], depth: int) -> object:
        """Gather the records in some data; return what is in none, None if nothing."""
        if depth > MAX_NESTED:
            raise RecursionError
        if isinstance(data, list):
            found = [self.walk(one, topics, depth + 1) for one in data]
            return [one for one in found if one not in (None, [], {}, "")] or None
        if not isinstance(data, dict):
            return data
        pairs = _question_pairs(data)
        if pairs:
            self.records += [Record(pair, topics) for pair in pairs]
            return None
        record = Record(_unwrapped(data))
        if not record.is_readable:
            return self._inside(data, topics, depth)
        record.topics = (*self._referenced(record), *topics)
        inner_topics = (*topics, record.title) if record.title else topics
        self._take(record, inner_topics, depth)
        return None

    def _take(self, record: Record, inner: tuple[str, ...], depth: int) -> None:
        """Add a record, and those in lists inside it, as records of their own."""
        at = len(self.records)
        own = dict(record.fields)
        for name, value in record.fields.items():
            if key_of(name) != "metadata" and _holds_objects(value):
                before = len(self.records)
                left = self.walk(value, inner, depth + 1)
                if len(self.records) > before:
                    own.pop(name)
                    if left:
                        own[name] = left
        self.records.insert(at, Record(own, record.topics))

    def _inside(
        self, data: Mapping[str, object], topics: tuple[str, ...], depth: int
    ) -> object:
        """Gather the records inside an object that is none itself."""
        title = Record(data).title
        around = (*topics, title) if title else topics
        left: dict[str, object] = {}
        before = len(self.records)
        for name, value in data.items():
            if name in self._tables:
                left[name] = value
                continue
            below = around
            if key_of(name) not in _GENERIC:
                below = (*around, _spaced(str(name)))
            rest = value
            if isinstance(value, dict | list):
                rest = self.walk(value, below, depth + 1)
            if rest is not None:
                left[name] = rest
        if len(self.records) == before:
            return dict(data)
        kept = {
            name: value
            for name, value in left.items()
            if key_of(name) not in _BOOKKEEPING
            and name not in self._tables
            and value != title
        }
        return kept or None

    def _referenced(self, record: Record) -> list[str]:
        """Return the names of what a record's `section_id` points at, outermost first."""
        names: list[str] = []
        parent = self._parent(record.fields)
        for _ in range(_MOST_TABLES_UP):
            if parent is None:
                break
            if name := Record(parent).title:
                names.insert(0, name)
            parent = self._parent(parent)
        return names

    def _parent(self, fields: Mapping[str, object]) -> Mapping[str, object] | None:
        for name, value in fields.items():
            found = _REFERENCE.match(key_of(name))
            if found is None or not isinstance(value, int | str):
                continue
            for table in _TABLES.get(found[1], ()):
                parent = self._tables.get(table, {}).get(str(value))
                if parent is not None and parent is not fields:
                    return parent
        return None


def _by_id(table: object) -> dict[object, Mapping[str, object]]:
    """Return the objects of a list by their id; {} if there are records in them."""
    if not _holds_objects(table):
        return {}
    objects = [one for one in table if isinstance(one, dict) and "id" in one]
    for one in objects:
        if Record(one).is_readable or any(map(_holds_objects, one.values())):
            return {}
    return {str(one["id"]): one for one in objects}


def _question_pairs(data: Mapping[str, object]) -> list[dict[str, object]]:
    """Return `{"When is rent due?": "On the third."}` as questions and answers."""
    if not data or not all(isinstance(value, str) for value in data.values()):
        return []
    questions = [name for name in data if str(name).strip().endswith("?")]
    if len(questions) < len(data):
        return []
    return [{"question": name, "answer": value} for name, value in data.items()]


def _unwrapped(data: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record's fields, those in an object of their own beside the others."""
    for name in _FIELDS:
        inner = data.get(name)
        if isinstance(inner, dict) and Record(inner).is_readable:
            others = {key: value for key, value in data.items() if key != name}
            return {**others, **inner}
    return data


def _as_text(value: object) -> str:
    """Return a text, one that is wrapped in an object, or the lines of a list."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        texts = [_as_text(one) for one in value]
        if texts and all(texts):
            return "\n".join(texts)
        return ""
    if isinstance(value, dict):
        if len(value) == 1 and _LOCALE.match(str(next(iter(value)))):
            return _as_text(next(iter(value.values())))
        for key in _WRAPPERS:
            text = value.get(key)
            if isinstance(text, dict):
                text = text.get("value")
            if isinstance(text, str) and text.strip():
                return text.strip()
    return ""


def _holds_objects(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def _spaced(name: str) -> str:
    return name.replace("_", " ").strip()


def names_of(values: Sequence[object]) -> Iterator[str]:
    """Yield texts of a list, or the names of the objects in it; None has none."""
    for value in values:
        if value is None:
            continue
        text = Record(value).title if isinstance(value, dict) else str(value)
        if text:
            yield text
