"""Archives that were tampered with by all that is known of how they are built.

Every archive is refused with a sentence, or imported and then searched; the rest of the store stays
as it was. `HOSTILE_FUZZ_IMPORT=20000` tries more of them.
"""

import hashlib
import io
import json
import os
import random
import shutil
import tarfile

import numpy as np
import pytest

from kbserver.errors import KbServerError
from kbserver.index.archive import pack
from kbserver.index.store import Store
from kbserver.retrieval.spoken.table import check_spoken_forms

ROUNDS = int(os.environ.get("HOSTILE_FUZZ_IMPORT", "300"))
A_SEED = 50  # rounds

NUMBERS = (-1, 0, 1, 2**31, 2**63, 10**30, 0.5, 1e308)
VALUES = (
    *NUMBERS,
    None,
    True,
    "",
    "x" * 5000,
    "../x",
    "/etc",
    "a\0b",
    [],
    {},
    [[[]]],
    {"a": {}},
)
NAMES = (
    "../outside",
    "/outside",
    "a/../../x",
    "",
    "x" * 99,
    "manifest.json",
    "LIVE",
    "a\nb",
)
TYPES = (*b"1234567SKLxgDMVX", 0)


@pytest.fixture(scope="module")
def members(store, tmp_path_factory):
    """The members of an archive that an export wrote, in their order."""
    file = tmp_path_factory.mktemp("export") / "support.kb"
    pack(store / "support" / Store(store).live("support"), file)
    with tarfile.open(file) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]


@pytest.fixture
def kept(store, tmp_path):
    """A store that holds a corpus already."""
    shutil.copytree(store / "support", tmp_path / "store" / "support")
    return Store(tmp_path / "store")


def state(store):
    """The bytes of all that a store holds, but for locks."""
    return {
        file.relative_to(store.path).as_posix(): hashlib.sha256(
            file.read_bytes()
        ).digest()
        for file in store.path.rglob("*")
        if file.is_file() and file.name != ".lock"
    }


class Forger:
    """Changes an archive here and there; checksums that could be made to fit are made to fit."""

    def __init__(self, members, chance):
        self.chance = chance
        self.files = dict(members[2:])
        self.manifest = json.loads(members[0][1])
        # A generation that the store does not hold yet.
        self.manifest["generation"] = f"{chance.randrange(10**8):06}-x"
        self.fits = True

    def content(self):
        """Change the bytes of one file, or a number inside it."""
        chance = self.chance
        name = chance.choice(list(self.files))
        content = bytearray(self.files[name])
        how = chance.randrange(7)
        if how == 0:
            content = content[: chance.randrange(len(content) + 1)]
        elif how == 1:
            content += chance.randbytes(chance.randrange(1, 200))
        elif how == 2:
            content = bytearray(self.files[chance.choice(list(self.files))])
        elif how == 3 and name.endswith(".npy"):
            content = self.number(content)
        elif content:
            for _ in range(chance.randrange(1, 6)):
                content[chance.randrange(len(content))] = chance.randrange(256)
        self.files[name] = bytes(content)

    def number(self, content):
        try:
            array = np.load(io.BytesIO(content)).copy()
        except (ValueError, EOFError):  # an earlier step was here
            return content
        if array.size and array.dtype.names is None:
            place = self.chance.randrange(array.size)
            with np.errstate(all="ignore"):
                choices: tuple[float, ...] = (-1, 0, 1, float("nan"), 1e30)
                if array.dtype.kind in "iu":
                    limits = np.iinfo(array.dtype)
                    choices = (limits.min, max(-1, limits.min), 0, 1, limits.max)
                value = self.chance.choice(choices)
                array.flat[place] = value
        stream = io.BytesIO()
        np.save(stream, array)
        return bytearray(stream.getvalue())

    def field(self):
        """Change or remove a value of the manifest, however deep."""
        where = self.manifest
        while True:
            key = self.chance.choice(list(where))
            if (
                not isinstance(where[key], dict)
                or not where[key]
                or self.chance.random() < 0.2
            ):
                break
            where = where[key]
        if self.chance.random() < 0.2:
            del where[key]
        else:
            where[key] = self.chance.choice(VALUES)

    def name(self):
        """Give a file another name, or leave it out."""
        old = self.chance.choice(list(self.files))
        content = self.files.pop(old)
        if self.chance.random() < 0.7:
            self.files[self.chance.choice((*NAMES, f"x/{old}", f"{old}.py"))] = content

    def misfit(self):
        """Leave sizes and checksums as they were."""
        self.fits = False

    def written(self):
        """The archive's bytes, its members tampered with as well at times."""
        chance = self.chance
        if self.fits:
            facts = self.manifest.get("files")
            if isinstance(facts, dict):
                for name, content in self.files.items():
                    digest = hashlib.sha256(content).hexdigest()
                    facts[name] = {"bytes": len(content), "sha256": digest}
                for name in facts.keys() - self.files.keys():
                    del facts[name]
        text = json.dumps(self.manifest).encode()
        line = f"{hashlib.sha256(text).hexdigest()}  manifest.json\n".encode()
        members = [
            ("manifest.json", text),
            ("manifest.sha256", line),
            *self.files.items(),
        ]
        if self.fits and isinstance(self.manifest.get("files"), dict):
            order = list(self.manifest["files"])
            members[2:] = sorted(members[2:], key=lambda member: order.index(member[0]))
        blocks = []
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            blocks.append([header, content])
        if chance.random() < 0.3:
            self.members(blocks)
        stream = io.BytesIO()
        for header, content in blocks:
            stream.write(header.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
            stream.write(content + bytes(-len(content) % 512))
        stream.write(bytes(1024 + chance.choice((0, 0, 0, 9216))))
        whole = bytearray(stream.getvalue())
        if chance.random() < 0.1:
            whole = whole[: chance.randrange(len(whole))]
        if chance.random() < 0.1:
            whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        return bytes(whole)

    def members(self, blocks):
        chance = self.chance
        place = chance.randrange(len(blocks))
        header = blocks[place][0]
        match chance.randrange(6):
            case 0:
                del blocks[place]
            case 1:
                blocks.insert(chance.randrange(len(blocks)), blocks[place])
            case 2:
                other = chance.randrange(len(blocks))
                blocks[place], blocks[other] = blocks[other], blocks[place]
            case 3:
                header.type = bytes([chance.choice(TYPES)])
                header.linkname = chance.choice(NAMES)
            case 4:
                header.size = chance.choice((0, 1, header.size + 1, 2**33, 2**62, -1))
            case 5:
                header.name = chance.choice(NAMES)


@pytest.mark.parametrize("seed", range(-(-ROUNDS // A_SEED)))
def test_an_archive_is_refused_with_a_sentence_or_can_be_searched(
    members, kept, tmp_path, seed
):
    chance = random.Random(seed)
    before = state(kept)
    imported = 0
    for round_ in range(A_SEED):
        forger = Forger(members, chance)
        steps = (
            forger.content,
            forger.content,
            forger.field,
            forger.name,
            forger.misfit,
        )
        for step in chance.choices(steps, k=chance.choice((0, 1, 1, 1, 2, 3))):
            step()
        file = tmp_path / "forged.kb"
        file.write_bytes(forger.written())
        try:
            corpus, generation, _ = kept.import_(
                file, recognise=lambda model: model, check=check_spoken_forms
            )
        except KbServerError as exc:
            assert "kbserver" in str(exc), (seed, round_, exc)  # the next step
            assert "\n" not in str(exc), (seed, round_)
        else:
            imported += 1
            assert search(kept, corpus, generation), (seed, round_)
            shutil.rmtree(kept.path / corpus / generation)
        assert state(kept) == before, (seed, round_)
        assert sorted(entry.name for entry in tmp_path.iterdir()) == [
            "forged.kb",
            "store",
        ]
    assert imported > 0  # some were not tampered with


def search(store, corpus, generation):
    """Use everything of a generation; what it says is the archive's own affair."""
    with store.open(corpus, generation, verify=True) as snapshot:
        snapshot.warm()
        list(snapshot.passages)
        list(snapshot.documents())
        words = dict.fromkeys((term for term, _ in snapshot.lexical.vocabulary()), 1.0)
        snapshot.lexical.search(words, top_k=5)
        for value in snapshot.scope_values("folder"):
            rows = snapshot.rows_in_scope({"folder": value})
            snapshot.lexical.search(words, top_k=5, rows=rows)
        snapshot.valid_rows(0.0)
    return store.verify(corpus, generation).files > 10
