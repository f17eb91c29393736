import subprocess

import pytest

from kbserver.endpoint.tokens.keys import (
    new_ed25519,
    new_secret,
    read_key_file,
    read_keys,
)
from kbserver.errors import SettingsError


def openssl(*arguments: str, given: str = "") -> str:
    done = subprocess.run(
        ["openssl", *arguments], input=given, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_keys_of_both_kinds_are_read_in_their_order():
    first, second = new_secret(), new_secret()
    keys = read_keys(f"{first},\n{new_ed25519()}\n{second}", source="test")
    assert [key.algorithm for key in keys] == ["HS256", "EdDSA", "HS256"]
    assert [key.verifying for key in keys if key.algorithm == "HS256"] == [
        first.encode(),
        second.encode(),
    ]
    assert len({key.kid for key in keys}) == 3


def test_the_public_half_has_the_same_kid_and_cannot_sign():
    private = new_ed25519()
    public = openssl("pkey", "-pubout", given=private)
    whole, half = read_keys(private + public, source="test")
    assert whole.kid == half.kid
    assert whole.signing is not None
    assert half.signing is None


def test_a_key_made_with_openssl_is_as_good_as_our_own():
    (key,) = read_keys(openssl("genpkey", "-algorithm", "ed25519"), source="test")
    assert key.algorithm == "EdDSA"
    (key,) = read_keys(openssl("rand", "-base64", "48"), source="test")
    assert key.algorithm == "HS256"


def test_pem_with_escaped_line_breaks_is_understood_as_environment_files_write_it():
    pem = new_ed25519()
    (escaped,) = read_keys(pem.replace("\n", "\\n"), source="test")
    (plain,) = read_keys(pem, source="test")
    assert escaped.kid == plain.kid
    assert escaped.signing is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no signing key"),
        (" ,\n", "no signing key"),
        ("x7" * 15 + "x", "31 bytes"),
        ("password" * 4, "7 different characters"),
        ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw", "without its BEGIN or END"),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----",
            "damaged",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMC4C\n-----END CERTIFICATE-----",
            "'CERTIFICATE'",
        ),
        ('{"kty":"oct-AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}', "JWK"),
    ],
)
def test_a_weak_or_foreign_key_is_refused_with_the_command_that_makes_a_good_one(
    text, words
):
    with pytest.raises(SettingsError, match=words) as caught:
        read_keys(text, source="KBSERVER_SIGNING_KEY")
    assert "KBSERVER_SIGNING_KEY" in str(caught.value)
    assert "--new-key" in str(caught.value) or "copy it whole" in str(caught.value)
    assert not text.strip(" ,\n") or text not in str(caught.value)


def test_an_rsa_key_is_refused_by_name():
    with pytest.raises(SettingsError, match=r"RSAPrivateKey; wanted is an Ed25519 key"):
        read_keys(
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
            source="test",
        )


def test_a_key_never_prints_its_secret():
    secret = new_secret()
    (key,) = read_keys(secret, source="test")
    assert secret not in repr(key)
    assert key.kid in repr(key)


def test_a_key_file_is_read_and_a_missing_one_named(tmp_path):
    file = tmp_path / "keys"
    file.write_text(new_secret() + "\n")
    assert len(read_key_file(file)) == 1
    with pytest.raises(SettingsError, match="nowhere"):
        read_key_file(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\xfe" * 20)
    with pytest.raises(SettingsError, match="not text"):
        read_key_file(tmp_path / "binary")
