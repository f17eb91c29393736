import pytest

from kbserver.durations import duration_s
from kbserver.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h", 3_600), ("7d", 604_800), (" 1h ", 3_600)],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "90", "s", "1.5h", "-1h", "1 h", "1h30m", "１h", "9999999999s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="whole number and a unit"):
        duration_s(text)
