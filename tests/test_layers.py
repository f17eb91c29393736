"""Imports point down: every import of every module against the levels in docs/architecture.md."""

import ast
from collections import Counter
from collections.abc import Iterable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import kbserver

PACKAGE = Path(kbserver.__file__).parent
LEVELS = {
    "types": 0,
    "errors": 0,
    "deadline": 0,
    "labels": 0,
    "files": 0,
    "urls": 0,
    "lru": 0,
    "priority": 0,
    "extras": 0,
    "http_protocol": 0,
    "bodies": 0,
    "accepting": 0,
    "addresses": 0,
    "answers": 0,
    "threads": 0,
    "notes": 0,
    "printable": 0,
    "durations": 0,
    "languages": 1,
    "settings": 1,
    "index": 2,
    "embedding": 2,
    "retrieval": 3,
    "endpoint": 4,
    "ingest": 4,
    "record": 4,
    "omni": 4,
    "evaluation": 5,
    "console": 6,
    "cli": 7,
}
ONLY_IN = {
    "torch": ("embedding/sentence_transformer.py", "embedding/export/traced.py"),
    "sentence_transformers": (
        "embedding/sentence_transformer.py",
        "embedding/export/traced.py",
    ),
    "transformers": (
        "embedding/sentence_transformer.py",
        "embedding/export/traced.py",
    ),
    "onnx": ("embedding/export/",),
    "onnxruntime": ("embedding/",),
    "faiss": ("index/vectors/faiss.py",),
    "opentelemetry": ("record/otel.py",),
    "uvicorn": (
        "endpoint/serve.py",
        "omni/serving.py",
        "console/serve.py",
        "http_protocol.py",
    ),
    "jinja2": ("console/rendering.py",),
    "obstore": ("index/sharing/remote.py",),
}
"""What is slow or heavy to import, and the files or folders that may."""

PUBLIC_NAMES = ("__init__.py", "__main__.py")
"""At the top, these gather names from everywhere."""

MOST_FILES = 20
"""In one folder."""

MODULES = {
    path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))
}


def imports_in(nodes: Iterable[ast.AST], place: str) -> list[str]:
    """Return the modules that are imported; `from kbserver import x` imports `kbserver.x`."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "kbserver":
            found += [f"kbserver.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place}: a relative import hides where it points"
            found.append(node.module or "")
    return found


@cache
def imports_of(place: str) -> list[str]:
    """Return every import of a module, those inside functions too."""
    tree = ast.parse(MODULES[place].read_text(encoding="utf-8"))
    return imports_in(ast.walk(tree), place)


def part_of(place: str) -> str:
    """`index/vectors/faiss.py` → `index`; `types.py` → `types`."""
    return place.split("/")[0].removesuffix(".py")


def every_import() -> list[tuple[str, str]]:
    """Return (place, what it imports)."""
    return [(place, module) for place in MODULES for module in imports_of(place)]


def test_a_module_imports_only_from_layers_below():
    wrong = []
    for place, module in every_import():
        if place in PUBLIC_NAMES or not module.startswith("kbserver."):
            continue
        mine, other = part_of(place), module.split(".")[1]
        is_below = LEVELS[mine] > LEVELS[other]
        both_at_the_bottom = LEVELS[mine] == LEVELS[other] == 0
        if mine != other and not is_below and not both_at_the_bottom:
            wrong.append(
                f"{place} (level {LEVELS[mine]}) imports {module} (level {LEVELS[other]})"
            )
    assert wrong == []


def test_heavy_imports_stand_behind_one_door():
    wrong = []
    for place, module in every_import():
        doors = ONLY_IN.get(module.split(".")[0])
        if doors is not None and not place.startswith(doors):
            wrong.append(f"{place} imports {module}; only {doors} may")
    assert wrong == []


def test_what_serves_does_not_import_the_writing_of_exports():
    importers = set()
    for place, path in MODULES.items():
        if not place.startswith("embedding/export/"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            modules = imports_in(
                tree.body, place
            )  # an import in a function waits for its call
            if any(
                module.startswith("kbserver.embedding.export.") for module in modules
            ):
                importers.add(place)
    assert importers == set()


def test_every_module_is_on_a_level():
    assert {part_of(place) for place in MODULES.keys() - set(PUBLIC_NAMES)} == set(
        LEVELS
    )


def test_no_folder_holds_more_files_than_can_be_taken_in():
    files = Counter(
        path.parent.relative_to(PACKAGE).as_posix() for path in MODULES.values()
    )
    assert {
        folder: count for folder, count in files.items() if count > MOST_FILES
    } == {}


def test_no_module_imports_itself_by_way_of_others():
    names = {}
    for place in MODULES.keys() - set(PUBLIC_NAMES):
        module = place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        names[f"kbserver.{module}"] = place
    imports = {
        name: {other for other in imports_of(place) if other in names and other != name}
        for name, place in names.items()
    }
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle
