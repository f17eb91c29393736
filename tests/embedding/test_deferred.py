import subprocess
import sys

WITHOUT_TORCH = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Missing())
from kbserver.embedding.deferred import torch_module, traced_module
from kbserver.errors import ModelError
for load in (torch_module, traced_module):
    try:
        load()
    except ModelError as exc:
        print(exc)
"""
HEAVY = """
import sys
import kbserver.embedding.models
names = ("torch", "transformers", "sentence_transformers", "onnx", "huggingface_hub")
print([name for name in names if name in sys.modules])
"""


def run(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    return ran.stdout


def test_the_door_to_models_imports_nothing_slow() -> None:
    assert run(HEAVY) == "[]\n"


def test_a_missing_torch_says_what_to_install() -> None:
    lines = run(WITHOUT_TORCH).splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith(
            "this model needs torch, which is not installed: pip install"
        )
