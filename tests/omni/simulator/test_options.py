from dataclasses import FrozenInstanceError

import pytest

from kbserver.omni.simulator.options import SimulatorOptions
from kbserver.settings import ENGINE_TIMEOUT_MS


def test_by_default_it_behaves_as_the_live_engine_is_known_to():
    options = SimulatorOptions()
    assert options.timeout_ms == ENGINE_TIMEOUT_MS
    assert options.reads == "context"
    assert 500 <= options.silence_ms <= 800  # Source: the Omni contract, section 5
    assert options.pace == 1.0
    assert not options.keep_alive
    assert options.faults == ()


def test_options_are_the_same_for_every_session():
    with pytest.raises(FrozenInstanceError):
        SimulatorOptions().strict = True  # type: ignore[misc]  # read-only: that is the point
