from lxml import etree

from kbserver.ingest.formats.odf.numbering import Numbering
from kbserver.ingest.formats.odf.package import TEXT
from tests.ingest.formats.odf.files import flat

STYLE = (
    '<text:list-style style:name="L">'
    '<text:list-level-style-number text:level="1" style:num-format="I" text:start-value="4" '
    'style:num-prefix="Step " style:num-suffix=":"/>'
    '<text:list-level-style-number text:level="2" style:num-format="1" text:display-levels="2"/>'
    '<text:list-level-style-bullet text:level="3"/></text:list-style>'
)


def numbering(style: str = STYLE) -> tuple[Numbering, object]:
    root = etree.fromstring(flat("text", "<text:list/>", style))
    [found] = root.iter(f"{TEXT}list-style")
    return Numbering({"L": found}), root


def item(**attributes: str) -> etree._Element:
    return etree.Element("item", {f"{TEXT}{k}": v for k, v in attributes.items()})


def test_items_are_counted_by_their_level():
    numbers, _ = numbering()
    counters = numbers.begin(item(), "L")
    labels = [
        numbers.label(counters, "L", depth, item()) for depth in (1, 1, 2, 2, 3, 1, 2)
    ]
    assert labels == ["Step IV:", "Step V:", "V.1", "V.2", "", "Step VI:", "VI.1"]


def test_a_new_list_begins_anew_and_one_that_goes_on_does_not():
    numbers, _ = numbering()
    first = numbers.begin(item(), "L")
    numbers.label(first, "L", 1, item())
    goes_on = numbers.begin(item(**{"continue-numbering": "true"}), "L")
    assert numbers.label(goes_on, "L", 1, item()) == "Step V:"
    new = numbers.begin(item(), "L")
    assert numbers.label(new, "L", 1, item()) == "Step IV:"


def test_an_item_may_begin_at_a_number_of_its_own():
    numbers, _ = numbering()
    counters = numbers.begin(item(), "L")
    assert numbers.label(counters, "L", 1, item(**{"start-value": "9"})) == "Step IX:"


def test_a_list_of_no_known_style_and_too_deep_a_one_have_no_numbers():
    numbers, _ = numbering()
    counters = numbers.begin(item(), "other")
    assert numbers.label(counters, "other", 1, item()) == ""
    assert numbers.label(counters, "other", 99, item()) == ""


def test_headings_without_a_style_have_no_numbers():
    numbers, _ = numbering()
    assert numbers.heading(item(), 1) == ""
