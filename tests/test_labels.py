import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import SettingsError
from kbserver.labels import LabelPattern, _match_pieces, label_problem

label_text = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40)


@pytest.mark.parametrize(
    ("pattern", "label", "wanted"),
    [
        ("support", "support", {}),
        ("support", "Support", None),
        ("support", "support-2", None),
        ("billing-*", "billing-", {}),
        ("billing-*", "billing-eu-7", {}),
        ("billing-*", "xbilling-7", None),
        ("hotel-{id}", "hotel-7", {"id": "7"}),
        ("hotel-{id}", "hotel-", None),
        ("hotel-{id}", "hotel-a/b", None),
        ("{chain}-{id}", "ritz-7", {"chain": "ritz", "id": "7"}),
        ("*", "", {}),
        ("a.b", "aXb", None),
        ("a+b", "a+b", {}),
    ],
)
def test_a_pattern_fits_whole_labels_only(pattern, label, wanted):
    assert LabelPattern(pattern).match(label) == wanted


@pytest.mark.parametrize("pattern", ["hotel-{", "hotel-}", "{1}", "{a b}", "{id}-{id}"])
def test_a_malformed_pattern_is_refused_with_its_text(pattern):
    with pytest.raises(SettingsError) as caught:
        LabelPattern(pattern)
    assert repr(pattern) in str(caught.value)


@given(label_text.filter(lambda text: not set(text) & set("{}*")))
def test_a_pattern_without_wildcards_fits_only_itself(label):
    assert LabelPattern(label).match(label) == {}
    assert LabelPattern(label).match(label + "x") is None


@given(label_text, label_text.filter(lambda text: text and "/" not in text))
def test_a_parameter_takes_what_stands_in_its_place(prefix, value):
    prefix = prefix.translate(dict.fromkeys(map(ord, "{}*")))
    assert LabelPattern(prefix + "{id}").match(prefix + value) == {"id": value}


def test_label_rules_are_omnis():
    assert label_problem("x" * 256) is None
    assert "257" in (label_problem("x" * 257) or "")
    assert label_problem("café-ñ-日本") is None
    assert "control" in (label_problem("a\nb") or "")
    assert "control" in (label_problem("a\x7fb") or "")


pieces = st.sampled_from(["a", "b", "-", "/", "*", "{x}", "{y}", "{z}", "ab"])
labels = st.text("ab-/", max_size=12)


@given(st.lists(pieces, max_size=7), labels)
def test_many_wildcards_fit_what_their_regular_expression_fits(parts, label):
    text = "".join(
        part for n, part in enumerate(parts) if part not in parts[:n] or "{" not in part
    )
    pattern = LabelPattern(text)
    found = pattern._regex.fullmatch(label)
    wanted = found.groupdict() if found else None
    assert _match_pieces(pattern._pieces, label) == wanted


def test_many_wildcards_are_not_left_to_a_regular_expression():
    pattern = LabelPattern("{a}-{b}-{c}-{d}-{e}-{f}*end")
    assert pattern.match("-" * 256) is None
    assert pattern.match("a-" * 126 + "end") is not None
    assert "_regex" not in vars(pattern)  # it would try for minutes


@pytest.mark.parametrize(
    ("pattern", "other", "covers"),
    [
        ("*", "*", True),
        ("*", "hotel-{id}", True),
        ("hotel-*", "hotel-{id}", True),
        ("hotel-*", "hotel-7-*", True),
        ("hotel-{id}", "hotel-7", True),
        ("hotel-{id}", "hotel-*", False),
        ("hotel-7", "hotel-{id}", False),
        ("hotel-7-*", "hotel-*", False),
        ("{name}", "*", False),
        ("*/*", "*", False),
        ("{a}{b}", "{c}", False),
        ("web", "webs", False),
    ],
)
def test_a_pattern_covers_another_if_all_its_labels_fit(pattern, other, covers):
    assert LabelPattern(pattern).covers(LabelPattern(other)) is covers


parts_of_patterns = st.lists(st.sampled_from(["a", "-", "/", "*", "{n}"]), max_size=4)
labels = st.text("ab-/", max_size=6)


@given(parts_of_patterns, parts_of_patterns, labels)
def test_a_pattern_that_covers_another_fits_what_the_other_fits(one, other, label):
    parts = [
        "".join(
            f"{{n{place}}}" if part == "{n}" else part for place, part in enumerate(of)
        )
        for of in (one, other)
    ]
    wide, narrow = map(LabelPattern, parts)
    if wide.covers(narrow) and narrow.match(label) is not None:
        assert wide.match(label) is not None
