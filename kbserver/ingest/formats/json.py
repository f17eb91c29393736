"""JSON and JSON Lines: records with a text, FAQ entries, or plain data made readable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.sheet import RecordIds, answer_blocks
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import column_key
from kbserver.ingest.formats.shared.visible import strip_invisible
from kbserver.ingest.formats.text import prose_blocks

MAX_DEPTH = 50
"""Of nested data that is made readable."""

_DEEPEST_HEADING = 6
_CAMEL = re.compile(r"(?<=[a-z0-9])[A-Z](?=[a-z])")
_ID_KEYS = ("_id", "id", "key", "slug")
_TITLE_KEYS = ("title", "name", "heading", "subject")
_TEXT_KEYS = ("text", "content", "body", "passage")
_QUESTION_KEYS = ("question", "q", "frage")
_ANSWER_KEYS = ("answer", "a", "response", "antwort")

_Record = Mapping[str, object]


def convert(file: SourceFile) -> list[Document]:
    """Return one document for each object of a list, or of the only list in an object.

    Raises:
        DocumentUnreadable: not valid JSON, with line and column.
    """
    text, notes = file.text()
    try:
        data = json.loads(text)
    except json.JSONDecodeError as exc:
        reason = f"line {exc.lineno}, column {exc.colno}: {exc.msg}"
        raise DocumentUnreadable(file.source, reason) from exc
    records = _records(data)
    if records is not None:
        return list(_documents(file.source, records, notes))
    blocks = tuple(_data_blocks(data))
    return [Document(file.source, title_from(file.source), blocks, {}, notes)]


def convert_lines(file: SourceFile) -> list[Document]:
    """Return one document for each line (BEIR: `_id`, `title`, `text`, `metadata`).

    Raises:
        DocumentUnreadable: a line is not a JSON object; a file cut short is refused
            whole rather than in part.
    """
    text, notes = file.text()
    return list(_documents(file.source, _lines(text, file.source), notes))


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


def _records(data: object) -> Sequence[_Record] | None:
    """Return the objects that a file is about; None if it is about something else."""
    if isinstance(data, dict):
        only_list = _only_list(data)
        if only_list is not None:
            data = only_list
        elif any(isinstance(data.get(key), str) for key in _content_keys()):
            return [data]
    if isinstance(data, list) and data and all(isinstance(one, dict) for one in data):
        return data
    return None


def _only_list(data: dict[str, object]) -> list[object] | None:
    """Return the list in an object with nothing else to say, or None."""
    if any(key in data for key in _content_keys()):
        return None
    if any(isinstance(value, dict) for value in data.values()):
        return None
    lists = [value for value in data.values() if isinstance(value, list) and value]
    if len(lists) != 1:
        return None
    return lists[0]


def _content_keys() -> tuple[str, ...]:
    return (*_TEXT_KEYS, *_ANSWER_KEYS)


def _documents(
    source: str, records: Iterable[_Record], notes: tuple[str, ...]
) -> Iterator[Document]:
    """Yield a document for each record with a text, and one of all the others."""
    ids = RecordIds()
    others: list[Block] = []
    for record in records:
        document = _document(source, record, notes, ids)
        if document is not None:
            yield document
        else:
            others.append(Block("record", _sentence(record)))
    if others:
        yield Document(source, title_from(source), tuple(others), {}, notes)


def _document(
    source: str, record: _Record, notes: tuple[str, ...], ids: RecordIds
) -> Document | None:
    """Return the document of a record; None if it has no text of its own."""
    keys = {_key(name): name for name in record}
    title = _text(record, keys, _TITLE_KEYS)
    question = _text(record, keys, _QUESTION_KEYS)
    answer = _text(record, keys, _ANSWER_KEYS)
    text = _text(record, keys, _TEXT_KEYS)
    used = {*_ID_KEYS, "metadata"}
    if question and answer:
        used |= {*_QUESTION_KEYS, *_ANSWER_KEYS}
        title = question
        blocks = answer_blocks(answer)
    elif text:
        used |= {*_TEXT_KEYS, *_TITLE_KEYS}
        blocks = tuple(prose_blocks(text))
    else:
        return None
    given = {key: record[name] for key, name in keys.items() if key not in used}
    nested = record.get("metadata")
    if isinstance(nested, dict):
        given |= nested
    own_id = _own_id(record, keys)
    if own_id:
        given["id"] = own_id
        name = ids.own(own_id)
    else:
        name = ids.of(title or text or answer)
    record_source = f"{source}#{name}"
    metadata = normalise(record_source, given)
    return Document(record_source, title, blocks, metadata, notes)


def _key(name: str) -> str:
    if name == "_id":
        return name
    return column_key(str(name))


def _text(record: _Record, keys: Mapping[str, str], wanted: Iterable[str]) -> str:
    """Return the first text under one of the keys wanted, else ""."""
    for key in wanted:
        value = record.get(keys.get(key, key))
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _own_id(record: _Record, keys: Mapping[str, str]) -> str:
    """Return the id that a record's author gave it, printable, else ""."""
    for key in _ID_KEYS:
        value = record[keys[key]] if key in keys else None
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
    if not text or text.endswith((".", "!", "?")):
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
    if data is True:
        return "yes"
    if data is False:
        return "no"
    if data is None:
        return ""
    return str(data).strip()


def _pairs(data: _Record, depth: int) -> str:
    pairs: list[str] = []
    for key, value in data.items():
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
