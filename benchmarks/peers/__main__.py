"""kbserver beside its peers: the same passages, model, questions and client, in one run.

    python -m benchmarks.peers --peers PYTHON --judged SET [--store FOLDER --queries FILE]
        [--out FILE.md]

PYTHON is that of an environment with `benchmarks/peers/servers/requirements.txt`; it is not
kbserver's own. SET is a folder in BEIR layout: its questions say whose answers are better. Times
are taken on the only corpus of the store, or without one on the set's own. Node is needed for the
floor: an endpoint that counts keywords in 13 documents.

Every server runs as its makers say, in a setting that suits it (`contenders.py`), and is asked for
three passages. All are up at once and loaded one after the other, in rounds, so that what else the
machine does falls on all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import uvloop

from benchmarks.load import (
    Ask,
    Client,
    Load,
    closed_loop,
    cycled,
    request_bytes,
    unheard,
)
from benchmarks.peers.contenders import OURS, Contender, contenders, floor
from benchmarks.peers.corpus import Laid, lay_out
from benchmarks.served import Served, outcomes
from benchmarks.turns import queries_of
from kbserver.embedding.plan import Precision
from kbserver.evaluation.ask import ARMS, DEPTH, asking
from kbserver.evaluation.dataset import Dataset, read_dataset
from kbserver.evaluation.evaluate import evaluate
from kbserver.evaluation.judge import Judge
from kbserver.evaluation.metrics import mean, measure
from kbserver.evaluation.target import Target, find_target
from kbserver.index.store import Store
from kbserver.settings import Settings
from kbserver.types import Hit

CLIENTS = (1, 16)
TOP_K = 3
PAUSE_S = 0.1  # between two turns of a caller; a real one is silent for seconds
_PAUSING_TURNS = 80
_QUIET_S = 0.5  # before each load: threads of the server asked before spin for a while
_START_LIMIT_S = 180.0


@dataclass
class Measured:
    """What was seen of one server."""

    start_s: float = 0.0
    """From the start of its process to its first answer with passages."""
    memory_mb: float = 0.0
    loads: dict[int, list[Load]] = field(
        default_factory=lambda: {clients: [] for clients in CLIENTS}
    )
    pausing_ms: list[float] = field(default_factory=list)
    """Turns of one client that pauses between them."""
    said: dict[int, Counter[str]] = field(
        default_factory=lambda: {clients: Counter() for clients in CLIENTS}
    )
    """What its turns came to, by clients; empty where a server does not say."""
    quality: dict[str, float] = field(default_factory=dict)

    def ms(self, clients: int, percent: float) -> float:
        return float(
            np.percentile(
                [ms for load in self.loads[clients] for ms in load.ms], percent
            )
        )

    def per_second(self, clients: int) -> float:
        loads = self.loads[clients]
        return sum(load.statuses[200] for load in loads) / sum(
            load.seconds for load in loads
        )


def judged(
    found: Target, dataset: Dataset, laid: Laid, peers: Sequence[Contender]
) -> dict[str, dict[str, float]]:
    """recall@3 and nDCG@10 of every server, over documents, from 30 passages a question."""
    quality = {}
    for name, precision in OURS.items():
        quality[name] = asyncio.run(_judged_ours(found, dataset, precision))
        print(f"{name}: {quality[name]}", file=sys.stderr)
    with Store(found.store).open(found.corpus) as snapshot:
        passages = {passage.id: passage for passage in snapshot.passages}
        judge = Judge(dataset, snapshot.passages)
        for peer in peers:
            rankings: dict[str, list[str]] = {}
            with peer.start(laid) as server:
                client = _first_answer(peer, server, dataset.questions[0].text)[0]
                for question in dataset.questions:
                    _, body = client.ask(peer.request(server.url, question.text, DEPTH))
                    hits = [Hit(passages[id], 1.0) for id in peer.ids(body)]
                    found_documents = [
                        one.document for one in judge.judge(question, hits)
                    ]
                    rankings[question.id] = list(dict.fromkeys(found_documents))
                client.close()
            qrels = {
                question.id: dataset.qrels[question.id]
                for question in dataset.questions
            }
            quality[peer.name] = mean(measure(qrels, rankings).values())
            print(f"{peer.name}: {quality[peer.name]}", file=sys.stderr)
    return quality


async def _judged_ours(
    found: Target, dataset: Dataset, precision: Precision
) -> dict[str, float]:
    """In process: the wire holds no 30 passages."""
    settings = Settings(store=found.store, precision=precision)
    async with asking(settings, found.store) as server:
        base = settings.turn_settings()
        evaluation = await evaluate(
            server, found.corpus, dataset, ARMS[:1], base=base, min_score=0.0, timed=0
        )
    return evaluation.summary("hybrid")


def timed(
    laid: Laid,
    everyone: Sequence[Contender],
    queries: Sequence[str],
    *,
    rounds: int,
    seconds: float,
) -> dict[str, Measured]:
    """Start every server, then load them in turn, with one client and with many."""
    found = {one.name: Measured() for one in everyone}
    with ExitStack() as stack:
        servers: dict[str, Served] = {}
        for one in everyone:
            servers[one.name] = server = stack.enter_context(one.start(laid))
            client, found[one.name].start_s = _first_answer(one, server, queries[0])
            client.close()
            if one.name in OURS:
                server.wait_ready()  # its first answer comes before its model is loaded
            print(
                f"{one.name}: first answer after {found[one.name].start_s:.1f} s",
                file=sys.stderr,
            )
        questions = {
            one.name: unheard(queries) for one in everyone
        }  # the same ones for all, none of them twice
        for one in everyone:  # once around before anything counts
            _load(one, servers[one.name], questions[one.name], 2, 1.0)
        for _ in range(rounds):
            for clients in CLIENTS:
                for one in everyone:
                    server, measured = servers[one.name], found[one.name]
                    time.sleep(_QUIET_S)
                    before = _counters(one, server)
                    measured.loads[clients].append(
                        _load(one, server, questions[one.name], clients, seconds)
                    )
                    measured.said[clients].update(
                        outcomes(before, _counters(one, server))
                    )
        _pause_and_ask(everyone, servers, questions, found)
        for one in everyone:
            found[one.name].memory_mb = servers[one.name].memory_mb()
    return found


def _pause_and_ask(
    everyone: Sequence[Contender],
    servers: Mapping[str, Served],
    questions: Mapping[str, Callable[[], str]],
    found: Mapping[str, Measured],
) -> None:
    """One client for each server, and a silence before each turn, so that threads sleep."""
    clients = {one.name: Client(servers[one.name].url) for one in everyone}
    for _ in range(_PAUSING_TURNS):
        for one in everyone:
            request = one.request(servers[one.name].url, questions[one.name](), TOP_K)
            time.sleep(PAUSE_S)
            begun = time.perf_counter()
            clients[one.name].ask(request)
            found[one.name].pausing_ms.append((time.perf_counter() - begun) * 1000.0)
    for client in clients.values():
        client.close()


def _load(
    one: Contender,
    server: Served,
    question: Callable[[], str],
    clients: int,
    seconds: float,
) -> Load:
    def ask() -> bytes:
        return one.request(server.url, question(), TOP_K)

    return uvloop.run(closed_loop(server.url, ask, clients=clients, seconds=seconds))


def _counters(one: Contender, server: Served) -> dict[str, float]:
    return server.counters() if one.name in OURS else {}


def _first_answer(one: Contender, server: Served, query: str) -> tuple[Client, float]:
    """Ask until an answer has passages; the connection, and the seconds since the start."""
    client = Client(server.url)
    while time.perf_counter() < server.started + _START_LIMIT_S:
        status, body = client.ask(one.request(server.url, query, TOP_K))
        if status == 200 and one.ids(body):
            return client, time.perf_counter() - server.started
        if 400 <= status < 500:
            break  # asked wrongly, it will not change
        time.sleep(0.02)
    raise RuntimeError(
        f"{one.name} gave no answer with passages: {status} {body[:200]!r}"
    )


def quick(
    ours: Contender, laid: Laid, queries: Sequence[str], *, rounds: int, seconds: float
) -> dict[str, dict[int, list[Load]]]:
    """Turns without a model beside the keyword endpoint, in turn."""
    with ours.start(laid) as server, floor() as node:
        server.wait_ready()
        known = [request_bytes(server.url, query) for query in queries[:50]]
        kinds: dict[str, tuple[str, Ask]] = {
            "keyword endpoint, 13 documents, Node": (
                node.url,
                cycled(
                    [request_bytes(f"{node.url}/kb", query) for query in queries[:50]]
                ),
            ),
            "gated turn (small talk)": (
                server.url,
                cycled([request_bytes(server.url, "thank you very much")]),
            ),
            "cached turn (a question asked before)": (server.url, cycled(known)),
        }
        loads: dict[str, dict[int, list[Load]]] = {
            kind: {clients: [] for clients in CLIENTS} for kind in kinds
        }
        for url, ask in kinds.values():
            uvloop.run(closed_loop(url, ask, clients=2, seconds=1.5))
        for _ in range(rounds):
            for clients in CLIENTS:
                for kind, (url, ask) in kinds.items():
                    loads[kind][clients].append(
                        uvloop.run(
                            closed_loop(url, ask, clients=clients, seconds=seconds)
                        )
                    )
    return loads


def page(
    found: dict[str, Measured], floors: dict[str, dict[int, list[Load]]], about: str
) -> str:
    """The tables, as Markdown."""
    lines = [
        about,
        "",
        "| server | start, s | memory, MB | 1 client, pausing: median, p90 ms "
        "| 1 client: median, p99 ms | turns/s "
        "| 16 clients: median, p99 ms | turns/s | recall@3 | nDCG@10 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        cells = [
            f"**{name}**" if name in OURS else name,
            f"{one.start_s:.1f}",
            f"{one.memory_mb:.0f}",
        ]
        cells.append("{:.1f}, {:.1f}".format(*np.percentile(one.pausing_ms, (50, 90))))
        for clients in CLIENTS:
            cells += [
                f"{one.ms(clients, 50):.1f}, {one.ms(clients, 99):.0f}",
                f"{one.per_second(clients):.1f}",
            ]
        cells += [f"{one.quality[measure]:.3f}" for measure in ("recall@3", "ndcg@10")]
        lines.append(f"| {' | '.join(cells)} |")
    failed = {
        name: count for name, one in found.items() if (count := _failed(one.loads))
    }
    lines.append("")
    for name in filter(found.__contains__, OURS):
        said = "; ".join(
            f"{clients} client{'s' * (clients > 1)}: "
            # Those with a reason are counted once more without it.
            + ", ".join(
                f"{count} {what}"
                for what, count in turns.most_common()
                if what not in ("degraded", "empty")
            )
            for clients, turns in found[name].said.items()
        )
        lines.append(f"What the turns of {name} came to: {said}.")
    lines += ["", f"Turns not answered with 200: {failed or 'none'}.", ""]
    lines += [
        "| without a model | 1 client: median, p99 ms | of the floor | 16 clients: turns/s |",
        "|---|---|---|---|",
    ]
    base = None
    for kind, loads in floors.items():
        alone = [ms for load in loads[1] for ms in load.ms]
        median, p99 = np.percentile(alone, (50, 99))
        base = base or median
        rate = sum(load.statuses[200] for load in loads[16]) / sum(
            load.seconds for load in loads[16]
        )
        lines.append(
            f"| {kind} | {median:.2f}, {p99:.2f} | {median / base:.1f} × | {rate:.0f} |"
        )
    return "\n".join([*lines, ""])


def _failed(loads: dict[int, list[Load]]) -> int:
    return sum(
        sum(load.statuses.values()) - load.statuses[200]
        for runs in loads.values()
        for load in runs
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peers",
        type=Path,
        required=True,
        help="python of the environment with the peers",
    )
    parser.add_argument(
        "--judged", type=Path, required=True, help="folder in BEIR layout"
    )
    parser.add_argument(
        "--judged-queries", default="queries.jsonl", help="its file of questions"
    )
    parser.add_argument(
        "--store",
        type=Path,
        help="a store with one corpus, as of benchmarks/passages.py",
    )
    parser.add_argument(
        "--queries", type=Path, help="JSON lines with `text`, for the times"
    )
    parser.add_argument(
        "--scratch",
        type=Path,
        help="kept for the next run; otherwise a temporary folder",
    )
    parser.add_argument(
        "--only", help="part of a name: kbserver and the peers that hold it"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--most-questions", type=int, default=300, help="judged")
    parser.add_argument("--out", type=Path, help="Markdown; printed in any case")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if bool(given.store) != bool(given.queries):
        parser.error("--store and --queries go together")
    began = time.perf_counter()
    with ExitStack() as stack:
        scratch = given.scratch or Path(
            stack.enter_context(tempfile.TemporaryDirectory())
        )
        everyone = contenders(given.peers)
        everyone = [
            one
            for one in everyone
            if not given.only or one.name in OURS or given.only in one.name
        ]

        cache = scratch / f"store-{given.judged.resolve().name}"
        target = find_target(str(given.judged), store=cache, cache=cache)
        target.prepare()
        dataset = read_dataset([given.judged / given.judged_queries], target.qrels)
        answerable = [
            one for one in dataset.questions if dataset.judgement(one) == "documents"
        ]
        dataset = Dataset(tuple(answerable), dataset.qrels).sample(given.most_questions)
        of_set = lay_out(cache, target.corpus, scratch)
        laid = of_set
        if given.store:
            laid = lay_out(given.store, _only_corpus(given.store), scratch)
        for one in everyone:
            for corpus in (of_set, laid):
                one.build(corpus)
        print(f"built after {time.perf_counter() - began:.0f} s", file=sys.stderr)

        quality = judged(
            target, dataset, of_set, [one for one in everyone if one.name not in OURS]
        )
        queries = queries_of(given.queries or given.judged / given.judged_queries, 500)
        found = timed(
            laid, everyone, queries, rounds=given.rounds, seconds=given.seconds
        )
        for name, measured in found.items():
            measured.quality = quality[name]
        floors = quick(
            everyone[0], laid, queries, rounds=given.rounds, seconds=given.seconds / 2
        )
    about = (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; times over {laid.passages} passages, "
        f"{len(queries)} questions; answers judged on {given.judged.resolve().name}: "
        f"{of_set.passages} passages, {len(dataset.questions)} questions; "
        f"{(time.perf_counter() - began) / 60:.0f} minutes."
    )
    text = page(found, floors, about)
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    if given.json:
        figures = {
            name: {
                "start_s": one.start_s,
                "memory_mb": one.memory_mb,
                "median_ms_pausing": float(np.median(one.pausing_ms)),
                **{f"median_ms_{n}": one.ms(n, 50) for n in CLIENTS},
                **{f"p99_ms_{n}": one.ms(n, 99) for n in CLIENTS},
                **{f"per_second_{n}": one.per_second(n) for n in CLIENTS},
                **one.quality,
            }
            for name, one in found.items()
        }
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


def _only_corpus(store: Path) -> str:
    names = Store(store).corpora()
    if len(names) != 1:
        sys.exit(
            f"{store} holds {', '.join(names) or 'no corpus'}; a store with one corpus is wanted"
        )
    return names[0]


if __name__ == "__main__":
    main()
