"""What recognisers write when nothing was said: annotations, and lines learned from subtitles."""

from __future__ import annotations

import re
from typing import Final

from kbserver.languages.letters import LETTER, one_spelling, without_accents
from kbserver.languages.tables import alternatives

_SOUNDS: Final = one_spelling("""
    blank audio|blank_audio|silence|silent|no speech|no audio|inaudible|indistinct|unintelligible
    unclear|music|music playing|soft music|upbeat music|applause|laughter|laughs|laughing|sigh
    sighs|coughs|coughing|noise|background noise|static|beep|beeping|phone ringing|ringing
    crosstalk|speaking in foreign language|speaking foreign language|foreign language|clears throat
    sniffs|breathing|typing|typing sounds|wind|wind blowing|door closes|footsteps|dial tone
    stille|musik|lachen|lacht|applaus|räuspern|hustet|unverständlich|geräusch|musique|rires|rire
    applaudissements|inaudible|bruit|toux|soupir|silencio|música|risas|aplausos|ruido|tos|suspiro
    inaudible|संगीत|तालियाँ|हँसी|शांति|चुप्पी|शोर|खाँसी
""")
_ANNOTATION: Final = re.compile(
    rf"[\[(*<♪♫]\s*+(?:{alternatives(_SOUNDS)})?\s*+[\])*>♪♫]+|[♪♫]+", re.IGNORECASE
)
_SIGNS = frozenset("[(*<♪♫")

_CREDITS: Final = re.compile(
    without_accents(
        alternatives(r"""
        thank(?:s| you)(?: so much| very much)? for (?:watching|listening)(?: this video)?
        (?:please )?(?:like and )?subscribe(?: to (?:my|the|our|this) channel)?
        (?:don't|do not) forget to (?:like and )?subscribe(?: to (?:my|the|our) channel)?
        (?:i'll |i will )?see you (?:in the|next) next (?:video|one|time)
        (?:subtitles|captions|transcription|subtitled|captioned|transcribed) by (?!default).*
        untertitel(?:ung)? (?:im auftrag |aufgrund )?(?:des|der|von|durch)(?: die)?
            [ ](?:amara|wdr|swr|br|ndr|zdf|ard)\b.*
        (?:copyright|untertitel(?:ung)?) (?:wdr|swr|br|ndr|zdf|ard) \d+
        (?:vielen )?dank (?:fürs|für das) (?:zuschauen|zusehen|zuhören)
        (?:vergesst nicht zu abonnieren|abonniert (?:den|meinen|diesen) kanal)
        sous titr(?:es|age) (?:(?:réalisés?|faits?) )?par (?!défaut).*
        sous titrage (?:société radio canada|st' \d+|mfp|fr)
        merci (?:d'avoir|à tous d'avoir) regardé (?:cette|la) vidéo
        (?:n'oubliez pas de vous )?abonne[zr](?: vous)?(?: à (?:la|ma|notre) chaîne)?
        subtítulos (?:realizados |hechos )?por (?!defecto).*
        (?:muchas )?gracias por ver (?:el|este|mi) vídeo
        (?:no olvides )?suscríbe(?:te|rte)(?: a(?:l| mi| nuestro)? canal)?|suscribirte
        (?:यह |वीडियो |ये )*देखने के लिए (?:आपका |बहुत )*(?:धन्यवाद|शुक्रिया)
        (?:कृपया |प्लीज |हमारे |मेरे |चैनल को |वीडियो को )*(?:लाइक और )?सब्सक्राइब
            (?: करें| कीजिए| जरूर करें| करना ना भूलें)?
        (?:video )?dekhne ke liye (?:dhanyavaad|dhanyawad|shukriya)
    """)
    )
)
# Nearly no utterance holds one of these, and is told apart by them alone.
_HINT: Final = re.compile(
    "watch|listening|subscri|next|subtitl|caption|transcri|titr|titel|titul|abonn|suscri|video"
    "|zuschau|zuse|zuhor|copyright|देखने|सब्सक्राइब|dekhne"
)
_WORD = re.compile(rf"(?:{LETTER}|')+")


def without_annotations(text: str) -> str:
    """Return a transcript without `[BLANK_AUDIO]`, `(music)` and the like."""
    if _SIGNS.isdisjoint(text):
        return text
    return _ANNOTATION.sub(" ", text)


def is_credit(plain: str) -> bool:
    """Tell whether an utterance is a line of subtitles that nothing was said for.

    Args:
        plain: the whole utterance, lower case and without accents.
    """
    if _HINT.search(plain) is None:
        return False
    return _CREDITS.fullmatch(" ".join(_WORD.findall(plain))) is not None
