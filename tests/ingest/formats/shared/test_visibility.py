import pytest

from kbserver.ingest.formats.shared.visibility import withheld_because


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"draft": True}, "draft: true"),
        ({"draft": "yes"}, "draft: yes"),
        ({"isDraft": True}, "isDraft: true"),
        ({"published": False}, "published: false"),
        ({"publish": False}, "publish: false"),
        ({"is_public": "false"}, "is_public: false"),
        ({"status": "Draft"}, "status: Draft"),
        ({"state": "not-published"}, "state: not-published"),
        ({"workflow_state": "retired"}, "workflow_state: retired"),
        ({"PublishStatus": "Archived"}, "PublishStatus: Archived"),
        ({"Visibility": "Internal only"}, "Visibility: Internal only"),
        ({"audience": ["staff", "admins"]}, "audience: ['staff', 'admins']"),
        ({"status": {"name": "Draft"}}, "status: {'name': 'Draft'}"),
        ({"publishedAt": None}, "publishedAt: null"),
        ({"deleted_at": "2026-01-01"}, "deleted_at: 2026-01-01"),
        ({"user_segment_id": 12}, "user_segment_id: 12"),
        ({"status": 1, "folder_id": 3}, "status: 1"),
        ({"status": "skip"}, "status: skip"),
        ({"unlisted": True}, "unlisted: true"),
        ({"search": {"exclude": True}}, "search.exclude: true"),
        ({"search": False}, "search: false"),
        ({"search_exclude": True}, "search_exclude: true"),
        ({"build": {"render": "never", "list": "never"}}, "build.render: never"),
        ({"_build": {"render": "never"}}, "_build.render: never"),
        ({"headless": True}, "headless: true"),
    ],
)
def test_what_is_not_for_callers_is_named_by_its_field(given, reason):
    assert withheld_because(given) == reason


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"draft": False, "published": True, "status": "Published"},
        {"state": "published", "publishedAt": None},
        {"visibility": "public"},
        {"search": {"boost": 2, "exclude": False}, "build": {"render": "always"}},
        {"audience": ["staff", "guests"]},
        {"status": 1},
        {"status": "solved", "deleted_at": None, "user_segment_id": None},
        {"comments_disabled": True, "outdated": False, "title": "Draft"},
    ],
)
def test_what_is_for_callers_is_not_withheld(given):
    assert withheld_because(given) == ""
