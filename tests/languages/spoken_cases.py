"""What callers say in each language, as recognisers write it, and what is to become of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cases:
    """Utterances of one language, one a line."""

    small_talk: str
    """`reason: utterance`."""
    questions: str
    """They are looked up, though they hold words of small talk, and stay word for word."""
    cleaned: str
    """`as heard → as searched for`."""
    taken_back: str
    """`as heard → as searched for | words taken back`."""
    leaning: str
    """They lean on the question before."""
    standing_alone: str
    numbers: str
    """`as heard → forms that documents may have`."""
    sounding_alike: str
    """`one word other word`."""


CASES = {
    "german": Cases(
        small_talk="""
            greeting: Guten Tag.
            greeting: hallo
            greeting: grüß gott
            greeting: schönen guten morgen
            greeting: Moin, moin.
            goodbye: tschüss
            goodbye: Tschüß, schönen Tag noch.
            goodbye: auf wiederhören
            goodbye: danke auf wiedersehen
            goodbye: nein danke das war's
            goodbye: ja vielen dank das wäre dann alles
            goodbye: Nein, das war alles, vielen Dank.
            goodbye: bis dann ciao
            goodbye: ein schönes wochenende noch
            goodbye: ihnen auch
            goodbye: okay danke tschüss
            thanks: vielen dank
            thanks: Dankeschön!
            thanks: danke für ihre hilfe
            thanks: ja super vielen dank
            thanks: Danke sehr, das ist sehr nett von Ihnen.
            thanks: herzlichen dank für die auskunft
            confirmation: ja
            confirmation: Ja, genau.
            confirmation: nein
            confirmation: nee
            confirmation: okay
            confirmation: alles klar
            confirmation: in ordnung
            confirmation: ja das passt
            confirmation: stimmt genau
            confirmation: jawohl
            confirmation: ich weiß nicht
            confirmation: auf jeden fall
            confirmation: äh ja
            backchannel: ach so
            backchannel: aha
            backchannel: ich verstehe
            backchannel: mhm
            backchannel: sehr gut
            backchannel: na das ist ja schön
            backchannel: oh je
            backchannel: entschuldigung
            hold: Moment mal bitte.
            hold: einen moment bitte
            hold: einen kleinen augenblick
            hold: warten sie mal
            hold: ich muss kurz überlegen
            hold: ich hole mal einen stift
            repeat: wie bitte
            repeat: können sie das bitte noch mal wiederholen
            repeat: noch einmal bitte
            repeat: ich habe sie nicht verstanden
            repeat: Könnten Sie bitte etwas lauter sprechen?
            presence: sind sie noch da
            presence: hören sie mich
            presence: können sie mir helfen
            presence: ich habe noch eine frage
            presence: guten tag mein name ist schmidt
            handover: ich möchte mit einem mitarbeiter sprechen
            handover: Verbinden Sie mich bitte mit der Buchhaltung.
            handover: kann ich bitte mit einem menschen sprechen
            handover: können sie mich mit dem kundenservice verbinden
            empty: äh
            empty: ähm äh
            empty: Untertitel der Amara.org-Community
            empty: Vielen Dank fürs Zuschauen!
            empty: Untertitel im Auftrag des ZDF für funk, 2017
            empty: (Musik)
        """,
        questions="""
            kann er das bezahlen
            um halb vier
            was kostet das
            wann haben sie geöffnet
            danke und wann haben sie geöffnet
            gibt es noch was anderes
            ist das kostenlos
            wie lange dauert es
            und für kinder
            gut versichert auf reisen
            Kann ich den Vertrag widerrufen?
            was ist der unterschied zwischen basic und plus
            ist morgen offen
            wo finde ich die rechnung
            und was ist mit dem rabatt
            muss ich da was bezahlen
            mein router ist kaputt
            wer ist mein ansprechpartner
        """,
        cleaned="""
            äh wie lange ist die kündigungsfrist → wie lange ist die kündigungsfrist
            ja guten tag wann haben sie geöffnet → wann haben sie geöffnet
            hallo ich wollte fragen ob sie samstags offen haben → sie samstags offen haben
            können sie mir sagen wie ich das passwort ändere → wie ich das passwort ändere
            wie kann ich ähm den vertrag kündigen → wie kann ich den vertrag kündigen
            wie kann ich ich den vertrag kündigen → wie kann ich den vertrag kündigen
            alles klar danke schön wie viel kostet der versand → wie viel kostet der versand
            um halb vier kommt der techniker → um halb vier kommt der techniker
        """,
        taken_back="""
            am montag nein am dienstag → am dienstag | am montag
            den tarif plus ich meine den tarif basic → den tarif basic | den tarif plus
            was kostet paket quatsch nein tarif zwei → was kostet tarif zwei | paket
            habe ich das richtig verstanden ja oder nein →
        """,
        leaning="""
            und was kostet das
            und für kinder
            aber wie lange gilt das
            wie lange dauert das
            was ist mit dem parkplatz
            gilt das auch am wochenende
            und sonntags
            kostet das extra
            was passiert danach
            wie sieht es bei studenten aus
        """,
        standing_alone="""
            wie kann ich meinen vertrag mit zwölf monaten laufzeit kündigen
            was kostet das frühstück im restaurant am bahnhof
            wann öffnet die geschäftsstelle in hamburg am montag
            gibt es einen rabatt für studenten mit ausweis
        """,
        numbers="""
            zweihundertfünfzig → 250
            siebenundzwanzig → 27
            zwo null null → 200
            halb vier → 3 30
            viertel vor acht → 7 45
            dreiviertel sechs → 5 45
            neununddreißig euro neunundneunzig → 39,99
            zweitausendsechsundzwanzig → 2026
            anderthalb stunden → 1,5
            eine rechnung →
        """,
        sounding_alike="""
            kündigung kundigung
            rauter router
            vertrag fertrag
            schmidt schmitt
            meyer maier
            akaunt account
        """,
    ),
    "french": Cases(
        small_talk="""
            greeting: Bonjour.
            greeting: bonsoir madame
            greeting: allô
            greeting: bonjour monsieur comment allez-vous
            goodbye: au revoir
            goodbye: Merci, au revoir.
            goodbye: bonne journée
            goodbye: merci beaucoup bonne soirée
            goodbye: à bientôt
            goodbye: non merci c'est tout
            goodbye: non ce sera tout merci
            goodbye: ok merci au revoir
            goodbye: je n'ai pas d'autres questions
            goodbye: vous aussi
            thanks: merci
            thanks: Merci beaucoup !
            thanks: je vous remercie
            thanks: merci pour votre aide
            thanks: d'accord merci bien
            thanks: c'est très gentil merci
            thanks: super merci beaucoup
            confirmation: oui
            confirmation: Oui, oui.
            confirmation: non
            confirmation: d'accord
            confirmation: ok ça marche
            confirmation: c'est bon
            confirmation: exactement
            confirmation: tout à fait
            confirmation: euh oui
            confirmation: bien sûr
            confirmation: je ne sais pas
            confirmation: pas vraiment
            backchannel: très bien
            backchannel: ah bon
            backchannel: je vois
            backchannel: parfait
            backchannel: je comprends
            backchannel: désolé
            hold: un instant s'il vous plaît
            hold: attendez une seconde
            hold: une petite minute
            hold: ne quittez pas
            hold: laissez-moi réfléchir
            hold: laissez tomber
            repeat: pardon
            repeat: vous pouvez répéter s'il vous plaît
            repeat: Pouvez-vous répéter ?
            repeat: je n'ai pas compris
            repeat: je n'ai pas bien entendu
            repeat: comment
            presence: vous êtes toujours là
            presence: vous m'entendez
            presence: allô vous êtes là
            presence: j'ai une question
            presence: j'aurais une petite question
            presence: pouvez-vous m'aider
            handover: je voudrais parler à un conseiller
            handover: passez-moi le service client
            handover: je peux parler à quelqu'un
            handover: un conseiller s'il vous plaît
            empty: euh
            empty: hum
            empty: Sous-titres réalisés par la communauté d'Amara.org
            empty: Sous-titrage Société Radio-Canada
            empty: Merci d'avoir regardé cette vidéo !
        """,
        questions="""
            combien ça coûte
            et pour les enfants
            c'est quoi le délai
            non fumeur ou fumeur
            bon cadeau valable combien de temps
            merci et quels sont vos horaires
            est-ce que c'est gratuit
            où est le parking
            je voudrais résilier
            et demain
            c'est ouvert le dimanche
            quel est le prix
            ma facture
            et si je suis absent
            y a-t-il un parking
            la carte est acceptée ou non le dimanche
        """,
        cleaned="""
            euh quels sont vos horaires → quels sont vos horaires
            bonjour je voudrais savoir si vous livrez le samedi → vous livrez le samedi
            d'accord merci combien coûte la livraison → combien coûte la livraison
            est-ce que vous pouvez me dire comment changer d'offre → comment changer d'offre
            je veux euh résilier mon contrat → je veux résilier mon contrat
            je je veux résilier mon contrat → je veux résilier mon contrat
            Très bien, et les enfants ? → et les enfants ?
        """,
        taken_back="""
            le lundi non pardon le mardi → le mardi | le lundi
            le forfait bleu je veux dire le forfait rouge → le forfait rouge | le forfait bleu
            à neuf heures enfin non à dix heures → à dix heures | à neuf heures
            est-ce que le chien est admis ou non le dimanche →
        """,
        leaning="""
            et pour les enfants
            mais combien ça coûte
            et le dimanche
            c'est combien ça
            du coup comment je fais
            ça coûte combien
            et si je suis absent
            comment ça marche
            pareil pour les étudiants
            dans ce cas il faut payer
        """,
        standing_alone="""
            combien coûte le menu du dimanche midi
            comment résilier mon contrat de fibre avant la fin
            quels sont les horaires de la piscine du camping
            où envoyer le formulaire de retour des marchandises
        """,
        numbers="""
            quatre-vingt-dix-neuf → 99
            quatre vingt dix neuf → 99
            soixante et onze → 71
            septante deux → 72
            deux cent cinquante → 250
            mille neuf cent quatre vingt quatre → 1984
            trois heures et demie → 3 30
            dix heures moins le quart → 9 45
            trente neuf euros quatre-vingt-dix-neuf → 39,99
            une facture →
        """,
        sounding_alike="""
            bateau bato
            résilier resilié
            eau oh
            fibre fibres
            quai ké
            pharmacie farmacie
        """,
    ),
    "spanish": Cases(
        small_talk="""
            greeting: Hola, buenos días.
            greeting: buenas
            greeting: hola qué tal
            greeting: buenas tardes
            goodbye: adiós
            goodbye: muchas gracias hasta luego
            goodbye: gracias adiós
            goodbye: que tenga un buen día
            goodbye: no eso es todo
            goodbye: No, nada más, gracias.
            goodbye: eso es todo gracias
            goodbye: igualmente
            goodbye: vale gracias chao
            goodbye: no tengo más preguntas
            thanks: gracias
            thanks: ¡Muchas gracias!
            thanks: genial muchas gracias
            thanks: se lo agradezco mucho
            thanks: muchas gracias por su ayuda
            thanks: no gracias
            thanks: muy amable gracias
            confirmation: sí
            confirmation: Sí, exacto.
            confirmation: no
            confirmation: vale
            confirmation: eh sí vale
            confirmation: claro que sí
            confirmation: de acuerdo
            confirmation: está bien
            confirmation: así es
            confirmation: no lo sé
            confirmation: creo que sí
            confirmation: correcto
            confirmation: por supuesto
            backchannel: ajá entiendo
            backchannel: ah ya
            backchannel: muy bien
            backchannel: ya veo
            backchannel: lo siento
            backchannel: perfecto
            backchannel: mhm
            hold: un momento por favor
            hold: espere un segundo
            hold: no cuelgue
            hold: deme un minuto
            hold: déjeme pensar
            hold: da igual
            repeat: puede repetir por favor
            repeat: cómo dice
            repeat: mande
            repeat: no le he entendido
            repeat: ¿Me lo puede repetir?
            repeat: puede hablar más despacio
            presence: hola sigue ahí
            presence: me oye
            presence: tengo una pregunta
            presence: me puede ayudar
            presence: quería hacerle una consulta
            handover: quiero hablar con una persona
            handover: páseme con un agente
            handover: me puede pasar con atención al cliente
            handover: un agente por favor
            empty: eh
            empty: Subtítulos realizados por la comunidad de Amara.org
            empty: Suscríbete al canal
            empty: ¡Gracias por ver el video!
            empty: [Música]
        """,
        questions="""
            la factura no la he recibido
            la luz roja no la veo
            cuánto cuesta eso
            si llueve está abierto
            y a qué hora cierran
            gracias y cuál es el horario
            dónde está
            no me llega internet
            vale regalo cuánto dura
            y para los niños
            hay parking
            es gratis
            qué incluye
            mi factura
            la reserva no la encuentro
            puedo pagar con tarjeta
            no no la he recibido la factura
        """,
        cleaned="""
            eh cuánto cuesta la tarifa → cuánto cuesta la tarifa
            hola buenos días quería saber si abren los domingos → abren los domingos
            me puede decir cómo cambio la contraseña → cómo cambio la contraseña
            muchas gracias cuánto tarda el envío → cuánto tarda el envío
            quiero eh cancelar mi contrato → quiero cancelar mi contrato
            quiero cancelar mi mi contrato → quiero cancelar mi contrato
            la la luz roja no la veo → la luz roja no la veo
        """,
        taken_back="""
            el lunes digo el martes → el martes | el lunes
            a las nueve perdón a las diez → a las diez | a las nueve
            la tarifa azul quiero decir la tarifa roja → la tarifa roja | la tarifa azul
            la factura no la he recibido →
            la luz roja no la veo →
        """,
        leaning="""
            y cuánto cuesta eso
            y para los niños
            pero hasta cuándo
            y si llueve
            cuánto tarda eso
            qué pasa con el depósito
            y los domingos
            eso tiene coste
            cómo funciona eso
            lo mismo para estudiantes
        """,
        standing_alone="""
            cuánto cuesta la entrada de la piscina municipal en verano
            cómo puedo cambiar la dirección de facturación del contrato
            dónde está la oficina de atención en el centro de madrid
            puedo pagar la factura con tarjeta de crédito extranjera
        """,
        numbers="""
            treinta y cinco → 35
            veintiún días → 21
            quinientos → 500
            mil doscientos → 1200
            tres y media → 3 30
            las diez menos cuarto → 9 45
            treinta y nueve euros noventa y nueve → 39,99
            dos mil veintiséis → 2026
            ciento veinte → 120
            una factura →
        """,
        sounding_alike="""
            guifi wifi
            baca vaca
            yave llave
            zapato sapato
            ola hola
            jente gente
            kilo quilo
        """,
    ),
    "hindi": Cases(
        small_talk="""
            greeting: नमस्ते
            greeting: नमस्कार जी
            greeting: हैलो सर
            greeting: गुड मॉर्निंग
            greeting: namaste
            greeting: hello ji
            goodbye: नहीं बस इतना ही
            goodbye: ठीक है धन्यवाद बाय
            goodbye: फिर मिलेंगे
            goodbye: और कुछ नहीं
            goodbye: जी नहीं बस यही पूछना था
            goodbye: ok thank you bye
            goodbye: nahi bas itna hi
            thanks: धन्यवाद
            thanks: ठीक है बहुत बहुत धन्यवाद
            thanks: बहुत बढ़िया शुक्रिया
            thanks: नहीं शुक्रिया
            thanks: अच्छा धन्यवाद
            thanks: थैंक यू सर
            thanks: जानकारी के लिए बहुत बहुत शुक्रिया
            thanks: accha dhanyavaad
            thanks: bahut bahut shukriya
            thanks: Thank you so much.
            confirmation: हाँ
            confirmation: हाँ बिल्कुल
            confirmation: हां जी
            confirmation: हाँ जी ठीक है
            confirmation: जी नहीं
            confirmation: नहीं
            confirmation: ठीक है।
            confirmation: बिलकुल सही
            confirmation: मुझे नहीं पता
            confirmation: haan ji theek hai
            confirmation: nahi
            confirmation: Theek hai.
            backchannel: हम्म समझ गया
            backchannel: अच्छा
            backchannel: अच्छा अच्छा
            backchannel: अरे वाह
            backchannel: बहुत बढ़िया
            backchannel: माफ़ कीजिए
            confirmation: जी मैं समझ गई
            backchannel: accha samajh gaya
            hold: एक मिनट रुकिए
            hold: ज़रा रुकिए
            hold: एक सेकंड
            hold: होल्ड कीजिए
            hold: रहने दीजिए
            hold: ek minute rukiye
            repeat: क्या आप दोहरा सकते हैं
            repeat: फिर से बोलिए
            repeat: क्या कहा आपने
            repeat: मुझे सुनाई नहीं दिया
            repeat: समझ नहीं आया
            repeat: phir se boliye
            presence: हैलो आप सुन रहे हैं
            presence: क्या आप मेरी मदद कर सकते हैं
            presence: मेरा एक सवाल है
            presence: आवाज़ आ रही है क्या
            presence: hello aap sun rahe hain
            handover: मुझे किसी एजेंट से बात करनी है
            handover: कस्टमर केयर से बात करवाइए
            handover: mujhe kisi agent se baat karni hai
            empty: हम्म
            empty: उम्म
            empty: देखने के लिए धन्यवाद
        """,
        questions="""
            इसका कितना पैसा लगेगा
            प्लान कितने का है
            मेरा नेट नहीं चल रहा
            बिल कब आता है
            धन्यवाद और ऑफिस कब खुलता है
            क्या यह मुफ़्त है
            राउटर की लाल बत्ती क्या है
            रिचार्ज कैसे करें
            मुझे बिल नहीं मिला
            और बच्चों के लिए
            kitna paisa lagega
            recharge kaise karen
            bill kab aata hai
            mera net nahi chal raha
            aur bachchon ke liye
        """,
        cleaned="""
            अम्म बिल कब आता है → बिल कब आता है
            नमस्ते मुझे पूछना था कि दफ़्तर कब खुलता है → दफ़्तर कब खुलता है
            क्या आप बता सकते हैं कि सिम कब आएगा → सिम कब आएगा
            ठीक है धन्यवाद रिचार्ज कैसे करते हैं → रिचार्ज कैसे करते हैं
            मेरा मेरा बिल कहाँ है → मेरा बिल कहाँ है
            theek hai aur recharge kaise karte hain bataiye → aur recharge kaise karte hain bataiye
            namaste mujhe puchna tha ki office kab khulta hai → office kab khulta hai
        """,
        taken_back="""
            कल सॉरी परसों की बुकिंग → परसों की बुकिंग | कल
            नीला प्लान मेरा मतलब लाल प्लान → नीला लाल प्लान | प्लान
            मुझे बिल नहीं नहीं मिला → मुझे बिल नहीं मिला
        """,
        leaning="""
            इसका कितना लगेगा
            और बच्चों के लिए
            तो कब तक आएगा
            लेकिन अगर मैं बाहर हूँ तो
            उसके लिए क्या चाहिए
            ये कितने का है
            और रविवार को
            iska kitna lagega
            aur bachchon ke liye
            to kab tak aayega
        """,
        standing_alone="""
            फ़ाइबर पाँच सौ प्लान का मासिक शुल्क कितना है
            राउटर को फैक्टरी सेटिंग पर कैसे लाएँ
            दिल्ली के दफ़्तर में शिकायत कैसे दर्ज करें
            fiber plan ka monthly charge kitna hota hai delhi mein
        """,
        numbers="""
            साढ़े तीन → 3 30 3.5
            डेढ़ सौ → 150
            पाँच सौ → 500
            एक हज़ार दो सौ → 1200
            दो लाख → 200000
            निन्यानवे → 99
            निन्यानबे → 99
            ढाई हज़ार → 2500
            paanch sau → 500
            एक बिल →
        """,
        sounding_alike="""
            राउटर router
            शिकायत shikayat
            प्लान plan
            फ़ाइबर fiber
            रिचार्ज recharge
            बिल bil
        """,
    ),
}
