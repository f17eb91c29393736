"""kbserver: a self-hosted grounding backend for voice agents.

The names below are imported when they are first used: a client that only builds a configure frame,
or a command that only prints its help, does not load FAISS and ONNX Runtime. What is not listed is
imported by path:
`from kbserver.ingest.build import ingest`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

# From 1.29 on ONNX Runtime sends events to its makers unless this is set before it is imported;
# the client of the model hub may count its use.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from kbserver.deadline import Deadline
    from kbserver.endpoint.app import KBServer
    from kbserver.endpoint.ground import Grounding
    from kbserver.endpoint.routing import Route
    from kbserver.endpoint.turn import Handler, Turn
    from kbserver.errors import (
        IngestError,
        KbServerError,
        ModelError,
        OmniError,
        SettingsError,
        StoreError,
        WireError,
    )
    from kbserver.omni.configure import ConfigureFrame, configure_frame
    from kbserver.omni.connect import connect_url, new_session_label, subprotocols
    from kbserver.omni.pairing import NewSession, new_session
    from kbserver.settings.model import Settings
    from kbserver.settings.reading import read_settings
    from kbserver.types import Hit, Passage

__all__ = [
    # one server
    "KBServer",
    "Settings",
    "read_settings",
    # one turn
    "Turn",
    "Handler",
    "Route",
    "Grounding",
    "Deadline",
    "Hit",
    "Passage",
    # the Omni side
    "ConfigureFrame",
    "configure_frame",
    "connect_url",
    "subprotocols",
    "new_session_label",
    "NewSession",
    "new_session",
    # what goes wrong
    "KbServerError",
    "SettingsError",
    "StoreError",
    "ModelError",
    "IngestError",
    "WireError",
    "OmniError",
]

_HOMES = {
    "Deadline": "kbserver.deadline",
    "KBServer": "kbserver.endpoint.app",
    "Grounding": "kbserver.endpoint.ground",
    "Turn": "kbserver.endpoint.turn",
    "Handler": "kbserver.endpoint.turn",
    "Route": "kbserver.endpoint.routing",
    "IngestError": "kbserver.errors",
    "KbServerError": "kbserver.errors",
    "ModelError": "kbserver.errors",
    "OmniError": "kbserver.errors",
    "SettingsError": "kbserver.errors",
    "StoreError": "kbserver.errors",
    "WireError": "kbserver.errors",
    "ConfigureFrame": "kbserver.omni.configure",
    "configure_frame": "kbserver.omni.configure",
    "connect_url": "kbserver.omni.connect",
    "new_session_label": "kbserver.omni.connect",
    "subprotocols": "kbserver.omni.connect",
    "NewSession": "kbserver.omni.pairing",
    "new_session": "kbserver.omni.pairing",
    "Settings": "kbserver.settings.model",
    "read_settings": "kbserver.settings.reading",
    "Hit": "kbserver.types",
    "Passage": "kbserver.types",
}


def __getattr__(name: str) -> object:
    """Import a public name from where it is defined (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'kbserver' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
