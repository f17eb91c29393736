"""The caller's words from a file, the agent's from a lookup, and both as sound."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kbserver.errors import OmniError
from kbserver.omni.engine import Lookup, Result
from kbserver.omni.simulator.reply import MISS, UNGROUNDED, build_reply
from kbserver.omni.simulator.script import read_script
from kbserver.omni.simulator.speech import resample, silence, speak, tone


def test_a_text_script_holds_one_utterance_a_line(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text(
        "# a comment\nhow do i reset my pin\n\n  and the fee  \n"
    )
    assert read_script(tmp_path / "s.txt") == ["how do i reset my pin", "and the fee"]


def test_a_jsonl_script_is_a_corpus_queries_file(tmp_path: Path) -> None:
    lines = [
        json.dumps({"_id": str(number), "text": text})
        for number, text in enumerate(["one", "# two"])
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(lines))
    assert read_script(tmp_path / "q.jsonl") == ["one", "# two"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.txt", "# only a comment\n", "no utterance"),
        ("q.jsonl", '{"text": "x"}\n[1]\n', "line 2"),
        ("q.jsonl", '{"text": 3}\n', "line 1"),
        ("q.jsonl", "oops\n", "line 1"),
    ],
)
def test_a_script_without_words_is_an_error(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(OmniError, match=words):
        read_script(tmp_path / name)


def test_a_missing_or_unreadable_script_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe")
    for name in ("nowhere.txt", "binary.txt"):
        with pytest.raises(OmniError, match=name):
            read_script(tmp_path / name)


def test_the_agent_speaks_from_the_key_it_was_told_to_read() -> None:
    lookup = Lookup(
        "grounded",
        context="- from the context\n\n- more of it\n- too much",
        results=(
            Result("a", "from the results"),
            Result("b", "and more"),
            Result("c", "too much"),
        ),
    )
    assert build_reply(lookup, reads="context") == "from the context more of it"
    assert build_reply(lookup, reads="results") == "from the results and more"


def test_without_knowledge_the_agent_admits_it_and_a_miss_is_not_a_failure() -> None:
    assert build_reply(Lookup("miss", "empty"), reads="context") == MISS
    for outcome in ("late", "unreachable", "refused", "invalid"):
        assert build_reply(Lookup(outcome), reads="context") == UNGROUNDED
    assert MISS != UNGROUNDED


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_tone_lasts_as_long_as_its_words_and_is_loud_but_not_clipped(
    rate: int,
) -> None:
    samples = np.frombuffer(tone("x" * 20, rate), dtype="<i2")
    assert len(samples) == rate * 20 * 65 // 1000
    assert 3_000 < np.abs(samples).max() < 20_000
    assert tone("", rate) == b""
    assert len(tone("x" * 10_000, rate)) == rate * 8 * 2


def test_silence_is_silent() -> None:
    assert silence(100, 16_000) == bytes(3_200)


def test_resampling_keeps_length_in_time_and_pitch() -> None:
    seconds = np.arange(22_050) / 22_050
    source = (8_000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
    samples = np.frombuffer(resample(source, 22_050, 24_000), dtype="<i2")
    assert len(samples) == 24_000
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 440  # 1 Hz a bin: one second
    assert resample(source[:0], 22_050, 24_000) == b""


@pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"
)
def test_espeak_speaks_at_the_rate_asked_for() -> None:
    short, long = (
        speak("hello", 24_000),
        speak("hello, how do you do on this fine day", 24_000),
    )
    assert 0.2 < len(short) / 48_000 < 2
    assert len(long) > 2 * len(short)


@pytest.mark.skipif(
    shutil.which("espeak-ng") is not None, reason="espeak-ng is installed"
)
def test_without_espeak_speech_falls_back_to_the_tone() -> None:
    assert speak("hello", 24_000) == tone("hello", 24_000)
