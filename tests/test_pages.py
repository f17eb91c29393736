"""What the pages name is what the program has: metrics, reasons, keys, commands, files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import typer
from typer.core import TyperGroup

from kbserver.cli import app
from kbserver.endpoint.app import KBServer
from kbserver.endpoint.figures.metrics import CODES
from kbserver.record.database import open_for_writing
from kbserver.settings import read_settings
from kbserver.settings.doors import DoorsSettings, McpSettings, ToolSettings
from kbserver.settings.follow import FollowSettings
from kbserver.settings.model import (
    ConsoleSettings,
    ConsoleTokenSettings,
    MetricsSettings,
    RecordSettings,
    RouteSettings,
    SessionSettings,
    Settings,
    TokenSettings,
)
from kbserver.types import Outcome, Reason

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://github.com/kbserver/kbserver/blob/main/"
PAGES = sorted(
    page
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "benchmarks/**/*.md",
        "examples/**/*.md",
        "corpora/*.md",
    )
    for page in ROOT.glob(pattern)
)
FENCED = re.compile(r"```.*?```", re.DOTALL)
OF_ENVIRONMENT = {
    "KB_TOKEN",
    "KBSERVER_SIGNING_KEY",
    "PYAI_API_KEY",
    "KB_CONSOLE_TOKEN",
}
"""Secrets: the environment's name stands on the page, not the key."""


TABLES = {"routes", "session", "tokens", "console", "metrics", "follow"}


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the tables of one section, without their heads."""
    section = re.split(rf"^## {heading}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    section = re.split(r"^## ", section, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def in_code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_metric_stands_on_the_page_of_metrics_with_its_type(tmp_path):
    server = KBServer(read_settings(store=tmp_path, open=True))
    registry = {}
    for metric in server.metrics.registry.collect():
        name = metric.name
        if metric.type == "counter":
            name += "_total"
        registry[name] = metric.type
    page = {
        in_code(name)[0]: kind
        for name, kind, *_ in rows(read("docs/operations.md"), "Metrics")
    }
    assert page == registry


def test_every_reason_stands_on_the_page_of_reasons_with_its_outcomes():
    table = rows(read("docs/operations.md"), "Outcomes and reasons")
    assert [in_code(reason)[0] for reason, *_ in table] == list(get_args(Reason))
    outcomes = {outcome for _, cell, *_ in table for outcome in cell.split(", ")}
    assert outcomes == set(get_args(Outcome)) - {"full"}


def test_every_code_of_a_refusal_is_counted_from_the_start_and_stands_on_its_page():
    endpoint = ROOT / "kbserver" / "endpoint"
    modules = [*endpoint.rglob("*.py"), ROOT / "kbserver" / "bodies.py"]
    code = re.compile(r'\bcode="([a-z_]+)"')
    used = {found for module in modules for found in code.findall(module.read_text())}
    assert used <= set(CODES)
    listed = re.findall(
        r"^\| [\dx, ]+ \| (.+?) \|", read("docs/contract.md"), re.MULTILINE
    )
    assert set(CODES) == {code for cell in listed for code in in_code(cell)}


@pytest.mark.parametrize(
    "model",
    [
        Settings,
        RouteSettings,
        RecordSettings,
        SessionSettings,
        TokenSettings,
        ConsoleSettings,
        ConsoleTokenSettings,
        MetricsSettings,
        DoorsSettings,
        FollowSettings,
        McpSettings,
        ToolSettings,
    ],
)
def test_every_key_stands_on_the_page_of_keys(model):
    page = read("docs/configuration.md")
    examples = "".join(FENCED.findall(page))
    named = set(in_code(FENCED.sub("", page)))
    named |= set(re.findall(r"\b[a-z][a-z0-9_]+(?= = )", examples))
    for variable in OF_ENVIRONMENT & named:
        named.add(variable.removeprefix("KBSERVER_").lower())
    assert set(model.model_fields) - named - TABLES == set()


@pytest.mark.parametrize("section", ["The server", "What a turn does"])
def test_the_page_of_keys_names_no_key_that_is_none(section):
    keys = {
        key
        for name, *_ in rows(read("docs/configuration.md"), section)
        for key in in_code(name)
    }
    assert keys and keys <= set(Settings.model_fields)


def test_every_table_and_view_of_the_record_stands_on_its_page_with_its_columns(
    tmp_path,
):
    page = read("docs/recording.md")
    connection = open_for_writing(tmp_path)
    made = connection.execute(
        "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'words\\_found\\__%' ESCAPE '\\'"
    ).fetchall()
    for name, kind in made:
        (row,) = [
            line for line in page.splitlines() if line.startswith(f"| `{name}` |")
        ]
        if kind == "table" and name != "words_found":
            columns = [
                column[1] for column in connection.execute(f"PRAGMA table_info({name})")
            ]
            assert set(columns) <= set(in_code(row)), name
    connection.close()
    assert len(made) > 10


def test_every_command_and_option_stands_on_the_page_of_the_command_line():
    """`make docs` writes the page."""
    page = read("docs/cli.md")
    sections = dict(
        re.findall(
            r"^## `kbserver (\w+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
        )
    )
    program = typer.main.get_command(app)
    assert isinstance(program, TyperGroup)
    commands = program.commands
    assert sections.keys() == commands.keys()
    for name, command in commands.items():
        section = " ".join(sections[name].split())
        assert " ".join(command.help.split()) in section, name
        for option in command.params:
            wanted = [getattr(option, "help", None) or ""]
            if option.param_type_name == "option":
                wanted += [*option.opts, *option.secondary_opts]
            missing = [text for text in wanted if " ".join(text.split()) not in section]
            assert missing == [], f"{name}: run make docs"


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        text = FENCED.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith(REPOSITORY):
                yield page, str(ROOT / target.removeprefix(REPOSITORY))
            elif not target.startswith(("http:", "https:")):
                yield page, target


def anchors(page: Path) -> set[str]:
    """Return the addresses of a page's headings, as repositories and sites make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def test_every_link_leads_to_a_file_and_a_heading():
    broken = []
    for page, target in links():
        file, _, anchor = target.partition("#")
        place = page
        if file:
            place = page.parent / file
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_page_of_docs_is_in_the_site():
    site = read("mkdocs.yml")
    missing = [
        page.name
        for page in (ROOT / "docs").rglob("*.md")
        if f": {page.relative_to(ROOT / 'docs')}" not in site
    ]
    assert missing == []


def test_a_figure_of_the_benchmarks_is_one_number_with_the_command_that_takes_it():
    page = read("benchmarks/README.md")
    table = [
        line.strip("|").split("|")
        for line in page.splitlines()
        if line.startswith("| ")
    ]
    assert len(table) > 8
    for _, figure, command in table[1:]:
        assert re.fullmatch(r" (\d[\d,]*)?(\.\d+)?( (ms|s|MB|×))? ", figure), figure
        script = in_code(command)[0].split()[0]
        found = ROOT / "benchmarks" / script
        assert found.with_suffix(".py").exists() or (found / "__main__.py").exists(), (
            script
        )
