"""Questions that hardly any corpus answers: what is near to them is near to everything.

They measure what a cosine means in one corpus; see `measure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ENGLISH = """
how many legs does a spider have
who painted the mona lisa
can you tell me a joke
how far away is the moon
what should i wear to a wedding
which team won the football yesterday
how do i get a wine stain out of a shirt
what is the capital of australia
how long do you boil an egg
why is the sky blue
do you like music
how do i teach my dog to sit
who wrote romeo and juliet
when was the french revolution
what is twelve times seven
how do birds find their way
is it going to snow at the weekend
how old are you
what is the longest river in the world
can you sing me a song
how do i bake bread
what is the meaning of life
which planets have rings
how tall is the eiffel tower
what do elephants eat
who invented the telephone
how do i fold a paper plane
what is a good name for a cat
when do tomatoes ripen
how many people live in japan
what was that noise
i had a strange dream last night
"""
_GERMAN = """
wie viele beine hat eine spinne
wer hat die mona lisa gemalt
kannst du mir einen witz erzählen
wie weit ist der mond entfernt
was ziehe ich zu einer hochzeit an
welche mannschaft hat gestern gewonnen
wie bekomme ich rotwein aus dem hemd
was ist die hauptstadt von australien
wie lange kocht man ein ei
warum ist der himmel blau
mögen sie musik
wie bringe ich meinem hund sitz bei
wer hat romeo und julia geschrieben
wann war die französische revolution
was ist zwölf mal sieben
wie finden vögel ihren weg
schneit es am wochenende
wie alt bist du
welcher fluss ist der längste der welt
kannst du mir ein lied singen
wie backe ich brot
was ist der sinn des lebens
welche planeten haben ringe
wie hoch ist der eiffelturm
was fressen elefanten
wer hat das telefon erfunden
wie faltet man einen papierflieger
was ist ein guter name für eine katze
wann werden tomaten reif
wie viele menschen leben in japan
was war das für ein geräusch
ich hatte heute nacht einen seltsamen traum
"""
_FRENCH = """
combien de pattes a une araignée
qui a peint la joconde
tu peux me raconter une blague
à quelle distance est la lune
comment s'habiller pour un mariage
quelle équipe a gagné hier
comment enlever une tache de vin d'une chemise
quelle est la capitale de l'australie
combien de temps cuit un œuf
pourquoi le ciel est bleu
vous aimez la musique
comment apprendre à mon chien à s'asseoir
qui a écrit roméo et juliette
quand a eu lieu la révolution française
combien font douze fois sept
comment les oiseaux trouvent leur chemin
est ce qu'il va neiger ce week end
quel âge as tu
quel est le plus long fleuve du monde
tu peux me chanter une chanson
comment faire du pain
quel est le sens de la vie
quelles planètes ont des anneaux
quelle est la hauteur de la tour eiffel
que mangent les éléphants
qui a inventé le téléphone
comment plier un avion en papier
quel nom donner à un chat
quand mûrissent les tomates
combien d'habitants a le japon
c'était quoi ce bruit
j'ai fait un rêve bizarre cette nuit
"""
_SPANISH = """
cuántas patas tiene una araña
quién pintó la mona lisa
me cuentas un chiste
a qué distancia está la luna
qué me pongo para una boda
qué equipo ganó ayer
cómo quito una mancha de vino de la camisa
cuál es la capital de australia
cuánto tiempo se cuece un huevo
por qué el cielo es azul
le gusta la música
cómo enseño a mi perro a sentarse
quién escribió romeo y julieta
cuándo fue la revolución francesa
cuánto es doce por siete
cómo encuentran los pájaros su camino
va a nevar el fin de semana
cuántos años tienes
cuál es el río más largo del mundo
me cantas una canción
cómo se hace el pan
cuál es el sentido de la vida
qué planetas tienen anillos
cuánto mide la torre eiffel
qué comen los elefantes
quién inventó el teléfono
cómo se dobla un avión de papel
qué nombre le pongo a un gato
cuándo maduran los tomates
cuánta gente vive en japón
qué ha sido ese ruido
anoche tuve un sueño raro
"""
_HINDI = """
मकड़ी के कितने पैर होते हैं
मोना लिसा किसने बनाई थी
कोई चुटकुला सुनाओ
चाँद कितनी दूर है
शादी में क्या पहनूँ
कल कौन सी टीम जीती
कमीज़ से दाग कैसे निकालूँ
ऑस्ट्रेलिया की राजधानी क्या है
अंडा कितनी देर उबालते हैं
आसमान नीला क्यों होता है
क्या आपको संगीत पसंद है
कुत्ते को बैठना कैसे सिखाऊँ
रामायण किसने लिखी
पानीपत की लड़ाई कब हुई
बारह गुणा सात कितना होता है
पक्षी अपना रास्ता कैसे खोजते हैं
क्या इस हफ़्ते बारिश होगी
तुम्हारी उम्र कितनी है
दुनिया की सबसे लंबी नदी कौन सी है
मुझे एक गाना सुनाओ
रोटी कैसे बनाते हैं
जीवन का अर्थ क्या है
किन ग्रहों के छल्ले होते हैं
ताजमहल कितना ऊँचा है
हाथी क्या खाते हैं
टेलीफ़ोन का आविष्कार किसने किया
काग़ज़ का जहाज़ कैसे बनाते हैं
बिल्ली का क्या नाम रखूँ
टमाटर कब पकते हैं
जापान में कितने लोग रहते हैं
वह कैसी आवाज़ थी
कल रात मैंने अजीब सपना देखा
"""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.strip().splitlines())


_BY_LANGUAGE: Final[Mapping[str, tuple[str, ...]]] = {
    "english": _lines(_ENGLISH),
    "german": _lines(_GERMAN),
    "french": _lines(_FRENCH),
    "spanish": _lines(_SPANISH),
    "hindi": _lines(_HINDI),
}


def neutral_questions(language: str) -> tuple[str, ...]:
    """Return questions in a language; in several for one that has none of its own."""
    own = _BY_LANGUAGE.get(language)
    if own is not None:
        return own
    return tuple(text for texts in _BY_LANGUAGE.values() for text in texts[::4])
