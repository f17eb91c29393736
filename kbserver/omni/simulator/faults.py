"""Faults that the simulator shows on request, so that a client meets them early."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from kbserver.errors import OmniError

FaultKind: TypeAlias = Literal[
    "kb-slow",
    "kb-fail",
    "drop",
    "1011",
    "4401",
    "4403",
    "4429",
    "http-401",
    "http-403",
    "http-429",
]

FAULTS: dict[str, str] = {
    "kb-slow": "the knowledge endpoint does not answer within 300 ms",
    "kb-fail": "the knowledge endpoint cannot be reached",
    "drop": "the connection ends without a closing handshake",
    "1011": "the engine fails: error event, then close 1011",
    "4401": "bad key: close 4401 right after the handshake",
    "4403": "missing scope: close 4403 right after the handshake",
    "4429": "too many sessions: close 4429 right after the handshake",
    "http-401": "bad key: HTTP 401 instead of the upgrade",
    "http-403": "missing scope: HTTP 403 instead of the upgrade",
    "http-429": "too many sessions: HTTP 429 instead of the upgrade",
}
_SPELLED = re.compile(r"(?P<kind>[a-z0-9-]+?)(?:@(?P<turn>[1-9][0-9]{0,5}))?")
_AT_CONNECT = ("4401", "4403", "4429", "http-401", "http-403", "http-429")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and the 1-based caller turn it strikes; None: every turn, or at once."""

    kind: FaultKind
    turn: int | None = None

    @property
    def at_connect(self) -> bool:
        """Whether it strikes instead of the session, not in a turn."""
        return self.kind in _AT_CONNECT

    def strikes(self, turn: int) -> bool:
        """Whether it strikes in this caller turn."""
        return not self.at_connect and self.turn in (None, turn)


def parse_fault(text: str) -> Fault:
    """Read a fault as it is written on a command line or in a URL: `kb-slow`, `drop@2`, `4429`.

    Raises:
        OmniError: no such fault, or a turn where it has none; the message lists the faults.
    """
    spelled = _SPELLED.fullmatch(text)
    for kind in get_args(FaultKind):
        if spelled and spelled["kind"] == kind:
            turn = None
            if spelled["turn"]:
                turn = int(spelled["turn"])
            fault = Fault(kind, turn)
            if fault.at_connect and turn is not None:
                raise OmniError(
                    f"the fault {kind} strikes when a client connects; "
                    f"write it without @{turn}"
                )
            return fault
    raise OmniError(
        f"there is no fault {text!r}; there are {', '.join(FAULTS)}, "
        "the first four also as NAME@TURN"
    )
