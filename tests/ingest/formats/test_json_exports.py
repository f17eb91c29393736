"""Exports of helpdesks, wikis, shops and chats: what a caller hears of each."""

import json

import pytest

from kbserver.errors import DocumentUnreadable


def said(documents) -> dict[str, str]:
    """Return what each document says below its title."""
    return {
        document.title: "\n".join(
            block.text for block in document.blocks if block.kind != "heading"
        )
        for document in documents
    }


def topics(document) -> list[str]:
    return [block.text for block in document.blocks if block.kind == "heading"]


EXPORTS = {
    "Intercom": (
        {
            "type": "list",
            "pages": {"type": "pages", "page": 1, "total_pages": 1},
            "total_count": 2,
            "data": [
                {
                    "id": "7",
                    "type": "article",
                    "title": "Refunds",
                    "description": "",
                    "body": "<p>Paid in <b>nine</b> days.</p>",
                    "author_id": 5,
                    "state": "published",
                },
                {"id": "8", "title": "Old", "body": "<p>No.</p>", "state": "draft"},
            ],
        },
        {"Refunds": "Paid in nine days."},
    ),
    "WordPress": (
        [
            {
                "id": 3,
                "date": "2026-01-01T00:00:00",
                "status": "publish",
                "title": {"rendered": "Towing"},
                "content": {"rendered": "<p>We tow by night.</p>", "protected": False},
                "excerpt": {"rendered": "<p>We</p>"},
                "tags": [4],
            },
            {
                "id": 4,
                "status": "private",
                "title": {"rendered": "Codes"},
                "content": {"rendered": "<p>Gate 9.</p>"},
            },
        ],
        {"Towing": "We tow by night."},
    ),
    "Freshdesk": (
        [
            {
                "id": 1,
                "folder_id": 2,
                "title": "Keys",
                "description": "<p>At the desk.</p>",
                "description_text": "At the desk.",
                "status": 2,
            },
            {
                "id": 2,
                "folder_id": 2,
                "title": "Old keys",
                "description": "<p>Below the mat.</p>",
                "status": 1,
            },
        ],
        {"Keys": "At the desk."},
    ),
    "ServiceNow": (
        {
            "result": [
                {
                    "sys_id": "ab12",
                    "number": "KB0010001",
                    "short_description": "Reset a badge",
                    "text": "<p>Hold it for six seconds.</p>",
                    "workflow_state": "published",
                },
                {
                    "number": "KB0010002",
                    "short_description": "Old badge",
                    "text": "<p>Call Bob.</p>",
                    "workflow_state": "retired",
                },
            ]
        },
        {"Reset a badge": "Hold it for six seconds."},
    ),
    "Confluence": (
        {
            "results": [
                {
                    "id": "1",
                    "type": "page",
                    "status": "current",
                    "title": "Lift",
                    "body": {
                        "storage": {
                            "value": "<p>Until ten.</p>",
                            "representation": "storage",
                        }
                    },
                }
            ],
            "start": 0,
        },
        {"Lift": "Until ten."},
    ),
    "Strapi": (
        {
            "data": [
                {
                    "id": 1,
                    "attributes": {
                        "title": "Pets",
                        "content": "Dogs are welcome.",
                        "publishedAt": "2026-01-01",
                    },
                },
                {
                    "id": 2,
                    "attributes": {
                        "title": "Cats",
                        "content": "Not yet.",
                        "publishedAt": None,
                    },
                },
            ]
        },
        {"Pets": "Dogs are welcome."},
    ),
    "QnA Maker": (
        {
            "qnaList": [
                {
                    "id": 1,
                    "answer": "At noon.",
                    "questions": ["When is check-out?", "When do I leave?"],
                    "metadata": [],
                }
            ]
        },
        {"When is check-out?": "At noon."},
    ),
    "schema.org in a graph": (
        {
            "@context": "https://schema.org",
            "@graph": [
                {
                    "@type": "FAQPage",
                    "mainEntity": {
                        "@type": "Question",
                        "name": "Is there a pool?",
                        "acceptedAnswer": {"@type": "Answer", "text": "On level 2."},
                    },
                }
            ],
        },
        {"Is there a pool?": "On level 2."},
    ),
    "questions as keys": (
        {"Rent": {"When is rent due?": "On the third.", "Cash?": "No."}},
        {"When is rent due?": "On the third.", "Cash?": "No."},
    ),
    "Ghost": (
        {
            "db": [
                {
                    "meta": {"version": "5"},
                    "data": {
                        "posts": [
                            {
                                "title": "Hours",
                                "html": "<p>Nine to five.</p>",
                                "status": "published",
                                "visibility": "public",
                                "tags": [{"id": 1, "name": "news"}],
                            },
                            {"title": "New", "html": "<p>Ten.</p>", "status": "draft"},
                        ]
                    },
                }
            ]
        },
        {"Hours": "Nine to five."},
    ),
    "Contentful": (
        {
            "items": [
                {
                    "sys": {"id": "x"},
                    "fields": {
                        "title": {"en-US": "Hours"},
                        "body": {"en-US": "Nine to five."},
                    },
                }
            ]
        },
        {"Hours": "Nine to five."},
    ),
    "a shop": (
        {
            "products": [
                {
                    "id": 1,
                    "title": "Mug",
                    "body_html": "<p>Holds 300 ml.</p>",
                    "vendor": "Acme",
                    "status": "active",
                    "price": "12.00",
                }
            ]
        },
        {"Mug": "Holds 300 ml.\nprice: 12.00."},
    ),
    "a conversation with a private note": (
        {
            "type": "conversation",
            "conversation_parts": {
                "parts": [
                    {"body": "<p>In nine days.</p>", "part_type": "comment"},
                    {"body": "<p>Never Bob.</p>", "part_type": "note"},
                ]
            },
        },
        {"": "In nine days."},
    ),
    "tickets": (
        {
            "tickets": [
                {
                    "id": 5,
                    "subject": "Lost key",
                    "description": "I lost my key.",
                    "created_at": "2026-01-01",
                    "status": "solved",
                    "comments": [
                        {
                            "id": 1,
                            "public": True,
                            "body": "A new one costs 12 dollars.",
                        },
                        {"id": 2, "public": False, "body": "Never bill Bob."},
                    ],
                }
            ]
        },
        {"Lost key": "I lost my key.", "": "A new one costs 12 dollars."},
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_says_its_texts_and_nothing_else(read, name):
    data, expected = EXPORTS[name]
    assert said(read("export.json", json.dumps(data))) == expected


def test_the_names_of_sections_become_topics(read):
    data = {
        "articles": [
            {"id": 1, "title": "Moving", "body": "<p>In May.</p>", "section_id": 9}
        ],
        "sections": [{"id": 9, "name": "Billing", "category_id": 4}],
        "categories": [{"id": 4, "name": "Account"}],
        "users": [{"id": 3, "name": "Kim"}],
    }
    [document] = read("a.json", json.dumps(data))
    assert topics(document) == ["Account", "Billing"]
    nested = {
        "sections": [
            {"id": 1, "title": "Billing", "articles": [{"title": "A", "text": "One."}]}
        ]
    }
    [document] = read("a.json", json.dumps(nested))
    assert topics(document)[-1] == "Billing"


def test_facts_beside_the_records_are_kept(read):
    data = {"phone": "555 0100", "faqs": [{"q": "Is it open?", "a": "Yes."}]}
    assert said(read("my-shop.json", json.dumps(data))) == {
        "Is it open?": "Yes.",
        "My shop": "phone: 555 0100.",
    }


def test_further_phrasings_find_the_answer(read):
    data = [{"questions": ["Where?", "Which way?"], "answer": "Left."}]
    [document] = read("a.json", json.dumps(data))
    assert document.metadata["questions"] == ["Which way?"]


def test_withheld_records_are_named_with_their_field(read):
    data = [
        {"title": "Prices", "text": "Nine dollars."},
        {"title": "Margins", "text": "Forty percent.", "visibility": "internal"},
        {"title": "Old", "text": "Eight dollars.", "archived": True},
    ]
    [document] = read("a.json", json.dumps(data))
    assert document.notes == (
        "withheld 2 records not meant for callers: "
        "Margins (visibility: internal); Old (archived: true)",
    )
    with pytest.raises(DocumentUnreadable, match="withheld 1 record .*draft: true"):
        read("b.jsonl", json.dumps({"title": "A", "text": "B", "draft": True}))


@pytest.mark.parametrize(
    "data",
    [
        [
            {"type": "message", "subtype": "channel_join", "user": "U1", "ts": "1.0"},
            {"type": "message", "user": "U1", "ts": "1.1", "text": "Is it &lt; 9?"},
            {
                "type": "message",
                "user": "U2",
                "ts": "1.2",
                "text": "<@U1> see <https://a.example|the list> :smile:",
            },
        ],
        {
            "name": "Help",
            "type": "private_group",
            "messages": [
                {"id": 1, "type": "service", "date": "2026", "actor": "Kim"},
                {"id": 2, "date": "2026", "from": "Kim", "text": "Is it < 9?"},
                {
                    "id": 3,
                    "date": "2026",
                    "from": "Bo",
                    "text": ["see ", {"type": "link", "text": "the list"}],
                },
            ],
        },
    ],
)
def test_a_chat_says_its_messages_without_names_and_times(read, data):
    [document] = read("help.json", json.dumps(data))
    assert [block.text for block in document.blocks] == ["Is it < 9?", "see the list"]


@pytest.mark.parametrize(
    "chat",
    [
        "[03/04/2026, 10:15:22] Kim: When is rent due?\n"
        "[03/04/2026, 10:16:02] Bo: On the third.\n"
        "[03/04/2026, 10:17:02] Kim: <Media omitted>\n",
        "3/4/26, 10:15 AM - Messages are encrypted.\n"
        "3/4/26, 10:15 AM - Kim: When is rent due?\n"
        "3/4/26, 10:16 AM - Bo: On the third.\n",
    ],
)
def test_a_chat_saved_as_text_says_its_messages(read, chat):
    [document] = read("chat.txt", chat)
    assert [block.text for block in document.blocks] == [
        "When is rent due?",
        "On the third.",
    ]


def test_a_timetable_is_no_chat(read):
    [document] = read("a.txt", "Open daily.\n\n3/4/26, 10:15 AM - Tour: by night\n")
    assert "10:15 AM - Tour: by night" in document.blocks[-1].text
