"""Which language some documents seem to be in: by their script, and by the words of its grammar.

For a hint that is printed, never to decide anything: a corpus has the language it was given.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from kbserver.languages.letters import LETTER

_FEWEST_WORDS = 20
_FEWEST_LETTERS = 80
_LEAST_SHARE = 0.12
"""Of the words: grammar is a third to a half of most prose, and an eighth of lists."""
_LEAD = 1.3
"""So many times as many words as of the next language; of near ones only the words that differ."""
_MOST_WORDS = 5_000

_WORD = re.compile(rf"{LETTER}+")

_WORDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        language: frozenset(words.split())
        for language, words in {
            "english": "the and of to is you your for that with this be are or not can "
            "it have from by will we if what when our on in as at",
            "german": "der die das und ist nicht sie ein eine mit für auf den dem von zu "
            "bei wird werden im wir oder sich auch bis ihre ihr zum kann muss einen wenn",
            "french": "le la les des et est vous pour une dans que qui sur pas nous votre "
            "avec par du au sont ce plus ou en cette vos être aux",
            "spanish": "el los las una para que por con del es su se al no en como más y "
            "usted puede este esta sus si desde o son ha",
            "italian": "il di che per una con del della non sono è le gli si da nel alla "
            "più dei questo questa può essere o ha i nella delle anche",
            "portuguese": "o os um uma para que com do da não em por se no na dos das é "
            "mais você ao pode ser seu sua ou são este esta pelo",
            "catalan": "el els les una per que amb del és la i no en aquest aquesta pot "
            "són o més ha seva d l als dels ser aquests fer",
            "romanian": "și de la în nu un o pentru cu este care din că pe sau sunt să mai "
            "fi al ale lui această acest prin poate ați dacă",
            "dutch": "de het een en van is niet voor op met u dat zijn te uw of in deze "
            "kan wordt aan worden bij naar als door moet er geen",
            "swedish": "och att det är en som inte för på med av till den ett du eller "
            "från kan om har i vara måste denna din detta när ska",
            "danish": "og at det er en ikke for på med af til den et du eller fra kan som "
            "om har i være skal denne din dette når ved blev hvis",
            "norwegian": "og å det er en ikke for på med av til den et du eller fra kan "
            "som om har i være må denne din dette når ved ble hvis",
            "finnish": "ja on ei se että oli tai ole mutta jos kun voi sinun tämä joka ovat "
            "eivät kuin myös sen tämän olet ole voit täytyy vain",
            "estonian": "ja on ei see et või ole oma kui ka mis seda selle kes aga peab "
            "võib saa pole sinu teie palun oli olema",
            "hungarian": "a az és nem egy hogy van is meg vagy ez ha csak kell már ki azt "
            "ezt lehet volt fel be mint nincs még egyik",
            "polish": "i w na nie się z do jest że o to od za po jak dla lub są być może "
            "przez tym ten ale oraz twoje czy tego musi",
            "czech": "a v na se je že s do pro nebo není z o jako jsou k být to za od který "
            "po při které může musí tento toto pokud bylo",
            "turkish": "ve bir bu için ile da de değil olarak olan mi ya daha en çok gibi "
            "var ne veya sonra kadar lütfen bunu size olduğunu",
            "indonesian": "dan yang di untuk dengan tidak ini dari pada adalah ke anda atau "
            "itu akan dapat oleh telah bisa dalam harus silakan ada sebuah",
            "lithuanian": "ir yra ne į kad su iš ar tai šis jūsų tik buvo bet nuo kaip jei "
            "šį šio turi būti nėra prie per jūs arba gali",
            "basque": "eta da ez bat du edo hau dira baina zure izan dute egin den ere "
            "honek bere duen daiteke behar ditu honetan",
            "irish": "agus an na is ar le do go sé ní bhí seo atá a i ag leis nach tá chun "
            "gur nó ba mar féidir ó más níl cuir",
            "esperanto": "la kaj de estas ne en por kun ke al mi vi tio ĉi aŭ ĉu sed per "
            "pri devas ĝi tiu povas estis de el",
            "hindi": "के है में की और को का से हैं पर यह नहीं भी कर लिए तो या होता एक आप "
            "hai hain ka ki ke mein nahi aur kya liye aap se ko tak",
            "nepali": "र छ को मा हो यो पनि गर्न भने गर्नुहोस् लागि एक छैन वा तपाईं थियो हुन्छ "
            "तपाईंको यस लाई छन् हुनु",
            "russian": "и в не на что с это как по для вы из или то его у к от о за если "
            "был быть вас можно ваш только при",
            "serbian": "и је да не у на се за са или су од који ово није овај то као бити "
            "i je da u se za sa ili su od koji ovo nije ovaj kao biti",
            "arabic": "في من على أن لا هذا إلى أو هو التي مع عن كان هذه هل ما تم قد الذي "
            "غير يجب كل لم عند بعد يمكن",
            "persian": "و در به از که این را با است برای یک شما یا تا بر آن می نیست شود "
            "هر باید بود کنید خود شده",
            "slovak": "a v na sa je že s do pre alebo nie z o ako sú by k byť to za od ktorý "
            "po pri ktoré môže musí tento toto ak bolo",
            "slovenian": "in v na se je da ne za s z so ali ki kot biti ni od pri ta lahko "
            "to mora iz če tega vaš prosimo po",
            "afrikaans": "die en van is nie in n het te vir met op wat dit dat word kan om "
            "jou moet wees deur hierdie as of jy een",
            "galician": "o os un unha para que con do da non por se na no das é máis ao "
            "pode ser seu súa ou son este esta polo dun cun desta",
            "latvian": "un ir nav uz ar no par ka kas lai šis jūsu tikai bija bet kā ja šo "
            "jābūt būt pie vai var tika lūdzu šī",
            "icelandic": "og að er í á ekki til með fyrir við af sem það um þú þessi verður "
            "ef eða vera frá þetta hefur var",
            "welsh": "y yr a i o yn ar am nid mae gan wedi ei bod hwn neu os oes ni fod eich "
            "ac gyda dim rhaid",
            "vietnamese": "và của là có không được cho các này với trong một để những bạn "
            "đã từ khi người tôi đến sẽ nếu hoặc phải",
            "albanian": "dhe të e në për një me është nuk që se ka nga si do ose ju më këtë "
            "mund i duhet kjo jeni",
            "azerbaijani": "və bir bu üçün ilə da də deyil olaraq olan ki ya daha çox kimi "
            "var yox sonra qədər lütfən edin zəhmət olmasa",
            "bulgarian": "и в не на че с това как по за от или то са е да се със при ако бъде "
            "може трябва вие ви само като",
            "ukrainian": "і в не на що з це як по для ви або та його у до від за якщо був "
            "бути вас можна ваш лише при є",
            "marathi": "आहे आणि च्या ला हे नाही या एक तुम्ही साठी मध्ये किंवा होते करा आपण "
            "का ते हा कृपया",
            "urdu": "کے ہے میں کی اور کو کا سے ہیں پر یہ نہیں بھی کر لیے تو یا ایک آپ نے",
        }.items()
    }
)
_SCRIPTS: Final = MappingProxyType(
    {
        "LATIN": None,
        "CYRILLIC": ("russian", "serbian", "bulgarian", "ukrainian"),
        "ARABIC": ("arabic", "persian", "urdu"),
        "DEVANAGARI": ("hindi", "nepali", "marathi"),
        "GREEK": ("greek",),
        "ARMENIAN": ("armenian",),
        "TAMIL": ("tamil",),
    }
)
"""Scripts with the languages that are told apart in them; None: all of `_WORDS`."""
_NAMES: Final = MappingProxyType(
    {
        "HIRAGANA": "Japanese",
        "KATAKANA": "Japanese",
        "CJK": "Chinese",
        "HANGUL": "Korean",
    }
)
"""Of languages with a script of their own, which Unicode names otherwise."""
_WITHOUT_STEMMER = frozenset(
    "slovak slovenian afrikaans galician latvian icelandic welsh vietnamese albanian "
    "azerbaijani bulgarian ukrainian marathi urdu japanese chinese korean hebrew "
    "thai croatian".split()
)


_CODES: Final = MappingProxyType(
    dict(
        pair.split(":")
        for pair in "en:english de:german fr:french es:spanish it:italian pt:portuguese "
        "ca:catalan ro:romanian nl:dutch sv:swedish da:danish no:norwegian nb:norwegian "
        "nn:norwegian fi:finnish et:estonian hu:hungarian pl:polish cs:czech tr:turkish "
        "id:indonesian lt:lithuanian eu:basque ga:irish eo:esperanto hi:hindi ne:nepali "
        "ru:russian ar:arabic el:greek hy:armenian ta:tamil yi:yiddish sr:serbian "
        "sk:slovak sl:slovenian af:afrikaans gl:galician lv:latvian is:icelandic "
        "cy:welsh vi:vietnamese sq:albanian az:azerbaijani bg:bulgarian uk:ukrainian "
        "mr:marathi ur:urdu ja:japanese zh:chinese ko:korean he:hebrew fa:persian "
        "th:thai hr:croatian".split()
    )
)
"""Names of languages by their code in ISO 639-1."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What some texts look like, or say that they are."""

    language: str
    """As `--language` takes it; `none` for one that has no stemmer."""
    name: str
    """To be printed: `German`, or the name of a script."""


def language_of(texts: Iterable[str]) -> Seen | None:
    """Return the language that some texts of one document or corpus seem to be in.

    Returns:
        None if they are too short, or may be of several languages.
    """
    words = _words(texts)
    if not words or sum(map(len, words)) < _FEWEST_LETTERS:
        return None
    script, share = _script(words)
    if share < 0.5:
        return None
    if script not in _SCRIPTS:
        return Seen("none", _NAMES.get(script, script.capitalize()))
    languages = _SCRIPTS[script]
    if languages is not None and len(languages) == 1:
        return _seen(languages[0])
    if len(words) < _FEWEST_WORDS:
        return None
    counts = Counter(words)
    found = {
        language: sum(counts[word] for word in known)
        for language, known in _WORDS.items()
        if languages is None or language in languages
    }
    first, second, *_ = sorted(found, key=lambda one: (-found[one], one))
    if found[first] < _LEAST_SHARE * len(words):
        return None
    apart = sum(counts[word] for word in _WORDS[first] - _WORDS[second])
    other = sum(counts[word] for word in _WORDS[second] - _WORDS[first])
    if apart < _LEAD * other or not apart:
        return None
    return _seen(first)


def language_named(written: str) -> Seen | None:
    """Return the language that a document says it is in; None for a name that is not known.

    Args:
        written: a tag of BCP 47 (`de`, `de-AT`, `de_DE`), or a name in English (`German`).
    """
    name = written.strip().lower()
    code = re.split("[-_]", name, maxsplit=1)[0]
    name = _CODES.get(code, name)
    if name in _CODES.values():
        return _seen(name)
    return None


def _words(texts: Iterable[str]) -> list[str]:
    words: list[str] = []
    for text in texts:
        words += _WORD.findall(unicodedata.normalize("NFKC", text).lower())
        if len(words) > _MOST_WORDS:
            break
    # A code that begins with a digit tells of no script.
    return [word for word in words[:_MOST_WORDS] if word[0].isalpha()]


def _script(words: Iterable[str]) -> tuple[str, float]:
    """Return the script of most words, by its Unicode name, and its share."""
    counts: Counter[str] = Counter()
    for word in words:
        counts[unicodedata.name(word[0], "").split(" ")[0]] += len(word)
    [(script, count)] = counts.most_common(1)
    return script, count / counts.total()


def _seen(language: str) -> Seen:
    name = language.capitalize()
    if language in _WITHOUT_STEMMER:
        return Seen("none", name)
    return Seen(language, name)
