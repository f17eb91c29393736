"""A document to passages: cut by structure, measured in the embedding model's tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from semantic_text_splitter import TextSplitter

from kbserver.ingest.blocks import Block, Document, least

TARGET_TOKENS = 200
"""Of the default model's 256: leaves room to take in a short last piece."""
SMALLEST_LIMIT = 16
"""With fewer tokens not even one word is sure to fit beside the special tokens."""

_WORD = re.compile(r"\w+")
_CHARACTERS_A_TOKEN = 6
"""Most text has fewer; saves counting what is far too long."""
_MOST_CHARACTERS_A_TOKEN = 16
"""A tokenizer may count a word of any length as one unknown token."""
_JOINT_TOKENS = 2
"""The count of two texts joined by a newline may exceed the sum of theirs by this."""

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
    confidence: float | None = None
    """The lowest with which a part of it was recognised on a picture, in [0, 1]; None
    if all of it was text."""

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

    A passage stays below one heading of level 1 or 2; short sections of deeper
    headings share one. Paragraphs are packed up to the target. A list repeats the
    sentence that introduces it wherever it is cut. A table that fits half the target
    stays whole, any other gives a passage for each row. Code is cut only if it does
    not fit; a record is a passage. Text inside a block is cut at sentences, then
    words, then characters.

    Args:
        document: of any size, 0 blocks included.
        count_tokens: the embedding model's own measure.
        max_tokens: no passage's `embedded` text is longer, special tokens included.
        target_tokens: length of `embedded` aimed at; default 200, or `max_tokens` if
            that is less.

    Returns:
        Passages in reading order; [] if the document has no text.

    Raises:
        ValueError: `max_tokens` is below 16.
    """
    if max_tokens < SMALLEST_LIMIT:
        raise ValueError(
            f"max_tokens is {max_tokens}; a passage needs at least {SMALLEST_LIMIT}"
        )
    target_tokens = min(target_tokens or TARGET_TOKENS, max_tokens)
    cutter = _Cutter(document.title, count_tokens, max_tokens, target_tokens)
    parts: list[_Part] = []
    for section in _sections(document.blocks):
        parts += cutter.cut(section)
    drafts: list[Draft] = []
    for part in cutter.joined(parts):
        path = tuple(heading.text for heading in part.path)
        for text in cutter.within_limit(part):
            position = len(drafts)
            sure = part.confidence
            drafts.append(Draft(text, cutter.title, path, position, confidence=sure))
    questions = document.metadata.get("questions")
    if isinstance(questions, list) and drafts:
        return _with_questions(drafts, questions)
    return drafts


@dataclass(slots=True, eq=False)
class _Heading:
    level: int
    text: str
    carried: bool = False
    """Whether some passage carries its words."""


_Path = tuple[_Heading, ...]


@dataclass(slots=True)
class _Section:
    """What stands below one heading, down to the next."""

    path: _Path
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """A passage in the making."""

    path: _Path
    text: str
    tokens: int
    """Of the text alone, without special tokens."""
    alone: bool = False
    """Whether it is a row or a record, never joined with what is beside it."""
    confidence: float | None = None
    """The lowest of its blocks."""


@dataclass(slots=True)
class _Gathered:
    """What the next part will hold."""

    path: _Path
    texts: list[str] = field(default_factory=list)
    tokens: int = 0
    confidence: float | None = None

    def add(self, text: str, tokens: int, confidence: float | None) -> None:
        """Add a text of so many tokens, recognised as surely as that."""
        self.texts.append(text)
        self.tokens += tokens
        self.confidence = least((self.confidence, confidence))

    def part(self) -> _Part:
        """Return it as a part."""
        text = "\n".join(self.texts)
        return _Part(self.path, text, self.tokens, confidence=self.confidence)


def _least_of(blocks: Iterable[Block]) -> float | None:
    return least(block.confidence for block in blocks)


def _sections(blocks: Iterable[Block]) -> list[_Section]:
    """Group blocks below their headings.

    A heading with nothing below it becomes a paragraph of the section before.
    """
    outline = _Outline()
    for block in blocks:
        if block.kind == "heading":
            outline.heading(block)
        else:
            outline.text(block)
    return outline.finish()


class _Outline:
    """The headings that are open, and the sections gathered below them."""

    def __init__(self) -> None:
        self._sections: list[_Section] = []
        self._open: list[_Heading] = []
        self._current: _Section | None = None
        # headings with nothing below them, before there is a section
        self._empty: list[Block] = []

    def heading(self, block: Block) -> None:
        """Close the headings that a new one ends, and open it."""
        self._close(block.level)
        if block.text:
            self._open.append(_Heading(block.level, block.text))
        self._current = None

    def text(self, block: Block) -> None:
        """Add a block below the open headings."""
        if self._current is None:
            self._current = _Section(tuple(self._open), self._empty)
            self._empty = []
            self._sections.append(self._current)
            for heading in self._open:
                heading.carried = True
        self._current.blocks.append(block)

    def finish(self) -> list[_Section]:
        """Return the sections; from here on, `carried` tells what a passage carries."""
        self._close(0)
        if self._empty:
            self._sections.append(_Section((), self._empty))
        for section in self._sections:
            for heading in section.path:
                heading.carried = False
        return self._sections

    def _close(self, level: int) -> None:
        closed: list[_Heading] = []
        while self._open and self._open[-1].level >= level:
            closed.append(self._open.pop())
        blocks = self._empty
        if self._sections:
            blocks = self._sections[-1].blocks
        for heading in reversed(closed):
            if not heading.carried:
                blocks.append(Block("paragraph", heading.text))


class _Cutter:
    """Cuts the sections of one document; keeps token counts, since counting is slow."""

    def __init__(
        self,
        title: str,
        count_tokens: CountTokens,
        max_tokens: int,
        target_tokens: int,
    ) -> None:
        self._count_tokens = count_tokens
        self._counted: dict[str, int] = {}
        self._special = count_tokens("")
        self._max = max_tokens
        self._target = target_tokens
        # shorter passages are joined with a neighbour where one is fit for it
        self._tiny = target_tokens // 5
        # title and headings never take more
        self._head = (max_tokens - self._special) // 2
        self.title = self._first_words(title, self._head // 2)
        self._uncarried_title = ""
        if self.title != title:
            self._uncarried_title = title

    def cut(self, section: _Section) -> list[_Part]:
        """Cut one section into parts that fit.

        What its heading path cannot carry becomes text.
        """
        path, uncarried = self._fitting_path(section.path)
        blocks = [Block("paragraph", text) for text in uncarried]
        blocks += section.blocks
        head = self._head_tokens(path)
        hard = self._max - self._special - head
        room = max(min(self._target - self._special - head, hard), hard // 2)
        whole = self._whole(path, blocks, room)
        if whole is not None:
            return [whole]
        parts = list(self._packed(path, blocks, room, hard))
        return self._without_tiny_end(parts, hard)

    def _whole(self, path: _Path, blocks: Sequence[Block], room: int) -> _Part | None:
        """Return a section as one part if it fits and has no row or record."""
        if any(block.kind in ("record", "table_row") for block in blocks):
            return None
        text = "\n".join(block.text for block in blocks)
        if len(text) > room * _CHARACTERS_A_TOKEN:
            return None
        tokens = self._tokens(text)
        if tokens > room:
            return None
        return _Part(path, text, tokens, confidence=_least_of(blocks))

    def _packed(
        self, path: _Path, blocks: Sequence[Block], room: int, hard: int
    ) -> Iterator[_Part]:
        """Yield parts of up to `room` tokens, a unit that fits never cut."""
        gathered = _Gathered(path)
        for unit in _units(blocks):
            length = sum(self._tokens(block.text) for block in unit)
            apart = _stands_apart(unit, length, room, hard)
            if gathered.texts and (apart or gathered.tokens + length > room):
                yield gathered.part()
                gathered = _Gathered(path)
            if apart:
                yield from self._rows(path, unit, hard)
            elif length <= hard:
                for block in unit:
                    gathered.add(block.text, self._tokens(block.text), block.confidence)
            else:
                *full, rest = self._split(path, unit, room, hard)
                yield from full
                gathered = _Gathered(path)
                gathered.add(rest.text, rest.tokens, rest.confidence)
        if gathered.texts:
            yield gathered.part()

    def _rows(self, path: _Path, unit: Sequence[Block], hard: int) -> Iterator[_Part]:
        """Yield one part for each row, its table's caption before it."""
        has_caption = all(self._lead_in(block, hard) for block in unit[1:])
        for block in unit:
            if block.kind == "paragraph" and has_caption:
                continue  # it is the caption, which every row repeats
            lead_in = self._lead_in(block, hard)
            lead_tokens = self._tokens_or_0(lead_in)
            for text in self._pieces(block.text, hard - lead_tokens):
                tokens = lead_tokens + self._tokens(text)
                if lead_in:
                    text = f"{lead_in}\n{text}"
                sure = block.confidence
                yield _Part(path, text, tokens, alone=True, confidence=sure)

    def _split(
        self, path: _Path, unit: Sequence[Block], room: int, hard: int
    ) -> Iterator[_Part]:
        """Cut a unit that does not fit between its blocks, and blocks that do not fit."""
        gathered = _Gathered(path)
        for block in unit:
            lead_in = self._lead_in(block, hard)
            lead_tokens = self._tokens_or_0(lead_in)
            pieces = [block.text]
            if self._tokens(block.text) + lead_tokens > hard:
                limit = max(room - lead_tokens, room // 2)
                pieces = self._pieces(block.text, limit)
            for text in pieces:
                length = self._tokens(text)
                if gathered.texts and gathered.tokens + length > room:
                    yield gathered.part()
                    gathered = _Gathered(path)
                if not gathered.texts and lead_in:
                    gathered.add(lead_in, lead_tokens, block.confidence)
                gathered.add(text, length, block.confidence)
        yield gathered.part()

    def _without_tiny_end(self, parts: list[_Part], hard: int) -> list[_Part]:
        """Join a very short last part with the one before it if both fit together."""
        if len(parts) < 2:
            return parts
        *others, before, last = parts
        if last.tokens >= self._tiny or last.alone or before.alone:
            return parts
        tokens = before.tokens + last.tokens
        if tokens > hard:
            return parts
        text = f"{before.text}\n{last.text}"
        sure = least((before.confidence, last.confidence))
        return [*others, replace(before, text=text, tokens=tokens, confidence=sure)]

    def joined(self, parts: Iterable[_Part]) -> list[_Part]:
        """Join very short neighbours whose headings differ only below level 2."""
        joined: list[_Part] = []
        for part in parts:
            both = None
            if joined:
                both = self._join(joined[-1], part)
            if both is None:
                joined.append(part)
            else:
                joined[-1] = both
        return joined

    def _join(self, one: _Part, other: _Part) -> _Part | None:
        """Return two neighbours as one part, or None if they stay apart."""
        if one.alone or other.alone or one.path == other.path:
            return None
        if min(one.tokens, other.tokens) >= self._tiny:
            return None
        common = _common_path(one.path, other.path)
        below_one = one.path[len(common) :]
        below_other = other.path[len(common) :]
        for heading in (*below_one, *below_other):
            if heading.level <= 2 or heading.text.endswith("?"):
                return None
        tokens = one.tokens + other.tokens
        for heading in (*below_one, *below_other):
            tokens += self._tokens(heading.text)
        if tokens + self._special + self._head_tokens(common) > self._target:
            return None
        texts = [heading.text for heading in below_one]
        texts.append(one.text)
        texts += [heading.text for heading in below_other]
        texts.append(other.text)
        sure = least((one.confidence, other.confidence))
        return _Part(common, "\n".join(texts), tokens, confidence=sure)

    def within_limit(self, part: _Part) -> list[str]:
        """Return the part's text, cut once more if the whole turns out too long.

        The whole is counted only where the sum of the counts of its pieces comes near
        the limit: with some tokenizers a joint costs a token more.
        """
        headings = [heading.text for heading in part.path]
        joints = 1 + len(headings) + part.text.count("\n")
        estimate = self._special + self._head_tokens(part.path) + part.tokens
        if estimate + joints * _JOINT_TOKENS <= self._max:
            return [part.text]

        def count(text: str) -> int:
            return self._count(embedding_text(self.title, headings, text))

        if count(part.text) <= self._max:
            return [part.text]
        return _cut(part.text, count, self._max)

    def _count(self, text: str) -> int:
        return max(self._count_tokens(text), len(text) // _MOST_CHARACTERS_A_TOKEN)

    def _tokens(self, text: str) -> int:
        """Return the tokens of a text without the special ones, counted once."""
        known = self._counted.get(text)
        if known is None:
            known = max(self._count(text) - self._special, 0)
            self._counted[text] = known
        return known

    def _tokens_or_0(self, text: str) -> int:
        if not text:
            return 0
        return self._tokens(text)

    def _head_tokens(self, path: Iterable[_Heading]) -> int:
        headings = sum(self._tokens(heading.text) for heading in path)
        return self._tokens(self.title) + headings

    def _lead_in(self, block: Block, hard: int) -> str:
        """Return the block's lead-in, "" if it takes over a third of the passage."""
        if block.lead_in and self._tokens(block.lead_in) <= hard // 3:
            return block.lead_in
        return ""

    def _fitting_path(self, path: _Path) -> tuple[_Path, list[str]]:
        """Return the nearest headings that fit their share of the budget.

        With them come the texts that no passage has carried so far because of that.
        """
        kept = path
        while kept and self._head_tokens(kept) > self._head:
            kept = kept[1:]
        uncarried: list[str] = []
        if self._uncarried_title:
            uncarried.append(self._uncarried_title)
            self._uncarried_title = ""
        for heading in path:
            if not heading.carried and heading not in kept:
                uncarried.append(heading.text)
            heading.carried = True
        return kept, uncarried

    def _first_words(self, text: str, limit: int) -> str:
        if self._tokens(text) <= limit:
            return text
        return self._pieces(text, limit)[0]

    def _pieces(self, text: str, limit: int) -> list[str]:
        """Cut a text at sentences, words or characters into pieces of `limit` tokens."""
        may_fit = len(text) <= limit * _MOST_CHARACTERS_A_TOKEN
        if may_fit and self._tokens(text) <= limit:
            return [text]
        return _cut(text, self._tokens, limit)


def _cut(text: str, count: CountTokens, limit: int) -> list[str]:
    """Cut a text at the best places so that `count` of no piece is above `limit`.

    The splitter gets a window at a time: its time grows with the square of a text's
    length.
    """
    splitter = TextSplitter.from_callback(count, limit)
    window = 4 * limit * _MOST_CHARACTERS_A_TOKEN
    pieces: list[str] = []
    start = 0
    while len(text) - start > window:
        found = splitter.chunk_indices(text[start : start + window]) or [(0, "")]
        *whole, (offset, last) = found
        if whole:
            pieces.extend(piece for _, piece in whole)
            start += offset  # the last piece may go on behind the window
        else:
            if last:
                pieces.append(last)
            start += window
    return [*pieces, *splitter.chunks(text[start:])]


def _common_path(one: _Path, other: _Path) -> _Path:
    """Return the headings that two paths have in common."""
    common: list[_Heading] = []
    for mine, theirs in zip(one, other, strict=False):
        if mine is not theirs:
            break
        common.append(mine)
    return tuple(common)


def _stands_apart(unit: Sequence[Block], length: int, room: int, hard: int) -> bool:
    """Return whether each block of a unit becomes a passage: records, larger tables."""
    kind = unit[-1].kind
    if kind == "record":
        return True
    if kind != "table_row":
        return False
    if len(unit) > 1:
        return length > room // 2
    return length > hard


def _units(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Group what should stay together.

    A list or table and the paragraph that introduces it are one unit, any other block
    is its own.
    """
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
    """Give each extra phrasing to the passage that shares most words with it.

    The first such passage gets it if several do.
    """
    words = [set(_WORD.findall(draft.embedded.lower())) for draft in drafts]
    given: dict[int, list[str]] = {}
    for question in map(str, questions):
        asked = set(_WORD.findall(question.lower()))
        shared = [len(asked & known) for known in words]
        best = shared.index(max(shared))
        given.setdefault(best, []).append(question)
    return [
        replace(draft, questions=tuple(given.get(at, draft.questions)))
        for at, draft in enumerate(drafts)
    ]
