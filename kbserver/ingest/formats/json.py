"""JSON and JSON Lines: records with a text, FAQ entries, or plain data made readable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.sheet import answer_blocks, record_id
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import column_key
from kbserver.ingest.formats.shared.visible import strip_invisible
from kbserver.ingest.formats.text import prose_blocks

MAX_DEPTH = 50  # of nested data that is made readable

_CAMEL = re.compile(r"(?<=[a-z0-9])[A-Z](?=[a-z])")
_ID_KEYS = ("_id", "id", "key", "slug")
_TITLE_KEYS = ("title", "name", "heading", "subject")
_TEXT_KEYS = ("text", "content", "body", "passage")
_QUESTION_KEYS = ("question", "q", "frage")
_ANSWER_KEYS = ("answer", "a", "response", "antwort")


def convert(file: SourceFile) -> list[Document]:
    """Return one document for each object of a list, or of the only list inside an object.

    Raises:
        DocumentUnreadable: not valid JSON, with line and column.
    """
    text, notes = file.text()
    try:
        data = json.loads(text)
    except json.JSONDecodeError as exc:
        raise DocumentUnreadable(
            file.source, f"line {exc.lineno}, column {exc.colno}: {exc.msg}"
        ) from exc
    records = _records(data)
    if records is None:
        return [
            Document(
                file.source,
                title_from(file.source),
                tuple(_data_blocks(data)),
                {},
                notes,
            )
        ]
    return list(_documents(file.source, records, notes))


def convert_lines(file: SourceFile) -> list[Document]:
    """Return one document for each line (BEIR layout: `_id`, `title`, `text`, `metadata`).

    Raises:
        DocumentUnreadable: a line is not a JSON object; a file cut short is refused whole rather than in part.
    """
    text, notes = file.text()
    return list(_documents(file.source, _lines(text, file.source), notes))


def _lines(text: str, source: str) -> Iterator[Mapping[str, object]]:
    for number, line in enumerate(
        text.split("\n"), start=1
    ):  # JSON strings may hold other line separators
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as exc:
            raise DocumentUnreadable(source, f"line {number}: {exc.msg}") from exc
        if not isinstance(record, dict):
            raise DocumentUnreadable(source, f"line {number}: not a JSON object")
        yield record


def _records(data: object) -> list[Mapping[str, object]] | None:
    """The list of objects that a file is about, or None if it is about something else."""
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list) and value]
        others = [value for value in data.values() if isinstance(value, dict)]
        if (
            len(lists) == 1
            and not others
            and not any(key in data for key in (*_TEXT_KEYS, *_ANSWER_KEYS))
        ):
            data = lists[0]
        elif _has_text(data):
            return [data]
    if isinstance(data, list) and data and all(isinstance(one, dict) for one in data):
        return data
    return None


def _has_text(record: Mapping[str, object]) -> bool:
    return any(isinstance(record.get(key), str) for key in (*_TEXT_KEYS, *_ANSWER_KEYS))


def _documents(
    source: str, records: Iterable[Mapping[str, object]], notes: tuple[str, ...]
) -> Iterator[Document]:
    taken: set[str] = set()
    plain: list[Block] = []
    for record in records:
        keys = {column_key(str(key)) if key != "_id" else "_id": key for key in record}
        question = _text(record, keys, _QUESTION_KEYS)
        answer = _text(record, keys, _ANSWER_KEYS)
        text = _text(record, keys, _TEXT_KEYS)
        title = _text(record, keys, _TITLE_KEYS)
        if question and answer:
            used = {*_QUESTION_KEYS, *_ANSWER_KEYS}
            title, blocks = question, answer_blocks(answer)
        elif text:
            used = {*_TEXT_KEYS, *_TITLE_KEYS}
            blocks = tuple(prose_blocks(text))
        else:
            plain.append(Block("record", _sentence(record)))
            continue
        used |= {*_ID_KEYS, "metadata"}
        given = {
            key: record[original] for key, original in keys.items() if key not in used
        }
        nested = record.get("metadata")
        if isinstance(nested, dict):
            given |= nested
        ids = (record[keys[key]] for key in _ID_KEYS if key in keys)
        named = next(
            (
                name
                for one in ids
                if isinstance(one, str | int) and (name := _printable(str(one)))
            ),
            "",
        )
        if named:
            given["id"] = named
        record_source = f"{source}#{_unique(named, taken) if named else record_id(title or text or answer, taken)}"
        yield Document(
            record_source, title, blocks, normalise(record_source, given), notes
        )
    if plain:
        yield Document(source, title_from(source), tuple(plain), {}, notes)


def _text(
    record: Mapping[str, object], keys: Mapping[str, str], wanted: Iterable[str]
) -> str:
    for key in wanted:
        value = record.get(keys.get(key, key))
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _printable(name: str) -> str:
    return " ".join(strip_invisible(name)[0].split())


def _unique(name: str, taken: set[str]) -> str:
    """An id as its author wrote it; a second record of the same id gets a number."""
    if name in taken:
        return record_id(name, taken)
    taken.add(name)
    return name


def _data_blocks(data: object, name: str = "", level: int = 1) -> Iterator[Block]:
    """Nested data as headings and sentences."""
    if (
        isinstance(data, dict)
        and any(isinstance(value, dict | list) for value in data.values())
        and level < 6
    ):
        flat = {
            key: value
            for key, value in data.items()
            if not isinstance(value, dict | list)
        }
        if flat:
            yield Block("record", _sentence(flat))
        for key, value in data.items():
            if isinstance(value, dict | list):
                yield Block("heading", _words(str(key)), level)
                yield from _data_blocks(value, str(key), level + 1)
    elif isinstance(data, list) and any(isinstance(one, dict | list) for one in data):
        for one in data:
            if text := _sentence(one):
                yield Block("record", text)
    elif text := _sentence(data):
        yield Block("record", text)


def _sentence(data: object) -> str:
    """`name: Fibre 100; price: $30; address: (city: Bonn; street: Am Hof 1).`"""
    text = _phrase(data, depth=0)
    return text if not text or text.endswith((".", "!", "?")) else text + "."


def _phrase(data: object, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(data, dict):
        parts = [
            (str(key), value, _phrase(value, depth + 1)) for key, value in data.items()
        ]
        return "; ".join(
            f"{_words(key)}: ({text})"
            if isinstance(value, dict)
            else f"{_words(key)}: {text}"
            for key, value, text in parts
            if text
        )
    if isinstance(data, list):
        nested = any(isinstance(one, dict | list) for one in data)
        phrases = [text for one in data if (text := _phrase(one, depth + 1))]
        return " | ".join(phrases) if nested else ", ".join(phrases)
    if isinstance(data, bool):
        return "yes" if data else "no"
    return "" if data is None else str(data).strip()


def _words(key: str) -> str:
    """`pricePerMonth` and `price_per_month` as words."""
    return (
        _CAMEL.sub(lambda found: " " + found[0].lower(), key).replace("_", " ").strip()
    )
