"""The table of extras is the one in pyproject.toml; a missing package is an error that names it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from kbserver import extras
from kbserver.errors import ExtraMissing
from kbserver.extras import EXTRAS, Extra, _is_there, require
from kbserver.ingest.load import FORMATS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
DECLARED = PROJECT["optional-dependencies"]
MODULES = [
    (package, module)
    for extra in EXTRAS.values()
    for package, module in extra.modules.items()
]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", one)[0].lower() for one in requirements}


def test_the_table_is_that_of_pyproject() -> None:
    declared = {
        name: names(packages) for name, packages in DECLARED.items() if name != "all"
    }
    assert {name: set(extra.modules) for name, extra in EXTRAS.items()} == declared


def test_all_installs_every_extra() -> None:
    assert DECLARED["all"] == [f"kbserver[{','.join(EXTRAS)}]"]


@pytest.mark.parametrize(("package", "module"), MODULES)
def test_a_package_brings_its_module(package: str, module: str) -> None:
    if not _is_there(module):
        pytest.skip(f"{package} is not installed")
    brought = {
        name.lower().replace("_", "-")
        for name in packages_distributions()[module.split(".")[0]]
    }
    assert package in brought


def test_every_extra_of_a_format_is_in_the_table() -> None:
    assert {form.extra for form in FORMATS.values() if form.extra} <= set(EXTRAS)


def test_a_missing_package_names_the_extra_and_what_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = {
        "web": Extra("ingest of a URL", {"no-such-package": "no_such_module_here"})
    }
    monkeypatch.setattr(extras, "EXTRAS", broken)
    with pytest.raises(
        ExtraMissing, match=r"fetching pages .*kbserver\[web\]"
    ) as caught:
        require("web", "fetching pages")
    assert caught.value.extra == "web"


def test_what_is_installed_is_not_imported_to_find_out() -> None:
    require("office", "reading XLSX")
