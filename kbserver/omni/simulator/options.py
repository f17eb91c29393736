"""How the simulated engine behaves, in every session."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from kbserver.omni.engine import Reads
from kbserver.omni.simulator.faults import Fault
from kbserver.omni.simulator.speech import Synthesizer, tone
from kbserver.omni.simulator.vad import DEFAULT_SILENCE_MS
from kbserver.settings import ENGINE_TIMEOUT_MS


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """How the simulated engine behaves, in every session."""

    strict: bool = False
    """As the live engine at its strictest: it echoes no key, and drops frames keyed on `event`."""
    reads: Reads = "context"
    timeout_ms: float = ENGINE_TIMEOUT_MS
    keep_alive: bool = False
    debug: bool = False
    """Ask a kbserver for its trace of every turn; it is recorded with the turn."""
    probe: str | None = None
    """What asks in place of a caller, so that a kbserver counts no call."""
    silence_ms: int = DEFAULT_SILENCE_MS
    pace: float = 1.0
    """Agent audio against real time: 1 is real time, 0 sends it all at once."""
    voices: Collection[str] | None = None
    """Voice ids that exist; None: every one does."""
    faults: tuple[Fault, ...] = ()
    synthesize: Synthesizer = tone
