"""A document to passages: cut by structure, measured in the embedding model's own tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from semantic_text_splitter import TextSplitter

from kbserver.ingest.blocks import Block, Document

TARGET_TOKENS = (
    200  # of the default model's 256: leaves room to take in a short last piece
)
SMALLEST_LIMIT = (
    16  # below this not even one word with its special tokens is sure to fit
)

_WORD = re.compile(r"\w+")
_CHARACTERS_A_TOKEN = 6  # most text has fewer; saves counting what is far too long
_MOST_CHARACTERS_A_TOKEN = (
    16  # a tokenizer may count a word of any length as one unknown token
)
_JOINT_TOKENS = 2  # by how much the count of two texts joined by a newline may exceed the sum of their counts

CountTokens = Callable[[str], int]
"""Number of the model's tokens in a text, special tokens included."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A passage before it has an id and an embedding."""

    text: str
    title: str
    """The document's, cut short only if it alone would fill the model's window."""
    heading_path: tuple[str, ...]
    """Headings from the outermost to the nearest, without the title."""
    position: int
    """0-based place in its document."""
    questions: tuple[str, ...] = ()
    """Extra phrasings of the document that fit this passage best."""

    @property
    def embedded(self) -> str:
        """What the embedding model reads of it."""
        return embedding_text(self.title, self.heading_path, self.text)


def embedding_text(title: str, heading_path: Sequence[str], text: str) -> str:
    """Return what is embedded for a passage: title, headings and text, a line each."""
    return "\n".join(line for line in (title, *heading_path, text) if line)


def chunk(
    document: Document,
    *,
    count_tokens: CountTokens,
    max_tokens: int,
    target_tokens: int | None = None,
) -> list[Draft]:
    """Cut a document into passages that together hold all of its words, in order.

    A passage stays below one heading of level 1 or 2; short sections of deeper headings share one. Paragraphs
    are packed up to the target; a list repeats the sentence that introduces it wherever it is cut; a table
    that fits half the target stays whole and any other gives a passage for each row; code is cut only if it
    does not fit; a record is a passage. Text inside a block is cut at sentences, then words, then characters.

    Args:
        document: of any size, 0 blocks included.
        count_tokens: the embedding model's own measure.
        max_tokens: no passage's `embedded` text is longer, special tokens included.
        target_tokens: length of `embedded` aimed at; default 200, or `max_tokens` if that is less.

    Returns:
        Passages in reading order; [] if the document has no text.

    Raises:
        ValueError: `max_tokens` is below 16.
    """
    if max_tokens < SMALLEST_LIMIT:
        raise ValueError(
            f"max_tokens is {max_tokens}; a passage needs at least {SMALLEST_LIMIT}"
        )
    cutter = _Cutter(
        document.title,
        count_tokens,
        max_tokens,
        min(target_tokens or TARGET_TOKENS, max_tokens),
    )
    sections = _sections(document.blocks)
    parts = [part for section in sections for part in cutter.cut(section)]
    drafts = [
        Draft(
            text, cutter.title, tuple(heading.text for heading in part.path), position
        )
        for position, (part, text) in enumerate(
            (part, text)
            for part in cutter.joined(parts)
            for text in cutter.within_limit(part)
        )
    ]
    questions = document.metadata.get("questions")
    return (
        _with_questions(drafts, questions)
        if isinstance(questions, list) and drafts
        else drafts
    )


@dataclass(slots=True, eq=False)
class _Heading:
    level: int
    text: str
    said: bool = False  # whether some passage carries its words


@dataclass(slots=True)
class _Section:
    """What stands below one heading, down to the next."""

    path: tuple[_Heading, ...]
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """A passage in the making."""

    path: tuple[_Heading, ...]
    text: str
    tokens: int  # of the text alone, without special tokens
    alone: bool = False  # a row, a record: never joined with what is beside it


def _sections(blocks: Iterable[Block]) -> list[_Section]:
    """Group blocks below their headings; a heading with nothing below it becomes a paragraph of the section before."""
    sections: list[_Section] = []
    open_headings: list[_Heading] = []
    current: _Section | None = None
    empty: list[
        Block
    ] = []  # headings with nothing below them, while there is no section yet

    def close(level: int) -> None:
        closed = []
        while open_headings and open_headings[-1].level >= level:
            closed.append(open_headings.pop())
        for heading in reversed(closed):
            if not heading.said:
                (sections[-1].blocks if sections else empty).append(
                    Block("paragraph", heading.text)
                )

    for block in blocks:
        if block.kind == "heading":
            close(block.level)
            if block.text:
                open_headings.append(_Heading(block.level, block.text))
            current = None
            continue
        if current is None:
            current = _Section(tuple(open_headings), empty)
            empty = []
            sections.append(current)
            for heading in open_headings:
                heading.said = True
        current.blocks.append(block)
    close(0)
    if empty:
        sections.append(_Section((), empty))
    for section in sections:
        for heading in section.path:
            heading.said = (
                False  # from here on: whether a passage was really able to carry it
            )
    return sections


class _Cutter:
    """Cuts the sections of one document; token counts are kept, since counting is what costs."""

    def __init__(
        self, title: str, count_tokens: CountTokens, max_tokens: int, target_tokens: int
    ) -> None:
        self._count_tokens = count_tokens
        self._counted: dict[str, int] = {}
        self._special = count_tokens("")
        self._max = max_tokens
        self._target = target_tokens
        self._tiny = (
            target_tokens // 5
        )  # shorter passages are joined with a neighbour where one is fit for it
        self._head = (
            max_tokens - self._special
        ) // 2  # title and headings never take more
        self.title = self._first_words(title, self._head // 2)
        self._unsaid_title = title if self.title != title else ""

    def cut(self, section: _Section) -> list[_Part]:
        """Cut one section into parts that fit; what its heading path cannot carry becomes text."""
        path, unsaid = self._fitting_path(section.path)
        blocks = [*(Block("paragraph", text) for text in unsaid), *section.blocks]
        head = self._head_tokens(path)
        hard = self._max - self._special - head
        room = max(min(self._target - self._special - head, hard), hard // 2)
        if not any(block.kind in ("record", "table_row") for block in blocks):
            text = "\n".join(block.text for block in blocks)
            if (
                len(text) <= room * _CHARACTERS_A_TOKEN
                and (tokens := self._tokens(text)) <= room
            ):
                return [_Part(path, text, tokens)]
        parts = list(self._packed(path, blocks, room, hard))
        if (
            len(parts) > 1
            and parts[-1].tokens < self._tiny
            and not (parts[-1].alone or parts[-2].alone)
        ):
            if parts[-2].tokens + parts[-1].tokens <= hard:
                last = parts.pop()
                parts[-1] = replace(
                    parts[-1],
                    text=f"{parts[-1].text}\n{last.text}",
                    tokens=parts[-1].tokens + last.tokens,
                )
        return parts

    def _packed(
        self, path: tuple[_Heading, ...], blocks: Sequence[Block], room: int, hard: int
    ) -> Iterator[_Part]:
        gathered: list[str] = []
        tokens = 0
        for unit in _units(blocks):
            lengths = [self._tokens(block.text) for block in unit]
            length = sum(lengths)
            together = (
                room // 2 if unit[-1].kind == "table_row" and len(unit) > 1 else hard
            )
            apart = unit[-1].kind == "record" or (
                unit[-1].kind == "table_row" and length > together
            )
            if gathered and (apart or tokens + length > room):
                yield _Part(path, "\n".join(gathered), tokens)
                gathered, tokens = [], 0
            if apart:
                yield from self._rows(path, unit, hard)
            elif length <= hard:
                gathered.extend(block.text for block in unit)
                tokens += length
            else:
                *full, rest = self._split(path, unit, room, hard)
                yield from full
                gathered, tokens = [rest.text], rest.tokens
        if gathered:
            yield _Part(path, "\n".join(gathered), tokens)

    def _rows(
        self, path: tuple[_Heading, ...], unit: Sequence[Block], hard: int
    ) -> Iterator[_Part]:
        """One part for each row, its table's caption before it."""
        carried = all(self._lead(block, hard) for block in unit[1:])
        for block in unit:
            if block.kind == "paragraph" and carried:
                continue  # the caption: every row says it
            lead_in = self._lead(block, hard)
            lead_tokens = self._tokens(lead_in) if lead_in else 0
            for text in self._pieces(block.text, hard - lead_tokens):
                text_with_lead = f"{lead_in}\n{text}" if lead_in else text
                yield _Part(
                    path, text_with_lead, lead_tokens + self._tokens(text), alone=True
                )

    def _split(
        self, path: tuple[_Heading, ...], unit: Sequence[Block], room: int, hard: int
    ) -> Iterator[_Part]:
        """Cut a unit that does not fit: between its blocks first, inside a block that alone is too long."""
        gathered: list[str] = []
        tokens = 0
        for block in unit:
            length = self._tokens(block.text)
            lead_in = self._lead(block, hard)
            lead_tokens = self._tokens(lead_in) if lead_in else 0
            whole = length + lead_tokens <= hard
            for text in (
                [block.text]
                if whole
                else self._pieces(block.text, max(room - lead_tokens, room // 2))
            ):
                length = self._tokens(text)
                if gathered and tokens + length > room:
                    yield _Part(path, "\n".join(gathered), tokens)
                    gathered, tokens = [], 0
                if not gathered and lead_in:
                    gathered, tokens = [lead_in], lead_tokens
                gathered.append(text)
                tokens += length
        yield _Part(path, "\n".join(gathered), tokens)

    def joined(self, parts: Iterable[_Part]) -> list[_Part]:
        """Join very short neighbours whose headings differ only below level 2."""
        joined: list[_Part] = []
        for part in parts:
            both = self._join(joined[-1], part) if joined else None
            if both is None:
                joined.append(part)
            else:
                joined[-1] = both
        return joined

    def _join(self, one: _Part, other: _Part) -> _Part | None:
        if (
            one.alone
            or other.alone
            or min(one.tokens, other.tokens) >= self._tiny
            or one.path == other.path
        ):
            return None
        common = tuple(
            heading
            for heading, _ in takewhile(
                lambda pair: pair[0] is pair[1], zip(one.path, other.path, strict=False)
            )
        )
        below = [*one.path[len(common) :], *other.path[len(common) :]]
        if any(heading.level <= 2 or heading.text.endswith("?") for heading in below):
            return None
        texts = [
            *(heading.text for heading in one.path[len(common) :]),
            one.text,
            *(heading.text for heading in other.path[len(common) :]),
            other.text,
        ]
        tokens = (
            one.tokens
            + other.tokens
            + sum(self._tokens(heading.text) for heading in below)
        )
        if tokens + self._special + self._head_tokens(common) > self._target:
            return None
        return _Part(common, "\n".join(texts), tokens)

    def within_limit(self, part: _Part) -> list[str]:
        """Return the part's text, cut once more if counting it as a whole shows that it is too long.

        The whole is counted only where the sum of what was counted before comes near the limit: with most
        tokenizers the two are equal, with some a joint costs a token more.
        """
        headings = [heading.text for heading in part.path]
        joints = 1 + len(headings) + part.text.count("\n")
        estimate = self._special + self._head_tokens(part.path) + part.tokens
        if estimate + joints * _JOINT_TOKENS <= self._max:
            return [part.text]
        if self._count(embedding_text(self.title, headings, part.text)) <= self._max:
            return [part.text]
        return _cut(
            part.text,
            lambda text: self._count(embedding_text(self.title, headings, text)),
            self._max,
        )

    def _count(self, text: str) -> int:
        return max(self._count_tokens(text), len(text) // _MOST_CHARACTERS_A_TOKEN)

    def _tokens(self, text: str) -> int:
        known = self._counted.get(text)
        if known is None:
            known = self._counted[text] = max(self._count(text) - self._special, 0)
        return known

    def _head_tokens(self, path: Iterable[_Heading]) -> int:
        return self._tokens(self.title) + sum(
            self._tokens(heading.text) for heading in path
        )

    def _lead(self, block: Block, hard: int) -> str:
        """The block's lead-in, unless it would take more than a third of the passage."""
        return (
            block.lead_in
            if block.lead_in and self._tokens(block.lead_in) <= hard // 3
            else ""
        )

    def _fitting_path(
        self, path: tuple[_Heading, ...]
    ) -> tuple[tuple[_Heading, ...], list[str]]:
        """Return as much of the path as its share of the budget holds, the nearest heading first, and the texts
        that no passage has carried so far because of that."""
        kept = path
        while kept and self._head_tokens(kept) > self._head:
            kept = kept[1:]
        unsaid = [self._unsaid_title] if self._unsaid_title else []
        self._unsaid_title = ""
        for heading in path:
            if not heading.said and heading not in kept:
                unsaid.append(heading.text)
            heading.said = True
        return kept, unsaid

    def _first_words(self, text: str, limit: int) -> str:
        if self._tokens(text) <= limit:
            return text
        return self._pieces(text, limit)[0]

    def _pieces(self, text: str, limit: int) -> list[str]:
        """Cut a text at sentences, words or characters so that no piece has more tokens than `limit`."""
        if (
            len(text) <= limit * _MOST_CHARACTERS_A_TOKEN
            and self._tokens(text) <= limit
        ):
            return [text]
        return _cut(text, self._tokens, limit)


def _cut(text: str, count: CountTokens, limit: int) -> list[str]:
    """Cut a text at the best places there are so that `count` of no piece is above `limit`.

    The splitter is given a window at a time: its time grows with the square of a text's length.
    """
    splitter = TextSplitter.from_callback(count, limit)
    window = 4 * limit * _MOST_CHARACTERS_A_TOKEN
    pieces: list[str] = []
    start = 0
    while len(text) - start > window:
        *whole, (offset, last) = splitter.chunk_indices(
            text[start : start + window]
        ) or [(0, "")]
        pieces.extend(piece for _, piece in whole)
        if not whole:
            pieces.extend(filter(None, [last]))
        start += (
            offset if whole else window
        )  # the last piece may go on behind the window
    return [*pieces, *splitter.chunks(text[start:])]


def _units(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Group what should stay together: a list or table with the paragraph that introduces it, else each block."""
    unit: list[Block] = []
    for block in blocks:
        if unit and not _belongs(unit[-1], block):
            yield unit
            unit = []
        unit.append(block)
    if unit:
        yield unit


def _belongs(before: Block, block: Block) -> bool:
    if block.kind not in ("list_item", "table_row"):
        return False
    if before.kind == "paragraph":
        return bool(block.lead_in) and before.text.endswith(block.lead_in)
    return before.kind == block.kind


def _with_questions(drafts: list[Draft], questions: Iterable[object]) -> list[Draft]:
    """Give each extra phrasing to the passage that shares most words with it, the first one if in doubt."""
    words = [set(_WORD.findall(draft.embedded.lower())) for draft in drafts]
    given: dict[int, list[str]] = {}
    for question in map(str, questions):
        asked = set(_WORD.findall(question.lower()))
        best = max(range(len(drafts)), key=lambda at: (len(asked & words[at]), -at))
        given.setdefault(best, []).append(question)
    return [
        replace(draft, questions=tuple(given[at])) if at in given else draft
        for at, draft in enumerate(drafts)
    ]
