"""Gate: utterances that ask nothing, so that nothing is looked up for them.

An utterance is small talk when it is made of small-talk phrases from its first word to its last: one word outside them
("thanks and what are your hours") and it is a question. The list is closed on purpose: what it does not know goes to
retrieval, where a low score still abstains; a question kept out here would be lost for good.
"""

from __future__ import annotations

import re
from typing import Final

# Longer utterances are not tried: the longest farewell people come up with is under twenty words.
_MAX_WORDS: Final = 24
_LONGEST_PHRASE: Final = 12  # words

_PHRASES: Final[dict[str, str]] = {
    "hold": (
        r"(?:can|could) you (?:please )?give me a (?:second|minute|moment|sec)|i need a (?:second|minute|moment"
        r"|sec)|i'm (?:still )?thinking|"
        r"(?:can|could|would) you (?:please )?(?:hold|hang|wait)(?: on)?(?: please)?|let me (?:get|grab|find)"
        r" (?:a|my|some) (?:pen|pencil|paper|card|glasses)|"
        r"(?:please )?(?:hold on|hang on|wait|wait up|bear with me|stand by)"
        r"|(?:just |give me |hold on |one |a |for )+(?:sec|second|minute|moment|min)s?"
        r"|(?:give me )?(?:a couple of|a few|two|five) (?:seconds|minutes|secs|moments)"
        r"|let me (?:think|see|check|look|have a look)(?: about (?:it|that))?|i'm thinking|never ?mind"
        r"|forget (?:it|about it|that)|don't worry about (?:it|that)"
    ),
    "repeat": (
        r"i (?:don't|do not|didn't) (?:understand|follow|get (?:it|that))|you're (?:breaking|cutting) (?:up|out)|"
        r"i (?:missed|lost) (?:that|you)(?: there)?|say what|run that by me(?: again)?|you (?:broke|cut)"
        r" (?:up|out)(?: there)?|"
        r"(?:(?:can|could|would|will) you )?(?:please )?(?:repeat|say)(?: (?:that|it|yourself|this))?(?: (?:again"
        r"|once more"
        r"|one more time))?|pardon(?: me)?|come again|excuse me|what was that|what did you (?:just )?say"
        r"|i (?:didn't|did not|couldn't) (?:catch|hear|get|understand) (?:that|you|it)"
        r"|(?:(?:can|could) you )?(?:speak|talk) (?:up|louder|slower|more slowly|a (?:bit|little) (?:louder|slower))"
    ),
    "presence": (
        r"speaking|(?:anybody|anyone) home|i can't hear you|(?:sorry )?(?:a )?(?:bad|poor) (?:line|connection)|"
        r"(?:testing|test)(?: one two(?: three)?)?|is (?:this|it|that)(?: thing)? (?:on|working)|i was on mute"
        r"|i'm (?:still )?(?:back|here|listening|ready)|"
        r"(?:are you|is (?:anybody|anyone|somebody|someone)|anybody|anyone|you) (?:still )?there"
        r"|(?:can|could|do) you (?:still )?hear me(?: now| okay| ok)?"
        r"|(?:can|could|would|will) you (?:please )?help me(?: out)?"
        r"|i (?:just )?(?:have|had|have got) (?:a|another|one more|a quick|one|some) questions?(?: for you)?"
        r"|i've got (?:a|another|one more|a quick|one|some) questions?(?: for you)?"
        r"|i(?: really)? (?:need|want|could use) (?:some |your |a little )?help|i(?:'d| would) like some help"
        r"|this is [a-z]+"
        r"|my name is [a-z]+"
    ),
    "greeting": (
        r"hi+|hello|hey|hiya|howdy|yo|greetings|good (?:morning|afternoon|evening|day)(?: to you)?"
        r"|how are (?:you|things|we)(?: doing)?(?: today| this morning)?|how's it going|how do you do|how have you been"
        r"|what's up"
        r"|(?:it's |it is )?(?:nice|good|great|pleasure|lovely)(?: to (?:meet|see|hear from|talk to|speak to)| meeting|"
        r" talking to| speaking with| chatting with) you(?: too)?"
        r"|i'm (?:fine|good|well|okay|ok|great|doing (?:well|good|great|fine|okay))"
        r"|(?:and |how about |what about )?(?:you|yourself)"
    ),
    "goodbye": (
        r"(?:i'll|i will) (?:call|ring|phone|get|come) (?:you )?back(?: to you)?(?: later| soon| tomorrow)?"
        r"|(?:speak|talk) soon|laters|"
        r"cheerio|toodles|ttyl|so long|gotta (?:go|run)|(?:i|i've) (?:have|got|need) to (?:go|run)(?: now)?|i'm"
        r" (?:off|leaving|hanging up)|"
        r"good ?bye|bye|see (?:you|ya)(?: (?:later|soon|around|then|tomorrow))?|good ?night"
        r"|(?:i'll )?(?:talk|speak|catch) (?:to |with )?you (?:later|soon|tomorrow)|later|farewell|take care"
        r"|(?:you )?(?:have|enjoy)(?: yourself)? (?:a |the rest of your )?(?:(?:very )?(?:nice|good|great|lovely"
        r"|wonderful"
        r"|pleasant) )?(?:day|one|evening|night|weekend|afternoon|time|rest of your day)(?: ahead)?"
        r"|(?:you too|same to you|and you too|likewise)|bye for now|until next time|ciao"
        r"|(?:and )?(?:that's|that is|that'll be|that will be|this is|i think that's|i think that is|i guess"
        r" that's|it's)"
        r" (?:about |just )?(?:it|all|everything)(?: (?:i|we) (?:need|needed|want|wanted|have|had|wanted to know"
        r"|needed to"
        r" know))?(?: (?:for|from) (?:now|today|me))?"
        r"|(?:nothing|no more|no other|no further|no) (?:else|more|questions|further questions|other questions|more"
        r" questions)(?: (?:for|from) (?:now|today|me))?"
        r"|(?:i think |i guess )?(?:we're|i'm|we are|i am|i think i'm) (?:all )?(?:done|set|finished|good)(?:"
        r" here| now)?"
    ),
    "thanks": (
        r"you(?:'re| are) (?:very |most |so )?welcome|don't mention it|my pleasure|(?:that's|that is|how) (?:very"
        r" |so |really )?(?:kind|nice|sweet)(?: of you)?|"
        r"thanks?(?: you)?|thankyou|thank you|(?:so|very|many|really|ever so) (?:much|kindly)|a (?:lot|bunch|million|ton)"
        r"|many thanks|much (?:appreciated|obliged)|cheers|ta|appreciate it|appreciated"
        r"|(?:i|we) (?:really |truly |do |so )?(?:appreciate|appreciated) (?:it|that|this|(?:all )?(?:your|the) (?:help"
        r"|time|assistance|support|patience))"
        r"|for (?:(?:all )?(?:your|the|all the) )(?:help|time|assistance|support|information|info|patience)"
        r"|for (?:helping|that|everything|this|letting me know|checking)(?: me)?"
        r"|(?:you've|you have|you) (?:been|were|are|was) (?:very |so |really |super |extremely |most )?(?:(?:a"
        r" )?(?:big "
        r"|great |huge |real )?help|helpful|kind|great|wonderful|awesome)"
        r"|that(?:'s| was| is) (?:very |so |really |super )?helpful|that (?:helps|helped)(?: a lot)?"
        r"|you're (?:the best|awesome|great|a star|a lifesaver|very kind)"
    ),
    "confirmation": (
        r"(?:that's|that is|it's|you're) (?:wrong|incorrect|not (?:right|correct|it|true|what i (?:meant|said|asked)))|"
        r"yes|yeah|yep|yup|ya|yah|aye|ye|no|nope|nah|not (?:at all|really|now|today|yet|at the moment|right now)|sure(?:"
        r" thing)?|ok"
        r"|okay|okey|okie|dokie|k|alright|all right|right|correct|exactly|precisely|absolutely|definitely"
        r"|certainly|indeed"
        r"|of course|please(?: do)?"
        r"|(?:that's|that is|that's all|you're|it's|that was|it is|this is|sounds|looks|seems|all|that sounds"
        r"|that looks"
        r"|that'd be|that would be) (?:very |so |really |just |absolutely |pretty |quite |totally )?(?:right"
        r"|correct|good"
        r"|great|fine|ok|okay|perfect|awesome|wonderful|it|true|cool|excellent|lovely|amazing|fantastic|nice"
        r"|interesting"
        r"|alright|all right|clear|the one|what i (?:meant|said|wanted|need|needed))|sounds like a plan"
        r"|(?:that|this|it)(?: all)? (?:works|makes sense|worked|will work|'ll work|will do|'ll do|'d work|would"
        r" work)(?:"
        r" for me)?|makes sense|(?:okay |yes )?go (?:ahead|on)|(?:please )?(?:continue|proceed|carry on)"
        r"|i (?:think|guess|believe|suppose|hope) (?:so|not)|i (?:don't|do not) (?:think so|know|mind|care)|i'm"
        r" not sure"
        r"|maybe|perhaps|probably|possibly"
        r"|(?:i'll|i will|let me|i'm going to|i'm gonna|i can) (?:do|try|check)(?: (?:that|it|this))?(?: out)?(?:"
        r" (?:now"
        r"|then|later|first))?|no (?:problem|problems|worries|need|rush|bother)|not a problem|will do|fair enough"
        r"|why not"
        r"|let's do (?:it|that)"
    ),
    "backchannel": (
        r"huh|what|nice one|(?:happy|glad) to hear (?:it|that)|"
        r"(?:what|that's) a relief|that's sorted|(?:for|oh) (?:god's|heaven's|goodness) sake|fab|job done|nothing|"
        r"righto|alrighty|okey dokey|rightio|(?:good|nice|great) to (?:know|hear)|i (?:suppose|guess)|no way|go"
        r" figure|bless you|phew|ouch|well well|"
        r"uh ?huh|mm ?hmm?|mhm+|a?ha+|hm+|oh|ah|aw+|ooh|wow|whoa|gee|gosh|huh|i (?:see|understand|got it|get it|know)"
        r"|(?:i've )?got (?:it|that|you|ya)|gotcha|understood|noted|really|interesting|nice|great|good|perfect"
        r"|awesome|cool"
        r"|excellent|wonderful|fantastic|amazing|brilliant|lovely|super|sweet|neat|fabulous|terrific|splendid"
        r"|(?:i'm |so |very )*sorry(?: about (?:that|it))?|my bad|my mistake|my apologies|apologies|oops|whoops"
        r"|you know"
        r"|i mean|well|so|anyway|anyways|uh oh|oh my(?: god| gosh)?|true|ha(?: ha)*|lol|damn|too bad|hooray|yay"
    ),
    # Never small talk alone; they hold the others together.
    "glue": (
        r"and|but|then|again|now|just|for now|today|there|here|sir|ma'am|madam|miss|mate|man|buddy|dude|pal|guys"
        r"|everyone"
        r"|everybody|all|dear|friend|my friend|honey|kindly|to (?:know|hear)|folks|very|indeed|actually|though"
        r"|too|to you|as well|uh+|uhm+|um+|er+m?|erm|hm+|mm+|ah+|eh"
    ),
}

# Words that say nothing by themselves. They may fill the gaps between small-talk phrases as long as nothing is asked:
# "okay i'm here for you" is small talk, "okay is it for you" may be a follow-up.
_LOOSE = re.compile(
    r"(?:i'm|i am|i|i'll|i've|you|you're|you've|we|we're|it|it's|that|that's|this|is|am|are|was|were|so|very|ever"
    r"|much|of|to|here|back"
    r"|still|at all|me|my|your|for|with|been|be|have|had|do|did|done|not|don't|on|in|the|a|an|all|really|quite"
    r"|pretty|kind|nice"
    r"|as|bit|little|most|also|always|happy|glad)(?= |$)"
)
_ASKS = re.compile(
    r"\b(?:what|what's|who|who's|whose|which|when|where|where's|why|how|how's|is there|any"
    r"|(?:is|are|was|were|am|do|does|did|have|has|had|can|could|will|would|should|may|must|isn't|aren't|don't"
    r"|doesn't|can't|won't)"
    r" (?:i|you|it|that|this|these|those|they|there|we|he|she|the|a|an|my|your|one|someone|anyone))\b"
)
_NOISE = re.compile(
    r"\b(?:uh+|uhm+|um+|er+m?|erm|hm+|mm+|ah+|eh)\b(?! ?(?:huh|hmm|hm|oh))"
)
_NOISE_LETTERS = "uhmera"  # of which all noise is made
_DIGIT_OR_FOREIGN = re.compile(r"[0-9]|[^\x00-\x7f]")
_NOT_A_WORD = re.compile(r"[^a-z' ]+")
_PHRASE = {
    reason: re.compile(rf"(?:{pattern})(?= |$)") for reason, pattern in _PHRASES.items()
}


# Nearly every question holds several words that no phrase has, and is let through before any pattern is tried (0.3 ms).
# A name, a drawn-out "hiii" or an optional plural may be missing here.
_KNOWN = frozenset(re.findall(r"[a-z']+", " ".join(_PHRASES.values()) + _LOOSE.pattern))
_MAX_UNKNOWN: Final = 2

# Questions that are small talk themselves do not count as asking.
_ASKS_NOTHING = re.compile(
    rf"\b(?:{'|'.join(_PHRASES[reason] for reason in ('hold', 'repeat', 'presence', 'greeting', 'goodbye', 'thanks'))})(?= |$)"
)


def gate(text: str) -> str | None:
    """Say why nothing has to be looked up for this utterance, or None when something has.

    Args:
        text: one transcript, in any case and punctuation.

    Returns:
        `empty` (no words, or only uh and um); `greeting`, `goodbye`, `thanks`, `hold` (wait, never mind), `repeat` (say that
        again), `presence` (are you there, i have a question), `confirmation` (yes, no, correct) or `backchannel` (i see,
        wow): the first of these words in the order of their weight that the utterance is made of; None for everything
        else, digits and scripts other than Latin included.
    """
    plain = text.replace("’", "'").lower()
    if any(
        sign.isdigit() or sign.isalpha() for sign in _DIGIT_OR_FOREIGN.findall(plain)
    ):
        return None
    words = _NOT_A_WORD.sub(" ", plain).split()
    if (
        len({word for word in words if word.strip(_NOISE_LETTERS)} - _KNOWN)
        > _MAX_UNKNOWN
    ):
        return None
    said = " ".join(words)
    spoken = " ".join(_NOISE.sub(" ", said).split())
    if not spoken:
        return "empty"
    words = spoken.split()
    if len(words) > _MAX_WORDS or len(set(words) - _KNOWN) > _MAX_UNKNOWN:
        return None
    reasons = _cover(spoken) or _cover(said)
    return (
        next((reason for reason in _WEIGHT if reason in reasons), None)
        if reasons
        else None
    )


# What an utterance of several kinds counts as: "okay thanks bye" is a goodbye.
_WEIGHT: Final = (
    "goodbye",
    "hold",
    "repeat",
    "presence",
    "thanks",
    "greeting",
    "confirmation",
    "backchannel",
)


def _cover(said: str) -> frozenset[str]:
    """Return the kinds of phrases that cover the text without a gap; empty when no cover exists.

    Reachable word boundaries, left to right: at most words x kinds regular expressions, whatever the text.
    """
    patterns = (
        _PHRASE
        if _ASKS.search(_ASKS_NOTHING.sub(" ", said))
        else _PHRASE | {"loose": _LOOSE}
    )
    reached: dict[int, frozenset[str]] = {0: frozenset()}
    ends = [at for at, sign in enumerate(said) if sign == " "] + [len(said)]
    for start in [0] + [end + 1 for end in ends[:-1]]:
        if start not in reached:
            continue
        near = [end for end in ends if end > start][:_LONGEST_PHRASE]
        for reason, pattern in patterns.items():
            if not pattern.match(
                said, start
            ):  # nearly always: the ends need not be tried one by one
                continue
            for end in near:
                if pattern.fullmatch(said, start, end):
                    after = end + 1 if end < len(said) else end
                    reached[after] = (
                        reached.get(after, frozenset()) | reached[start] | {reason}
                    )
    return reached.get(len(said), frozenset()) - {"glue", "loose"}
