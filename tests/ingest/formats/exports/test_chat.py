import pytest

from kbserver.ingest.formats.exports.chat import conversation, transcript


def message(text: object, **more: object) -> dict[str, object]:
    return {"ts": "1.0", "user": "U1", "text": text, **more}


@pytest.mark.parametrize(
    "start",
    [
        "31.12.24, 10:15 - ",
        "[2026-04-03, 10:15:22] ",
        "\u200e[3/4/26, 10:15:22\u202fPM] ",
        "3/4/26, 10:15 p.m. - ",
    ],
)
def test_a_line_begins_with_its_time_in_each_form(start):
    text = f"{start}Kim: Rent: when?\n" * 2 + f"{start}Bo joined\n"
    assert transcript(text) == "Rent: when?\n\nRent: when?"


def test_lines_without_a_time_go_on_with_a_message():
    text = "3/4/26, 10:15 - Kim: Bring\nyour key.\n\n3/4/26, 10:16 - Bo: Yes.\n"
    assert transcript(text) == "Bring\n\nyour key.\n\nYes."


@pytest.mark.parametrize(
    "words", ["<Media omitted>", "<attached: 1.jpg>", "\u200eimage"]
)
def test_what_stands_for_a_file_is_left_out(words):
    start = "3/4/26, 10:15 - Kim: "
    assert transcript(f"{start}Hi.\n{start}{words}\n{start}Bye.") == "Hi.\n\nBye."


def test_a_text_with_too_few_times_is_no_chat():
    line = "3/4/26, 10:15 - Kim: Hi.\n"
    assert transcript(line * 2) is None
    assert transcript(line * 2 + "Open daily.\n" * 2) is not None
    assert transcript(line * 2 + "Open daily.\n" * 3) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("see <https://a.example/x|the list>", "see the list"),
        ("see <https://a.example/x>", "see https://a.example/x"),
        ("write <mailto:a@b.example|to us>", "write to us"),
        ("in <#C1|rent>, <@U2>!", "in rent, !"),
        ("done :+1: at 10:15:22", "done  at 10:15:22"),
        ("a &lt; b &amp;lt; c", "a < b &lt; c"),
        (["on ", {"type": "bold", "text": "the third"}, {"type": "x"}], "on the third"),
    ],
)
def test_links_mentions_and_signs_are_words(text, said):
    assert conversation([message(text)]) == [said]


@pytest.mark.parametrize("name", ["messages", "conversation"])
def test_notices_and_messages_without_words_are_left_out(name):
    messages = [
        message("joined", subtype="channel_join"),
        message("renamed", subtype="group_name"),
        message("called", type="service"),
        message("On the third.", subtype="thread_broadcast"),
        message({"blocks": []}),
        message(""),
    ]
    assert conversation({"name": "Help", name: messages}) == ["On the third."]


@pytest.mark.parametrize(
    "data",
    [
        [],
        "Hi.",
        {"messages": {"a": message("Hi.")}},
        [message("Hi."), "Hi."],
        [message("Hi."), {"ts": "1.0", "text": "Hi."}],
        [message("Hi."), {"user": "U1", "text": "Hi."}],
        [message("Hi.", title="Rent")],
    ],
)
def test_other_data_is_no_conversation(data):
    assert conversation(data) is None
