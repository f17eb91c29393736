import json

import pytest

from kbserver.cli.at_doors.platforms import PLATFORMS
from kbserver.endpoint.doors import DOORS, doors_of
from kbserver.settings import Settings

PATHS = {
    door.name: door.path
    for door in doors_of(
        Settings.model_validate({"doors": {name: {} for name in DOORS}})
    )
}
BASE = "https://kb.example.com"


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_url_is_the_doors_and_nothing_is_left_to_fill_in(name):
    platform = PLATFORMS[name]
    door = PATHS[platform.door].replace("{label}", "support")
    assert (BASE + door).startswith(platform.url(BASE, "support"))
    filled = platform.filled(BASE, "support", "TOKEN")
    assert "$url" not in filled and "$label" not in filled
    assert "TOKEN" in filled + platform.note.replace("$token", "TOKEN")
    if filled.startswith("{"):
        json.loads(filled)


def test_every_door_has_a_platform():
    assert {platform.door for platform in PLATFORMS.values()} == PATHS.keys()
