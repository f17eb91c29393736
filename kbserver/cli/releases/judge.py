"""`kbserver judge`: say what was right, wrong, better left unsaid, or missing."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kbserver.cli.options import AsJson, Config, Since, StorePath
from kbserver.cli.terminal import err, line, out, print_json, user
from kbserver.durations import duration_s
from kbserver.errors import SettingsError, StoreMissing

if TYPE_CHECKING:
    import sqlite3

    from kbserver.record.judgements import Judgement, Verdict
    from kbserver.record.turns import Row

_HELP = (
    "r right · w wrong · s should be silent · number: that one should answer · "
    "Enter next · q quit"
)


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(judge)


def judge(
    turn: Annotated[
        str | None,
        typer.Argument(
            help="A turn, or the beginning of its id; without one, what was not judged is asked.",
            metavar="[TURN]",
        ),
    ] = None,
    right: Annotated[
        bool, typer.Option("--right", help="The document that was answered is right.")
    ] = False,
    wrong: Annotated[
        bool, typer.Option("--wrong", help="The document that was answered is wrong.")
    ] = False,
    silent: Annotated[
        bool, typer.Option("--silent", help="Nothing should be answered.")
    ] = False,
    document: Annotated[
        str | None,
        typer.Option(
            help="This document should have answered; with --right or --wrong: is meant.",
            metavar="PATH",
        ),
    ] = None,
    question: Annotated[
        str | None,
        typer.Option(
            help="The question, for a turn without words; with --corpus, one of your own.",
            metavar="TEXT",
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="Corpus of a question of your own, and of --export."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Your name.  \\[default: of this user]")
    ] = None,
    since: Since = "7d",
    most: Annotated[
        int, typer.Option("--most", min=1, help="Turns to be asked about, at most.")
    ] = 20,
    list_: Annotated[
        bool, typer.Option("--list", help="List what was judged, with its numbers.")
    ] = False,
    remove: Annotated[
        int | None,
        typer.Option(help="Remove the judgement of this number.", metavar="NUMBER"),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            help="Write queries.jsonl and qrels.tsv into this folder.",
            metavar="FOLDER",
        ),
    ] = None,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Judge what callers got: right, wrong, better silent, or which document should have answered.

    Without a **TURN** the newest turns that were not judged are shown one by one; each is judged
    with a letter. That needs **mode = "words"**.

    Judgements stay until they are removed: they hold the words of the question (masked, as they
    were recorded), also when the words of other turns are removed after `words_keep_days`;
    `kbserver calls --forget` erases them. `kbserver replay` and `kbserver ingest --replay` ask them
    again of every new generation.

    With --export they become the questions of `kbserver eval` and `kbserver calibrate`.

    Examples:  kbserver judge 01a22cd50c9e --wrong  ·  kbserver judge 01a22cd50c9e --document
    billing/dates.md  ·  kbserver judge --corpus support --question "when do you bill" --document
    billing/dates.md  ·  kbserver judge --export judged  then  kbserver eval support --queries
    judged/queries.jsonl --qrels judged/qrels.tsv
    """
    from kbserver.record.database import changing
    from kbserver.settings import read_settings

    folder = read_settings(config, store=store).record_folder
    if export is not None:
        _export(folder, export, corpus, as_json=as_json)
        return
    if list_:
        _list(folder, corpus, as_json=as_json)
        return
    verdict = _verdict(right, wrong, silent, document)
    name = by or user()
    with changing(folder) as connection:
        if remove is not None:
            _remove(connection, remove)
        elif turn is not None:
            made = _judge_turn(connection, turn, verdict, document, question, name)
            _say(made, as_json=as_json)
        elif question is not None:
            made = _typed(connection, question, corpus, verdict, document, name)
            _say(made, as_json=as_json)
        elif verdict is not None:
            raise SettingsError(
                "which turn? Name it, or type a --question with its --corpus; "
                "kbserver calls lists the turns"
            )
        else:
            _ask(connection, time.time() - duration_s(since), most, name)


def _verdict(
    right: bool, wrong: bool, silent: bool, document: str | None
) -> Verdict | None:
    """Return what the flags say; None without any.

    Raises:
        SettingsError: they contradict each other.
    """
    given: list[Verdict] = []
    if right:
        given.append("right")
    if wrong:
        given.append("wrong")
    if silent:
        given.append("silent")
    if len(given) > 1 or (silent and document is not None):
        raise SettingsError(
            "say one of --right, --wrong and --silent; --silent names no document"
        )
    if given:
        return given[0]
    if document is not None:
        return "should_have_answered"
    return None


def _judge_turn(
    connection: sqlite3.Connection,
    turn: str,
    verdict: Verdict | None,
    document: str | None,
    question: str | None,
    by: str,
) -> Judgement:
    from kbserver.record.judgements import judge_turn

    if verdict is None:
        raise SettingsError(
            "what of this turn? Say --right, --wrong, --silent or --document PATH"
        )
    return judge_turn(
        connection,
        turn,
        verdict,
        by=by,
        at=time.time(),
        document=document,
        question=question,
    )


def _typed(
    connection: sqlite3.Connection,
    question: str,
    corpus: str | None,
    verdict: Verdict | None,
    document: str | None,
    by: str,
) -> Judgement:
    """Judge a question that was typed.

    Raises:
        SettingsError: the corpus or the document is missing.
    """
    from kbserver.record.judgements import Judgement, add

    if not question.strip():
        raise SettingsError("--question is empty; type what a caller would say")
    if corpus is None:
        raise SettingsError("of which corpus is the question? Name it with --corpus")
    if verdict is None or (verdict != "silent" and document is None):
        raise SettingsError(
            "which document answers the question? Name it with --document, "
            "or say that nothing should be answered (--silent)"
        )
    if verdict == "should_have_answered":
        verdict = "right"
    made = Judgement(
        verdict, corpus, by, time.time(), question=question, document=document
    )
    return add(connection, made)


def _remove(connection: sqlite3.Connection, number: int) -> None:
    from kbserver.record.judgements import remove

    if not remove(connection, number):
        raise StoreMissing(
            f"there is no judgement {number}; see which there are with: kbserver judge --list"
        )
    out.print(f"judgement {number} is removed")


def _ask(connection: sqlite3.Connection, since: float, most: int, by: str) -> None:
    """Show turns one by one, and read what is said of each from standard input."""
    from kbserver.record.judgements import to_judge
    from kbserver.record.turns import check_words

    check_words(connection, "judging turn by turn")
    waiting = to_judge(connection, since=since, most=most)
    if not waiting:
        err.print("every question was judged; look further back with --since")
        return
    err.print(_HELP)
    for number, turn in enumerate(waiting, start=1):
        out.print()
        out.print(line(f"{number}/{len(waiting)}  {turn['query']}", "bold"))
        _show_candidates(turn)
        if not _judge_one(connection, turn, by):
            break


def _show_candidates(turn: Row) -> None:
    for number, candidate in enumerate(turn["candidates"], start=1):
        kind = "near    "
        if candidate["answered"]:
            kind = "answered"
        found = f"{candidate['score']:.2f}  {candidate['document']}"
        out.print(line(f"  {number}  {kind}  {found}"))
    if not turn["candidates"]:
        out.print("     nothing was answered, and nothing came near")


def _judge_one(connection: sqlite3.Connection, turn: Row, by: str) -> bool:
    """Read lines until one judges the turn or leaves it; return whether to go on."""
    from kbserver.record.judgements import judge_turn

    verdicts: dict[str, Verdict] = {"r": "right", "w": "wrong", "s": "silent"}
    candidates = turn["candidates"]
    while True:
        err.print("> ", end="")
        typed = sys.stdin.readline()
        said = typed.strip().lower()
        if not typed or said == "q":
            return False
        if not said:
            return True
        document = None
        verdict = verdicts.get(said)
        if said.isdigit() and 0 < int(said) <= len(candidates):
            verdict = "should_have_answered"
            document = candidates[int(said) - 1]["document"]
        if verdict is None:
            err.print(_HELP)
            continue
        try:
            made = judge_turn(
                connection,
                turn["id"],
                verdict,
                by=by,
                at=time.time(),
                document=document,
            )
        except SettingsError as exc:
            err.print(line(str(exc), "yellow"))
            continue
        _say(made, as_json=False)
        return True


def _say(made: Judgement, *, as_json: bool) -> None:
    if as_json:
        print_json(made.as_dict())
        return
    about = f" {made.document}" if made.document else ""
    said = made.verdict.replace("_", " ")
    out.print(line(f"judged ({made.n}): {said}{about}"))
    if not made.question:
        err.print(
            line(
                "no words of this turn were recorded, so it cannot be asked again; "
                "judge it with --question TEXT to say what was asked",
                "yellow",
            )
        )


def _read(folder: Path, corpus: str | None) -> list[Judgement]:
    from kbserver.record.database import reading
    from kbserver.record.judgements import judgements

    with reading(folder) as connection:
        return judgements(connection, corpus=corpus)


def _list(folder: Path, corpus: str | None, *, as_json: bool) -> None:
    found = _read(folder, corpus)
    if as_json:
        print_json([judgement.as_dict() for judgement in found])
        return
    for one in found:
        asked = one.question or f"turn {one.turn} (no words)"
        said = one.verdict.replace("_", " ")
        about = one.document or "–"
        out.print(
            line(f"{one.n:5}  {one.corpus}  {said}  {about}  “{asked}”  {one.by}")
        )
    if not found:
        err.print("nothing was judged yet; begin with: kbserver judge")


def _export(folder: Path, target: Path, corpus: str | None, *, as_json: bool) -> None:
    """Write the questions of one corpus for `eval` and `calibrate`.

    Raises:
        SettingsError: there are none, or of several corpora and none is named.
    """
    from kbserver.record.qrels import judged_questions, write_dataset

    found = _read(folder, corpus)
    counts = Counter(one.corpus for one in found if one.question)
    if len(counts) > 1:
        raise SettingsError(
            f"questions of {', '.join(sorted(counts))} were judged; say which with --corpus"
        )
    if not counts:
        raise SettingsError(
            "no question with words was judged; judge some with: kbserver judge"
        )
    questions = judged_questions(found)
    write_dataset(questions, target)
    without = sum(not one.question for one in found)
    if as_json:
        print_json(
            {
                "folder": str(target),
                "corpus": next(iter(counts)),
                "questions": len(questions),
                "without_words": without,
            }
        )
        return
    (name,) = counts
    out.print(line(f"{name}: {len(questions)} judged questions are in {target}"))
    if without:
        err.print(f"{without} judgements without words are left out")
    err.print(
        line(
            f"evaluate:  kbserver eval {name} --queries {target}/queries.jsonl "
            f"--qrels {target}/qrels.tsv"
        )
    )
