from kbserver.ingest.formats.office.slides import SlideLosses

LARGE = (0.0, 0.0, 10.0, 10.0)


def losses(*things: tuple[int, str, tuple[float, ...]]) -> SlideLosses:
    gathered = SlideLosses(slide_area=400.0)
    for slide, kind, place in things:
        gathered.on(slide).add(kind, place)
    return gathered


def test_what_slides_show_is_named_with_their_numbers():
    gathered = losses((1, "picture", LARGE), (3, "picture", LARGE), (3, "chart", LARGE))
    gathered.hidden, gathered.noted = 1, 2
    instead = "write on the slide what callers need of it"
    assert gathered.notes() == [
        f"not spoken: 1 chart (slide 3); {instead}",
        f"not spoken: 2 pictures (slide 1, 3); {instead}",
        "left out 1 hidden slide",
        "left out the speaker notes of 2 slides",
    ]


def test_a_small_picture_is_an_ornament_and_a_small_chart_is_not():
    small = (0.0, 0.0, 1.0, 1.0)
    assert losses((1, "picture", small)).notes() == []
    assert len(losses((1, "chart", small)).notes()) == 1


def test_a_picture_at_one_place_on_three_slides_is_a_logo():
    assert losses(*((number, "picture", LARGE) for number in (1, 2, 3))).notes() == []
