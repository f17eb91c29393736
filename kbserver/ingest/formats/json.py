"""JSON and JSON Lines: records with a text, FAQ entries, or plain data made readable."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.cells import cells, truth
from kbserver.ingest.formats.exports.chat import conversation
from kbserver.ingest.formats.exports.record import (
    ANSWER_KEYS,
    ID_KEYS,
    QUESTION_KEYS,
    TEXT_KEYS,
    TITLE_KEYS,
    Record,
    find_records,
    names_of,
)
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.sheet import RecordIds, answer_blocks
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.visibility import withheld_because, withheld_note
from kbserver.ingest.formats.shared.visible import strip_invisible
from kbserver.ingest.formats.text import prose_blocks

MAX_DEPTH = 50
"""Of nested data that is made readable."""

_DEEPEST_HEADING = 6
_CAMEL = re.compile(r"(?<=[a-z0-9])[A-Z](?=[a-z])")
_API_KEYS = ("openapi", "swagger", "asyncapi")
"""Of the version of a description of an API."""
_FACTS = frozenset("price prices variants fee fees opening_hours".split())

_Record = Mapping[str, object]


def convert(file: SourceFile) -> list[Document]:
    """Return a document for each record with a text, and one of everything else.

    Raises:
        DocumentUnreadable: not valid JSON, with line and column; or nothing in it is
            meant for callers, as in a description of an API (OpenAPI).
    """
    text, notes = file.text()
    try:
        data = json.loads(text)
    except json.JSONDecodeError as exc:
        reason = f"line {exc.lineno}, column {exc.colno}: {exc.msg}"
        raise DocumentUnreadable(file.source, reason) from exc
    if _is_api(data):
        reason = "left out: an OpenAPI document tells programs how to call an API"
        raise DocumentUnreadable(
            file.source, f"{reason}; save what callers need as Markdown"
        )
    said = conversation(data)
    if said is not None:
        blocks = tuple(Block("paragraph", one) for one in said)
        return [Document(file.source, title_from(file.source), blocks, {}, notes)]
    found = find_records(data)
    if found.records:
        return _documents(file.source, found.records, found.rest, notes)
    blocks = tuple(_data_blocks(_plain(data)))
    return [Document(file.source, title_from(file.source), blocks, {}, notes)]


def _is_api(data: object) -> bool:
    """Return whether data describe an API: OpenAPI, its elder Swagger, or AsyncAPI."""
    if not isinstance(data, dict) or not isinstance(data.get("info"), dict):
        return False
    return any(isinstance(data.get(key), str) for key in _API_KEYS)


def convert_lines(file: SourceFile) -> list[Document]:
    """Return one document for each line (BEIR: `_id`, `title`, `text`, `metadata`).

    Raises:
        DocumentUnreadable: a line is not a JSON object; a file cut short is refused
            whole rather than in part.
    """
    text, notes = file.text()
    found = find_records(list(_lines(text, file.source)))
    return _documents(file.source, found.records, found.rest, notes)


def _lines(text: str, source: str) -> Iterator[_Record]:
    """Yield the object of each line.

    Only newlines end a line: JSON strings may hold other line separators.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as exc:
            raise DocumentUnreadable(source, f"line {number}: {exc.msg}") from exc
        if not isinstance(record, dict):
            raise DocumentUnreadable(source, f"line {number}: not a JSON object")
        yield record


def _plain(data: object) -> object:
    """Return the only list in an object with nothing else to say, else the data."""
    if isinstance(data, dict) and not any(map(_is_object, data.values())):
        lists = [value for value in data.values() if isinstance(value, list) and value]
        if len(lists) == 1 and all(map(_is_object, lists[0])):
            return lists[0]
    return data


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _documents(
    source: str, records: Iterable[Record], rest: object, notes: tuple[str, ...]
) -> list[Document]:
    """Return a document for each record that is meant for callers, and one of the rest.

    Raises:
        DocumentUnreadable: no record is, and nothing else is there.
    """
    ids = RecordIds()
    documents: list[Document] = []
    withheld: list[str] = []
    for record in records:
        document = _document(source, record, ids)
        reason = withheld_because(record.fields)
        if reason:
            withheld.append(f"{document.title or document.source} ({reason})")
        else:
            documents.append(document)
    others = tuple(_data_blocks(rest))
    if others:
        documents.append(Document(source, title_from(source), others))
    if withheld:
        notes = (*notes, withheld_note(withheld))
        if not documents:
            raise DocumentUnreadable(source, notes[-1])
    return [replace(document, notes=notes) for document in documents]


def _document(source: str, record: Record, ids: RecordIds) -> Document:
    """Return the document of a record."""
    title = record.title
    used = {*ID_KEYS, "metadata"}
    further: list[str] = []
    if record.questions:
        used |= {*QUESTION_KEYS, *ANSWER_KEYS, *TITLE_KEYS}
        title, *further = record.questions
        answer = record.answer
        blocks = answer_blocks(answer)
    else:
        used |= {*TEXT_KEYS, *TITLE_KEYS}
        answer = record.body
        blocks = (*prose_blocks(answer), *_facts(record))
    own_id = _own_id(record)
    name = ids.own(own_id) if own_id else ids.of(title or answer)
    record_source = f"{source}#{name}"
    metadata = normalise(record_source, _given(record, used, further, own_id))
    return Document(record_source, title, _under(record.topics, blocks), metadata)


def _facts(record: Record) -> Iterator[Block]:
    """Yield what a product costs: callers ask for it, and its text rarely says it."""
    facts = {
        name: record.fields[name] for key, name in record.keys.items() if key in _FACTS
    }
    if text := _sentence(facts):
        yield Block("record", text)


def _given(
    record: Record, used: Collection[str], further: list[str], own_id: str
) -> dict[str, object]:
    """Return what a record says about itself."""
    given = {
        key: record.fields[name]
        for key, name in record.keys.items()
        if key and key not in used
    }
    nested = record.fields.get("metadata")
    if isinstance(nested, dict):
        given |= nested
    tags = given.get("tags")
    if isinstance(tags, list):
        given["tags"] = list(names_of(tags))
    if further:
        given["questions"] = further
    if own_id:
        given["id"] = own_id
    return given


def _under(topics: Sequence[str], blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Put the topics of a record above its blocks."""
    above = [
        Block("heading", topic, level) for level, topic in enumerate(topics[-2:], 1)
    ]
    return (*above, *blocks)


def _own_id(record: Record) -> str:
    """Return the id that a record's author gave it, printable, else ""."""
    for key in ID_KEYS:
        value = record.fields.get(record.keys.get(key, ""))
        if isinstance(value, str | int):
            visible, _ = strip_invisible(str(value))
            name = " ".join(visible.split())
            if name:
                return name
    return ""


def _data_blocks(data: object, level: int = 1) -> Iterator[Block]:
    """Yield nested data as headings and sentences."""
    if (
        isinstance(data, dict)
        and _is_nested(data.values())
        and level < _DEEPEST_HEADING
    ):
        flat = {key: value for key, value in data.items() if not _is_container(value)}
        if flat:
            yield Block("record", _sentence(flat))
        for key, value in data.items():
            if _is_container(value):
                yield Block("heading", _words(str(key)), level)
                yield from _data_blocks(value, level + 1)
        return
    parts = [data]
    if isinstance(data, list) and _is_nested(data):
        parts = data
    for part in parts:
        text = _sentence(part)
        if text:
            yield Block("record", text)


def _is_container(value: object) -> bool:
    return isinstance(value, dict | list)


def _is_nested(values: Iterable[object]) -> bool:
    return any(_is_container(value) for value in values)


def _sentence(data: object) -> str:
    """Plain data as a sentence: `name: Fibre 100; address: (city: Bonn; street: Am Hof 1)`."""
    text = _phrase(data, depth=0)
    if not text or text.endswith((".", "!", "?", "।")):
        return text
    return f"{text}."


def _phrase(data: object, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(data, dict):
        return _pairs(data, depth)
    if isinstance(data, list):
        phrases = [_phrase(one, depth + 1) for one in data]
        between = ", "
        if _is_nested(data):
            between = " | "
        return between.join(phrase for phrase in phrases if phrase)
    if isinstance(data, bool):
        return truth(data)
    if isinstance(data, float):
        return str(data).replace(".", cells().decimal)
    if data is None:
        return ""
    return str(data).strip()


def _pairs(data: _Record, depth: int) -> str:
    pairs: list[str] = []
    for key, value in data.items():
        if str(key).startswith("@"):  # JSON-LD's own: @context, @type
            continue
        text = _phrase(value, depth + 1)
        if not text:
            continue
        if isinstance(value, dict):
            text = f"({text})"
        pairs.append(f"{_words(str(key))}: {text}")
    return "; ".join(pairs)


def _words(key: str) -> str:
    """Return `pricePerMonth` or `price_per_month` as words."""
    spaced = _CAMEL.sub(lambda found: f" {found[0].lower()}", key)
    return spaced.replace("_", " ").strip()
