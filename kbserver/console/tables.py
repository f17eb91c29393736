"""Everything that can be read and done: the API has no more, and pages use nothing else."""

from __future__ import annotations

from kbserver.console.actions import (
    forget,
    judge,
    judged,
    publish,
    set_threshold,
    take_back,
)
from kbserver.console.reading.events import events
from kbserver.console.reading.figures import summary
from kbserver.console.reading.gaps import ask, gap, gaps, keep
from kbserver.console.reading.library import (
    document,
    documents,
    generations,
    passage,
)
from kbserver.console.reading.releases import begin, comparison, replay, replays
from kbserver.console.reading.server import server
from kbserver.console.reading.suspects import suspects
from kbserver.console.reading.trying import threshold_effect, try_question
from kbserver.console.reading.turns import call, calls, turn, turns
from kbserver.console.resources import (
    CHOICE,
    CORPUS,
    CURSOR,
    MOST,
    OUTCOME,
    ROUTE,
    SEARCH,
    SINCE,
    Action,
    Parameter,
    Resource,
)
from kbserver.record.export import flattened

PROBES = Parameter("probes", "any value: with turns that a probe asked")
CALL = Parameter("call", "only turns of this call, by its key")
SIGN = Parameter("sign", "asked_again, barely, level or marked")
NAME = Parameter("search", "only documents whose name holds this")
UNUSED = Parameter("unused", "only documents not answered for so long: 30d")
SORT = Parameter("sort", "turns, near_misses, first_places, passages or wrong")
QUESTION = Parameter("question", "what a caller would say")
LABEL = Parameter("label", "session label: its route's settings and scope hold")
A = Parameter("a", "a generation; the live one if not given")
B = Parameter("b", "another generation, to compare with")
LEAST = Parameter("min_score", "least score of an answer, 0 to 1", "number")
VERDICT = Parameter(
    "verdict", "right, wrong, silent or should_have_answered", required=True
)
TURN = Parameter("turn", "id of the turn; without it a question is judged")
DOCUMENT = Parameter("document", "its name; without it, the first that was answered")
GENERATION = Parameter("generation", "its name")
STATE = Parameter("state", "new, being_written, done or not_ours", required=True)
KIND = Parameter("kind", "only events of this kind")

RESOURCES: tuple[Resource, ...] = (
    Resource("summary", summary, "What turns add up to", parameters=(SINCE, ROUTE)),
    Resource(
        "turns",
        turns,
        "Turns, newest first",
        rows="turns",
        parameters=(*CHOICE, CALL, PROBES),
        flat=flattened,
    ),
    Resource("turns/{id}", turn, "One turn"),
    Resource(
        "calls",
        calls,
        "Calls, newest first",
        rows="calls",
        parameters=(SINCE, ROUTE, OUTCOME, CORPUS, SEARCH, CURSOR, MOST),
    ),
    Resource("calls/{key}", call, "One call with its turns"),
    Resource(
        "events",
        events,
        "What changed between turns, newest first",
        rows="events",
        parameters=(SINCE, KIND, CORPUS, CURSOR, MOST),
    ),
    Resource(
        "suspects",
        suspects,
        "Answered turns that look wrong, newest first",
        rows="suspects",
        parameters=(SINCE, ROUTE, CORPUS, SIGN, MOST),
        flat=flattened,
    ),
    Resource(
        "documents",
        documents,
        "Documents of a corpus, and what each did for callers",
        rows="documents",
        parameters=(CORPUS, SINCE, NAME, UNUSED, SORT, CURSOR, MOST),
    ),
    Resource(
        "documents/{corpus}/{document:path}",
        document,
        "One document: as spoken, and which questions find it",
    ),
    Resource("passages/{id}", passage, "One passage", parameters=(CORPUS,)),
    Resource(
        "generations",
        generations,
        "Generations, newest first",
        rows="generations",
        parameters=(CORPUS,),
    ),
    Resource(
        "judgements",
        judged,
        "What was judged, oldest first",
        rows="judgements",
        parameters=(CORPUS,),
    ),
    Resource(
        "gaps",
        gaps,
        "What callers asked in vain; what most calls asked first",
        rows="gaps",
        parameters=(SINCE, CORPUS, MOST),
    ),
    Resource(
        "gaps/{id}",
        gap,
        "One gap, with the document that it asks for, begun",
        parameters=(SINCE,),
    ),
    Resource(
        "replays",
        replays,
        "Replays that were made, newest first",
        rows="replays",
        parameters=(CORPUS, MOST),
    ),
    Resource("replays/{n}", replay, "One replay: every question that would change"),
    Resource(
        "comparisons/{corpus}",
        comparison,
        "Documents of two generations by name: added, changed, gone",
        parameters=(A, B),
    ),
    Resource("server", server, "What is in force", parameters=(SINCE,)),
    Resource(
        "try",
        try_question,
        "One question, asked here of one generation or two",
        parameters=(QUESTION, LABEL, CORPUS, A, B, LEAST),
    ),
    Resource(
        "thresholds/{corpus}",
        threshold_effect,
        "How many recorded turns each least score would answer",
        parameters=(SINCE,),
    ),
)

ACTIONS: tuple[Action, ...] = (
    Action(
        "gaps/{id}/state",
        keep,
        "Keep what is done about a gap",
        "judge",
        (STATE, SINCE),
        done="Kept.",
    ),
    Action(
        "gaps/ask",
        ask,
        "Ask open gaps again of what was published since",
        "judge",
        (SINCE,),
        done="Asked again: gaps that are answered now are closed.",
    ),
    Action(
        "replays",
        begin,
        "Ask a generation what callers asked, beside the live one",
        "judge",
        (CORPUS, GENERATION, SINCE),
        done="The replay has begun; its report appears here when it is over.",
    ),
    Action(
        "judgements",
        judge,
        "Judge a turn, or a typed question",
        "judge",
        (VERDICT, TURN, DOCUMENT, QUESTION, CORPUS),
        done="Judged. It is one of the judged questions that kbserver eval asks.",
    ),
    Action(
        "judgements/{n}",
        take_back,
        "Take a judgement back",
        "judge",
        method="DELETE",
    ),
    Action(
        "judgements/{n}/remove",
        take_back,
        "Take a judgement back, from a form",
        "judge",
        done="The judgement is taken back.",
    ),
    Action("calls/{key}", forget, "Erase a call", "publish", method="DELETE"),
    Action(
        "calls/{key}/forget",
        forget,
        "Erase a call, from a form",
        "publish",
        done="The call is erased, to the last byte.",
    ),
    Action(
        "corpora/{corpus}/live",
        publish,
        "Serve a generation; without one, the one before the live one",
        "publish",
        (GENERATION,),
        done="Published: a running server takes it over within a second.",
    ),
    Action(
        "corpora/{corpus}/threshold",
        set_threshold,
        "Store the least score of a corpus",
        "publish",
        (LEAST,),
        done="The threshold is stored: a running server takes it over within a second.",
    ),
)
