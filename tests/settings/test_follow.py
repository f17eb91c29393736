import pytest

from kbserver.errors import SettingsError
from kbserver.settings import FollowSettings, read_settings


def test_nothing_is_followed_unless_it_is_written_down():
    assert read_settings().follow is None
    assert read_settings().replicas == 1


def test_an_object_store_is_read_from_the_file_and_the_environment(
    tmp_path, monkeypatch
):
    file = tmp_path / "kbserver.toml"
    file.write_text('[follow]\nurl = "s3://bucket/kb"\nevery_s = 5.0\n')
    assert read_settings(file).follow == FollowSettings(
        url="s3://bucket/kb", every_s=5.0
    )
    monkeypatch.setenv("KBSERVER_FOLLOW__URL", "gs://other/kb")
    followed = read_settings(file).follow
    assert (followed.url, followed.every_s) == ("gs://other/kb", 5.0)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/srv/shared", "none of s3, gs, az and file"),
        ("https://bucket/kb", "none of s3, gs, az and file"),
        ("s3:///kb", "names no bucket"),
        ("file://srv/shared", "no folder of this machine"),
        ("s3://bucket?region=x", "query or fragment"),
        ("s3://[", "is not a URL"),
    ],
)
def test_what_is_no_object_store_is_refused(url, said):
    with pytest.raises(SettingsError, match=f"follow: url .*{said}"):
        read_settings(follow={"url": url})


def test_credentials_in_a_url_are_refused_and_not_repeated():
    with pytest.raises(SettingsError, match="holds credentials") as caught:
        read_settings(follow={"url": "s3://key:s3cr3t@bucket/kb"})
    assert "s3cr3t" not in str(caught.value)


def test_a_replica_grants_its_share_rounded_up():
    shares = [read_settings(replicas=3).share_of(limit) for limit in (1, 3, 10)]
    assert shares == [1, 1, 4]
    assert read_settings().share_of(10) == 10
