import pytest

from kbserver.ingest.lint.hidden import is_about_hidden


@pytest.mark.parametrize(
    ("name", "content", "hides"),
    [
        ("a.html", "<p>Open.</p><p hidden>secret</p>", True),
        ("a.md", "Open.\n\n<p hidden>secret</p>", True),
        ("a.txt", "Open\u200b daily.", True),
        ("a.txt", "Gebühr".encode("latin-1"), False),
    ],
)
def test_the_notes_of_converters_about_hidden_text_are_recognised(
    read, name, content, hides
):
    [document] = read(name, content)
    [note] = document.notes
    assert is_about_hidden(note) is hides
