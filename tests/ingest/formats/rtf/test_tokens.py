from kbserver.ingest.formats.rtf.tokens import Token, tokens


def test_a_file_is_words_groups_and_text():
    assert list(tokens(rb"{\b1 a\'fc\*\par-3}")) == [
        Token("open"),
        Token("word", "b", 1),
        Token("bytes", data=b"a"),
        Token("bytes", "'", data=b"\xfc"),
        Token("star"),
        Token("word", "par", -3),
        Token("close"),
    ]


def test_lines_of_the_file_are_no_text():
    assert [one.data for one in tokens(b"a\r\nb")] == [b"a", b"b"]


def test_binary_data_are_left_out():
    assert [one.data for one in tokens(b"\\bin3 {}}x")] == [b"x"]
    assert list(tokens(b"\\bin99 x")) == []


def test_a_backslash_before_nothing_known_is_passed_over():
    assert list(tokens(b"\\")) == []
    assert [one.data for one in tokens(b"\\'zz")] == [b"zz"]
