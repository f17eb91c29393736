import pytest

from kbserver.errors import SettingsError
from kbserver.settings import read_settings


def read(tmp_path, text):
    config = tmp_path / "kbserver.toml"
    config.write_text(text)
    return read_settings(config)


def test_a_door_is_off_without_its_table_and_an_empty_one_opens_it(tmp_path):
    doors = read(tmp_path, "[doors.mcp]\n[doors.dify]\ndeadline_ms = 800\n").doors
    assert doors.mcp is not None and doors.mcp.allowed_origins == ()
    assert doors.dify is not None and doors.dify.deadline_ms == 800
    assert (doors.vapi, doors.openai, doors.tool, doors.search) == (None,) * 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[doors.mpc]\n", "did you mean 'mcp'"),
        ("[doors.mcp]\nallowed_origin = []\n", "did you mean 'allowed_origins'"),
        ("[doors.dify]\nsecret_env = 'X'\n", "known keys: deadline_ms, top_k"),
        ("[doors.mcp]\nallowed_origins = ['https://a.b/c']\n", "allowed_origins"),
        ("[doors.vapi]\ntop_k = 0\n", "doors.vapi.top_k"),
        ("[[tokens]]\nvalue = 'x'\ndoors = ['mpc']\n", "no door"),
        ("[[tokens]]\nvalue = 'x'\ndoors = []\n", "is empty"),
    ],
)
def test_what_cannot_be_used_is_said_with_what_can(tmp_path, text, said):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)


def test_the_secrets_of_signed_calls_come_from_a_variable(tmp_path, monkeypatch):
    tool = read(tmp_path, "[doors.tool]\nsecret_env = 'TOOL_SECRET'\n").doors.tool
    with pytest.raises(SettingsError, match="TOOL_SECRET"):
        tool.secrets()
    monkeypatch.setenv("TOOL_SECRET", "one, two")
    assert tool.secrets() == ("one", "two")
    assert read(tmp_path, "[doors.tool]\n").doors.tool.secrets() == ()
