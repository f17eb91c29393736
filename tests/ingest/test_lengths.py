from kbserver.ingest.lengths import beginning_of, counting_for

RUSSIAN = "Мастер звонит за полчаса до визита и переносит его по просьбе клиента. " * 8


def test_a_script_in_letters_is_measured_in_words(count_tokens):
    counting = counting_for(RUSSIAN, count_tokens)
    words = len(RUSSIAN.split())
    assert count_tokens(RUSSIAN) > 4 * words
    assert counting(RUSSIAN) == round(1.33 * words) + 2


def test_codes_in_a_document_in_letters_are_measured_by_the_model(count_tokens):
    codes = "361AC5XQZV65RTXKJ361PLMQ. " * 20
    assert counting_for(RUSSIAN, count_tokens)(codes) == count_tokens(codes) > 200


def test_a_language_that_the_model_cuts_well_keeps_its_measure(count_tokens):
    german = (
        "Die Kündigungsfrist beträgt einen Monat zum Ende der Laufzeit für alle. " * 8
    )
    for text in (german, "a short text", "x1f 0a9 77c 12d " * 50, ""):
        assert counting_for(text, count_tokens) is count_tokens


def test_scripts_without_spaces_are_measured_by_their_signs(count_tokens):
    thai = "บริการลูกค้าเปิดให้บริการตั้งแต่เวลาแปดโมงเช้าถึงสองทุ่ม" * 10
    counted = counting_for(thai, count_tokens)(thai)
    assert len(thai) / 5 < counted < len(thai) / 2


def test_what_is_embedded_ends_where_the_window_does(count_tokens):
    whole = beginning_of(RUSSIAN, count_tokens, 100)
    assert RUSSIAN.startswith(whole)
    assert 80 < count_tokens(whole) <= 100
    assert beginning_of("Привет", count_tokens, 100) == "Привет"
    unspaced = beginning_of("ж" * 500, count_tokens, 100)
    assert 0 < count_tokens(unspaced) <= 100
