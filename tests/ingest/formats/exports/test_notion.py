import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import title_from

HASH = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
FOLDER = "11112222333344445555666677778888"


def said(document):
    return [block.text for block in document.blocks]


def test_the_hash_is_no_part_of_a_title():
    assert title_from(f"Help {FOLDER}/Prices {HASH}.csv") == "Prices"
    assert title_from(f"Prices {HASH}_all.csv") == "Prices"
    assert title_from("deadbeef.md") == "Deadbeef"


def test_a_page_is_said_without_its_bookkeeping(read):
    page = (
        "# Refunds\n\nOwner: Kim Doe\nStatus: Published\nPrice: $9\n"
        f"Related: Hours (../Hours%20{HASH}.md)\n\n"
        "<aside>\n💡 Paid to your card.\n\n</aside>\n\n"
        "Note: ask first, see [Hours](Hours%20" + HASH + ".md).\n"
    )
    [document] = read(f"Refunds {HASH}.md", page)
    assert document.title == "Refunds"
    assert said(document) == [
        "Price: $9",
        "Paid to your card.",
        "Note: ask first, see Hours.",
    ]
    assert document.metadata["owner"] == "Kim Doe"
    assert said(read("Refunds.md", page)[0])[0].startswith("Owner: Kim Doe")


def test_a_draft_is_withheld(read):
    with pytest.raises(DocumentUnreadable, match="Status: Draft|status: Draft"):
        read(f"A {HASH}.md", "# A\n\nStatus: Draft\n\nIt costs $9.\n")


def test_a_table_is_said_once_and_without_addresses(read):
    name = f"Prices {FOLDER}"
    rows = f"Plan,Price,Related\nSolo,$9,Hours (https://www.notion.so/Hours-{HASH}?pvs=21)\n"
    [document] = read(f"{name}.csv", rows)
    assert said(document) == ["Plan: Solo; Price: $9; Related: Hours."]
    with pytest.raises(DocumentUnreadable, match="left out: a copy of"):
        read(f"{name}_all.csv", rows + "Old,$7,\n")
    with pytest.raises(DocumentUnreadable, match="left out: a row of"):
        read(f"{name}/Solo {HASH}.md", "# Solo\n\nPrice: $9\n")
    [page] = read(f"{name}/Duo {HASH}.md", "# Duo\n\nPrice: $9\n\nFor two.\n")
    assert said(page) == ["For two."]
