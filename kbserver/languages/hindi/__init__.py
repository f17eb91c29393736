"""Hindi."""

from kbserver.languages.hindi import heard, said
from kbserver.languages.profile import Profile

PROFILE = Profile(
    "hindi",
    "hi",
    is_latin=False,
    noises=heard.NOISES,
    small_talk=heard.SMALL_TALK,
    follow_ups=heard.FOLLOW_UPS,
    requests=heard.REQUESTS,
    stop_words=heard.STOP_WORDS,
    numbers=heard.NUMBERS,
    sounds=heard.SOUNDS,
    said=said.SAID,
    cells=said.CELLS,
)
