"""French."""

from kbserver.languages.french import heard, said
from kbserver.languages.profile import Profile

PROFILE = Profile(
    "french",
    "fr",
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
