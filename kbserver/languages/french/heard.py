"""French as callers say it: what stands around a question, and how one leans on another."""

from __future__ import annotations

from typing import Final

from kbserver.languages.french.numbers import NUMBERS as _NUMBERS
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
    qui que quoi quel quelle quels quelles quand où comment pourquoi combien
    lequel laquelle lesquels lesquelles qu'est-ce est-ce qu'est qu'est-il
""")
_ARTICLES: Final = words("""
    le la les l un une des du de d au aux ce cet cette ces mon ma mes ton ta
    tes son sa ses notre nos votre vos leur leurs
""")
_GRAMMAR: Final = words("""
    je j j'ai j'avais tu il elle on nous vous ils elles me m te t se s lui y en
    et ou mais donc car si à dans sur pour par avec sans chez vers entre sous
    depuis pendant est c'est c'était sont était suis es êtes ai as a ont avez
    avons avait peut peux peuvent puis-je peut-on pouvez dois doit faut veux
    veut voudrais ne n pas plus qu'il qu'on qu'elle
""")
_FUNCTION_WORDS: Final = _QUESTION_WORDS | _ARTICLES | _GRAMMAR

NOISES: Final = Noises(
    fillers=words("euh heu euuh euhm heum hum hmm hm mm mmm ben beh bah hein ah eh"),
    hedges=words("voilà genre quoi enfin bon donc alors"),
    asides=phrases("""
        comment dire|on va dire|disons|si vous voulez|comment on dit
        comment ça s'appelle
    """),
    question_words=_QUESTION_WORDS,
    function_words=_FUNCTION_WORDS,
    openers=phrases(
        without_accents("""
        ok|okay|d'accord|ah d'accord|ok d'accord|d'accord merci|oui|ouais
        oui oui|oui bonjour|non merci|merci|merci beaucoup|merci bien
        je vous remercie|très bien|très bien merci|parfait|entendu|c'est bon
        c'est noté|c'est parfait|ça marche|bonjour|bonsoir|salut|allô
        bonjour madame|bonjour monsieur|bonsoir madame|bonsoir monsieur
        madame|monsieur|désolé|désolée|excusez moi|excusez-moi|pardon
        bon alors|bon ben|eh bien|ah bon|ah oui|ah ok|voilà
        dites moi|dites-moi|s'il vous plaît
        j'ai une question|j'aurais une question|j'aurais une petite question
        j'ai une petite question|une petite question|j'ai une autre question
        une autre question|une dernière question|encore une question
        je comprends|je vois|bien sûr|exactement|tout à fait
    """)
    ),
    wrappers=phrases(
        without_accents("""
        est-ce que vous pouvez me dire|est ce que vous pouvez me dire
        vous pouvez me dire|pouvez-vous me dire|pouvez vous me dire
        pourriez-vous me dire|pourriez vous me dire|vous pourriez me dire
        est-ce que vous pourriez me dire|peux-tu me dire|tu peux me dire
        savez-vous|savez vous|vous savez|est-ce que vous savez|dites moi|dites-moi
        je voulais savoir|je voudrais savoir|j'aimerais savoir
        j'aurais aimé savoir|je souhaiterais savoir|je souhaite savoir
        je voulais vous demander|je voulais demander|je me demandais
        je me demande|je peux vous demander|puis-je vous demander
        j'appelle pour savoir|je vous appelle pour savoir|je vous appelle pour
        j'appelle pour|j'appelle parce que je voudrais savoir
        je vous appelle au sujet de|j'appelle au sujet de
        j'ai une question sur|j'ai une question concernant
        j'aurais une question sur|j'aurais une question concernant
        pouvez-vous m'expliquer|pouvez vous m'expliquer|vous pouvez m'expliquer
        pouvez-vous vérifier|pouvez vous vérifier|vous pouvez vérifier
        pouvez-vous me renseigner sur|pouvez vous me renseigner sur
        pouvez-vous m'aider à|pouvez vous m'aider à
    """)
    ),
    after_a_wrapper=words("si s'il"),
    strong_cues=phrases("""
        je veux dire|je voulais dire|non pardon|non attendez|attendez non
        enfin non|ou plutôt|non plutôt|enfin plutôt|non désolé|non désolée
        je me trompe|je me suis trompé|je me suis trompée|non excusez moi
        non excusez-moi|non c'est pas ça|ah non|oh non
    """),
    weak_cues=phrases("""
        pardon|attendez|désolé|désolée|plutôt|oups|excusez-moi|excusez moi
        attends
    """),
    lone_cues=frozenset({("pardon",)}),
    after_cue=phrases("c'est|c'était|pas|je veux dire|je voulais dire"),
)

_PERSON: Final = (
    "(?:(?:un|une|le|la|votre|des|l') ?)?(?:vrai[es]? |autre )?(?:conseill[eè]re?|"
    "agent|personne(?: réelle| physique)?|humain|être humain|opérat(?:eur|rice)|"
    "responsable|collègue|technicien(?:ne)?|supérieur|manager|quelqu'un"
    "(?: d'autre)?|interlocuteur)"
)
_DEPARTMENT: Final = (
    "(?:(?:le|la|au|à la|du|de la|votre|l'|avec le) ?)?(?:service(?: client| "
    "clients| clientèle| technique| commercial| facturation| après-vente| comptable)?|"
    "accueil|réception|standard|comptabilité|support|facturation|sav|direction)"
)

SMALL_TALK: Final = SmallTalk(
    phrases=patterns(
        {
            "greeting": alternatives(r"""
            bonjour|bonsoir|salut|coucou|allô|allo(?: allo)?|hello|rebonjour
            ça va|comment (?:allez[- ]vous|ça va|vous allez)|enchantée?
            (?:oui |non )?(?:ça va|je vais) (?:très |bien)*|et vous(?:[- ]même)?
            ravie? de (?:vous entendre|vous parler)
        """),
            "goodbye": alternatives(r"""
            au revoir|à (?:bientôt|plus tard|plus|demain|tout à l'heure|la prochaine)
            (?:passez une |très |je vous souhaite une )?bonne (?:journée|soirée|nuit|
                fin de journée|après[- ]midi|continuation)
            (?:passez un )?bon(?:ne)? (?:week-?end|après[- ]midi|courage)
            ciao|bye(?: bye)?|adieu|à vous aussi|vous aussi|vous de même|de même|pareillement
            également|(?:non )?(?:merci )?(?:c'est|ce sera|c'était) tout
                (?: pour (?:moi|l'instant|aujourd'hui))?
            (?:non )?(?:je n'ai|j'ai) (?:pas|plus) d'autres? questions?
            (?:non )?(?:rien d'autre|plus rien|aucune autre question)
            je (?:dois|vais) (?:y aller|vous laisser|raccrocher)
            je (?:vous )?(?:rappelle|rappellerai)(?: plus tard| demain)?
        """),
            "thanks": alternatives(r"""
            merci(?: (?:beaucoup|bien|à vous|infiniment|bien à vous|mille fois))*
            mille mercis|(?:je )?vous remercie(?: (?:beaucoup|bien|infiniment))?
            pour (?:votre |l'|cette |ces |toutes ces )(?: ?)(?:aide|information|informations|
                infos|patience|temps|réponse|renseignements?)|de votre (?:aide|patience)
            (?:c'est|vous êtes) (?:très |bien |vraiment )*(?:gentil(?:le)?|aimable|sympa)
                (?: à vous| de votre part)?
            (?:vous m'avez|ça m'a) (?:bien |beaucoup )?(?:aidée?)
            de rien|je vous en prie|avec plaisir|il n'y a pas de quoi|y a pas de quoi
        """),
            "handover": alternatives(rf"""
            (?:(?:je (?:voudrais|veux|souhaite|souhaiterais|préfère|préférerais|peux)|
                j'aimerais|est[- ]ce que je (?:peux|pourrais)|puis[- ]je|je pourrais|
                on peut) )?(?:bien |s'il vous plaît )*(?:parler|être (?:mise? en
                [ ]relation|transférée?))(?: (?:à|avec|au|vers) ?| )(?:{_PERSON}|{_DEPARTMENT})
            (?:(?:pouvez[- ]vous|vous pouvez|pourriez[- ]vous|vous pourriez) )?
                (?:me )?(?:passez[- ]moi|passer|transférez[- ]moi|transférer|
                mettre en relation|mettez[- ]moi en relation)(?: (?:à|avec|au|vers))?
                (?: {_PERSON}| {_DEPARTMENT})?
            un (?:conseiller|humain|agent|être humain)(?: s'il vous plaît)?
            une (?:vraie personne|conseillère)(?: s'il vous plaît)?
        """),
            "hold": alternatives(r"""
            (?:juste |attendez |encore )*(?:un|une) (?:petit |petite )?(?:moment|instant|
                seconde|minute)(?: s'il vous plaît)?
            attendez(?: voir)?|attends|ne quittez pas|patientez|quittez pas|deux (?:secondes|
                minutes)
            (?:laissez[- ]moi|je) (?:réfléchir|réfléchis|regarder|regarde|cherche|chercher|
                vérifie|vérifier)(?: un peu)?
            je (?:vais )?(?:cherche|chercher|prends|prendre) (?:un|de quoi|mon|ma|mes)
                (?:stylo|noter|écrire|carte|facture|lunettes|papier)
            on (?:sonne|frappe) à la porte|j'ai un (?:autre |double )?appel
            laissez tomber|laisse tomber|c'est pas grave|oubliez|tant pis|peu importe
            je reviens|je suis (?:à vous|en voiture)|le chien aboie|le bébé pleure
        """),
            "repeat": alternatives(r"""
            (?:(?:vous pouvez|pouvez[- ]vous|vous pourriez|pourriez[- ]vous|est[- ]ce que
                [ ]vous pouvez) )?(?:me |le |la )*(?:répéter|redire|répétez)(?: ça| cela)?
                (?: s'il vous plaît)?
            comment|pardon|hein|quoi|vous dites|vous disiez|qu'est[- ]ce que vous (?:dites|
                avez dit)|c'est[- ]à[- ]dire
            je (?:n'ai |ne vous ai |vous ai |ai )?(?:pas|rien) (?:bien )?(?:compris|entendu|
                saisi)|j'ai (?:pas|rien|mal) (?:bien )?(?:compris|entendu|saisi)
            je (?:ne )?(?:vous )?(?:comprends|entends) (?:pas|mal|plus)(?: bien)?
            (?:(?:vous pouvez|pouvez[- ]vous|pourriez[- ]vous) )?(?:parler|parlez)
                (?: plus| moins)* (?:fort|lentement|doucement|vite)
            encore une fois|ça coupe|vous coupez
        """),
            "presence": alternatives(r"""
            (?:vous êtes|êtes[- ]vous|tu es) (?:toujours |encore )?là|il y a quelqu'un
            (?:vous m'entendez|m'entendez[- ]vous|est[- ]ce que vous m'entendez)
                (?: bien| toujours)?
            je suis (?:toujours |encore )?(?:là|à l'appareil)
            (?:vous pouvez|pouvez[- ]vous|est[- ]ce que vous pouvez|pourriez[- ]vous) m'aider
            j'(?:ai|aurais) (?:besoin d'aide|besoin de votre aide|besoin d'un renseignement)
            (?:j'ai|j'aurais) (?:une|une petite|une autre|une dernière|deux|quelques|encore une)
                [ ]questions?|une (?:petite |autre )?question
            je m'appelle [a-z]+(?: [a-z]+)?|mon nom est [a-z]+(?: [a-z]+)?
            (?:la ligne|la communication) est (?:mauvaise|très mauvaise)
        """),
            "confirmation": alternatives(r"""
            oui+|ouais|ouaip|si|mais oui|ben oui|non|mais non|ben non|pas du tout
            ok|okay|d'accord|ça marche|ça (?:me )?(?:va|convient)|entendu|c'est entendu
            c'est (?:bon|ça|noté|parfait|exact|correct|vrai|juste|faux|clair|bien ça|
                pas ça|pas grave)
            bien sûr(?: que (?:oui|non))?|bien entendu|exact|exactement|tout à fait|absolument
            évidemment|effectivement|volontiers|avec plaisir|certainement|pourquoi pas
            peut[- ]être|sans doute|probablement|je (?:ne )?sais pas|aucune idée
            je (?:crois|pense)(?: que)? (?:oui|non)|pas (?:vraiment|maintenant|encore|
                pour l'instant|aujourd'hui)
            allez[- ]y|vas[- ]y|continuez|on fait comme ça|je vais faire ça|c'est fait|correct
        """),
            "backchannel": alternatives(r"""
            (?:très |c'est |c'est très |ah )*(?:bien|parfait|super|génial|bon|top|nickel|
                impeccable|excellent|formidable|cool|dommage|intéressant|gentil)
            je (?:vois|comprends)|j'ai (?:bien )?(?:compris|noté)|compris|noté
            ah(?: bon| oui| ok| d'accord| non)?|oh|oh là là|tiens|eh bien|ben voilà|voilà
            (?:je suis )?(?:désolée?|navrée?)|excusez[- ]moi|pardon|mince|zut|oups
            tant mieux|bon à savoir|vraiment|ah ça|ouf|mm+h*|hum|mhm+|alors|donc|bref
        """),
            "glue": alternatives(r"""
            et|mais|alors|donc|s'il vous plaît|s'il te plaît|monsieur|madame|mademoiselle
            du coup|bon|ben|pour|vraiment|aussi|encore|maintenant|euh+m*|heu+|hum+|hm+|bah
            ah|oh|eh|là|tout|très|beaucoup|à vous|pour tout|quand même
        """),
        }
    ),
    loose_words=without_accents(
        alternatives(r"""
        je|j'ai|j'étais|suis|vous|êtes|avez|m'avez|c'est|c'était|ça|est|y|en|me|m'a|de
        tout|très|bien|là|pas|ne|que|pour|moi|tu|il|on|le|la
    """)
    ),
    named=r"(?:le|la|les|un|une|mon|ma|mes|ce|cette|du|de la|votre) (\S+)",
    asking=without_accents(
        alternatives(r"""
        qui|quoi|quels?|quelles?|quand|où|pourquoi|combien|lequel|laquelle
        (?:est|sont|peut|avez|faut|y a)[- ](?:ce|il|elle|on|vous|t[- ]il)|y a[- ]t[- ]il
        est[- ]ce|qu'est[- ]ce|puis[- ]je|c'est (?:quoi|combien|où|quand)
    """)
    ),
    noises="euh+m*|heu+m*|hum+|hm+|mm+",
    noise_letters="euhm",
)

FOLLOW_UPS: Final = FollowUps(
    continues=without_accents(
        alternatives(r"""
        et|mais|ou alors|ou bien|sinon|alors|du coup|donc|par contre|dans ce cas
        je (?:veux|voulais) dire|non je|aussi|qu'en est[- ]il|c'est[- ]à[- ]dire
        pareil pour|idem pour|même chose pour|et si|par exemple|si (?:oui|non)
        pourquoi pas|à propos|au fait|dans ce cas[- ]là|pour ça|avec ça|sans ça
    """)
    ),
    subjectless=_FUNCTION_WORDS
    | words("""
        oui non si ça cela ceci celui celle ceux celles autre autres même mêmes
        là ici quelque chose tout tous toute toutes rien aussi encore déjà très
        trop peu beaucoup plus moins bien bon bonne possible merci plaît plait
        s'il d'accord ok okay bonjour alors donc du coup sinon après avant
        maintenant aujourd'hui être avoir faire fait fais faites dit dire dites
        aller va vais peux peut pouvoir pouvez pourrais pourriez pourrait savoir
        sais savez voir vois voulez vouloir veulent trouver trouve trouvent
        prend prendre prends mettre met coûte coûtent coûter c'était ça coûte
        besoin comme quelqu'un longtemps souvent environ exactement vraiment
        dois devoir doit fonctionne fonctionnent marche passe dure durer
        combien avez-vous y-a-t-il a-t-il peut-on puis-je faut-il est-il est-elle
        d'un d'une qu'un qu'une m'en t-il
    """),
    pointers=words("""
        celui-ci celle-ci ceux-ci celles-ci celui-là celle-là celui celle ceux
        celles lui leur dedans dessus lequel laquelle en
    """)
    - words("en lequel laquelle leur"),
    alike=words("même mêmes autre autres sinon pareil pareille"),
    asking=_QUESTION_WORDS
    | words("""
        est sont y-a-t-il avez-vous avez peut-on puis-je faut-il a-t-il est-ce
        peut pouvez pouvez-vous pourriez-vous proposez-vous acceptez-vous
        acceptez offrez-vous livrez-vous vendez-vous faites-vous dois-je doit-on
        je j'ai vous combien c'est il on
    """),
    that=words("ça cela c'est"),
    before_that=words("""
        coûte coûtent fait marche fonctionne avec sans pour comme après avant
        de dure que quand si combien comment
    """),
    after_that=words("""
        coûte fait marche fonctionne dure prend inclut comprend vaut s'applique
        aussi inclus compris gratuit possible combien quand où comment pour avec
        payant obligatoire valable ouvert fermé chauffée chauffé loin
    """),
    there=words("là-bas là"),
    exists=words("suis êtes es est"),
)

REQUESTS: Final = Requests(
    actions="|".join(
        (
            r"\b(?:pouvez|pourriez|peux|pourrais)[ -](?:vous|tu) (?:(?:me|nous|le|la|les|bien"
            r"|aussi|s'il vous plait|m') ?)*+(?:reserver|commander|annuler|envoyer|rappeler|appeler"
            r"|changer|modifier|supprimer|ajouter|transferer|trouver|chercher|recommander|inscrire"
            r"|programmer|rembourser)\b",
            r"\b(?:reservez|commandez|annulez|envoyez|rappelez|inscrivez|trouvez|changez)"
            r"[ -](?:moi|nous|le|la)\b",
            r"\bje (?:voudrais|veux|souhaite|souhaiterais|aimerais) (?:reserver|commander"
            r"|prendre (?:un )?rendez[ -]vous)\b",
        )
    ),
    moments=(
        r"\b(?:aujourd'hui|demain|hier|en ce moment|actuellement|tout de suite"
        r"|ce (?:mois|matin|soir)|cette semaine|(?:mois|semaine) (?:dernier|derniere|passee?))\b"
    ),
)

STOP_WORDS: Final = StopWords(
    written=_ARTICLES | _GRAMMAR | _QUESTION_WORDS,
    spoken=FOLLOW_UPS.subjectless
    | NOISES.fillers
    | words("bonjour bonsoir merci beaucoup question savoir voudrais aimerais"),
    weekdays=words("""
        lundi mardi mercredi jeudi vendredi samedi dimanche lundis mardis
        mercredis jeudis vendredis samedis dimanches
    """),
)

NUMBERS: Final = Numbers(_NUMBERS.written_forms, is_code=_NUMBERS.is_code)

SOUNDS: Final = Sounds(
    rules=(
        (r"eaux?", "o"),
        (r"oi|oy", "wa"),
        (r"tion", "sion"),
        (r"ph", "f"),
        (r"s?ch|sh", "X"),
        (r"th", "t"),
        (r"qu?", "k"),
        (r"gn", "n"),
        (r"gu(?=[eiy])", "k"),
        (r"ge(?=[ao])|g(?=[eiy])|j", "J"),
        (r"sc(?=[eiy])", "s"),
        (r"c(?=[eiy])", "s"),
        (r"ck|c|g", "k"),
        (r"x(?=[aeiouy])", "ks"),
        (r"ill(?=[aeiou])|ill$|(?<=[aeu])il$", "i"),
        (r"h", ""),
        (r"(?<=[aeiouy])(?:er|ez|et|es|ent)$|(?<=.)(?:er|ez|et)$", "e"),
        (r"(?<=..)(?:ent|e?s|x|t|d|p|z|e)$", ""),
        (r"(?<=..)[tdps]$", ""),
        (r"(?:ai|ei)(?=[mn](?![aeiouymn]))|i(?=[mn](?![aeiouymn]))", "e"),
        (r"e(?=[mn](?![aeiouymn]))", "a"),
        (r"m(?=[pb])", "n"),
        (r"ai|ei|ay|ey", "e"),
        (r"d", "t"),
        (r"b", "p"),
        (r"v|w(?!a)", "f"),
        (r"z", "s"),
        (r"[aou][aou]*", "a"),
        (r"[eiy][eiy]*", "e"),
        (r"(.)\1+", r"\1"),
    ),
)
"""Letters to sounds: endings are silent, many spellings are one vowel, `an` and `en` the same."""
