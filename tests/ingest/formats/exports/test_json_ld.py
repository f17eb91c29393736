import json


def page(data: object, text: str) -> str:
    script = f'<script type="application/ld+json">{json.dumps(data)}</script>'
    return f"<html><head>{script}</head><body><main><h1>Linden</h1>{text}</main></body></html>"


def said(document):
    return [block.text for block in document.blocks if block.text]


def test_facts_that_the_page_does_not_show_are_read_and_named(read):
    data = {
        "@type": "Hotel",
        "name": "Linden",
        "telephone": "+1-555-010-0133",
        "checkinTime": "15:00",
        "petsAllowed": True,
        "address": {"@type": "PostalAddress", "streetAddress": "4 Weir Lane"},
        "offers": {"price": "90"},
    }
    [document] = read("a.html", page(data, "<p>Call +1-555-010-0133.</p>"))
    assert said(document) == [
        "Call +1-555-010-0133.",
        "Check-in: 15:00.",
        "Pets allowed: yes.",
        "Address: 4 Weir Lane.",
    ]
    assert document.notes == (
        "read from JSON-LD, not in the page's text: checkinTime, petsAllowed, address",
        "left out of the JSON-LD: offers; write it in the page",
    )


def test_answers_that_the_page_does_not_show_are_read(read):
    def question(name, text):
        answer = {"@type": "Answer", "text": text}
        return {"@type": "Question", "name": name, "acceptedAnswer": answer}

    data = {
        "@type": "FAQPage",
        "mainEntity": [
            question("Is there a pool?", "<p>On level 2.</p>"),
            question("Is there parking?", "Behind the bakery."),
        ],
    }
    [document] = read("a.html", page(data, "<p>Parking? Behind the bakery.</p>"))
    assert said(document) == [
        "Parking? Behind the bakery.",
        "Is there a pool?",
        "On level 2.",
    ]


def test_a_script_that_is_no_json_costs_nothing(read):
    broken = (
        '<script type="application/ld+json">{"a": </script><main><p>Open.</p></main>'
    )
    [document] = read("a.html", broken)
    assert (said(document), document.notes) == (["Open."], ())


def test_opening_hours_keep_the_time_in_which_they_hold(read):
    summer = {
        "dayOfWeek": ["https://schema.org/Monday", "Tuesday"],
        "opens": "10:00:00",
        "closes": "18:00:00",
        "validFrom": "2026-05-01",
        "validThrough": "2026-09-30T23:59",
    }
    holidays = {
        "opens": "00:00",
        "closes": "00:00",
        "validFrom": "2026-12-24",
        "validThrough": "2026-12-26",
    }
    one_day = {**holidays, "validFrom": "2026-12-31", "validThrough": "2026-12-31"}
    data = {
        "openingHoursSpecification": summer,
        "specialOpeningHoursSpecification": [holidays, one_day],
    }
    [document] = read("a.html", page(data, "<p>Welcome.</p>"))
    assert said(document)[1:] == [
        "Opening hours: Monday and Tuesday (2026-05-01 – 2026-09-30) 10:00 to 18:00.",
        "Special opening hours: 2026-12-24 – 2026-12-26 closed, 2026-12-31 closed.",
    ]
