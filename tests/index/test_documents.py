from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.index.documents import (
    DocumentEntry,
    TextHashWriter,
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
@settings(deadline=None)
def test_every_entry_comes_back_as_it_was(tmp_path_factory, entries):
    folder = tmp_path_factory.mktemp("documents")
    assert write_documents(entries, folder) == len(entries)
    assert list(read_documents(folder)) == entries


@given(st.lists(ANY, max_size=8, unique=True))
@settings(deadline=None)
def test_every_text_is_found_by_its_hash(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("hashes")
    with TextHashWriter(folder) as writer:
        for text in texts:
            writer.add(text)
    rows = read_text_hashes(folder)
    assert [rows[text_hash(text)] for text in texts] == list(range(len(texts)))
    assert len(rows) == len(texts)
