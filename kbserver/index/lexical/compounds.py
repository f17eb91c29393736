"""The parts of compound words: `Rechnungsadresse` is found by `Rechnung` and by `Adresse`.

A word is cut where both halves are known: as words of the corpus, or of a list of common ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import Stemmer

Known = Callable[[str], bool]
"""Whether a term is that of a word."""

SHORTEST: Final = 8
"""Characters of a compound's term."""

LONGEST: Final = 64
"""Longer ones are no words in use."""

_SHORTEST_PART: Final = 4
_SURE_END: Final = 5
"""Characters of a known word at one end of a word whose rest is unknown."""
_SHORTEST_REST: Final = 3

_LINKS: Final = {
    "german": ("", "s", "n", "en", "es", "er", "e"),
    "dutch": ("", "s", "en", "e"),
    "swedish": ("", "s"),
    "danish": ("", "s", "e"),
    "norwegian": ("", "s", "e"),
}
"""What stands between the parts, by language."""

LANGUAGES: Final = frozenset(_LINKS)
"""Languages that write compounds as one word."""

_GERMAN: Final = """
abbuchung abend abfall abgabe abholung ablauf ablehnung abmeldung abo abrechnung absage
abschluss abteilung abteil adresse akku aktion alarm alter amt änderung anfrage angebot
anhang ankunft anlage anleitung anmeldung annahme anruf anschluss ansicht anspruch antenne
antrag antwort anwalt anzahl anzeige apotheke apparat arbeit arbeitgeber artikel arzt ärzte
aufgabe auflage auftrag aufzug auge ausfall ausgabe auskunft ausland austausch auswahl
ausweis auszahlung auszug auto automat bahn bahnhof balkon band bank barriere bau baum
beamte bearbeitung becken bedarf bedingung beginn begleitung behandlung beitrag bekleidung
beleg beleuchtung benutzer beratung bereich bereitschaft bericht beruf bescheid beschwerde
besitz bestätigung bestellung besuch betrag betreuung betrieb bett bewerbung bewertung
bezahlung beziehung bezirk bild bildschirm bildung boden börse brand brief brille brücke
bruch buch buchung büro bürger bundes bus chip code computer creme dach dame darlehen datei
daten dauer decke dienst display dokument dose druck drucker eigentum eimer einbau eingang
einkauf einkommen einladung einlass einrichtung einstellung eintrag eintritt einzug eisen
eltern empfang energie entfernung entgelt erde ergebnis erhöhung erklärung ersatz erstattung
etage fach fahrer fahrkarte fahrplan fahrrad fahrt fahrzeug faktor fall familie farbe fehler
feier feiertag feld fenster ferien fernseh fest festnetz feuer fieber film filter finanz
firma fisch flasche fleisch flug flughafen formular foto frage frau freund frist früh
frühstück führung fuß gabe gang garage garantie garten gas gast gebäude gebiet gebühr geburt
gefahr gehalt geld gemeinde gepäck gerät gericht geschäft geschenk geschichte
geschwindigkeit gesetz gesicht gespräch gesundheit getränk gewicht gewinn glas glasfaser
grenze größe grund gruppe gutschein gut haar hafen haft halle halter hand handel handy haupt
haus haushalt haut heim heizung hemd herr hilfe hinweis hobby hof holz hotel hotline hund
identität impfung information inhalt inkasso installation internet jahr jahre jugend kabel
kalender kanal karte kasse kauf keller kenntnis kennwort kennzeichen kette kind kinder
kirche klasse kleid klinik knopf koffer konto kontrolle kopf kopie körper kosten kraft
kranken kredit kreis küche kühlschrank kunde kunden kündigung kunst kurs labor lade lader
lager lampe land lärm lauf leben leder lehrer leistung leiter leitung liege lieferung limit
linie liste löschung luft mahnung makler mann mappe markt maschine maß material maus medien
meer mehrwert meister meldung menge mensch menü messe messer miete mieter milch minute
mitarbeiter mitglied mittag mittel mobil möbel modell monat motor müll musik mutter nachbar
nachricht nachweis nacht name netz netzteil netzwerk notfall not nummer nutzer nutzung ober
objekt öffnung online ordnung ort paket papier park parkplatz partner pass passwort patient
pause person personal pflege pflicht plan platte platz polizei porto post praxis preis
problem produkt programm prozess prüfung punkt qualität quittung rabatt rad rahmen rate raum
recht rechnung regel regen reifen reihe reinigung reise rente reparatur reserve restaurant
rezept richtlinie richtung rolle roller router rück rückgabe rückruf rücksendung ruf ruhe
saal sache saison salz sammel sand satz sauna schaden schalter schein schicht schiff schild
schlaf schloss schlüssel schluss schnee schritt schuh schule schüler schulung schutz schwimm
see seite sekretariat sendung senioren service sicherheit sicherung signal sitz smart sommer
sonder sonne sonntag speicher speise sperre spiel sport sprache sprechstunde stadt stand
standort start station stelle steuer stimme stoff störung strafe strand straße strecke strom
stück student studie stufe stuhl stunde suche system tafel tag tage tarif tasche taste
tausch team technik techniker teil telefon teller teppich termin test text ticket tier tisch
titel ton tonne tor training transport treffen treppe tür turm uhr umfang umlage umsatz
umtausch umwelt umzug unfall unterlage unternehmen unterricht unterschrift untersuchung
urkunde urlaub vater verband verbindung verbot verbrauch verein verfahren verkauf verkehr
verlängerung verleih verlust vermieter vermittlung versand versicherung verspätung verteiler
vertrag vertreter verwaltung verzug video visum volumen vorgang vorlage vorsorge vorwahl
wagen wahl wald wand ware warnung wartung wäsche wasser wechsel weg welt werk werkstatt wert
wetter widerruf wiese wind winter wirkung wirtschaft woche wohnung wohn wort wunsch zahl
zahlung zahn zeichen zeit zeitung zelle zentrale zentrum zettel zeugnis ziel zimmer zins
zoll zone zug zugang zulassung zusatz zuschlag zustand zustellung mahn mindest center
laufzeit arbeitslos lastschrift studio tagespass sperrung abrechnungen zeitraum
freischaltung
"""


def parts_of(term: str, language: str, known: Known) -> tuple[str, ...]:
    """Return the terms of the parts of a compound, in order; () for a word that is none.

    Args:
        term: of the whole word, stemmed and folded.
        language: one of `LANGUAGES`, or any other, which has no compounds.
        known: whether a term is that of a word of the corpus.
    """
    links = _LINKS.get(language)
    if links is None or len(term) < SHORTEST or not term.isalpha():
        return ()
    if len(term) > LONGEST:
        return ()
    common = _common_terms(language)

    def is_word(part: str) -> bool:
        return part in common or known(part)

    cutter = _Cutter(links, is_word, _stemmer(language))
    return cutter.cut(term) or cutter.ends(term)


class _Cutter:
    """Cuts one term, each of its beginnings once: there may be many ways to come to one."""

    def __init__(
        self, links: Sequence[str], is_word: Known, stem: Callable[[str], str]
    ) -> None:
        self._links = links
        self._is_word = is_word
        self._stem = stem
        self._cuts: dict[str, tuple[str, ...]] = {}

    def cut(self, term: str) -> tuple[str, ...]:
        """Cut off the longest last word before which words are left; () if there is none."""
        if term not in self._cuts:
            self._cuts[term] = self._cut(term)
        return self._cuts[term]

    def _cut(self, term: str) -> tuple[str, ...]:
        for at in range(_SHORTEST_PART, len(term) - _SHORTEST_PART + 1):
            last = term[at:]
            if not self._is_word(last):
                continue
            first = self._first(term[:at])
            if first:
                return (*first, last)
        return ()

    def ends(self, term: str) -> tuple[str, ...]:
        """Return the longest word at either end, where what is left between is no word."""
        found: list[str] = []
        for at in range(len(term) - _SURE_END, _SHORTEST_REST - 1, -1):
            head = self._first(term[:at])[:1]
            if head and at >= _SURE_END and len(head[0]) >= _SHORTEST_PART:
                found += head
                break
        for at in range(_SHORTEST_REST, len(term) - _SURE_END + 1):
            if self._is_word(term[at:]):
                found.append(term[at:])
                break
        return tuple(found)

    def _first(self, head: str) -> tuple[str, ...]:
        """Return the terms of the words before the last one, without what links them to it."""
        bare = [head.removesuffix(link) for link in self._links if head.endswith(link)]
        for word in bare:
            if len(word) < _SHORTEST_PART:
                continue
            for form in (self._stem(word), word):
                if self._is_word(form):
                    return (form,)
        for word in bare:
            if len(word) >= SHORTEST:
                words = self.cut(word)
                if words:
                    return words
        return ()


@cache
def _common_terms(language: str) -> frozenset[str]:
    """The terms of the words that compounds are most often made of."""
    if language != "german":
        return frozenset()
    stem = _stemmer(language)
    terms = {stem(word).replace("ß", "ss") for word in _GERMAN.split()}
    return frozenset(term for term in terms if len(term) >= _SHORTEST_PART)


def _stemmer(language: str) -> Callable[[str], str]:
    """A stemmer for one call: it keeps state, so threads cannot share one."""
    stem: Callable[[str], str] = Stemmer.Stemmer(language).stemWord
    return stem
