from kbserver.ingest.formats.office.losses import Losses


def test_what_is_lost_is_counted_and_named_by_kind():
    losses = Losses()
    losses.hidden += 3
    losses.unread("picture")
    losses.unread("picture")
    losses.unread("chart")
    losses.left_out("comment")
    losses.left_out("hidden row", 0)
    losses.margin("footer", " For\nstaff ")
    losses.margin("footer", "For staff")
    assert losses.notes() == (
        "removed 3 hidden characters",
        "left out 1 comment",
        "not spoken: 1 chart; say in the text what callers need",
        "not spoken: 2 pictures; say in the text what callers need",
        "not spoken: the footer “For staff”; say in the text what callers need",
    )


def test_a_footer_that_answers_a_question_is_a_fact():
    losses = Losses()
    losses.margin("footer", "Call 0800 555 0187")
    losses.margin("header", "For staff")
    assert losses.facts() == ["Call 0800 555 0187"]
    assert losses.notes()[0] == (
        "said once, at the end: the header or footer “Call 0800 555 0187”"
    )
    assert len(losses.notes()) == 2


def test_the_number_of_a_page_is_no_loss():
    losses = Losses()
    for text in ("", "7", "Page 7 of 12", "Seite 3", "7 / 12"):
        losses.margin("footer", text)
    assert losses.notes() == ()


def test_a_long_header_is_cut():
    losses = Losses()
    losses.margin("header", "word " * 100)
    assert "word…”" in losses.notes()[0] and len(losses.notes()[0]) < 160
