"""English: every word list and table that its profile is made of.

Every table is frozen. Words are lower case, as a recogniser writes them, with straight apostrophes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kbserver.languages.tables import (
    Phrases,
    alternatives,
    in_order,
    phrases,
    table,
    words,
)

# Cleaning: the noises of speaking.

FILLERS: Final = words("""
    uh uhh uhm um umm ummm er err erm ah ahh hm hmm hmmm mm mmm
    mhm ugh
""")

BEFORE_A_NOUN: Final = words("the an your our their to in")
"""After these words a filler is a word that is asked about: "where is the er"."""

NOUN_FILLERS: Final = words("er ah mm")
"""Fillers that are also nouns or abbreviations."""

BEFORE_YOU_KNOW: Final = words("""
    do don't did as if what how that because would should can
    may
""")
"""After these words `you know` means something: "do you know if", "as you know"."""

QUESTION_WORDS: Final = words("""
    what what's which who who's whose whom when where where's
    why how how's
""")

FUNCTION_WORDS: Final = QUESTION_WORDS | words("""
    a an the this these those my your our
    his her their its of in on at for from
    to with by about into as and or but if i
    i'm i've i'd we you he she it they is
    are was were am be do does did can could
    will would should has have there it's
    that's
""")
"""Grammar only: said twice they are a stumble, and a repair often starts again on one of them."""

OPENERS: Final[Phrases] = phrases("""
    ok|okay|alright|all right|so|well|yeah|yes|yep|oh|hey|hi
    hello|hi there|hey there|great|perfect|awesome|cool
    excellent|wonderful|good|thanks|thank you|thanks a lot
    thank you so much|got it|sounds good|sounds great
    that sounds good|that sounds great|no problem|excuse me
    good morning|good afternoon|good evening|and|um
""")
"""Acknowledgements and greetings in front of a question."""

WRAPPERS: Final[Phrases] = phrases("""
    can you tell me|could you tell me|can you please tell me
    could you please tell me|would you tell me
    please tell me|tell me|can you let me know
    could you let me know|let me know
    i was wondering if you could tell me
    i was wondering if you could help me with
    i was wondering if you can tell me
    i was wondering|i'm wondering|i wonder|i'd like to know
    i would like to know|i want to know|i wanna know
    i need to know|i wanted to know|i have a question about
    i've got a question about
    i'm calling about|i'm calling to ask|i wanted to ask
    can i ask|could i ask|may i ask|can you help me with
    could you help me with|do you know|do you happen to know
    would you happen to know|can you check|could you check
    can you explain to me
""")
"""Polite run-ups to a question."""

STRONG_CUES: Final[Phrases] = phrases("""
    or rather|no rather|or wait|oh wait|no wait|wait no
    scratch that|strike that|no sorry|or sorry|oh sorry
    sorry no|i mean|i meant|i meant to say|what i mean is
    or actually|no actually|actually no|no no|or instead
    let me rephrase
""")
"""One of these, or two cues of any kind, and something was probably taken back."""

WEAK_CUES: Final[Phrases] = phrases("""
    no|sorry|rather|actually|instead|oops|oh|well|or|wait
    nope|make that
""")
"""Alone these are ordinary words: "no wait time", "make that work"."""

LONE_CUES: Final = frozenset({("no",), ("sorry",)})
"""Weak cues that count alone when what follows starts over."""

AFTER_CUE: Final[Phrases] = phrases("""
    tell me|i want to know|let me ask|let me say|not that
    that should be|that is|it's|but
""")
"""What may stand between a cue and the words that replace what was taken back."""


# Numbers.

UNITS: Final = in_order("""
    zero one two three four five six seven eight nine ten eleven
    twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen
""")
"""0 … 19, by their value."""

TENS: Final = (
    "",
    "",
    *in_order("twenty thirty forty fifty sixty seventy eighty ninety"),
)
"""20 … 90, by the first digit."""

SMALL_NUMBERS: Final[Mapping[str, int]] = MappingProxyType(
    {word: value for value, word in enumerate(UNITS)}
    | {word: 10 * value for value, word in enumerate(TENS) if word}
)

MULTIPLIERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "hundred": 100,
        "thousand": 1_000,
        "million": 1_000_000,
        "billion": 1_000_000_000,
    }
)

ORDINAL_WORDS: Final = in_order("""
    first second third fourth fifth sixth seventh eighth ninth
    tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth
""")
"""1st … 19th, from 1 on."""

ORDINALS: Final[Mapping[str, int]] = MappingProxyType(
    {word: value for value, word in enumerate(ORDINAL_WORDS, 1)}
    | {f"{word[:-1]}ieth": 10 * value for value, word in enumerate(TENS) if word}
)

UNIT_SYMBOLS: Final = table("""
    gigahertz=ghz megahertz=mhz kilohertz=khz hertz=hz
    gigabyte=gb gigabytes=gb megabyte=mb megabytes=mb
    terabyte=tb terabytes=tb kilobyte=kb kilobytes=kb
    megabits=mbit gigabits=gbit kilometer=km kilometers=km
    kilometres=km centimeters=cm centimetres=cm millimeters=mm
    millimetres=mm kilograms=kg kilos=kg milligrams=mg
    milliliters=ml millilitres=ml volt=v volts=v watt=w watts=w
    kilowatt=kw kilowatts=kw minutes=min bit=bit
""")
"""Units whose symbol is written straight behind the number: "5ghz", "20mb"."""

SYMBOLS: Final = frozenset(UNIT_SYMBOLS.values()) | words("k g x")
"""What may stand straight behind a number."""

SPELLING_ALPHABET: Final = table("""
    alpha=a alfa=a bravo=b charlie=c
    delta=d echo=e foxtrot=f golf=g
    hotel=h india=i juliet=j juliett=j
    kilo=k lima=l mike=m november=n
    oscar=o papa=p quebec=q romeo=r
    sierra=s tango=t uniform=u
    victor=v whiskey=w whisky=w xray=x
    yankee=y zulu=z
""")
"""The letter that each word of the NATO alphabet stands for."""

LETTER_NAMES: Final = table("""
    zed=z zee=z aitch=h haitch=h bee=b
    cee=c dee=d gee=g jay=j kay=k el=l
    em=m en=n pee=p cue=q queue=q ess=s
    tee=t vee=v ex=x wye=y
""")
"""Names of letters that recognisers write out."""

ARTICLE_LETTERS: Final = words("a i o oh")
"""Letters that are nearly always words: "a four digit pin", "i two"."""

LETTER_MODIFIERS: Final = words("capital uppercase lowercase letter")
"""What may stand before a letter without changing it."""

CODE_SEPARATORS: Final = words("dash hyphen minus slash stroke underscore")
"""What may be said between two parts of a code."""

REFERENCE_WORDS: Final = words(
    "clause section article paragraph subsection subparagraph rule step item point chapter annex "
    "appendix schedule exhibit"
)
"""What is said before the number or letter of a part of a document."""

NUMBERED_PLACES: Final = words("""
    room rooms suite office unit apartment apt flat door gate bay
    desk ward theatre theater hall classroom cabin lab laboratory
    studio locker counter platform
""")
"""What is said before the number of a place, which may be written with a separator: `3.07`."""

BEFORE_A_NUMBER: Final = words("number no nr")
"""What may be said between a place and its number."""

DECIMAL_POINTS: Final = words("point dot")
"""What may be said between two numbers."""

ZEROS: Final = words("o oh nought naught")
"""Beside digits and letters these are the digit 0, or the letter O."""


WEEKDAYS: Final = words("""
    monday tuesday wednesday thursday
    friday saturday sunday mondays
    tuesdays wednesdays thursdays
    fridays saturdays sundays
""")


FLOORS: Final = in_order("floor level storey")
"""Words for the same part of a building."""


# Follow-ups.

SUBJECTLESS_WORDS: Final = words("""
    a an the and or but if in on at of for from to with by about
    into as is are was were am be been being do does did doing
    done can could will would shall should may might must has
    have had having not no yes i me my mine we us our you your
    yours he him his she her it its they them their this that
    these those there here what which who whom whose when where
    why how what's who's where's how's when's it's that's
    there's i'm i've i'd you're some any all much many more most
    other others another else also just only so then than too
    very really please ok okay well get got getting give tell
    know want need like go going make made mean let say said see
    look find help think use used way ways thing things kind
    kinds type types different good better best possible able up
    out off over now again still even ever actually long often
    far old big uh um perfect great thanks thank
""")
"""Words that name no subject."""

POINTERS: Final = words("""
    it its they them their theirs those these he him his she
    hers her ones
""")
"""Pronouns that stand for something named elsewhere."""

ASKING_WORDS: Final = QUESTION_WORDS | words("""
    is are was were am do does did can
    could will would shall should may
    might must has have had isn't aren't
    don't doesn't can't won't i'd i'm i
    we're we
""")
"""Words that a whole question or request begins with."""

ALIKE: Final = words("same else instead another other others")
"""Words that compare with something that may stand in the same question."""

EMPTY_IT: Final = words("""
    possible true necessary safe legal take better ok okay cost
    matter
""")
"""After these `it` points at nothing: "is it possible to …", "does it take …"."""

BEFORE_EMPTY_IT: Final = words("is does was will")

AFTER_THAT: Final = words("""
    is was one work works cost costs mean happen for in at on
    too also the place do does
""")
"""Before these `that` and `this` point at something."""

BEFORE_THAT: Final = words("about of is for like to with at in on was do does from")
"""After these `that` and `this` point at something."""

EXISTS: Final = words("is are was were will be a any an")
"""Beside these `there` is no place: "is there a pool"."""

CONTINUATIONS: Final = alternatives(r"""
    and|or|but|also|so|then|what about|how about|what else
    who else|where else|no,? i|i meant?|speaking|why not|why
    how so|how come|like what|such as|for example
    anything else|any others?|any more|in that case|if so
    instead|by the way
""")
"""Pattern: what a question begins with that goes on from the one before."""


# Small talk.

_DEPARTMENT: Final = (
    "(?:the |your )?(?:billing|sales|support|accounts|accounting|reception|"
    "the front desk|front desk|complaints|returns|technical support|tech support|"
    "customer (?:service|services|care|support|relations)|help ?desk)"
    "(?: department| team| desk| line| office)?"
)
_SOMEONE: Final = (
    "(?:an? |the |your )?(?:real |live |human )?(?:agent|human(?: being)?|person|"
    "representative|rep|operator|someone|somebody|colleague|advis[eo]r|manager|supervisor)"
    "(?: (?:else|real|human))?"
    f"(?: (?:in|from|at|of) {_DEPARTMENT})?"
)

SMALL_TALK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hold": alternatives(r"""
            (?:can|could) you (?:please )?give me a (?:second|minute|moment|
                sec)
            i need a (?:second|minute|moment|sec)
            i'm (?:still )?thinking
            (?:can|could|would) you (?:please )?(?:hold|hang|wait)
                (?: on)?(?: please)?
            let me (?:get|grab|find) (?:a|my|some) (?:pen|pencil|paper|card|
                glasses)
            (?:please )?(?:hold on|hang on|wait|wait up|bear with me|stand by)
            (?:just |give me |hold on |one |a |for )+(?:sec|second|minute|
                moment|min)s?
            (?:give me )?(?:a couple of|a few|two|five) (?:seconds|minutes|
                secs|moments)
            let me (?:think|see|check|look|have a look)(?: about (?:it|that))?
            (?:please )?(?:hold on|hang on|
                wait|bear with me|(?:just |
                give me |hold on |wait |one |
                a )+(?:sec|second|minute|moment|
                min)s?)(?: please)?(?: sorry)? (?:(?:my|
                the) (?:dog|cat|baby|kids?|son|
                daughter|child|children|
                (?:other )?phone|doorbell|bell|
                mother|father|mom|mum|dad|wife|
                husband|boss|neighbou?r)(?:'s| is| are| just| keeps)? (?:barking|
                crying|ringing|calling|talking|
                screaming|shouting|knocking|
                here)(?: again| now| at me| to me)?|
                (?:there's |there is )?(?:someone|
                somebody)(?:'s| is)? (?:at|
                knocking on|knocking at) (?:the|
                my) door|(?:i have|i've got|
                i got)(?: another| an incoming| a) call(?: coming in)?|
                (?:i'm |i am )(?:just |
                still )?(?:driving|parking)|
                (?:(?:i'm |i am )(?:just |
                still )?(?:getting|grabbing|
                fetching|finding|looking for|
                searching for|trying to find)|
                i (?:need|have|want) to (?:find|
                get|grab|fetch|answer|look for|
                turn off|turn down)|
                let me (?:just )?(?:get|grab|find|
                fetch|answer|look for|close|shut|
                put on|turn|turn off|
                turn down)) (?:my|the|a|this|
                some) (?:phone|card|pen|pencil|
                papers?|glasses|wallet|purse|bag|
                keys|letter|bill|documents|
                computer|laptop|car|door|tv|radio|
                music|call)(?: down| off)?)
            i'm thinking|never ?mind
            forget (?:it|about it|that)
            don't worry about (?:it|that)
        """),
        "handover": alternatives(rf"""
            (?:(?:can|could|would|
                will) you )?(?:please )?(?:just )?(?:transfer me|
                connect me|patch me through|
                put me through)(?: over)?(?: (?:to|
                with) (?:{_SOMEONE}|{_DEPARTMENT}))?(?: please| now)*
            (?:(?:can|could|may) i |i(?:'d| would) (?:like|prefer) to |
                i (?:want|need|have|wanna) (?:to )?|let me )?
                (?:please |just )*(?:speak|talk) (?:to|with)
                (?: {_SOMEONE}| {_DEPARTMENT})(?: please| now)*
            (?:give|get) me (?:{_SOMEONE})(?: please| now)*
            (?:an? )(?:human(?: being)?|operator|representative|
                (?:real|live|human) (?:person|agent|being))
                (?: please| now)*
            (?:human|operator|representative|agent)(?: please| now)+
        """),
        "repeat": alternatives(r"""
            i (?:don't|do not|didn't) (?:understand|follow|get (?:it|that))
            you're (?:breaking|cutting) (?:up|out)
            i (?:missed|lost) (?:that|you)(?: there)?
            say what
            run that by me(?: again)?
            you (?:broke|cut) (?:up|out)(?: there)?
            (?:(?:can|could|would|will) you )?(?:please )?(?:repeat|say)
                (?: (?:that|it|yourself|this))?(?: (?:again|once more|
                one more time))?
            pardon(?: me)?|come again|excuse me|what was that
            what did you (?:just )?say
            i (?:didn't|did not|couldn't) (?:catch|hear|get|
                understand) (?:that|you|it)
            (?:(?:can|could) you )?(?:speak|talk) (?:up|louder|slower|
                more slowly|a (?:bit|little) (?:louder|slower))
        """),
        "presence": alternatives(r"""
            speaking|(?:anybody|anyone) home|i can't hear you
            (?:sorry )?(?:a )?(?:bad|poor) (?:line|connection)
            (?:testing|test)(?: one two(?: three)?)?
            is (?:this|it|that)(?: thing)? (?:on|working)
            i was on mute
            i'm (?:still )?(?:back|here|listening|ready)
            (?:are you|is (?:anybody|anyone|somebody|someone)|anybody|anyone|
                you) (?:still )?there
            (?:can|could|do) you (?:still )?hear me(?: now| okay| ok)?
            (?:can|could|would|will) you (?:please )?help me(?: out)?
            i (?:just )?(?:have|had|have got) (?:a|another|one more|a quick|
                one|some) questions?(?: for you)?
            i've got (?:a|another|one more|a quick|one|
                some) questions?(?: for you)?
            i(?: really)? (?:need|want|could use) (?:some |your |
                a little )?help
            i(?:'d| would) like some help
            this is [a-z]+|my name is [a-z]+
        """),
        "greeting": alternatives(r"""
            hi+|hello|hey|hiya|howdy|yo|greetings
            (?:high |hi )?good (?:morning|afternoon|evening|day)(?: to you)?
            how are (?:you|things|we)(?: doing)?(?: today| this morning)?
            how's it going|how do you do|how have you been|what's up
            (?:it's |it is )?(?:nice|good|great|pleasure|lovely)(?: to (?:meet
                |see|hear from|talk to|speak to)| meeting| talking to
                | speaking with| chatting with) you(?: too)?
            i'm (?:fine|good|well|okay|ok|great|doing (?:well|good|great|fine|
                okay))
            (?:and |how about |what about )?(?:you|yourself)
        """),
        "goodbye": alternatives(r"""
            (?:i'll|i will) (?:call|ring|phone|get|
                come) (?:you )?back(?: to you)?(?: later| soon| tomorrow)?
            (?:speak|talk) soon|laters|cheerio|toodles|ttyl|so long
            gotta (?:go|run)
            (?:i|i've) (?:have|got|need) to (?:go|run)(?: now)?
            i'm (?:off|leaving|hanging up)
            good[ -]?bye?|bye|buh bye|ta ta|by bye|bye by
            (?:okay|ok|alright|all right|thanks|thank you) by
            see (?:you|ya)(?: (?:later|soon|around|then|tomorrow))?
            good ?night
            (?:i'll )?(?:talk|speak|catch) (?:to |with )?you (?:later|soon|
                tomorrow)
            later|farewell|take care
            (?:by )?(?:you )?(?:have|enjoy)(?: yourself)? (?:a |
                the rest of your )?(?:(?:very )?(?:nice|good|great|lovely|
                wonderful|pleasant) )?(?:day|one|evening|night|weekend|
                afternoon|time|rest of your day)(?: ahead)?
            (?:you too|same to you|and you too|likewise)
            bye for now|until next time|ciao
            (?:and |know )?(?:that's|that is|that'll be|that will be|this is|
                i think that's|i think that is|i guess that's|it's) (?:about |
                just )?(?:it|all|everything)(?: (?:i|we) (?:need|needed|want|
                wanted|have|had|wanted to know|needed to know))?(?: (?:for|
                from) (?:now|today|me))?
            (?:nothing|no more|no other|no further|no) (?:else|more|questions|
                further questions|other questions|more questions)(?: (?:for|
                from) (?:now|today|me))?
            (?:i think |i guess |know )?(?:we're|i'm|we are|i am|
                i think i'm) (?:all )?(?:done|set|finished|good)(?: here
                | now)?
        """),
        "thanks": alternatives(r"""
            you(?:'re| are) (?:very |most |so )?welcome
            don't mention it|my pleasure
            (?:that's|that is|how) (?:very |so |really )?(?:kind|nice|sweet)
                (?: of you)?
            (?:know )?(?:thanks?(?: you)?|thankyou)|thank you
            (?:so|very|many|really|ever so) (?:much|kindly)
            a (?:lot|bunch|million|ton)
            many thanks
            much (?:appreciated|obliged)
            cheers|ta|appreciate it|appreciated
            (?:i|we) (?:really |truly |do |so )?(?:appreciate|
                appreciated) (?:it|that|this|(?:all )?(?:your|the) (?:help|
                time|assistance|support|patience))
            for (?:(?:all )?(?:your|the|all the) )(?:help|time|assistance|
                support|information|info|patience)
            for (?:helping|that|everything|this|letting me know|checking)
                (?: me)?
            (?:you've|you have|you) (?:been|were|are|was) (?:very |so |
                really |super |extremely |most )?(?:(?:a )?(?:big |great |
                huge |real )?help|helpful|kind|great|wonderful|awesome)
            that(?:'s| was| is) (?:very |so |really |super )?helpful
            that (?:helps|helped)(?: a lot)?
            you're (?:the best|awesome|great|a star|a lifesaver|very kind)
        """),
        "confirmation": alternatives(r"""
            (?:that's|that is|it's|you're) (?:wrong|incorrect|not (?:right|
                correct|it|true|what i (?:meant|said|asked)))
            yes|yeah|yep|yup|ya|yah|aye|ye|no|nope|nah
            not (?:at all|really|now|today|yet|at the moment|right now)
            fine(?: (?:by|with) me)?
            suits me(?: fine)?|works for me
            (?:good|okay|ok) (?:by|with|for) me|deal
            done|roger(?: that)?|copy that|agreed
            i agree|affirmative|confirmed
            (?:i'm )?(?:good|fine|happy|okay|ok) with (?:that|it)
            good (?:enough|point|call)
            fair(?: point)?|point taken|close enough
            spot on|you bet|totally|whatever
            good to go|(?:crystal|all) clear
            that'll be fine|duly noted|righty ho
            sure(?: thing)?|ok|okay|okey|okie|dokie|k|alright
            all right|right|correct|exactly|precisely|absolutely
            definitely|certainly|indeed|o k|kay|of course|please(?: do)?
            (?:that's|that is|that's all|you're|it's|that was|it is|this is|
                sounds|looks|seems|all|that sounds|that looks|that'd be|
                that would be) (?:very |so |really |just |absolutely |pretty |
                quite |totally )?(?:right|correct|good|great|fine|ok|okay|
                perfect|awesome|wonderful|it|true|cool|excellent|lovely|
                amazing|fantastic|nice|interesting|alright|all right|clear|
                the one|what i (?:meant|said|wanted|need|needed))
            sounds like a plan
            (?:that|this|it)(?: all)? (?:works|makes sense|worked|will work|
                'll work|will do|'ll do|'d work|would work)(?: for me)?
            makes sense
            (?:okay |yes )?go (?:ahead|on)
            (?:please )?(?:continue|proceed|carry on)
            i (?:think|guess|believe|suppose|hope) (?:so|not)
            i (?:don't|do not) (?:think so|know|mind|care)
            i'm not sure|maybe|perhaps|probably|possibly
            (?:i'll|i will|let me|i'm going to|i'm gonna|i can) (?:do|try|
                check)(?: (?:that|it|this))?(?: out)?(?: (?:now|then|later|
                first))?
            no (?:problem|problems|worries|need|rush|bother)
            not a problem|will do|fair enough|why not
            let's do (?:it|that)
        """),
        "backchannel": alternatives(r"""
            huh|what|nice one
            (?:happy|glad) to hear (?:it|that)
            (?:what|that's) a relief|that's sorted
            (?:for|oh) (?:god's|heaven's|goodness) sake
            fab|job done|nothing|righto|alrighty|okey dokey|rightio
            (?:good|nice|great) to (?:know|hear)
            i (?:suppose|guess)|no way|go figure|bless you|phew|ouch
            well well|uh ?huh|mm ?hmm?|mhm+|m(?: m)* h m+|um ?hum|a?ha+|hm+|oh|ah|aw+|ooh
            wow|whoa|gee|gosh
            i (?:see|understand|got it|get it|know)
            (?:i've )?got (?:it|that|you|ya)
            gotcha|understood|noted|really|interesting|nice|great
            good|perfect|awesome|cool|excellent|wonderful|fantastic
            amazing|brilliant|lovely|super|sweet|neat|fabulous
            terrific|splendid|beautiful|marvell?ous
            outstanding|superb|ideal|sorted
            smashing|dandy|peachy|bingo|impressive
            (?:good|great|lovely|nice) (?:stuff|job|work|news)
            (?:that's )?(?:good|great) news|cool beans|okey doke
            (?:i'm |so |very )*sorry(?: about (?:that|it))?
            my bad|my mistake|my apologies|apologies|oops|whoops
            you know|i mean|well|so|anyway|anyways|uh oh
            oh my(?: god| gosh)?|true|ha(?: ha)*|lol|damn|too bad
            hooray|yay
        """),
        # Never small talk alone; these words hold the others together.
        "glue": alternatives(r"""
            and|but|then|again|now|just|for now|today|there|here|sir
            ma'am|madam|miss|mate|man|buddy|dude|pal|guys|everyone
            everybody|all|dear|friend|my friend|honey|kindly
            to (?:know|hear)|folks|very|indeed|actually|though|too
            to you|as well|uh+|uhm+|um+|er+m?|erm|hm+|mm+|ah+|eh
        """),
    }
)
"""Pattern of the phrases of each kind."""

LOOSE_WORDS: Final = alternatives(r"""
    i'm|i am|i|i'll|i've|you|you're|you've|we|we're|it|it's
    that|that's|this|is|am|are|was|were|so|very|ever|much|of
    to|here|back|still|at all|me|my|your|for|with|been|be
    have|had|do|did|done|not|don't|on|in|the|a|an|all|really
    quite|pretty|kind|nice|as|bit|little|most|also|always
    happy|glad
""")
"""Pattern: words that say nothing by themselves.

They may fill the gaps between small-talk phrases as long as nothing is asked: "okay i'm here for
you" is small talk, "okay is it for you" may be a follow-up.
"""

NAMED: Final = r"(?:the|an?|my|your|our|this) (\S+)|(?:what|which) (fine|deal)"
"""Pattern: an acknowledgement that is a thing: "fine" says yes, "the fine" is to be paid."""

ASKING: Final = alternatives(r"""
    what|what's|who|who's|whose|which|when|where|where's|why
    how|how's|is there|any
    (?:is|are|was|were|am|do|does|did|have|has|had|can|could|will|would|should
        |may|must|isn't|aren't|don't|doesn't|can't|won't) (?:i|you|it|that|
        this|these|those|they|there|we|he|she|the|a|an|my|your|one|someone|
        anyone)
""")
"""Pattern: words that ask something."""

NOISES: Final = "uh+|uhm+|um+|er+m?|erm|hm+|mm+|ah+|eh"
"""Pattern: sounds that are no words, in any length."""

NOISE_LETTERS: Final = "uhmera"
"""The letters that all noises are made of."""

AFTER_NOISE: Final = "huh|hmm|hm|oh"
"""Pattern: before these a noise is a word: "uh huh", "uh oh"."""


# Requests.

_BETWEEN: Final = (
    "(?:(?:please|just|also|then|maybe|perhaps|kindly|quickly|possibly|actually"
    "|be able to|like to|help me|to|and|go ahead) )*+"
)
_DO: Final = (
    "(?:book|reserve|cancel|order|send|email|text|mail|call|ring|phone|transfer|delete"
    "|remove|refund|update|change|move|add|put|sign|register|find|look|search|recommend"
    "|suggest|get|give|show|pull|restart|reset|publish|upgrade|downgrade|download|post"
    "|(?:re)?schedule|arrange|set|fix|log|(?:un)?subscribe|pay|buy|hold|confirm|switch"
    "|connect|write|unfriend|block|design|submit)"
)

ACTIONS: Final = "|".join(
    (
        rf"\b(?:can|could|would|will) you {_BETWEEN}{_DO}\b",
        r"\bgo ahead\b",
        rf"\b(?:can|could|may) i {_BETWEEN}(?:book|reserve|order)"
        r" (?:it|that|this|them|one|two|three|four|five|six|\d+)\b",
        rf"\b(?:i'd like|i would like|i want|i wanna|i need) {_BETWEEN}"
        r"(?:book|reserve|order|(?:re)?schedule|make an? (?:reservation|booking|appointment))\b",
        r"\bi(?:'d| would) like (?:you|an?|two|three|four|some|another)\b",
        r"\bi(?:'m| am| was) (?:also )?looking for (?:an?|some)\b",
        rf"\bplease {_DO}\b",
        r"^(?:book|reserve|order|send|call|text|email|transfer|schedule|sign|find|recommend"
        r"|get|give|show|put|bring) (?:me|us|him|her|my|them|it|one|two|three|four|an? table)\b",
    )
)
"""Pattern: something is to be done, or to be looked up elsewhere.

"can you" without a person to do it for is general: "can you smoke in the garden" is no request.
"""

MOMENTS: Final = (
    r"\b(?:right now|today|tomorrow|tonight|yesterday|at the moment|currently|just now|so far"
    "|this (?:month|week|morning|afternoon|evening)|last (?:week|month|time|night))\\b"
)
"""Pattern: a moment that documents do not know."""


# Phonetics.

STOP_WORDS: Final = words("""
    a an and are as at be but by for if in into is it no not of
    on or such that the their then there these they this to was
    will with
""")
"""Lucene's English list: so common that their pieces cost postings and tell nothing."""

SPOKEN_STOP_WORDS: Final = STOP_WORDS | words("""
    i me my we our us you your he she his
    her its what which who whom how when
    where why do does did done can could
    would should may might has have had am
    were been being so just um uh uhm umm er
    erm ah oh okay ok yeah yes hi hey hello
    please thanks thank let lets like well
    also about from up out than too very any
    some theres whats id im youre
""")
"""Words that carry a spoken question but not its subject."""

SOUND_RULES: Final = (
    (r"^[kgp]n", "n"),
    (r"^wr", "r"),
    (r"^ps", "s"),
    (r"^x", "s"),
    (r"^mc", "mk"),
    (r"^rh", "r"),
    (r"sch", "sk"),
    (r"chr", "kr"),
    (r"t?ch|sh", "X"),
    (r"ssi(?=on)|[ts]i(?=on)|ti(?=a)|ci(?=a|ou)", "X"),
    (r"tu(?=r|al)", "Xu"),
    (r"ph", "f"),
    (r"(?<=[aeiou])gh(?=t|$)", ""),
    (r"gh", "k"),
    (r"dge?(?=[iey])|dg", "X"),
    (r"ck", "k"),
    (r"qu?", "kw"),
    (r"sc(?=[eiy])", "s"),
    (r"c(?=[eiy])", "s"),
    (r"c", "k"),
    (r"g(?=[eiy])", "X"),
    (r"g", "k"),
    (r"x", "ks"),
    (r"j", "X"),
    (r"th", "t"),
    (r"mb$", "m"),
    (r"mn$", "m"),
    (r"d", "t"),
    (r"b", "p"),
    (r"v", "f"),
    (r"z", "s"),
    (r"wh", "w"),
    (r"(?<=.)e$", ""),
    (r"(?<=[aeiou])[wy](?![aeiou])", ""),
    (r"(?<=.)h", ""),
    (r"y(?=[aeiou])", "Y"),
    (r"[aou][aeiouy]*", "a"),
    (r"[eiy][aeiouy]*", "e"),
    (r"(.)\1+", r"\1"),
)
"""Letters to sounds, as (pattern, symbols), in the order they are applied.

One symbol stands for sounds that recognisers confuse: p b → p, t d th → t, k g c q → k, f v ph → f,
s z → s, sh ch j → X; two vowels, a (a o u) and e (e i y); doubled sounds once. Silent letters go.
"""
