import pytest

from kbserver.languages import PROFILES, neutral
from kbserver.retrieval.transcript.requests import requests_in

ACTIONS = [
    ("english", "could you reserve a table for four at seven"),
    ("english", "can you please also send me the last bill"),
    ("english", "I'd like to book two rooms, please."),
    ("english", "please cancel my order"),
    ("english", "send me the contract"),
    ("english", "i’m looking for a cheap hotel"),
    ("german", "können sie mir bitte einen termin buchen"),
    ("german", "schicken sie mir die rechnung"),
    ("german", "ich möchte zwei fahrkarten kaufen"),
    ("french", "pouvez-vous me réserver une table"),
    ("french", "envoyez-moi la facture"),
    ("spanish", "¿puede reservarme una mesa?"),
    ("spanish", "envíeme la factura"),
    ("hindi", "मुझे दो नए सिम भेज दीजिए"),
    ("hindi", "mera plan badal do"),
]
MOMENTS = [
    ("english", "how much is my bill this month"),
    ("german", "ist die linie drei heute pünktlich"),
    ("french", "est-ce ouvert aujourd'hui"),
    ("spanish", "¿está abierto hoy?"),
    ("hindi", "इस महीने मेरा बिल कितना है"),
    ("hindi", "technician aaj kab aayega"),
]
QUESTIONS = [
    ("english", "how do i cancel my order"),
    ("english", "can you smoke in the garden"),
    ("english", "how far ahead can i book a routine appointment"),
    ("english", "what does the booking fee pay for"),
    ("english", "i want to change the currency of my shop"),
    ("german", "wann stellen sie mir den strom ab"),
    ("german", "wie kündige ich meinen vertrag"),
    ("german", "kann man online buchen"),
    ("french", "comment annuler ma commande"),
    ("spanish", "cómo cancelo mi pedido"),
    ("spanish", "abren por la mañana"),
    ("hindi", "प्लान कैसे बदलें"),
]


@pytest.mark.parametrize(("language", "query"), ACTIONS)
def test_what_is_to_be_done_is_an_action(language, query):
    assert "action" in requests_in(query, PROFILES[language])


@pytest.mark.parametrize(("language", "query"), MOMENTS)
def test_what_only_this_moment_can_tell_is_seen(language, query):
    assert requests_in(query, PROFILES[language]) == ("moment",)


@pytest.mark.parametrize(("language", "query"), QUESTIONS)
def test_a_question_how_something_is_done_requests_nothing(language, query):
    assert requests_in(query, PROFILES[language]) == ()


def test_a_language_without_a_profile_requests_nothing():
    assert requests_in("could you book a table today", neutral.PROFILE) == ()
