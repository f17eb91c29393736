"""Print the requirements of the default model's server: all dependencies but PyTorch and what needs it.

Run where pyproject.toml is: python deploy/requirements.py > requirements.txt
"""

import re
import tomllib
from pathlib import Path

OF_OTHER_MODELS = {"torch", "transformers", "sentence-transformers"}

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
for requirement in project["dependencies"]:
    name = re.match(r"[\w.-]+", requirement)
    if name and name[0] not in OF_OTHER_MODELS:
        print(requirement)
