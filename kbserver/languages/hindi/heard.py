"""Hindi as callers say it, in both scripts: recognisers write it in Latin letters as often."""

from __future__ import annotations

from typing import Final

from kbserver.languages.hindi.consonants import CONSONANTS
from kbserver.languages.hindi.numbers import NUMBERS as _NUMBERS
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
    क्या कौन किस किसे किसको किसने किसका किसकी किसके कब कहाँ क्यों क्यूँ कैसे कैसा
    कैसी कितना कितनी कितने कौनसा कौनसी कौनसे किधर
    kya kaun kis kise kisko kisne kiska kiski kab kahan kahaan kyun kyon kaise
    kaisa kaisi kitna kitni kitne kaunsa kaunsi kaunse kidhar
""")
_GRAMMAR: Final = words("""
    का की के को से में पर पे ने तक और या तो भी ही है हैं हूँ हो था थी थे होगा होगी
    होंगे मैं मुझे मुझको मेरा मेरी मेरे हम हमें हमको हमारा हमारी हमारे आप आपका आपकी
    आपके आपको तुम यह ये वह वो इस उस इसे उसे इसको उसको इन उन कि जो जब अगर लेकिन मगर
    नहीं न ना मत एक इसका इसकी इसके उसका उसकी उसके इसमें उसमें इससे उससे
    ka ki ke ko se mein mai main par pe ne tak aur ya toh to bhi hi hai hain hoon
    hun ho tha thi hoga hogi honge mujhe mujhko mera meri mere hum hume humein
    hamara hamari hamare aap aapka aapki aapke aapko tum yeh ye woh wo vo is us
    ise use isko usko in un jo jab agar lekin magar nahi nahin na mat ek
""")
_FUNCTION_WORDS: Final = _QUESTION_WORDS | _GRAMMAR

NOISES: Final = Noises(
    fillers=words("""
        अम्म अम उम्म उम हम्म हम्म्म एं अं आं उह ऊँ mmm mm hmm hm umm um uh uhh aa
        err amm
    """),
    hedges=words("मतलब यानी वो यार ना मतलब matlab yaani yani woh yaar"),
    asides=phrases("""
        क्या कहते हैं|क्या कहते हैं उसे|क्या बोलते हैं|kya kehte hain|kya bolte hain
    """),
    question_words=_QUESTION_WORDS,
    function_words=_FUNCTION_WORDS,
    openers=phrases("""
        अच्छा|अच्छा जी|अच्छा तो|ठीक है|ठीक है तो|ओके|ओके जी|हाँ|हाँ जी|जी|जी हाँ
        हाँ तो|नहीं शुक्रिया|धन्यवाद|बहुत धन्यवाद|बहुत बहुत धन्यवाद|शुक्रिया
        बहुत शुक्रिया|बहुत बहुत शुक्रिया|थैंक यू|थैंक्स|नमस्ते|नमस्कार|हैलो|हेलो
        हैलो जी|नमस्ते जी|नमस्ते सर|सर|मैडम|जी सर|सुनिए|सुनो|देखिए|देखो|अरे|अरे हाँ
        बताइए|ज़रा बताइए|माफ़ कीजिए|सॉरी|एक्सक्यूज़ मी|बढ़िया|बहुत बढ़िया|समझ गया
        समझ गई|मैं समझ गया|अब|वैसे|चलिए|चलो|एक सवाल है|मेरा एक सवाल है
        मेरा एक और सवाल है|एक और सवाल|एक बात बताइए|एक बात पूछनी थी|गुड मॉर्निंग
        गुड आफ्टरनून|गुड ईवनिंग
        accha|acha|achha|accha ji|accha to|theek hai|thik hai|ok|okay|haan|han
        haan ji|han ji|ji|ji haan|dhanyavaad|dhanyawad|bahut dhanyavaad|shukriya
        bahut shukriya|thank you|thanks|namaste|namaskar|hello|hi|sir|madam|suniye
        suno|dekhiye|dekho|arre|are|arey|bataiye|zara bataiye|maaf kijiye|sorry
        excuse me|badhiya|samajh gaya|samajh gayi|vaise|waise|chaliye|chalo
        ek sawal hai|mera ek sawal hai|ek baat bataiye|good morning|good evening
    """),
    wrappers=phrases("""
        क्या आप बता सकते हैं|क्या आप मुझे बता सकते हैं|आप बता सकते हैं
        क्या आप बता सकते हैं कि|क्या आप मुझे बता सकते हैं कि|मुझे बता सकते हैं
        मुझे बताइए|मुझे बताइए कि|मुझे ये बताइए कि|ये बताइए|ये बताइए कि|यह बताइए कि
        मैं जानना चाहता हूँ|मैं जानना चाहती हूँ|मैं जानना चाहता हूँ कि
        मैं जानना चाहती हूँ कि|मुझे जानना है|मुझे जानना है कि|मुझे जानना था
        मुझे जानना था कि|मुझे पूछना था|मुझे पूछना था कि|मुझे ये पूछना था कि
        मुझे पूछना है|मुझे पूछना है कि|मैं पूछना चाहता हूँ|मैं पूछना चाहता हूँ कि
        मैं पूछना चाहती हूँ|मैं पूछना चाहती हूँ कि|क्या आपको पता है|आपको पता है
        क्या आपको पता है कि|आप बताइए|आप बताइए कि|मैंने कॉल किया है ये जानने के लिए कि
        kya aap bata sakte hain|kya aap mujhe bata sakte hain|aap bata sakte hain
        kya aap bata sakte hain ki|kya aap mujhe bata sakte hain ki
        kya aap bata sakte ho|mujhe bataiye|mujhe bataiye ki|yeh bataiye|ye bataiye
        ye bataiye ki|main janna chahta hoon|main janna chahta hoon ki
        main janna chahti hoon|main janna chahti hoon ki|mujhe janna hai
        mujhe janna tha|mujhe poochna tha|mujhe poochna tha ki|mujhe puchna tha
        mujhe puchna tha ki|mujhe puchna hai|mujhe puchna hai ki|aapko pata hai
        kya aapko pata hai
    """),
    after_a_wrapper=words("कि ki"),
    strong_cues=phrases("""
        मेरा मतलब|मेरा मतलब है|मेरा मतलब था|नहीं सॉरी|सॉरी नहीं|सॉरी|अरे नहीं|ओह नहीं
        नहीं रुकिए|नहीं माफ़ कीजिए|ग़लती हो गई|i mean|mera matlab|mera matlab hai
        mera matlab tha|nahi sorry|nahin sorry|sorry nahi|sorry|arre nahi|are nahi
        nahi rukiye
    """),
    weak_cues=phrases("बल्कि|रुकिए|माफ़ कीजिए|अरे|balki|rukiye|maaf kijiye|arre"),
    after_cue=phrases("नहीं|मतलब|है|nahi|matlab"),
)

_PERSON: Final = (
    "(?:किसी )?(?:असली |इंसानी )?(?:एजेंट|आदमी|इंसान|व्यक्ति|अधिकारी|मैनेजर|एग्जीक्यूटिव|"
    "एक्जीक्यूटिव|ऑपरेटर|कस्टमर केयर|कस्टमर सर्विस|प्रतिनिधि|सुपरवाइजर|टेक्नीशियन|सपोर्ट|"
    "बिलिंग|बिलिंग विभाग|तकनीकी विभाग)"
)
_PERSON_LATIN: Final = (
    "(?:kisi )?(?:asli )?(?:agent|aadmi|insaan|insan|vyakti|adhikari|manager|executive|"
    "operator|customer care|representative|supervisor|support|billing)"
)

SMALL_TALK: Final = SmallTalk(
    phrases=patterns(
        {
            "greeting": alternatives(r"""
            नमस्ते(?: जी)?|नमस्कार(?: जी)?|हैलो|हेलो|हलो|हाय|हाई|प्रणाम|राम राम|आदाब|सुप्रभात
            गुड (?:मॉर्निंग|मॉर्निग|आफ्टरनून|ईवनिंग|इवनिंग)|शुभ (?:प्रभात|संध्या)
            (?:आप )?कैसे (?:हैं|हो)(?: आप)?|(?:मैं )?(?:ठीक|अच्छा|अच्छी|बढ़िया) हूँ|और आप|आप सुनाइए
            namaste(?: ji)?|namaskar(?: ji)?|hello|helo|hi+|hey|pranam|ram ram
            good (?:morning|afternoon|evening)|(?:aap )?kaise (?:hain|ho)(?: aap)?
            (?:main )?(?:theek|thik|accha|acha|badhiya) (?:hoon|hun)|aur aap
        """),
            "goodbye": alternatives(r"""
            अलविदा|बाय(?: बाय)?|टाटा|फिर मिलेंगे|फिर मिलते हैं|शुभ रात्रि|गुड नाइट
            (?:आपका )?दिन शुभ हो|शुभ दिन|(?:मैं )?(?:फोन |फ़ोन )?रखता हूँ|रखती हूँ
            (?:नहीं |जी नहीं )?(?:बस )?(?:इतना ही|यही|यही था|और कुछ नहीं|कुछ नहीं|हो गया)
                (?: था| पूछना था| चाहिए था| बस)*
            (?:नहीं )?बस|(?:और )?कोई सवाल नहीं(?: है)?|(?:मैं )?(?:बाद में|फिर) (?:कॉल|फोन|बात)
                (?: करता हूँ| करती हूँ| करूँगा| करूँगी| करते हैं)
            alvida|bye(?: bye)?|good ?bye|tata|phir mil(?:enge|te hain)|good night
            (?:nahi |nahin |ji nahi )?(?:bas )?(?:itna hi|yahi|yahi tha|aur kuch nahi|aur kuch
                nahin|kuch nahi|ho gaya)(?: tha| chahiye tha| bas)*|(?:nahi )?bas
        """),
            "thanks": alternatives(r"""
            (?:आपका |बहुत |जी )*(?:धन्यवाद|शुक्रिया|आभार|मेहरबानी)(?: जी| आपका| सर| मैडम)*
            थैंक ?यू(?: सो मच| वेरी मच| सर| मैडम)?|थैंक्स|थैंक्यू
            (?:मदद|जानकारी|बताने|सहायता|समय) के लिए|(?:आपने |आप ने )?(?:मेरी |बहुत )*मदद की
            (?:आपका )?स्वागत है|कोई बात नहीं|मेंशन नॉट
            (?:aapka |bahut |ji )*(?:dhanyavaad|dhanyavad|dhanyawad|dhanyawaad|shukriya|
                shukria|abhar|meharbani)(?: ji| aapka| sir)*
            thank ?you(?: so much| very much| sir| madam)*|thanks|(?:madad|jankari|batane) ke liye
            koi baat nahi|koi baat nahin|swagat hai
        """),
            "handover": alternatives(rf"""
            (?:मुझे |मेरी |क्या |मैं )*{_PERSON} से (?:मेरी )?(?:बात|कनेक्ट|जोड़)
                (?: करनी है| करना है| करनी| करना चाहता हूँ| करना चाहती हूँ| कराइए| करवाइए|
                [ ]करा दीजिए| करवा दीजिए| करा दो| करवा दो| कर सकता हूँ| कर सकती हूँ| कर दीजिए|
                [ ]कीजिए| हो सकती है| दीजिए)?(?: क्या)?
            (?:कॉल |मेरी कॉल |मुझे )*(?:ट्रांसफर|कनेक्ट) (?:कर दीजिए|करिए|कीजिए|करो|कर दो)
            (?:mujhe |meri |kya |main )*{_PERSON_LATIN} se (?:meri )?(?:baat|connect|jod)
                (?: karni hai| karna hai| karni| karna chahta hoon| karna chahti hoon| karaiye|
                [ ]karwaiye| kara dijiye| karwa dijiye| kara do| karwa do| kar sakta hoon|
                [ ]kar sakti hoon| kar dijiye| kijiye)?
            (?:call |mujhe )*(?:transfer|connect) (?:kar dijiye|kariye|kijiye|karo|kar do)
        """),
            "hold": alternatives(r"""
            (?:बस |सिर्फ |ज़रा |प्लीज |सिर्फ़ )*(?:एक|दो) (?:मिनट|सेकंड|सेकेंड|पल|क्षण)
                (?: रुकिए| रुको| रुकना| दीजिए| दो| होल्ड कीजिए| प्लीज)*
            (?:ज़रा |थोड़ा |प्लीज |अभी )*(?:रुकिए|रुको|रुकना|ठहरिए|ठहरो|होल्ड कीजिए|
                होल्ड करिए|इंतज़ार कीजिए|इंतजार कीजिए)(?: ज़रा| प्लीज)*
            (?:मुझे )?(?:सोचने|देखने|लिखने) (?:दीजिए|दो)|(?:मैं )?(?:देखता|देखती|सोचता|सोचती) हूँ
            रहने (?:दीजिए|दो)|छोड़िए|छोड़ो|जाने दीजिए|जाने दो|कोई बात नहीं छोड़िए
            (?:पेन|कागज|कागज़|कलम) (?:ले|लेकर|ढूँढ) ?(?:लूँ|आता हूँ|आती हूँ|रहा हूँ|रही हूँ)
            (?:bas |sirf |zara |please )*(?:ek|do) (?:minute|minat|min|second|sec|pal)
                (?: rukiye| ruko| dijiye| do| please)*|hold kijiye|intezaar kijiye
            (?:zara |thoda |please )*(?:rukiye|rukiyega|ruko|thehriye)|rehne (?:dijiye|do)
            chhodiye|chhodo|jaane (?:dijiye|do)|(?:mujhe )?(?:sochne|dekhne) (?:dijiye|do)
        """),
            "repeat": alternatives(r"""
            (?:क्या )?(?:आप )?(?:प्लीज |कृपया |इसे |ये |उसे )*(?:फिर से|फिर एक बार|दोबारा|दुबारा|
                एक बार फिर|एक बार और)?(?: से)? ?(?:दोहरा|बोल|बता|कह|रिपीट कर)
                (?: सकते हैं| सकते हो| सकती हैं| दीजिए| देंगे| दें)
            (?:क्या )?(?:आप )?(?:प्लीज |कृपया )*(?:फिर से|दोबारा|दुबारा|एक बार फिर|एक बार और)
                (?: से)?(?: बोलिए| बताइए| कहिए| बोलेंगे| बताएँगे| बोलो| बताना| बोलना)
            (?:कृपया )?दोहराइए|दोहराएँ|रिपीट कीजिए|रिपीट करिए|फिर से|दोबारा
            (?:आपने )?क्या (?:कहा|बोला|बोले)(?: आपने)?
            (?:मुझे |मैं |कुछ |ठीक से )*(?:सुनाई नहीं (?:दिया|दे रहा|आया)|सुना नहीं|समझा नहीं|समझी
                [ ]नहीं|समझ नहीं (?:आया|आ रहा)|नहीं समझा|नहीं समझी)(?: मुझे| है)*
            (?:आपकी )?आवाज़? (?:नहीं आ रही|कट रही|साफ नहीं|साफ़ नहीं)(?: है| आ रही| ठीक से)*
            (?:ज़रा |थोड़ा |प्लीज )*(?:धीरे|ज़ोर से|तेज|ऊँचा|धीरे धीरे)(?: से)? (?:बोलिए|बोलो|बोलें)
            (?:kya )?(?:aap )?(?:please )?(?:phir se|fir se|dobara|dubara|ek baar phir|
                ek baar aur)?(?: se)? ?(?:dohra|dohara|bol|bata|repeat kar) (?:sakte hain|sakte
                [ ]ho|dijiye|denge|do)|(?:please )?(?:phir se|fir se|dobara) (?:boliye|bataiye|bolo)
            (?:aapne )?kya (?:kaha|bola|bole)(?: aapne)?|(?:sunai|sunayi) nahi (?:diya|
                de raha)|samajh nahi aaya|samjha nahi|awaaz nahi aa rahi(?: hai)?
        """),
            "presence": alternatives(r"""
            (?:क्या )?(?:आप )?(?:मुझे |मेरी बात )?सुन (?:रहे|रही|पा रहे|पा रही|सकते|सकती) (?:हैं|हो)
                (?: आप| मुझे| क्या)*|कोई है(?: वहाँ| क्या)?|(?:क्या )?आप (?:वहाँ |लाइन पर )?हैं
            (?:क्या )?(?:मेरी )?आवाज़? आ रही है(?: क्या| मेरी)?
            (?:मैं )?(?:यहाँ |यहीं |लाइन पर |अभी )*(?:हूँ|सुन रहा हूँ|सुन रही हूँ)
            (?:क्या )?(?:आप )?मेरी (?:थोड़ी )?(?:मदद|हेल्प|सहायता) (?:कर सकते हैं|कर सकते हो|
                करेंगे|कीजिए|कर दीजिए|करो|कर सकती हैं)(?: क्या)?
            मुझे (?:आपकी |थोड़ी )*(?:मदद|हेल्प|सहायता) चाहिए(?: थी)?
            (?:मेरा |मुझे |मेरे )*(?:एक|कुछ|एक और|और एक|दो) (?:सवाल|प्रश्न|बात|चीज)
                (?: है| हैं| था| थे| पूछना है| पूछनी है| पूछनी थी| पूछना था| पूछने हैं)
            (?:मुझे )?कुछ (?:पूछना|जानना) (?:है|था)|मेरा नाम \S+(?: \S+)? है
            (?:मैं )?\S+ बोल (?:रहा|रही) हूँ
            (?:kya )?(?:aap )?(?:mujhe |meri baat )?sun (?:rahe|rahi|pa rahe|sakte) (?:hain|hai|ho)
                (?: aap| kya)*|koi hai|(?:kya )?(?:meri )?awaaz aa rahi hai
            (?:main )?(?:yahan |yahin |line par )*(?:hoon|hun|sun raha hoon|sun rahi hoon)
            (?:kya )?(?:aap )?meri (?:madad|help) (?:kar sakte hain|kar sakte ho|karenge|kijiye)
            mujhe (?:aapki |thodi )*(?:madad|help) chahiye(?: thi)?
            (?:mera |mujhe )*(?:ek|kuch|ek aur) (?:sawal|baat) (?:hai|tha|poochna hai|poochni hai|
                puchna hai|puchni hai|puchna tha)|mera naam \S+(?: \S+)? hai
        """),
            "confirmation": alternatives(r"""
            हाँ+|हां जी|जी|हाँ जी|जी हाँ|जी बिल्कुल|हाँ हाँ|नहीं+|जी नहीं|ना|नहीं नहीं|ना जी
            ठीक(?: है)?|ठीक ठीक|ओके|ओ के|ओकै|अच्छी बात है|सही(?: है| बात है)?|बिल्कुल(?: सही| ठीक)?
            बिलकुल|ज़रूर|पक्का|सच|एकदम(?: सही| ठीक)?|हो (?:सकता है|जाएगा|गया)|शायद|चलेगा|मंज़ूर है
            (?:मुझे )?(?:पता नहीं|नहीं पता|मालूम नहीं|नहीं मालूम|याद नहीं)(?: है)?
            (?:कर दीजिए|कीजिए|करिए|कर दो|बोलिए|बताइए|आगे (?:बोलिए|बताइए|बढ़िए))
            (?:यही|वही|ये|वो) (?:सही|ठीक|गलत|ग़लत) है|अभी नहीं|बाद में|मैं (?:कर लूँगा|कर लूँगी|देख लूँगा)
            haa+n(?: ji)?|han(?: ji)?|ji(?: haan| bilkul)?|haan haan|nahi+n?|ji nahi|na
            theek(?: hai)?|thik(?: hai)?|ok|okay|sahi(?: hai| baat hai)?|bilkul(?: sahi)?|zaroor
            jaroor|pakka|ekdum|ho sakta hai|shayad|chalega|(?:mujhe )?(?:pata nahi|nahi pata|
                maloom nahi)|kar dijiye|kijiye|boliye|bataiye|yes|yeah|no
        """),
            "backchannel": alternatives(r"""
            अच्छा+(?: अच्छा| जी| ठीक है)*|हम्म*|हूँ|हं|ओह(?: हो)?|ओहो|अरे(?: वाह| बाप रे| यार)?|वाह
            क्या बात है|क्या|जी|हैं|kya|ji
            (?:बहुत |काफी |काफ़ी )*(?:बढ़िया|अच्छा|अच्छे|सुंदर|खूब|मस्त|सही)|शाबाश|शानदार
            (?:मैं |मुझे |हाँ |अब )*(?:समझ (?:गया|गई|गयी|आ गया|आ गयी|आया)|समझा|समझी|पता है|मालूम है)
            (?:मुझे )?(?:माफ़|माफ) (?:कीजिए|करना|करिए|कर दीजिए)(?:गा)?|सॉरी|क्षमा(?: कीजिए)?|अफसोस
            चलो|चलिए|तो|मतलब|यानी|खैर|ख़ैर|वैसे|सच में|सचमुच|यार|देखिए|सुनिए|सुनो
            ac+h+a+(?: acha| accha| ji)*|hmm+|oh+o?|arre(?: wah| yaar)?|are|arey|wah|kya baat hai
            (?:bahut |kaafi )*(?:badhiya|accha|acha|achha|badiya|sahi)|(?:main |mujhe |haan )*
                (?:samajh (?:gaya|gayi|aa gaya|aaya)|samjha|pata hai)
            (?:mujhe )?maaf (?:kijiye|karna)|sorry|kshama|chalo|chaliye|toh|matlab|khair|sach mein
        """),
            "glue": alternatives(r"""
            और|तो|फिर|अब|जी|सर|मैडम|भाई|भैया|दीदी|बहन|प्लीज़?|कृपया|बस|भी|ही|आज|अभी|के लिए|आपका
            बहुत|यार|हम्म+|उम्म+|अम्म+|अं+|आं+|उह+|hmm+|umm+|uhh?|aur|toh|to|phir|ab|ji|sir|madam
            maam|bhai|bhaiya|please|pls|bas|bhi|abhi|aaj|bahut|yaar|so|aapka|ke liye
        """),
        }
    ),
    loose_words=alternatives(r"""
        मैं|मुझे|मेरा|मेरी|आप|आपका|आपकी|आपने|है|हैं|हूं|था|थी|ही|भी|तो|ये|वो|यह|वह|का|की|को
        बहुत|अभी|main|mujhe|mera|meri|aap|aapka|aapki|aapne|hai|hain|hoon|hun|tha|hi|bhi|ye|wo
    """),
    asking=without_accents(
        "कब|कहाँ|क्यों|कैसे|कैसा|कितन[ाीे]|कौन\\S*|किस\\S*|kab|kahan|kyun|kyon|kaise|kaisa|kitn[aei]|"
        "kaun\\S*|kis\\S*"
    ),
    noises=without_accents("हम्म+|हम्म्म+|उम्म+|अम्म+|अं+|आं+|उह+|hm+|um+|uh+|mm+"),
    noise_letters="हमउअंआ्hmu",
)

FOLLOW_UPS: Final = FollowUps(
    continues=without_accents(
        alternatives(r"""
        और|तो|फिर|लेकिन|मगर|पर|या|वरना|नहीं तो|अगर (?:हाँ|नहीं|ऐसा)|मेरा मतलब|मतलब|साथ में|साथ ही
        इसके (?:लिए|साथ|अलावा|बाद|बारे)|उसके (?:लिए|साथ|अलावा|बाद|बारे)|इसका|इसकी|इसके|उसका|उसकी|उसके
        इसमें|उसमें|इससे|उससे|इस पर|उस पर|वहाँ|वहां|क्या (?:ये|यह|वो|वह|इसका|इसकी|इसमें|उसका|उसकी|उसमें)
        aur|toh|to|phir|fir|lekin|magar|par|ya|warna|nahi to|mera matlab|matlab|saath mein
        (?:iske|uske)(?: liye| saath| alawa| baad| bare)?|iska|iski|uska|uski|isme|ismein|usme|
            usmein|isse|usse|is par|us par|wahan|vahan
        kya (?:ye|yeh|wo|woh|iska|iski|isme|uska|uski)
        """)
    ),
    subjectless=_FUNCTION_WORDS
    | words("""
        हाँ जी ठीक अच्छा ओके बस अब अभी आज कल फिर यहाँ वहाँ बहुत ज़्यादा कम कुछ कोई सब
        सारा सारे सारी दूसरा दूसरी दूसरे वही यही ऐसा ऐसी ऐसे वैसा जैसे लिए साथ बाद पहले
        बारे अंदर बाहर होता होती होते हुआ हुई हुए कर करना करने करनी करता करती करते करें
        करूँ कीजिए किया की सकता सकती सकते चाहिए चाहता चाहती मिलता मिलती मिलते मिलेगा
        मिलेगी मिलेंगे मिला लगता लगती लगते लगेगा लगेगी लगेंगे जाता जाती जाते जाएगा जाएगी
        आता आती आते आएगा रहा रही रहे देना देते देता लेना लेते बताइए बताओ पता मालूम इसका
        इसकी इसके उसका उसकी उसके इसमें उसमें इससे उससे इनका उनका दीजिए दे ले जा आ गया गई
        वाला वाली वाले तरह चीज़ बात मतलब शुक्रिया धन्यवाद प्लीज़ कृपया नमस्ते
        haan ji theek thik accha acha ok okay bas ab abhi aaj kal phir fir yahan
        wahan bahut zyada jyada kam kuch koi sab sara sare dusra dusri doosra wahi
        yahi aisa aisi aise jaise liye saath baad pehle bare andar bahar hota hoti
        hote hua hui kar karna karne karni karta karti karte karen karein karu
        kijiye kiya sakta sakti sakte chahiye chahta chahti milta milti milte milega
        milegi mila lagta lagti lagega lagegi lagenge jata jati jate jayega jayegi
        aata aati aate aayega raha rahi rahe dena dete deta lena lete bataiye batao
        pata maloom iska iski iske uska uski uske isme isse usme usse dijiye de le
        ja aa gaya gayi wala wali wale tarah baat matlab please namaste me ye
    """),
    pointers=words("""
        इसका इसकी इसके उसका उसकी उसके इसमें उसमें इससे उससे इसे उसे इसको उसको इनका उनका
        iska iski iske uska uski uske isme isme isse usme usse ise isko usko inka
        unka isko isse
    """),
    alike=words("वही यही दूसरा दूसरी दूसरे वैसा वैसी wahi yahi dusra dusri doosra doosri"),
    asking=_QUESTION_WORDS
    | words("मुझे मैं आप आपके मेरा मेरी mujhe main aap aapke mera meri kya"),
    that=words("ये यह वो वह ye yeh wo woh vo"),
    after_that=words("""
        कितने कितना कितनी कब कहाँ कैसे क्यों है हैं होता होती मिलता मिलती चलेगा चलता
        kitne kitna kitni kab kahan kaise kyun hai hain hota hoti milta milti
        chalega chalta
    """),
    there=words("वहाँ वहां उधर wahan vahan udhar"),
)

REQUESTS: Final = Requests(
    actions=without_accents(
        r"(?:बुक|रद्द|बंद|चालू|कर|करा|करवा|भेज|बदल|जोड़|हटा|दिलवा|मंगवा) "
        r"(?:कर )?(?:दीजिए|दीजिये|दो|दें|देना)(?: |$)|फ़ोन कीजिए"
        r"|\b(?:book|cancel|band|chalu|kar|kara|karva|bhej|badal|jod|hata|mangva) "
        r"(?:kar )?(?:dijiye|dijie|do|den|dena)\b"
    ),
    moments=without_accents(
        r"(?:^| )(?:आज|अभी|कल|इस (?:महीने|हफ़्ते|समय|वक़्त)|पिछले (?:महीने|हफ़्ते))(?: |$)"
        r"|\b(?:aaj|abhi|kal|is (?:mahine|hafte|samay|waqt)|pichhle (?:mahine|hafte))\b"
    ),
)

STOP_WORDS: Final = StopWords(
    written=_GRAMMAR,
    spoken=FOLLOW_UPS.subjectless | NOISES.fillers,
    weekdays=words("""
        सोमवार मंगलवार बुधवार गुरुवार बृहस्पतिवार शुक्रवार शनिवार रविवार इतवार
        somvar somwar mangalvar mangalwar budhvar budhwar guruvar guruwar
        shukravar shukrawar shanivar shaniwar ravivar raviwar itvar itwar
    """),
)

NUMBERS: Final = Numbers(_NUMBERS.written_forms, is_code=_NUMBERS.is_code)

SOUNDS: Final = Sounds(
    letters="a-z\u0900-\u097f",
    rules=(
        ("ज्ञ", "gy"),
        *((f"[{signs}]", sound) for sound, signs in CONSONANTS.items()),
        ("[\u0900-\u097f]", "a"),
        ("t?chh?", "X"),
        ("sh", "s"),
        ("ph", "f"),
        ("x", "ks"),
        ("ck|q", "k"),
        ("c(?=[eiy])", "s"),
        ("c", "k"),
        ("(?<=[drn])ge$", "j"),
        ("z", "j"),
        ("w", "v"),
        ("(?<=[bdgjktpX])h", ""),
        ("n(?=[pb])", "m"),
        ("(?<=.)[aeiou]+", ""),
        ("^[aeiou]+", "a"),
        (r"(.)\1+", r"\1"),
    ),
)
"""Both scripts to consonants: राउटर and `router` are `rtr`, as vowels and breath get lost."""
