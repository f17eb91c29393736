"""American and British spelling as one: recognisers write `fiber` where a document has `fibre`.

The form is no spelling in use, only the same for both; it is made before stemming, of passages and
of queries alike. Endings that other words share (`four`, `hour`) are folded for listed words alone.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

_OUR: Final = (
    "arm behavi cand clam col demean endeav fav ferv flav glam harb hon hum lab neighb od parl "
    "ranc rig rum sav savi splend tum val vap vig"
)
_RE: Final = "calib cent fib lit lust manoeuv maneuv meag met och sab salt sepulch somb spect theat"
_OGUE: Final = "anal catal dial epil homol monol prol synag"
_DOUBLED: Final = (
    "bevel bia cancel channel chisel counsel dial duel enamel equal excel fuel grovel imperil "
    "initial jewel label level libel marvel medal metal model panel parcel pedal pencil quarrel "
    "refuel revel rival shovel signal snivel spiral swivel symbol total towel travel trowel "
    "tunnel unravel yodel"
)
_GREEK: Final = (
    "aesthet anaem anaesth archaeolog caesar coeliac diarrhoea encyclopaed faec foet gynaecolog "
    "haemat haemo haemorrh homoeo ischaem leukaem manoeuv mediaev oedem oesophag oestrogen "
    "orthopaed paedi septicaem"
)


def _stems(text: str) -> str:
    return "|".join(sorted(text.split(), key=len, reverse=True))


_RULES: Final = (
    (re.compile(rf"^((?:dis|un|mis)?(?:{_stems(_OUR)}))our"), r"\1or"),
    (re.compile(rf"((?:{_stems(_RE)}))re(s?)$"), r"\1er\2"),
    (re.compile(rf"((?:{_stems(_RE)}))red$"), r"\1ered"),
    (re.compile(rf"^({_stems(_OGUE)})ogue"), r"\1og"),
    (
        re.compile(
            rf"^({_stems(_DOUBLED)})l(?=(?:ed|ing|ers?|ors?|ous|ation|able|ery|ist)$)"
        ),
        r"\1",
    ),
    (re.compile(r"^(fulfi|enro|insta|insti|disti)l(?=ment|s?$)"), r"\1ll"),
    (re.compile(r"^(ski|wi)ll?ful"), r"\1lful"),
    (re.compile(r"(?<=[a-z]{3}i)z(?=(?:e[drs]?|ers|ing|ations?|able)$)"), "s"),
    (re.compile(r"(?<=[a-z]y)z(?=(?:e[drs]?|ers|ing)$)"), "s"),
    (re.compile(r"^(licen|defen|offen|preten)c(?=e)"), r"\1s"),
    (re.compile(r"^practis"), "practic"),
    (re.compile(rf"^((?:{_stems(_GREEK)}))"), lambda found: _plain(found[1])),
    (re.compile(r"paed(?=ic)"), "ped"),
    (re.compile(r"^(acknowledg|judg|abridg)e(?=ment)"), r"\1"),
    (re.compile(r"^sulph"), "sulf"),
    (re.compile(r"^enquir"), "inquir"),
)
_WORDS: Final = MappingProxyType(
    {
        british: american
        for british, american in (
            pair.split("=")
            for pair in """
            ageing=aging aluminium=aluminum axe=ax cheque=check cheques=checks
            chequebook=checkbook chequebooks=checkbooks chequered=checkered
            cosy=cozy disc=disk discs=disks doughnut=donut doughnuts=donuts
            draught=draft draughts=drafts draughty=drafty gaol=jail grey=gray
            greyed=grayed jewellery=jewelry kerb=curb kerbs=curbs kerbside=curbside
            kilogramme=kilogram kilogrammes=kilograms maths=math mould=mold
            moulds=molds mouldy=moldy moulded=molded moustache=mustache
            mum=mom mums=moms omelette=omelet omelettes=omelets plough=plow
            programme=program programmes=programs programmed=programed
            pyjama=pajama pyjamas=pajamas sceptic=skeptic sceptical=skeptical
            towards=toward tyre=tire tyres=tires whisky=whiskey
            woollen=woolen yoghurt=yogurt yoghurts=yogurts
        """.split()
        )
    }
)


def _plain(greek: str) -> str:
    return greek.replace("ae", "e").replace("oe", "e")


def common_spelling(word: str) -> str:
    """Return the form that the American and the British spelling of a word have in common.

    Args:
        word: lower case, not stemmed. A word that is spelled alike comes back as it is.
    """
    if word in _WORDS:
        return _WORDS[word]
    if len(word) < 5:
        return word
    for pattern, replacement in _RULES:
        word = pattern.sub(replacement, word)
    return word
