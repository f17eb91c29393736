"""Everything a server-side client (Twilio, FreeSWITCH, LiveKit bridges) needs for one call.

Source: the Omni contract, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kbserver.omni.configure import ConfigureFrame, configure_frame
from kbserver.omni.connect import (
    connect_url,
    new_session_label,
    subprotocols,
)
from kbserver.urls import OMNI_BASE


@dataclass(frozen=True, slots=True)
class NewSession:
    """One call that has not begun. Printing it shows no secret."""

    label: str
    url: str
    subprotocols: list[str] = field(repr=False)
    """To offer when connecting; the second carries the API key."""
    frame: ConfigureFrame
    """To send first: `await websocket.send(session.frame.to_bytes())`."""


def new_session(
    *,
    kb_endpoint: str,
    kb_token: str | Callable[[str], str],
    api_key: str,
    prefix: str = "call",
    base: str = OMNI_BASE,
    rate: int = 24_000,
    **configure: Any,
) -> NewSession:
    """Mint a label for one call, and all that goes with it.

    Args:
        kb_endpoint: public URL of `POST /kb`.
        kb_token: a static token, or a function that makes one for the label:
            `lambda label: server.issue_token(label, 3600)`.
        api_key: PyAI's API key.
        prefix: the label is this, a hyphen and 128 random bits: write a route for `call-*`.
        base: where Omni is; `ws://127.0.0.1:…` for the simulator.
        rate: Hz of the caller's audio, 16,000 or 24,000.
        configure: the rest of the frame, as for `configure_frame`.

    Raises:
        OmniError: Omni would refuse a value; the message names it.
    """
    label = new_session_label(prefix)
    if isinstance(kb_token, str):
        token = kb_token
    else:
        token = kb_token(label)
    frame = configure_frame(kb_endpoint=kb_endpoint, kb_token=token, **configure)
    url = connect_url(label, base=base, rate=rate)
    return NewSession(label, url, subprotocols(api_key), frame)
