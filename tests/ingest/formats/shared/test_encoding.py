import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.encoding import decode


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Öffnungszeiten: täglich von 9 bis 17 Uhr. Gebühr 5 £.", "latin-1"),
        ("L’été, c’est 5 € — déjà vu…", "cp1252"),
        (
            "Часы работы: ежедневно с девяти до пяти часов. "
            "Звоните нам по телефону в любое время.",
            "cp1251",
        ),
        (
            "営業時間は毎日九時から五時までです。お電話でもお問い合わせいただけます。",
            "shift_jis",
        ),
        ("Grüße aus Köln", "utf-16"),
        ("Grüße aus Köln", "utf-8-sig"),
        ("Grüße aus Köln", "utf-32"),
        ("Grüße aus Köln", "utf-8"),
    ],
)
def test_the_encoding_is_found_out(text, encoding):
    assert decode(text.encode(encoding), "a.txt")[0] == text


def test_a_guessed_encoding_is_noted(read):
    assert read("a.txt", "Gebühr".encode("latin-1"))[0].notes == ("read as cp1252",)
    assert read("a.txt", "Gebühr".encode())[0].notes == ()


def test_a_few_broken_bytes_do_not_turn_utf8_into_something_else(read):
    [document] = read("a.txt", ("Grüße aus Köln. " * 60).encode() + b"\xff Ende")
    assert document.blocks[0].text.startswith("Grüße aus Köln.")
    assert document.notes == ("1 broken UTF-8 characters",)


def test_binary_data_is_no_text(read):
    with pytest.raises(DocumentUnreadable, match="binary data"):
        read("a.txt", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 20)


@given(st.text(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_unicode_comes_back_as_it_was(text, encoding):
    if "\0" in text or text.startswith("\ufeff"):
        return  # a byte order mark of its own, or binary data
    assert decode(text.encode(encoding), "a.txt") == (text, ())


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused_with_a_reason(data):
    try:
        text, notes = decode(data, "a.txt")
    except DocumentUnreadable as exc:
        assert exc.reason
    else:
        assert isinstance(text, str) and len(notes) <= 1


def test_a_declared_encoding_comes_after_utf_8():
    assert decode("Žluť".encode("iso-8859-2"), "a", declared="iso-8859-2") == (
        "Žluť",
        (),
    )
    assert decode("Žluť".encode(), "a", declared="iso-8859-2") == ("Žluť", ())


def test_a_declared_encoding_that_is_unknown_or_wrong_is_passed_over():
    data = "Für Gäste täglich".encode("latin-1")
    wanted = ("Für Gäste täglich", ("read as cp1252",))
    assert decode(data, "a", declared="no-such-encoding") == wanted
    assert decode(data, "a", declared="ascii") == wanted


def test_a_mark_that_lies_is_named():
    with pytest.raises(DocumentUnreadable, match="begins as utf-8 but is not"):
        decode(b"\xef\xbb\xbf\xff", "a.txt")


def test_utf_16_without_a_mark_is_recognised():
    text = "Opening hours: nine to five on every working day. " * 20
    data = text.encode("utf-16-le")
    assert decode(data, "a.txt") == (text, ("read as utf_16_le",))
