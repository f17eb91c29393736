"""The rest is in the tests of whole documents."""

from kbserver.ingest.formats.office.losses import Losses
from kbserver.ingest.formats.rtf.reader import Reader


def html(body: bytes) -> tuple[str, tuple[str, ...]]:
    losses = Losses()
    text = Reader(losses).html(b"{\\rtf1 " + body + b"}")
    return text.removeprefix("<html><body>").removesuffix(
        "</body></html>"
    ), losses.notes()


def test_a_mark_ends_with_its_group():
    assert html(rb"a{\b b}c")[0] == "<p>a<strong>b</strong>c</p>"


def test_deleted_text_at_the_end_is_counted():
    assert html(rb"a{\deleted b}") == ("<p>a</p>", ("left out 1 deleted text",))


def test_groups_that_are_not_known_are_passed_over_if_they_may_be():
    assert html(rb"a{\*\unknown b}{\unknown c}")[0] == "<p>ac</p>"


def test_a_picture_is_counted_once_whatever_forms_it_has():
    picture = rb"{\*\shppict{\pict 00}}{\nonshppict{\pict 00}}"
    assert len(html(picture)[1]) == 1 and "1 picture" in html(picture)[1][0]


def test_text_for_old_programs_is_passed_over():
    assert html(rb"{\upr{old}{\*\ud{\u8364?}}}")[0] == "<p>€</p>"
