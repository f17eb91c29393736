"""Spanish as callers say it: what stands around a question, and how one leans on another."""

from __future__ import annotations

from typing import Final

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
from kbserver.languages.spanish.numbers import NUMBERS as _NUMBERS
from kbserver.languages.tables import alternatives, patterns, phrases, words

_QUESTION_WORDS: Final = words("""
    qué quién quiénes cuál cuáles cuándo dónde adónde cómo cuánto cuánta
    cuántos cuántas porqué cuando donde cual cuales cuanto cuanta cuantos
    cuantas
""")
_ARTICLES: Final = words("""
    el la los las un una unos unas lo al del mi mis tu tus su sus nuestro
    nuestra nuestros nuestras este esta estos estas ese esa esos esas
""")
_GRAMMAR: Final = words("""
    yo tú él ella nosotros ustedes usted ellos ellas me te se le les nos y e o u
    pero porque si que de a en con por para sin sobre hasta desde entre es son
    era soy eres está están estoy estaba ha he han has hay puede puedo pueden
    podría debo debe tengo tiene tienen no como
""")
_FUNCTION_WORDS: Final = _QUESTION_WORDS | _ARTICLES | _GRAMMAR

NOISES: Final = Noises(
    fillers=words("eh ehh eeh ehm em emm mmm mm hm hmm ah uh um"),
    hedges=words("pues bueno este esto digamos nada entonces"),
    asides=phrases("""
        o sea|digamos|cómo se dice|cómo se llama esto|cómo diría|por así decirlo
        cómo decirlo
    """),
    question_words=_QUESTION_WORDS,
    function_words=_FUNCTION_WORDS,
    openers=phrases(
        without_accents("""
        ok|okay|gracias|muchas gracias|no gracias|sí gracias|vale gracias
        hola|hola buenas|hola buenos días|hola buenas tardes|hola qué tal
        buenos días|buenas tardes|buenas noches|buen día|de acuerdo|muy bien
        entendido|disculpe|disculpa|disculpe una pregunta|perdone|perdona
        perdón|ah vale|ah ok|ah bueno|ah ya|sí vale|vale perfecto|vale pues
        vale vale|sí sí|bueno|pues|bueno pues|a ver|oiga|oye|mire|mira
        perfecto|genial|estupendo|por favor|una pregunta|una consulta
        tengo una pregunta|tengo una consulta|tengo otra pregunta|tengo una duda
        tenía una pregunta|tenía una duda|otra pregunta|otra cosa
        una pregunta más|una última pregunta|o sea|entiendo
        ya veo|claro que sí|eso es|está bien|muy amable|señorita|señor
    """)
    ),
    wrappers=phrases(
        without_accents("""
        me puede decir|me puedes decir|me podría decir|me podrías decir
        puede decirme|puedes decirme|podría decirme|podrías decirme
        me podría indicar|me puede indicar|podría indicarme|puede indicarme
        sabe usted|usted sabe|sabe si|me gustaría saber|quisiera saber
        quería saber|quiero saber|necesito saber|quería preguntar
        quería preguntarle|quisiera preguntar|quisiera preguntarle
        le quería preguntar|quería consultar|quisiera consultar
        me preguntaba|una pregunta|le llamo para preguntar|llamo para preguntar
        le llamo para saber|llamo para saber|llamo por|llamaba para preguntar
        llamaba para saber|dígame|dime|me puede explicar|me podría explicar
        puede explicarme|podría explicarme|me puede ayudar con
        me podría ayudar con|puede ayudarme con|tengo una pregunta sobre
        tengo una duda sobre|tenía una duda sobre|tenía una pregunta sobre
        me puede confirmar|me podría confirmar|puede comprobar|podría comprobar
    """)
    ),
    after_a_wrapper=words("si"),
    strong_cues=phrases("""
        quiero decir|quise decir|quería decir|mejor dicho|o mejor dicho|digo
        no perdón|no espera|no espere|no perdone|ay no|uy no|me equivoqué
        me he equivocado|perdón quería decir|perdón quise decir|corrijo
        o más bien
    """),
    weak_cues=phrases("perdón|perdone|disculpe|espera|espere|ay|uy|mejor|más bien"),
    lone_cues=frozenset({("perdón",), ("perdone",)}),
    after_cue=phrases("quería decir|quise decir|es|digo"),
)

_PERSON: Final = (
    "(?:(?:un|una|el|la|su|algún|alguna) )?(?:agente|operador(?:a)?|persona(?: real| "
    "humana)?|humano|ser humano|asesor(?:a)?|representante|ejecutiv[oa]|supervisor(?:a)?|"
    "encargad[oa]|responsable|gerente|compañer[oa]|alguien|técnico)"
)
_DEPARTMENT: Final = (
    "(?:(?:el|la|al|su|con el|con la|de) )?(?:departamento(?: de [a-z]+)?|facturación|"
    "ventas|soporte(?: técnico)?|recepción|atención al cliente|servicio al cliente|"
    "servicio técnico|reclamaciones|administración|contabilidad|centralita)"
)

SMALL_TALK: Final = SmallTalk(
    phrases=patterns(
        {
            "greeting": alternatives(r"""
            hola+|hello|aló|buenos días|buenas(?: (?:tardes|noches))?|buen día|muy buenas
            qué tal(?: está| estás)?|cómo (?:está|estás|le va|te va)(?: usted)?
            (?:estoy )?(?:muy )?bien (?:gracias )?y (?:usted|tú)|y usted|diga|dígame|oiga
            bueno|mucho gusto|encantad[oa]|un placer|sí dígame
        """),
            "goodbye": alternatives(r"""
            adiós|hasta (?:luego|pronto|mañana|la vista|otra|la próxima|ahora)|chao|chau
            nos vemos|que (?:le|te) vaya (?:muy )?bien|cuíd(?:ese|ate)|bye(?: bye)?
            que (?:tenga|tengas|pase|pases) (?:un |una |usted |muy )*(?:buen|buena|lindo|linda|
                feliz|bonito)? ?(?:día|tarde|noche|fin de semana|jornada)
            (?:buen |feliz )(?:fin de semana|día)|igualmente|lo mismo(?: digo)?
            (?:no )?(?:eso|esto) (?:es|era|sería) todo(?: por (?:ahora|hoy|el momento))?
            (?:no )?(?:nada|ninguna) más|(?:no )?(?:no )?tengo (?:más|otras) (?:preguntas|dudas)
            con eso (?:es suficiente|tengo suficiente|me basta)|así está bien
            (?:tengo que|me tengo que|debo) (?:irme|ir|colgar|dejar(?:le|lo|la))
            (?:le|te|los) (?:llamo|llamaré) (?:luego|más tarde|después|mañana)
        """),
            "thanks": alternatives(r"""
            (?:muchas|muchísimas|mil) gracias|gracias(?: (?:a usted|a ti|igualmente))?
            se (?:lo|le) agradezco(?: mucho)?|le agradezco(?: mucho)?|(?:muy |le estoy muy )?
                agradecid[oa]
            por (?:todo|su ayuda|tu ayuda|la ayuda|la información|su tiempo|su paciencia|
                la atención|su atención|atenderme|la ayudita)
            (?:es |ha sido |fue )?(?:usted )?(?:muy|muy muy) amable|me (?:ha|has) ayudado
                (?: mucho)?|de nada|no hay de qué|con (?:mucho )?gusto|a usted
        """),
            "handover": alternatives(rf"""
            (?:(?:quiero|quisiera|quería|me gustaría|necesito|prefiero|puedo|podría|deseo) )?
                (?:hablar|comunicarme|que me (?:atienda|pase)) ?(?:con |a )?(?:{_PERSON}|
                {_DEPARTMENT})
            (?:(?:me )?(?:puede|puedes|podría|podrías) )?(?:me )?(?:por favor )?(?:pas(?:e|a|ar|
                arme|eme|ame)|páseme|transf(?:iérame|erirme|erir|iera)|comun(?:íqueme|icarme|
                icar)|conect(?:arme|ar|e)|derivar(?:me)?)(?: con| a)?(?: {_PERSON}|
                [ ]{_DEPARTMENT})?
            (?:un |una )(?:agente|humano|operador|operadora|persona real|asesor)
                (?: por favor)?|(?:agente|operador|operadora|humano) por favor
        """),
            "hold": alternatives(r"""
            (?:sólo |solo |espere |espera |deme |dame |permítame )*(?:un|una) (?:momento|
                momentito|segundo|segundito|minuto|minutito|ratito|seg)
            espere|espera|espérate|espéreme|no cuelgue|aguarde|un momento
            (?:déjeme|deja|déjame|a ver si|voy a|estoy) ?(?:pensar|pensando|ver|mirar|
                mirando|buscar|buscando|revisar|comprobar)(?:lo)?
            (?:voy a |déjeme )?(?:buscar|busco|coger|cojo|tomar|agarrar) (?:un|mi|el|la|algo)
                (?:boli|bolígrafo|lápiz|papel|tarjeta|factura|para (?:apuntar|anotar))
            (?:están )?(?:llamando|tocando) (?:a|en)? ?la puerta|(?:tengo|me entra) otra llamada
            olvídelo|olvídalo|da igual|déjelo|déjalo|no importa|no pasa nada
            (?:el perro|el niño|la niña|el bebé) (?:está )?(?:ladrando|llorando|ladra|llora)
        """),
            "repeat": alternatives(r"""
            (?:(?:me )?(?:puede|puedes|podría|podrías) )?(?:me )?(?:lo )?(?:repetir(?:lo|me|melo)?|
                repita(?:lo|melo)?|repite)(?: eso| por favor)*
            (?:cómo|qué) (?:dice|dices|dijo|ha dicho)|cómo|mande|perdón|eh|otra vez
            no (?:le |lo |te |la )?(?:he )?(?:entendi|entendí|oí|escuché|escuchado|oido|entiendo|
                oigo|escucho|entendido|oído|pillado)(?:do)?(?: bien| nada)?
            (?:(?:puede|puedes|podría) )?(?:hablar|hable|habla) (?:un poco |un poquito )?
                (?:más )(?:alto|fuerte|despacio|lento|claro)
            se (?:corta|entrecorta|oye mal|escucha mal)|una vez más
        """),
            "presence": alternatives(r"""
            (?:sigue|sigues|está|estás|siguen) (?:usted )?ahí|hay alguien(?: ahí)?
            me (?:oye|oyes|escucha|escuchas|oyen|escuchan)(?: bien| ahora)?
            (?:sigo|estoy|aquí estoy|aquí sigo) ?(?:aquí|al teléfono|en la línea|listo|lista)?
            (?:me )?(?:puede|puedes|podría|podrías) (?:usted )?(?:ayudar|ayudarme|echar una mano)
            necesito (?:su |tu |un poco de )?ayuda
            (?:tengo|tenía|quería hacer(?:le)?|quisiera hacer(?:le)?|quiero hacer) (?:una|otra|
                unas|un par de|algunas|dos) (?:pregunta|preguntas|duda|dudas|consulta|consultas)
            (?:una|otra) (?:pregunta|consulta|duda)(?: más)?
            (?:me llamo|mi nombre es|le habla|habla|soy) [a-z]+(?: [a-z]+)?
        """),
            "confirmation": alternatives(r"""
            sí+p?|no|ok|okey|okay|vale(?: vale)?|claro(?: que (?:sí|no))?|de acuerdo|exacto
            exactamente|correcto|eso(?: es| mismo)?|así es|por supuesto|desde luego|cierto
            efectivamente|perfectamente|sin problema|ningún problema|dale|listo|órale|ándale
            está (?:bien|claro|correcto)|me parece (?:bien|perfecto)|me vale|me sirve
            ya está|hecho|trato hecho|adelante|siga|continúe|prosiga
            creo que (?:sí|no)|supongo(?: que sí)?|quizás?|tal vez|a lo mejor|puede ser
            no (?:lo )?sé|ni idea|no estoy segur[oa]|no me acuerdo|todavía no|ahora no|aún no
            no hace falta|no es necesario|así lo haré|eso haré|lo haré|en absoluto|para nada
            (?:eso )?no es (?:eso|correcto|cierto)|no exactamente
        """),
            "backchannel": alternatives(r"""
            ajá+|aja|mm+h?m*|mhm+|ah(?: ya| vale| bueno| claro| sí| no| ok)?|oh|uy|ay|vaya
            (?:muy |qué |está muy |está |es )?(?:bien|bueno|genial|perfecto|estupendo|buenísimo|
                excelente|fantástico|maravilloso|fenomenal|interesante|pena|lástima|guay|
                chévere|padre)
            (?:lo |ya |ya lo )?(?:entiendo|entendido|veo|comprendo|comprendido|sé)|ya(?: ya)?
            (?:le |te |lo )?(?:he )?entendí(?:do)?|anotado|apuntado|tomo nota
            perdón|perdone|perdona|disculpe|disculpa|disculpas|lo siento(?: mucho)?
            qué (?:bien|alivio|raro|rollo|fastidio)|menos mal|buena (?:noticia|idea)
            qué|en serio|de verdad|no me diga|bueno(?: pues)?|pues(?: nada)?|nada|en fin|total
        """),
            "glue": alternatives(r"""
            y|pero|pues|entonces|por favor|señor|señora|señorita|joven|amigo|muy|también|ya
            ahora|hoy|bueno|eh+m*|em+|mm+|ah|oh|mucho|todo|a usted|a ti|por todo|usted
            don [a-z]+|doña [a-z]+|de verdad|igualmente
        """),
        }
    ),
    loose_words=without_accents(
        alternatives(r"""
        yo|me|le|lo|la|se|es|era|estoy|está|estaba|ha|he|muy|todo|eso|esto|aquí|ahí|ya
        de|que|por|con|usted|tan|más|así|ahora|solo|sólo|nada
    """)
    ),
    named=r"(?:el|la|los|las|un|una|mi|mis|su|sus|del|al) (\S+)",
    asking=without_accents(
        alternatives(r"""
        qué|quién|cuál(?:es)?|cuándo|dónde|cuánt[oa]s?|por qué|hay
        (?:puedo|puede|pueden|tienen|tiene|debo|tengo que) (?:[a-z]+r|un|una|el|la|mi)
    """)
    ),
    noises="eh+m*|em+|hm+|mm+|uh+|um+",
    noise_letters="ehmu",
)

FOLLOW_UPS: Final = FollowUps(
    continues=without_accents(
        alternatives(r"""
        y|pero|o|entonces|si no|en ese caso|además|también|quiero decir|quise decir
        qué pasa con|y si|y qué|por ejemplo|por cierto|si es así|si (?:sí|no)
        lo mismo (?:para|con|en)|igual (?:para|con|en)|con eso|para eso|sobre eso|por eso
        pues y|solo|sólo|aparte
    """)
    ),
    subjectless=_FUNCTION_WORDS
    | words("""
        sí si no eso esto aquello ahí allí aquí allá otro otra otros otras mismo
        misma mismos mismas algo alguien todo toda todos todas nada ya también
        tampoco muy más menos mucho mucha muchos muchas poco bien bueno buena
        posible gracias favor vale ok okay hola entonces luego después antes
        ahora hoy siempre ser estar haber hacer hace hago hacen hacemos decir
        dice dicen digo ir va voy van vamos poder puede puedo saber sé sabe saben
        ver veo ven querer quiero quiere quisiera encontrar encuentro encuentra
        cuesta cuestan vale costar dar da dan poner pone pongo tomar sirve pasa
        pasar seguir sigue llamar llama funciona funcionan dura tarda tardan
        necesito necesita tener tenía había sería serían podría podrían debería
        hay cómo exactamente aproximadamente vez veces cosa cosas tipo forma
        manera lejos tanto cada así según mientras aún todavía
    """),
    pointers=words("""
        ello ellos ellas él ella éste ésta ése ésa aquél aquello dicho dicha
        cuyo cuya
    """)
    - words("ella él ellos ellas"),
    alike=words("mismo misma mismos mismas otro otra otros otras igual"),
    asking=_QUESTION_WORDS
    | words("""
        es son está están hay puedo puede pueden podría tengo tiene tienen debo
        quiero quisiera necesito se aceptan acepta ofrecen venden hacen hace qué
        por cuánto me mi entregan reparten incluye funciona
    """),
    that=words("eso esto esa ese ésa ése aquello"),
    before_that=words("""
        de con para por sobre en y es cuesta vale dura tarda hago funciona
        incluye significa pasa hace como cómo cuánto
    """),
    after_that=words("""
        es cuesta vale dura tarda incluye funciona significa sirve pasa también
        para en con por cuánto cuándo dónde cómo está tiene se
    """),
    there=words("allí ahí allá"),
    exists=words("hay sigue está estás"),
)

REQUESTS: Final = Requests(
    actions="|".join(
        (
            r"\b(?:puede|podria|puedes|podrias|pueden|podrian) (?:(?:usted|por favor|me|nos) )*+"
            r"(?:reservar|pedir|cancelar|enviar|mandar|llamar|cambiar|borrar|anadir|apuntar"
            r"|transferir|buscar|recomendar|programar|devolver|agendar)(?:me|nos|la|lo)*\b",
            r"\b(?:reserve|mande|envie|cancele|llame|cambie|apunte|busque)(?:me|nos|la|lo)+\b",
            r"\b(?:quiero|quisiera|me gustaria|necesito) (?:reservar|agendar|encargar"
            r"|hacer una reserva|pedir (?:una )?(?:cita|hora))\b",
        )
    ),
    moments=(
        r"\b(?:hoy|(?<!la )manana|ayer|anoche|ahora mismo|en este momento|actualmente"
        r"|est[ea] (?:mes|semana)|(?:mes|semana) pasad[oa])\b"
    ),
)

STOP_WORDS: Final = StopWords(
    written=_ARTICLES | _GRAMMAR,
    spoken=FOLLOW_UPS.subjectless
    | NOISES.fillers
    | words("hola buenos buenas días tardes gracias pregunta saber quería gustaría")
    - words("días"),
    weekdays=words(
        "lunes martes miércoles jueves viernes sábado domingo sábados domingos"
    ),
)

NUMBERS: Final = Numbers(_NUMBERS.written_forms, is_code=_NUMBERS.is_code)

SOUNDS: Final = Sounds(
    rules=(
        (r"ch|sh", "X"),
        (r"(?:g|h)u(?=[aeio])|w", "W"),
        (r"qu?", "k"),
        (r"ph", "f"),
        (r"ll|y(?=[aeiou])", "Y"),
        (r"sc(?=[ei])", "s"),
        (r"c(?=[ei])|z", "s"),
        (r"ck|c", "k"),
        (r"g(?=[ei])|j", "J"),
        (r"g", "k"),
        (r"x", "s"),
        (r"h", ""),
        (r"v|b", "p"),
        (r"d$", ""),
        (r"d", "t"),
        (r"m(?=[pf])", "n"),
        (r"[aou][aeiouy]*", "a"),
        (r"[eiy][aeiouy]*", "e"),
        (r"(.)\1+", r"\1"),
    ),
)
"""Letters to sounds: b and v, y and ll, c, s and z are one; h is silent; `gu` is `w`: `guifi`."""
