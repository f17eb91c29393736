"""Converters that hang, grow, crash and lie: a named file, and the others are read."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.conversion import (
    _MOST_AHEAD,
    _MOST_AHEAD_BYTES,
    Conversion,
    ConversionLimits,
    ahead,
)
from kbserver.ingest.formats.shared.source import Ocr
from kbserver.ingest.load import load
from kbserver.ingest.walk import FoundFile
from kbserver.languages import profile
from tests.ingest.misbehaving import GREW_BYTES

MISBEHAVING = "tests.ingest.misbehaving:load"
LIMITS = ConversionLimits(seconds=20.0)
Write = Callable[[str, str], FoundFile]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> FoundFile:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return FoundFile(path, name, path.stat().st_size, 0)

    return write


@contextmanager
def misbehaving(
    limits: ConversionLimits = LIMITS, *, processes: int = 1
) -> Iterator[Conversion]:
    with Conversion(limits, processes=processes, load=MISBEHAVING) as conversion:
        yield conversion


def reason(conversion: Conversion, file: FoundFile) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        conversion.convert(file).result()
    assert caught.value.source == file.source
    return caught.value.reason


def pid(conversion: Conversion, file: FoundFile) -> object:
    """The process that converts a file."""
    [document] = conversion.convert(file).result()
    return document.metadata["pid"]


def wait_for(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def is_gone(number: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def test_a_document_comes_back_as_it_was(write):
    with misbehaving() as conversion:
        [document] = conversion.convert(write("a.txt", "say Grüße 🙂")).result()
    number = document.metadata["pid"]
    assert number != os.getpid()
    assert document == Document(
        "a.txt",
        "Title",
        (Block("list_item", "- Grüße 🙂\ud800", 1, "lead"), Block("heading", "")),
        {"pid": number, "tags": ["ä", 1.5, None]},
        ("a note",),
    )


def test_a_page_that_begins_gives_a_file_more_time(write):
    pages: list[int] = []
    limits = ConversionLimits(seconds=20.0)
    conversion = Conversion(
        limits, ocr=Ocr(), on_page=lambda: pages.append(1), load=MISBEHAVING
    )
    with conversion:
        [document] = conversion.convert(write("a.txt", "pages 3")).result()
    assert len(pages) == 3
    assert document.blocks[0].confidence == 0.5


def test_a_lead_in_of_many_rows_comes_once(write):
    caption = "Prices from May, all of them in euros a month"
    file = write("a.csv", f"{caption}\nPlan,Price\n" + "Fibre,30\n" * 100)
    with Conversion(LIMITS) as conversion:
        [document] = conversion.convert(file).result()
    assert document == load(file.path, file.source)[0]
    assert len({id(block.lead_in) for block in document.blocks}) == 1


def test_the_documents_are_those_of_load(write):
    with Conversion(LIMITS) as conversion:
        [document] = conversion.convert(write("a.md", "# Fees\n\nNone.")).result()
    assert document == Document(
        "a.md", "Fees", (Block("paragraph", "None."),), {"folder": ""}
    )


def test_what_an_installation_runs_at_every_start_stays_out(
    write, tmp_path, monkeypatch
):
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Conversion(LIMITS) as conversion:
        [document] = conversion.convert(write("a.md", "# Fees\n\nNone.")).result()
    assert document.title == "Fees"


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("end SIGSEGV", "its converter crashed (SIGSEGV)"),
        ("end SIGKILL", "its converter was killed; is the machine short of memory?"),
        ("end SIGPROF", "not converted in 20 s of processor time: split it"),
        ("leave 3", "its converter crashed (exit code 3)"),
        ("fail words of the file", "cannot be converted (LookupError)"),
        (f"allocate {8 * 1024**3}", "needs more memory than a file may take"),
        (f"write {17 * 1024**2}", "cannot be converted (OSError)"),
        # eight bytes of length, then the answer
        (f"answer {'ff' * 8}", "its converter gave no proper answer"),
        (f"answer {'00' * 8}", "its converter gave no proper answer"),
        (f"answer {'00' * 7}02{b'[]'.hex()}", "its converter gave no proper answer"),
    ],
)
def test_what_ends_a_converter_names_its_file_and_the_others_are_read(
    write, order, wanted
):
    limits = ConversionLimits(seconds=20.0, memory_bytes=1024**3)
    bad = write("bad.txt", order)
    good = [write("a.txt", "say one"), write("b.txt", "say two")]
    with misbehaving(limits) as conversion:
        first, failed, second = map(conversion.convert, (good[0], bad, good[1]))
        assert first.result()[0].blocks[0].text == "- one\ud800"
        with pytest.raises(DocumentUnreadable) as caught:
            failed.result()
        assert second.result()[0].blocks[0].text == "- two\ud800"
    assert caught.value.source == "bad.txt"
    assert caught.value.reason.startswith(wanted)
    assert "words of the file" not in caught.value.reason


def test_a_file_is_not_blamed_for_what_another_did_to_its_converter(write):
    with misbehaving() as conversion:
        first = pid(conversion, write("a.txt", "die_later"))
        second = pid(conversion, write("b.txt", "say it"))
    assert first != second


def test_a_reason_is_short(write):
    with misbehaving() as conversion:
        assert reason(conversion, write("a.txt", "explain")) == "why " * 75


def test_a_system_that_starts_no_process_names_the_file(write, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with misbehaving() as conversion:
        said = reason(conversion, write("a.txt", "say it"))
    assert said.startswith("no process could be started to convert it (No such file")


def test_a_file_gets_only_so_much_processor_time(write):
    with misbehaving(ConversionLimits(seconds=0.25, patience=200.0)) as conversion:
        said = reason(conversion, write("a.txt", "spin"))
    assert said.startswith("not converted in 0.25 s of processor time: split it")


def test_a_converter_that_waits_for_ever_is_given_up(write):
    with misbehaving(ConversionLimits(seconds=10.0, patience=0.1)) as conversion:
        said = reason(conversion, write("a.txt", "sleep"))
    assert said.startswith("not converted in 1 s: split it, or raise --file-seconds")


def test_processor_time_is_counted_for_each_file_anew(write):
    with misbehaving() as conversion:
        numbers = {pid(conversion, write(f"{one}.txt", "say it")) for one in range(5)}
    assert len(numbers) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs proc")
def test_a_process_that_has_grown_is_replaced(write):
    limits = ConversionLimits(seconds=20.0, memory_bytes=GREW_BYTES * 3 // 2)
    with misbehaving(limits) as conversion:
        numbers = [
            pid(conversion, write("a.txt", "say it")),
            pid(conversion, write("b.txt", "grow")),
            pid(conversion, write("c.txt", "say it")),
        ]
    assert numbers[0] == numbers[1] != numbers[2]


def test_what_a_parser_prints_reaches_nothing(write, capfd):
    with misbehaving() as conversion:
        conversion.convert(write("a.txt", "talk words of the document")).result()
    assert capfd.readouterr() == ("", "")


def test_a_converter_does_not_look_for_modules_where_the_ingest_was_started(
    write, tmp_path
):
    (tmp_path / "json.py").write_text("raise SystemExit(7)")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from kbserver.ingest.conversion import Conversion, ConversionLimits\n"
        "from kbserver.ingest.walk import FoundFile\n"
        "file = FoundFile(Path('a.md'), 'a.md', 1, 0)\n"
        "with Conversion(ConversionLimits()) as conversion:\n"
        "    print(conversion.convert(file).result()[0].title)\n"
    )
    write("a.md", "# Fees\n\nNone.")
    script = tmp_path / "elsewhere" / "run.py"
    script.parent.mkdir()
    script.write_text(code)
    run = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("Fees\n", "")


def test_leaving_ends_a_converter_in_the_middle_of_a_file(write, tmp_path):
    note = tmp_path / "a.pid"
    with suppress(KeyboardInterrupt), misbehaving(processes=2) as conversion:
        futures = [conversion.convert(write("a.txt", "sleep")) for _ in range(3)]
        wait_for(lambda: note.exists() and note.read_text())
        raise KeyboardInterrupt
    assert is_gone(int(note.read_text()))
    assert all(future.done() for future in futures)
    conversion.close()  # a second time does nothing


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_a_converter_dies_with_its_ingest(write, tmp_path):
    write("a.txt", "sleep")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from kbserver.ingest.conversion import Conversion, ConversionLimits\n"
        "from kbserver.ingest.walk import FoundFile\n"
        "file = FoundFile(Path(sys.argv[1]), 'a.txt', 1, 0)\n"
        f"conversion = Conversion(ConversionLimits(), load={MISBEHAVING!r})\n"
        "conversion.convert(file).result()\n"
    )
    note = tmp_path / "a.pid"
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / "a.txt"]) as ingest:
        wait_for(lambda: note.exists() and note.read_text())
        ingest.send_signal(signal.SIGKILL)
    wait_for(lambda: is_gone(int(note.read_text())))


def test_files_are_shared_among_processes(write):
    files = [write(f"{number}.txt", f"say {number}") for number in range(20)]
    with misbehaving(processes=2) as conversion:
        futures = [conversion.convert(file) for file in files]
        documents = [future.result()[0] for future in futures]
    assert [document.source for document in documents] == [one.source for one in files]


@pytest.mark.parametrize(
    ("sizes", "most"), [([1], 1), ([1] * 63, 1), ([1] * 64, 2), ([5 * 1024**2], 2)]
)
def test_few_small_files_are_worth_one_process(write, sizes, most, monkeypatch):
    monkeypatch.setattr("kbserver.ingest.conversion.usable_cores", lambda: 64)
    files = [FoundFile(Path("a"), "a", size, 0) for size in sizes]
    with Conversion.of(files, LIMITS) as conversion:
        assert conversion.processes == most


@pytest.mark.parametrize(
    ("size", "most"), [(1, _MOST_AHEAD + 1), (_MOST_AHEAD_BYTES // 4, 5)]
)
def test_some_files_are_begun_before_their_turn_fewer_if_they_are_large(size, most):
    begun: list[int] = []

    def begin() -> Iterator[int]:
        for number in range(100):
            begun.append(number)
            yield number

    file = FoundFile(Path("a"), "a", size, 0)
    in_turn = ahead(begin(), lambda number: file)
    for number in range(100):
        assert next(in_turn) == number
        assert len(begun) == min(number + most, 100)
    assert next(in_turn, None) is None


def test_what_is_written_for_a_sign_is_in_the_language_of_the_corpus(write):
    with Conversion(LIMITS, cells=profile("german").cells) as conversion:
        [document] = conversion.convert(write("a.json", '{"wlan": true}')).result()
    assert [block.text for block in document.blocks] == ["wlan: ja."]
