"""German as callers say it: what stands around a question, and how one leans on another."""

from __future__ import annotations

from typing import Final

from kbserver.languages.german.numbers import NUMBERS as _NUMBERS
from kbserver.languages.letters import without_accents
from kbserver.languages.profile import (
    FollowUps,
    Noises,
    Numbers,
    Requests,
    SmallTalk,
    Sounds,
    StopWords,
)
from kbserver.languages.tables import alternatives, patterns, phrases, words

_QUESTION_WORDS: Final = words("""
    was wer wen wem wessen wann wo wohin woher warum wieso weshalb wie
    wieviel welche welcher welches welchen welchem wofür womit wozu woran
    worauf worin worüber inwiefern
""")
_ARTICLES: Final = words("""
    der die das den dem des ein eine einen einem einer eines kein keine
    keinen keinem keiner mein meine meinen meinem meiner ihr ihre ihren
    ihrem ihrer euer eure euren eurem eurer unser unsere unseren unserem
    unserer sein seine seinen seinem seiner dieser diese dieses diesen
    diesem jeder jede jedes jeden jedem
""")
_GRAMMAR: Final = words("""
    ich du er sie es wir ihr man mich mir dich dir ihn ihm ihnen uns euch
    sich und oder aber denn weil dass daß ob wenn als in im ins an am ans auf
    aus bei beim mit nach von vom vor zu zum zur für über unter um bis durch
    gegen ohne ab seit ist sind war waren bin bist seid hat habe hab haben
    hatte kann können könnte könnten muss müssen soll sollen darf dürfen will
    wollen wird werden würde würden nicht da
""")
_FUNCTION_WORDS: Final = _QUESTION_WORDS | _ARTICLES | _GRAMMAR

NOISES: Final = Noises(
    fillers=words("äh ähm ähem öh öhm ehm em hm hmm hmmm mhm mm mmm ahm ähh ääh äähm"),
    hedges=words("halt also ja so quasi irgendwie sozusagen eben naja tja"),
    asides=phrases("""
        sag ich mal|ich sag mal|sagen wir mal|sagen wir|sage ich mal
        wie soll ich sagen|wie sagt man|wie heißt das|na ja
    """),
    question_words=_QUESTION_WORDS,
    function_words=_FUNCTION_WORDS,
    openers=phrases(
        without_accents("""
        ok|okay|ja|jo|ja okay|ja gut|nein|nee|nein danke|also|naja|na ja|tja
        ach so|achso|ah ja|ah okay|ah|oh|na gut|also gut|gut dann|gut danke
        na dann|alles klar|sehr gut|prima|perfekt|wunderbar|genau|ich verstehe
        verstehe|danke|danke schön|dankeschön|danke sehr|danke ihnen
        vielen dank|vielen lieben dank|besten dank|herzlichen dank|hallo|hi
        hey|moin|moin moin|servus|grüß gott|grüezi|guten tag|guten morgen
        guten abend|schönen guten tag|schönen guten morgen|mahlzeit
        schönen guten abend|in ordnung|entschuldigung|entschuldigen sie
        entschuldigen sie bitte|verzeihung|tschuldigung|sorry|sagen sie
        sagen sie mal|sag mal|hören sie|eine frage|kurze frage|noch eine frage
        ich habe eine frage|ich hab eine frage|ich hab mal eine frage
        ich habe mal eine frage|ich hätte eine frage|ich hätte mal eine frage
        ich hätte da mal eine frage|ich hätte noch eine frage
        ich habe noch eine frage|und zwar|folgendes
    """)
    ),
    wrappers=phrases(
        without_accents("""
        können sie mir sagen|können sie mir bitte sagen|könnten sie mir sagen
        könnten sie mir bitte sagen|können sie mir mal sagen|kannst du mir sagen
        können sie mir vielleicht sagen|könnten sie mir vielleicht sagen
        wissen sie|wissen sie zufällig|wissen sie vielleicht|sagen sie mir
        sagen sie mir bitte|ich wollte fragen|ich wollte mal fragen
        ich wollte nur fragen|ich wollte nur mal fragen|ich wollte wissen
        ich möchte wissen|ich möchte gerne wissen|ich möchte gern wissen
        ich würde gern wissen|ich würde gerne wissen|ich wüsste gern
        ich wüsste gerne|ich hätte gern gewusst|ich hätte gerne gewusst
        mich würde interessieren|mich interessiert|ich frage mich|darf ich fragen
        darf ich mal fragen|kann ich sie fragen|ich rufe an weil ich wissen möchte
        ich rufe an um zu fragen|ich rufe an wegen|ich rufe wegen
        ich habe eine frage zu|ich habe eine frage zum|ich habe eine frage zur
        ich hätte eine frage zu|ich hätte eine frage zum|ich hätte eine frage zur
        können sie mir erklären|könnten sie mir erklären|können sie nachschauen
        könnten sie nachschauen|können sie mal schauen|können sie mal nachschauen
        können sie prüfen|können sie mir helfen mit|können sie mir helfen bei
    """)
    ),
    after_a_wrapper=words("ob"),
    strong_cues=phrases("""
        ich meine|ich meinte|ich mein|nein warte|nein warten sie|nein moment
        nein entschuldigung|nein sorry|nein quatsch|nee quatsch|nee warte
        ach nein|ach quatsch|ach nee|nein halt|halt nein|moment nein
        oder besser|oder besser gesagt|besser gesagt|oder vielmehr
        ich wollte sagen|ich korrigiere|korrektur|nein doch
    """),
    weak_cues=phrases("""
        nein|nee|sorry|entschuldigung|verzeihung|quatsch|moment|warte
        warten sie|halt|doch|ach|vielmehr
    """),
    lone_cues=frozenset({("nein",), ("nee",), ("sorry",), ("entschuldigung",)}),
    after_cue=phrases("ich meine|nicht|das heißt|sondern|lieber|es ist|es sind"),
)

_PERSON: Final = (
    "(?:(?:einem|einen|einer|eine|dem|den|der|ihrem|ihren) )?(?:echten |richtigen "
    "|menschlichen |lebenden )?(?:mitarbeiter(?:in)?|menschen?|person|berater(?:in)?|"
    "kolleg(?:en|e|in)|agenten?|kundenberater(?:in)?|sachbearbeiter(?:in)?|chef|"
    "vorgesetzten?|jemand(?:em|en)?)"
)
_DEPARTMENT: Final = (
    "(?:(?:die|der|den|das|dem|zum|zur|ihrem|ihre[rn]?) )?(?:abteilung|buchhaltung|"
    "rechnungsabteilung|vertrieb|verkauf|technik|technischen support|support|"
    "kundenservice|kundendienst|kundenbetreuung|zentrale|rezeption|empfang|"
    "reklamation|hotline)"
)

SMALL_TALK: Final = SmallTalk(
    phrases=patterns(
        {
            "greeting": alternatives(r"""
            hallo(?:chen)?|hi|hey|moin(?: moin)?|servus|mahlzeit
            gr[uü](?:ss|ß|ezi|ezzi)|grüß (?:gott|sie|dich)|grüezi
            (?:schönen |einen schönen )?guten (?:tag|morgen|abend)
            tach(?: auch)?|tag|morgen|n'abend|abend
            wie geht(?: es|'s|s) (?:ihnen|dir)(?: heute)?|wie geht's
            (?:mir geht es |mir geht's |es geht mir )(?:gut|sehr gut|prima)
            gut und (?:ihnen|dir|selbst)|freut mich(?: sehr)?
            schön (?:sie zu hören|von ihnen zu hören)
        """),
            "goodbye": alternatives(r"""
            tsch(?:üss|üß|üssi|ö|au)|ciao|auf wieder(?:sehen|hören|schauen)
            wiederhören|wiedersehen|bis (?:bald|dann|später|morgen|nachher|
                zum nächsten mal|die tage)|servus|ade|adieu|pfiat di|baba
            (?:ich wünsche (?:ihnen|dir) )?(?:noch )?(?:ein|einen) (?:schönen|
                angenehmen|guten) (?:tag|abend|nachmittag|feierabend)(?: noch)?
            (?:ein |noch ein )?schönes wochenende(?: noch)?
            schönen (?:tag|abend|nachmittag|feierabend)(?: noch| ihnen)?
            gute nacht|machen sie's gut|mach's gut|alles gute
            (?:ihnen|dir) (?:auch|ebenso|ebenfalls)|gleichfalls|ebenso|ebenfalls
            das (?:war|wär|wäre)(?:'s|s| es| alles| dann| schon| auch)+
            das ist (?:dann |auch |schon )?alles
            (?:das )?(?:wär's|wars|war's)(?: dann| schon)?
            (?:mehr|sonst) (?:brauche|habe|wollte|möchte) ich (?:nicht|nichts)
            (?:sonst )?(?:nichts|nix) (?:mehr|weiter)|keine (?:weiteren )?fragen(?: mehr)?
            (?:nein )?ich (?:hab|habe) (?:sonst )?keine (?:weiteren )?fragen(?: mehr)?
            ich (?:muss|müsste) (?:jetzt )?(?:los|auflegen|weiter|schluss machen)
            ich (?:melde mich|rufe)(?: dann| später| noch ?mal| wieder)*(?: an)?
            man hört sich|wir hören uns
        """),
            "thanks": alternatives(r"""
            danke(?:schön| schön| sehr| vielmals| ihnen| dir| auch)*
            (?:vielen|besten|herzlichen|tausend|lieben)(?: lieben| herzlichen)? dank
            ich danke (?:ihnen|dir|euch)(?: sehr| vielmals)?|bedanke mich
            (?:für (?:die|ihre|deine) (?:hilfe|auskunft|info|information|mühe|
                beratung|zeit)|fürs helfen|dafür)
            (?:das ist |sehr |ganz |das war )*(?:nett|lieb|freundlich|hilfreich)
                (?: von ihnen| von dir)?
            sie haben mir (?:sehr |wirklich )?geholfen|das hat mir (?:sehr )?geholfen
            (?:gern|gerne)(?: geschehen)?|kein problem|nichts zu danken|keine ursache
        """),
            "handover": alternatives(rf"""
            (?:(?:können|könnten|kann|würden) (?:sie|ich) )?(?:mich |bitte )*
                (?:mit|zu|an) (?:{_PERSON}|{_DEPARTMENT})
                (?: bitte| direkt)*(?: verbinden| sprechen| weiterleiten| reden)
            (?:bitte )?verbinden sie mich(?: bitte)?(?: (?:mit|zu) (?:{_PERSON}|
                {_DEPARTMENT}))?(?: weiter)?
            (?:ich (?:will|möchte|würde gern|würde gerne|muss) )?(?:bitte |gern |gerne
                |lieber |nur |direkt )*(?:mit )(?:{_PERSON}|{_DEPARTMENT})
                (?: bitte)?(?: sprechen| reden| verbunden werden)
            (?:kann|könnte|darf) ich (?:bitte |mal )*(?:mit )(?:{_PERSON}|{_DEPARTMENT})
                (?: bitte)?(?: sprechen| reden)
            (?:ein(?:en)? )?(?:mitarbeiter|mensch(?:en)?|berater) bitte
            geben sie mir (?:bitte )?{_PERSON}|ich will (?:mit )?keine[mnr]? (?:computer|
                roboter|maschine)(?: sprechen| reden)?
        """),
            "hold": alternatives(r"""
            (?:nur |noch )?(?:einen|ein|n) ?(?:kleinen |kurzen )?(?:moment|augenblick|
                sekunde|minute|momentchen)(?: mal| bitte)*
            moment(?: mal| bitte)*|momentchen|augenblick(?: mal| bitte)*|sekunde(?: bitte)?
            eine (?:sekunde|minute)(?: bitte)?|warten sie(?: mal| kurz| bitte| einen moment)*
            warte(?: mal| kurz)*|bleiben sie (?:bitte )?dran|ich bin gleich (?:wieder da|so weit)
            (?:ich muss|lassen sie mich|ich) (?:mal |kurz |nur |eben )*(?:nachdenken|überlegen|
                schauen|gucken|nachsehen|suchen|denke nach|überlege)
            ich (?:hole|suche|such|hol) (?:mal |kurz |nur |eben )*(?:einen|meinen|was zum|
                die|meine|was zu) (?:stift|zettel|schreiben|brille|rechnung|karte)
            (?:es hat|da hat|es) (?:gerade |eben )?(?:geklingelt|klingelt)
            egal|vergessen sie(?:'s| es| das)|vergiss es|schon gut|hat sich erledigt
            (?:der hund|das kind|das baby|das handy) (?:bellt|schreit|weint|klingelt)
                (?: gerade)?
        """),
            "repeat": alternatives(r"""
            wie bitte|bitte|was (?:haben sie|hast du) (?:gerade |eben )?gesagt|hä|was|wie
            (?:(?:können|könnten|kannst) (?:sie|du) )?(?:das |es |bitte |mir )*
                (?:noch ?mal|noch einmal|nochmals)?(?: bitte)?
                (?: wiederholen| sagen| erklären)(?: bitte)?
            (?:wiederholen|sagen) sie (?:das |es )?(?:bitte )?(?:noch ?mal|noch einmal)
            (?:noch ?mal|noch einmal|nochmals)(?: bitte)?
            (?:ich (?:habe|hab) )?(?:sie |das |dich )?(?:akustisch |leider |gerade )*
                nicht (?:verstanden|gehört|mitbekommen)
            ich (?:verstehe|versteh|kann) (?:sie |das )?(?:nicht|schlecht|kaum)
                (?: verstehen| hören)?
            (?:(?:können|könnten) sie )?(?:bitte )?(?:etwas |ein bisschen )?(?:lauter|
                langsamer|deutlicher)(?: sprechen| reden)?(?: bitte)?
            sie (?:brechen ab|sind weg|sind schlecht zu verstehen)
        """),
            "presence": alternatives(r"""
            (?:sind sie|bist du) (?:noch )?(?:da|dran|am apparat)|noch da|ist da (?:jemand|wer)
            (?:hören|verstehen) sie mich(?: noch| jetzt| gut)?
            (?:können|könnten) sie mich (?:noch |jetzt |gut )?(?:hören|verstehen)
            ich bin (?:noch |wieder )?(?:da|dran|hier|soweit)
            (?:die )?(?:verbindung|leitung) ist (?:schlecht|weg|sehr schlecht)
            (?:können|könnten|kannst) (?:sie|du) mir (?:bitte |mal |vielleicht )?helfen
            ich (?:brauche|bräuchte) (?:mal )?(?:ihre |bitte )?hilfe
            ich (?:habe|hab|hätte) (?:da |noch |mal |da mal |noch mal )?(?:eine|ein paar|
                ne|zwei) (?:kurze |andere |weitere )?fragen?|eine frage(?: noch)?
            hier ist [a-z]+(?: [a-z]+)?|mein name ist [a-z]+(?: [a-z]+)?
            ich heiße [a-z]+(?: [a-z]+)?
        """),
            "confirmation": alternatives(r"""
            ja+|jap|jep|jo|joa|jawohl|nein|nee+|nö|ne|ja doch|doch
            ok|okay|okey|genau(?: so| das)?|richtig|stimmt(?: so| genau)?|korrekt|exakt
            in ordnung|alles klar|klar|na klar|natürlich|selbstverständlich|sicher
            (?:auf|in) jeden fall|jeden fall|auf keinen fall|absolut|definitiv
            (?:das )?(?:passt|geht klar|geht in ordnung|geht|stimmt|klingt gut|ist gut|
                ist richtig|ist korrekt|ist okay|ist ok|ist in ordnung|ist klar|reicht|
                macht sinn|ist falsch|stimmt nicht|mache ich|mach ich)
            einverstanden|abgemacht|gerne|gern|sehr gern|sehr gerne|von mir aus|meinetwegen
            (?:ich )?(?:weiß|weiss) (?:ich )?(?:nicht|nich)(?: genau)?|keine ahnung
            vielleicht|eventuell|wahrscheinlich|vermutlich|könnte sein|kann sein
            ich (?:glaube|denke|hoffe) (?:ja|schon|nicht|nein)|ich glaub (?:schon|nicht)
            (?:heute|jetzt|im moment|gerade) nicht|nicht wirklich|noch nicht
            machen wir so|so machen wir(?:'s| es| das)|wird gemacht|mach ich
            (?:ja )?(?:machen sie|weiter|fahren sie fort|bitte weiter)
        """),
            "backchannel": alternatives(r"""
            aha|ach(?: so| was| ja| nee)?|achso|mhm+|hm+|soso|so so|oh|ah(?: so| ja| okay)?
            (?:ich |das )?(?:verstehe|versteh|habe ich verstanden|verstanden)
            (?:sehr |ganz |ja |wie |das ist |das ist ja |na das ist )*(?:gut|schön|toll|
                super|prima|klasse|perfekt|wunderbar|hervorragend|ausgezeichnet|spitze|
                fein|großartig|interessant|schade|blöd|cool|top|fantastisch)
            gut zu wissen|na gut|also gut|na ja|naja|tja|na dann|nun ja|nun gut|wirklich
            echt|tatsächlich|wow|oje|oh je|mist|schade|so|also|hoppla|ups
            (?:das tut mir )?leid|tut mir (?:sehr )?leid|sorry|entschuldigung|verzeihung
            entschuldigen sie(?: bitte)?|tschuldigung|pardon|mein fehler
            gott sei dank|zum glück|da bin ich (?:froh|beruhigt)|das freut mich
            ich weiß(?: schon)?|weiß ich
        """),
            "glue": alternatives(r"""
            und|aber|dann|denn|noch|nochmal|noch mal|jetzt|heute|bitte|mal|schon|auch
            ja|also|halt|eben|nun|erst ?mal|erst einmal|herr|frau|herr [a-z]+|frau [a-z]+
            sehr|recht|ganz|ihnen|dir|von ihnen|doch|so|wirklich|für heute|liebe grüße
            äh+m*|ahm+|öh+m*|hm+|eh+m*
        """),
        }
    ),
    loose_words=alternatives(r"""
        ich|sie|das|es|ist|bin|war|hab|habe|mich|mir|ihnen|so|sehr|schon|nur|gerade
        wieder|hier|da|dann|doch|ja|mal|eben|alles|auch|noch|nicht
    """),
    named=r"(?:der|die|den|dem|ein|eine|einen|mein|meine|ihr|ihre) (\S+)",
    asking=without_accents(
        alternatives(r"""
        was|wer|wen|wem|wann|wo|wohin|woher|warum|wieso|weshalb|wie|wieviel
        welche[rsnm]?|wofür|womit|gibt es|gibt's
        (?:ist|sind|hat|haben|kann|können|könnte|könnten|muss|müssen|darf|dürfen|soll|
            sollen|wird|werden|gilt|geht|kostet|bieten|machen|nehmen) (?:ich|man|das|
            es|sie|die|der|ihr|wir|den|ein|eine|mein|meine)
    """)
    ),
    noises=without_accents("äh+m*|öh+m*|eh+m*|hm+|mm+|ähem|ahm+|em"),
    noise_letters="aehmo",
)

FOLLOW_UPS: Final = FollowUps(
    continues=without_accents(
        alternatives(r"""
        und|aber|oder|sonst|also|dann|ausserdem|stattdessen|ansonsten
        was ist mit|was ist denn mit|wie ist(?: es| das)? (?:denn )?(?:mit|bei)|wie sieht(?:
            es|'s|s)? (?:denn )?(?:mit|bei)|wie steht es (?:mit|um)|und wie|auch
        ich meinte?|nein ich|warum nicht|wieso|zum beispiel|falls (?:ja|nein|nicht)
        wenn (?:ja|nein|nicht|ja dann)|in (?:dem|diesem) fall|für (?:den|diesen) fall
        davon|dafür|damit|dazu|daran|danach|dabei|dadurch|darüber|darauf|darin
        noch (?:eine frage dazu|etwas dazu)|nur|sogar|genauso
    """)
    ),
    subjectless=_FUNCTION_WORDS
    | words("""
        ja nein doch auch nur noch schon mal so sehr viel viele mehr meisten
        andere anderen anderer anderes etwas alles alle allem nichts jemand hier
        dort da dann jetzt heute immer wieder gleich eigentlich denn eben halt
        bitte danke okay ok gut gerne gern vielleicht überhaupt genau etwa circa
        ungefähr möglich lange lang oft weit groß hoch gibt geben geht gehen
        komme kommt kommen machen macht mache tun tut sagen sagt weiß wissen
        wüsste möchte möchten bekomme bekommt bekommen kriege kriegt kriegen
        brauche brauchen braucht finde findet finden sehe sieht sehen steht
        stehen kostet kosten heißt meine meint davon dafür damit dazu daran
        danach dabei dadurch darüber darauf darin dahin sache ding art weise wäre
        wären hätte hätten sollte sollten müsste dürfte selbst gilt gelten bei
        wenn falls sonst also außerdem dauert dauern läuft funktioniert
        funktionieren passiert los rein raus
    """),
    pointers=words("""
        davon dafür damit dazu daran danach dabei dadurch darüber darauf darin
        dahin dorthin dort ihn ihm deren dessen denselben derselbe dieselbe
        dasselbe letzteres ersteres welches davon
    """),
    alike=words("gleiche gleichen gleiches selbe selben anderen anderes stattdessen"),
    asking=_QUESTION_WORDS
    | words("""
        ist sind war hat haben habe hab kann können könnte könnten darf dürfen
        soll sollte muss müssen wird werden würde gibt gibt's bietet bieten
        brauche braucht gilt geht gehen kostet kosten macht machen möchte will
        wollen nehmen akzeptieren bekomme bekommt funktioniert dauert steht ich
        wir liefert liefern verkaufen verkauft
    """),
    that=words("das dies es dieses"),
    after_that=words("""
        ist sind war kostet gilt gelten geht gehen dauert
        funktioniert heißt bedeutet passiert läuft auch denn genau eigentlich
        jetzt dann noch für online möglich inklusive kostenlos überhaupt
        normalerweise alles machen ändern kündigen buchen bezahlen verlängern
        beantragen stornieren bekommen schicken mitbringen
    """),
    there=words("da"),
    exists=words("ist sind bin sein war jemand noch ob wer"),
)

REQUESTS: Final = Requests(
    actions="|".join(
        (
            r"\b(?:konnen|konnten|wurden|kannst|konntest|wurdest) (?:sie|ihr|du)\b.{0,80}"
            r"\b(?:buchen|umbuchen|reservieren|stornieren|schicken|senden|zuschicken|anrufen"
            r"|zuruckrufen|verbinden|loschen|anmelden|abmelden|bestellen|eintragen|umstellen"
            r"|verschieben|heraussuchen|empfehlen|andern)\b",
            r"^(?:(?:ja|dann|bitte|und) )*+(?:buchen|reservieren|stornieren|schicken|senden|andern"
            r"|rufen|melden|bestellen|tragen|verschieben|suchen|loschen|stellen) sie"
            r" (?:mir|mich|uns|bitte|mein\w*|ihn)\b",
            r"\bich (?:mochte|wurde gerne?|will) .{0,80}\b(?:buchen|reservieren|bestellen|kaufen)$",
        )
    ),
    moments=(
        r"\b(?:heute|morgen|gestern|gerade|zurzeit|momentan|im moment"
        r"|diese[nmrs]? (?:monat|woche)|letzte[nmrs]? (?:monat|woche|mal))\b"
    ),
)

STOP_WORDS: Final = StopWords(
    written=_ARTICLES | _GRAMMAR,
    spoken=FOLLOW_UPS.subjectless
    | NOISES.fillers
    | words("hallo guten tag danke schön vielen dank frage hätte"),
    weekdays=words("""
        montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
        montags dienstags mittwochs donnerstags freitags samstags sonntags
    """),
)

NUMBERS: Final = Numbers(_NUMBERS.written_forms, is_code=_NUMBERS.is_code)

SOUNDS: Final = Sounds(
    rules=(
        (r"t?sch|tch|sh", "X"),
        (r"chs|x", "ks"),
        (r"(?<!^)ch", "X"),
        (r"^ch(?=[ei])", "X"),
        (r"^s(?=[pt])", "X"),
        (r"ti(?=on)", "s"),
        (r"ph|v|w", "f"),
        (r"pf", "f"),
        (r"th|dt", "t"),
        (r"ck|q", "k"),
        (r"t?z|ts|ds", "s"),
        (r"c(?=[eiy])", "s"),
        (r"c|ch", "k"),
        (r"g", "k"),
        (r"d", "t"),
        (r"b", "p"),
        (r"j", "i"),
        (r"(?<=.)er$", "a"),
        (r"(?<=.)h", ""),
        (r"eu|oi|oy|ai|ay|ey", "ei"),
        (r"[aou][aeiouy]*", "a"),
        (r"[eiy][aeiouy]*", "e"),
        (r"(.)\1+", r"\1"),
    ),
)
"""Letters to sounds, after Kölner Phonetik: what a recogniser takes for another meets it.

Source: H. J. Postel, "Die Kölner Phonetik", IBM-Nachrichten 19 (1969).
"""
