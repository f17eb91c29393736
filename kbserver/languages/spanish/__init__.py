"""Spanish."""

from kbserver.languages.profile import Profile
from kbserver.languages.spanish import heard, said

PROFILE = Profile(
    "spanish",
    "es",
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
