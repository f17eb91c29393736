"""A stub is a document that says nothing yet, and is found by what callers said."""

from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.preview import Preview, preview
from kbserver.record.gaps.grouping import Gap
from kbserver.record.gaps.stub import stub

SAID = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def gap(*said, document="a.md"):
    score = 0.1 if document else None
    return Gap("3f9a", said[:3], 5, 4, 5, 0, 0, "support", document, score, 0, said)


def test_the_questions_stand_in_the_front_matter(tmp_path):
    file = tmp_path / "shipping.md"
    file.write_text(stub(gap("do you ship to norway?", 'is "it" sent: to #oslo')))
    text = file.read_text()
    assert "# Do you ship to norway\n" in text
    assert '  - "is \\"it\\" sent: to #oslo"\n' in text
    assert "4 calls asked, 5 times. Nearest so far: a.md (0.10)." in text
    (unread,) = preview([file])
    assert unread.reason == "no text in it"  # nothing goes live before it is written
    file.write_text(f"{text}We ship to Norway in four days.\n")
    (read,) = preview([file])
    assert isinstance(read, Preview) and read.title == "Do you ship to norway"
    assert [one.endswith("four days.") for one in read.spoken] == [True]


@given(st.lists(SAID, min_size=1, max_size=3), st.text())
def test_whatever_was_said_the_front_matter_reads_it_back(said, name):
    import frontmatter

    text = stub(gap(*said, document=name or None))
    if not said[0].strip():
        return
    post = frontmatter.loads(text)
    assert post["questions"] == said
    assert post.content.count("-->") == 1 and post.content.endswith("-->")


def test_nothing_near_is_said():
    assert "Nothing came near." in stub(gap("a unicorn", document=None))
