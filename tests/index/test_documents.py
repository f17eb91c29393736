from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.documents import (
    DocumentEntry,
    TextHashWriter,
    differences,
    named,
    read_documents,
    read_text_hashes,
    text_hash,
    write_documents,
)

ANY = st.text(alphabet=st.characters())
ENTRIES = st.builds(
    DocumentEntry,
    ANY,
    ANY,
    st.integers(0, 2**40),
    st.integers(0, 2**30),
    st.dictionaries(ANY, st.integers() | ANY),
)


@given(st.lists(ENTRIES, max_size=5))
def test_every_entry_comes_back_as_it_was(tmp_path_factory, entries):
    folder = tmp_path_factory.mktemp("documents")
    assert write_documents(entries, folder) == len(entries)
    assert list(read_documents(folder)) == entries


@given(st.lists(ANY, max_size=8, unique=True))
def test_every_text_is_found_by_its_hash(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("hashes")
    with TextHashWriter(folder) as writer:
        for text in texts:
            writer.add(text)
    rows = read_text_hashes(folder)
    assert [rows[text_hash(text)] for text in texts] == list(range(len(texts)))
    assert len(rows) == len(texts)


def entry(source, content="1"):
    return DocumentEntry(source, content, 0, 1)


def test_documents_of_two_generations_are_compared_by_name_and_content():
    before = [entry("a.md"), entry("b.md"), entry("c.md"), entry("d.md")]
    now = [entry("z.md"), entry("a.md"), entry("b.md", "2"), entry("y.md")]
    found = differences(before, now)
    assert found.added == ("y.md", "z.md")
    assert found.changed == ("b.md",)
    assert found.gone == ("c.md", "d.md")
    assert found.same == 1
    assert str(found) == "2 added, 1 changed, 2 gone"
    assert found and not differences(now, now)


def test_of_many_names_a_few_are_said():
    assert named(("a", "b")) == "a, b"
    assert named(tuple("abcdefgh")) == "a, b, c, d, e and 3 others"
