"""`kbserver doctor`: everything between a fresh install and a grounded call, checked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.text import Text

from kbserver.cli.connection import check_session, endpoint_url, read_token
from kbserver.cli.options import AsJson, Config, StorePath, TokenFile
from kbserver.cli.terminal import (
    err,
    hanging,
    line,
    log_to_terminal,
    out,
    print_json,
)
from kbserver.errors import KbServerError, SettingsError, StoreError, StoreMissing
from kbserver.printable import printable

if TYPE_CHECKING:
    from kbserver.index.manifest import Manifest
    from kbserver.omni.doctor.findings import Diagnosis, Finding
    from kbserver.settings import Settings
    from kbserver.types import ModelIdentity

_MARGIN = 31  # columns, for the names of what is checked

_MARKS = {
    "ok": ("✓", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✗", "bold red"),
    "skip": ("–", "dim"),
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(doctor)


def doctor(
    url: Annotated[
        str | None,
        typer.Argument(
            help="The kb_endpoint.  \\[default: PUBLIC_URL, RENDER_EXTERNAL_URL, "
            "a running ngrok or cloudflared, else where kbserver serve listens]"
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", "-l", help="A session label that has a route."),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(help="A question that the corpus answers: checks more."),
    ] = None,
    turns: Annotated[
        int,
        typer.Option(min=1, max=1_000, help="Timed turns on a kept-alive connection."),
    ] = 45,
    door: Annotated[
        str | None,
        typer.Option(
            help="Call this door as its client does, in place of the kb_endpoint: "
            "mcp, vapi, dify, openai, tool or search."
        ),
    ] = None,
    token_file: TokenFile = None,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Check everything between a fresh install and a grounded call, and say what to do next.

    Settings, store and model on this machine; then, from outside, the URL, its certificate, right
    and wrong tokens, every label and field that the contract allows, parallel turns, and the time
    against the engine's 300 ms, on new and on kept-alive connections. Exit code 0: healthy. 1:
    something keeps calls from being grounded.
    """
    log_to_terminal()

    def tell(finding: Finding) -> None:
        if not as_json:
            _show(finding)

    if door is not None:
        diagnosis = _at_door(
            door, url, label, query, read_token(token_file), config, tell
        )
        _end(diagnosis, as_json=as_json, asker=f"a client of the door {door}")
    diagnosis = asyncio.run(
        _examine(
            url,
            label,
            query,
            turns,
            read_token(token_file),
            config=config,
            store=store,
            tell=tell,
        )
    )
    _end(diagnosis, as_json=as_json, asker="the engine")


def _end(diagnosis: Diagnosis, *, as_json: bool, asker: str) -> NoReturn:
    if as_json:
        print_json(diagnosis.as_dict())
    else:
        _conclude(diagnosis, asker)
    raise typer.Exit(diagnosis.exit_code)


def _at_door(
    door: str,
    url: str | None,
    label: str | None,
    query: str | None,
    token: str | None,
    config: Path | None,
    tell: Callable[[Finding], None],
) -> Diagnosis:
    """Call a door as its client does."""
    from kbserver.cli.at_doors.probe import PROBES, probe
    from kbserver.omni.doctor.examine import DEFAULT_QUERY
    from kbserver.omni.doctor.findings import Diagnosis
    from kbserver.settings import read_settings

    if door not in PROBES:
        raise SettingsError(f"unknown door {door!r}; the doors are {', '.join(PROBES)}")
    if label is None:
        raise SettingsError(
            "name the label that the client asks under:  --label support"
        )
    where = url or endpoint_url(config)
    base = where.rstrip("/").removesuffix(read_settings(config).path)
    findings = []
    for finding in probe(door, base, label, query or DEFAULT_QUERY, token):
        findings.append(finding)
        tell(finding)
    return Diagnosis(base, tuple(findings))


async def _examine(
    url: str | None,
    label: str | None,
    query: str | None,
    turns: int,
    token: str | None,
    *,
    config: Path | None,
    store: Path | None,
    tell: Callable[[Finding], None],
) -> Diagnosis:
    from kbserver.omni.doctor.examine import DEFAULT_QUERY, examine
    from kbserver.omni.doctor.findings import Diagnosis

    before: list[Finding] = []

    def note(finding: Finding) -> None:
        before.append(finding)
        tell(finding)

    for finding in local_findings(config, store, remote=url is not None):
        note(finding)
    if url is None and before[0].cause == "settings":  # they say where to look
        return Diagnosis(None, tuple(before))
    where = url or await _find_url(config, note)
    return await examine(
        where,
        token,
        label=label,
        query=query or DEFAULT_QUERY,
        turns=turns,
        before=before,
        tell=tell,
    )


async def _find_url(config: Path | None, note: Callable[[Finding], None]) -> str:
    from kbserver.omni.doctor.findings import Finding
    from kbserver.omni.doctor.public_url import find_public_url
    from kbserver.settings import read_settings

    settings = read_settings(config)
    public = await find_public_url(os.environ, port=settings.port)
    if public is not None:
        note(Finding("public URL", "ok", f"{public.base} (from {public.origin})"))
        if public.base.endswith(settings.path):
            return public.base
        return public.base + settings.path
    found = (
        "none: no PUBLIC_URL, no RENDER_EXTERNAL_URL, no running ngrok or cloudflared"
    )
    step = f"cloudflared tunnel --url http://127.0.0.1:{settings.port}, then run this again"
    note(Finding("public URL", "warn", found, step))
    return endpoint_url(config)


def local_findings(
    config: Path | None, store: Path | None, *, remote: bool
) -> Iterator[Finding]:
    """Look at settings, store and model on this machine.

    Args:
        config: the configuration file, if one is named.
        store: the store, if one is named.
        remote: an endpoint was named, which may be elsewhere; a store need not be here.
    """
    from kbserver.omni.doctor.findings import Finding
    from kbserver.settings import CONFIG_FILE, read_settings

    try:
        settings = read_settings(config, store=store)
    except SettingsError as exc:
        yield Finding(
            "settings", "fail", str(exc), "correct the file or the variable", "settings"
        )
        return
    source = f"defaults, since there is no {CONFIG_FILE} here"
    if config is not None:
        source = str(config)
    elif CONFIG_FILE.is_file():
        source = str(CONFIG_FILE)
    yield Finding("settings", "ok", source)
    if remote and store is None and not settings.store.exists():
        yield Finding(
            "store",
            "skip",
            f"{settings.store} is not here; the endpoint may have its own",
        )
        return
    try:
        yield from _store_findings(settings)
    except StoreMissing as exc:
        yield Finding("store", "fail", str(exc), "kbserver ingest ./docs", "store")
    except StoreError as exc:
        yield Finding(
            "store", "fail", str(exc), "kbserver ingest ./docs builds it anew", "store"
        )
    else:
        yield _record_finding(settings)
        yield _server_finding(settings, remote=remote)


def _server_finding(settings: Settings, *, remote: bool) -> Finding:
    """Tell whether a server with these settings would start.

    Without its tokens, which may be known to the server alone.
    """
    from kbserver.endpoint.app import KBServer
    from kbserver.omni.doctor.findings import Finding

    check = "routes and keys"
    try:
        server = KBServer(settings)
        server.look_at_store()
        check_session(settings)
    except SettingsError as exc:
        step = "correct it: kbserver serve refuses to start with this here"
        if remote:
            return Finding(check, "warn", str(exc), step)
        return Finding(check, "fail", str(exc), step, "settings")
    return Finding(
        check, "ok", ", ".join(route.pattern.pattern for route in server.table.routes)
    )


def _store_findings(settings: Settings) -> Iterator[Finding]:
    from kbserver.index.manifest import repair
    from kbserver.index.store import Store
    from kbserver.omni.doctor.findings import Finding
    from kbserver.retrieval.reading import scores_by

    store = Store(settings.store)
    corpora = store.corpora()
    if not corpora:
        raise StoreMissing(f"the store {settings.store} holds no corpus")
    models = {}
    for corpus in corpora:
        report, manifest = store.verify(corpus), store.manifest(corpus)
        models[manifest.model.fingerprint] = manifest.model
        check = f"corpus {corpus}"
        if report.ok:
            yield Finding(
                check,
                "ok",
                f"{manifest.passages:,} passages of {manifest.documents:,} documents, "
                f"{_reading_of(manifest)}, intact",
            )
            yield _threshold_finding(store.path / corpus, scores_by(manifest))
        else:
            step = repair(store.path / corpus / store.live(corpus))
            yield Finding(check, "fail", "; ".join(report.problems[:3]), step, "store")
    for model in models.values():
        yield _model_finding(settings, model)


def _reading_of(manifest: Manifest) -> str:
    """Name the language of a corpus, and how much its meaning counts where it does not in full."""
    from kbserver.retrieval.reading import PLAIN_TRUST, Reading

    trust = Reading.of(manifest).trust
    if trust > PLAIN_TRUST:
        return manifest.language
    if trust == 0.0:
        return f"{manifest.language} (found by words alone: the model does not read it)"
    return f"{manifest.language} (the model reads it badly: meaning counts {trust:.0%})"


def _threshold_finding(folder: Path, made_by: str) -> Finding:
    """Tell by which score a corpus decides that it knows nothing."""
    from kbserver.omni.doctor.findings import Finding
    from kbserver.retrieval.calibration import DEFAULT_MIN_SCORE, read_min_score

    corpus = folder.name
    check = f"min_score {corpus}"
    step = f"kbserver calibrate {corpus}"
    try:
        calibrated = read_min_score(folder, made_by)
    except StoreError as exc:
        return Finding(check, "fail", str(exc), step, "store")
    if calibrated is not None:
        return Finding(check, "ok", f"{calibrated:.3f}, calibrated")
    found = (
        f"{DEFAULT_MIN_SCORE}, the default: most questions that the documents do not answer get "
        "a passage all the same"
    )
    return Finding(check, "warn", found, step)


def _record_finding(settings: Settings) -> Finding:
    """Tell what is kept of turns, and where."""
    from kbserver.omni.doctor.findings import Finding
    from kbserver.record.database import problem_of

    check = "record of turns"
    modes = {settings.record.mode, *(route.record for route in settings.routes)}
    said = "off: nothing is kept of turns"
    if "words" in modes:
        said = f"words: what callers say is kept for {settings.record.words_keep_days} days"
    elif "facts" in modes:
        said = f"facts: no word of a caller is kept, {settings.record.keep_days} days"
    if not settings.records:
        return Finding(check, "ok", said)
    problem = problem_of(settings.record_folder)
    if problem is not None:
        step = "start kbserver serve, which sets it aside"
        return Finding(check, "warn", problem, step)
    return Finding(check, "ok", f"{said}, in {settings.record_folder}")


def _model_finding(settings: Settings, model: ModelIdentity) -> Finding:
    from kbserver.embedding.models import open_encoder
    from kbserver.omni.doctor.findings import Finding

    try:
        begun = time.perf_counter()
        with open_encoder(
            model,
            cache=settings.models,
            store=settings.store,
            backend=settings.backend,
            precision=settings.precision,
            for_queries=True,
        ) as encoder:
            opened_ms = (time.perf_counter() - begun) * 1000
            begun = time.perf_counter()
            encoder.embed_queries(["what are your opening hours"])
            embedded_ms = (time.perf_counter() - begun) * 1000
            took = f"ready in {opened_ms:.0f} ms, a query in {embedded_ms:.1f} ms"
            return Finding("model", "ok", f"{model.name} on {encoder.backend}: {took}")
    except KbServerError as exc:
        return Finding(
            "model",
            "fail",
            str(exc),
            "install the model, or ingest again with one that is there",
            "model",
        )


def _show(finding: Finding) -> None:
    mark, style = _MARKS[finding.grade]
    check = printable(f"{finding.check:<{_MARGIN - 3}} ")
    found = hanging(finding.found, out, _MARGIN)
    out.print(Text(f"{mark} ", style=style) + Text(check + found))
    if finding.next_step:
        style = ""
        if finding.grade == "ok":
            style = "dim"
        step = hanging(finding.next_step, out, _MARGIN + 2)
        out.print(Text(f"{'':<{_MARGIN}}→ {step}", style=style))


def _conclude(diagnosis: Diagnosis, asker: str) -> None:
    if not diagnosis.failures:
        warned = sum(finding.grade == "warn" for finding in diagnosis.findings)
        more = ""
        if warned:
            more = f"; see the {warned} warning{'s' * (warned > 1)} above"
        err.print(
            line(
                f"healthy: {diagnosis.url} answers as {asker} needs it{more}",
                style="bold green",
            )
        )
        return
    first = diagnosis.failures[0]
    err.print(
        line(f"{diagnosis.verdict}: {first.check}: {first.found}", style="bold red")
    )
    err.print(line(f"next: {first.next_step}"))
