"""French, German and Spanish: what callers say around a question, with the names of `english`.

A question itself is read by the model, whatever its language. These are the words that ask nothing,
and those that a question goes on with. They are written without accents, as they are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kbserver.languages.tables import Phrases, alternatives, phrases

OPENERS: Final[Phrases] = phrases("""
    d'accord|ah d'accord|ok d'accord|oui|merci|merci beaucoup
    non merci|tres bien|bonjour|bonsoir|entendu|c'est bon
    c'est note|desole|excusez moi|excusez-moi
    danke|vielen dank|danke schon|nein danke|ja|nein|hallo
    guten tag|guten morgen|guten abend|alles klar|ach so
    in ordnung
    gracias|muchas gracias|no gracias|hola|buenos dias
    buenas tardes|buenas noches|de acuerdo|muy bien|entendido
    disculpe
""")
"""Acknowledgements and greetings in front of a question.

Without those that begin a subject as well: `non fumeur`, `bon cadeau`, `gut versichert`.
"""

CONTINUATIONS: Final = alternatives(r"""
    et|mais|ou alors|sinon|alors|du coup|par contre|dans ce cas
    je veux dire|je voulais dire|non je
    und|aber|oder|sonst|also|dann|ich meine|ich meinte
    y (?:el|la|los|las|cuanto|cuando|donde|como|que|en|para|si|con|hasta)
    pero|entonces|quiero decir|si no|en ese caso
""")
"""Pattern: what a question begins with that goes on from the one before."""

SMALL_TALK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "greeting": alternatives(r"""
            bonjour|bonsoir|salut|allo|ca va|enchantee?
            hallo|moin|servus|gruss gott|guten (?:tag|morgen|abend)
            hola|buenos dias|buenas(?: (?:tardes|noches))?|que tal
        """),
        "goodbye": alternatives(r"""
            au revoir|a bientot|a plus tard|a demain
            bonne (?:journee|soiree|nuit|fin de journee)
            tschuss|auf wiedersehen|auf wiederhoren|bis (?:bald|dann|spater)
            schonen (?:tag|abend)(?: noch)?
            adios|hasta (?:luego|pronto|manana|la vista)|chao
            que tenga (?:un )?buen dia
        """),
        "thanks": alternatives(r"""
            merci(?: (?:beaucoup|bien|a vous))?|je vous remercie
            danke(?: (?:schon|sehr|dir|ihnen))?|vielen dank|besten dank
            (?:muchas |mil )?gracias|se lo agradezco
        """),
        "confirmation": alternatives(r"""
            oui|non|d'accord|ca marche|c'est (?:bon|ca|note|parfait|tout)
            entendu|bien sur|exactement|tout a fait|ca me va
            ja|nein|genau|stimmt|in ordnung|alles klar|passt|geht klar
            das (?:passt|stimmt|war's|ware alles|ist alles)
            si|vale|claro(?: que si)?|de acuerdo|por supuesto|eso es(?: todo)?
        """),
        "backchannel": alternatives(r"""
            tres bien|parfait|bon|bien|je vois|je comprends|pardon|super
            desole|ah bon
            gut|sehr gut|prima|ach so|aha|verstehe|ich verstehe
            entschuldigung|bitte
            bueno|perfecto|muy bien|entendido|entiendo|ya veo|perdon
            disculpe
        """),
        "hold": alternatives(r"""
            (?:un|une|attendez un) (?:moment|instant|seconde|minute)
                (?: s'il vous plait)?
            attendez|ne quittez pas
            (?:einen |ein )?(?:moment|augenblick)(?: (?:mal|bitte))*
            (?:un|espere un) (?:momento|segundo|minuto)(?: por favor)?
        """),
        "repeat": alternatives(r"""
            (?:vous pouvez |pouvez vous )?repeter(?: s'il vous plait)?
            je n'ai pas (?:compris|entendu)
            wie bitte|(?:konnen sie das )?(?:noch ?mal )?wiederholen(?: bitte)?
            como dice|(?:puede )?repetir(?: por favor)?|no (?:he )?entendi(?:do)?
        """),
        "glue": alternatives(r"""
            et|s'il vous plait|monsieur|madame|euh+
            und|bitte|ahm+
            y|por favor|senor|senora
        """),
    }
)
"""Pattern of the phrases of each kind."""
