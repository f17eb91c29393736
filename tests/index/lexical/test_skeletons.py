import pytest

from kbserver.index.lexical.folding import folded
from kbserver.index.lexical.skeletons import skeleton


@pytest.mark.parametrize(
    ("hindi", "romanised", "consonants"),
    [
        ("राउटर", "router", "rtr"),
        ("शिकायत", "shikayat", "skyt"),
        ("फ़ाइबर", "fiber", "fbr"),
        ("कंपनी", "company", "kmpn"),
        ("कम्पनी", "kampani", "kmpn"),
        ("रिचार्ज", "recharge", "rcrj"),
        ("एड्रेस", "address", "adrs"),
        ("टेक्नीशियन", "technician", "tknsyn"),
        ("चाहिए", "chahiye", "ch"),
        ("ज्ञान", "gyan", "gyn"),
        ("खाता", "khaataa", "kt"),
    ],
)
def test_both_scripts_have_the_same_skeleton(hindi, romanised, consonants):
    assert skeleton(folded(hindi, "hindi")) == consonants
    assert skeleton(romanised) == consonants


@pytest.mark.parametrize("word", ["", "आ", "a", "500", "счёт", "ac68u"])
def test_what_has_no_two_consonants_has_no_skeleton(word):
    assert skeleton(word) == ""
