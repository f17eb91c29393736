"""A sample of each language; what is short, mixed or unknown has none."""

import pytest

from kbserver.languages.detection import language_of

SAMPLES = {
    "english": "You can cancel your contract at the end of the month. We will send you a letter "
    "with the date on which it ends, and you do not have to pay for the rest of the year.",
    "german": "Den Abschlag ändern Sie im Kundenportal selbst, um bis zu 20 Prozent. Die Änderung "
    "gilt ab dem nächsten Monat, wenn sie bis zum 5. bei uns ist, und ist für Sie kostenlos.",
    "french": "Vous pouvez changer votre adresse dans l'espace client. La facture est envoyée le "
    "premier jour du mois, et le paiement est prélevé dans les dix jours qui suivent.",
    "spanish": "Puede cambiar la dirección en el área de clientes. La factura se envía el primer "
    "día del mes y el pago se hace en los diez días siguientes, sin que tenga que hacer nada.",
    "hindi": "कनेक्शन बंद करने के लिए एक महीने पहले सूचना दें। बिल हर महीने की पाँच तारीख़ को बनता है और "
    "बीस तारीख़ तक भरना होता है। देर से भुगतान पर शुल्क लगता है।",
    "russian": "Вы можете изменить адрес в личном кабинете. Счёт приходит первого числа, и его "
    "нужно оплатить за десять дней. Если вы не успели, то позвоните нам, и мы поможем вам.",
    "turkish": "Adresinizi müşteri hesabınızda değiştirebilirsiniz. Fatura her ayın ilk günü "
    "gönderilir ve on gün içinde ödenir. Bunun için bir ücret alınmaz ve başka bir şey gerekmez.",
    "italian": "Puoi cambiare l'indirizzo nella tua area clienti. La fattura è inviata il primo "
    "giorno del mese e il pagamento si fa nei dieci giorni che seguono, senza costi per te.",
}


@pytest.mark.parametrize("language", SAMPLES)
def test_the_language_of_a_few_sentences_is_seen(language):
    seen = language_of([SAMPLES[language]])
    assert seen is not None
    assert (seen.language, seen.name) == (language, language.capitalize())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Prosím zadajte svoje meno a heslo, ktoré ste dostali. Ak ste ho zabudli, "
         "je možné, že sa pre vás vytvorí nové alebo že to nie je potrebné, ako už bolo.",
         "Slovak"),
        ("請在每月的第一天支付帳單。" * 10, "Chinese"),
    ],
)  # fmt: skip
def test_a_language_without_a_stemmer_is_named(text, name):
    seen = language_of([text])
    assert seen is not None
    assert (seen.language, seen.name) == ("none", name)


@pytest.mark.parametrize(
    "text",
    ["", "39,99 €", "AC68U RTX 4090 " * 30, "4K 8G " * 40, "_x " * 80, "Ok danke"],
)
def test_what_is_no_prose_has_no_language(text):
    assert language_of([text]) is None
