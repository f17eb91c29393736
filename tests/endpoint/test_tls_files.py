"""TLS files that SIGHUP reads again: what is no file is refused, and holds nothing up."""

import logging
import os
import ssl
from types import SimpleNamespace

import pytest

from kbserver.endpoint.running.hang_up import read_again, tls_context
from tests.authority import Authority


@pytest.fixture
def files(tmp_path):
    """The certificate and key of a context in use."""
    files = Authority(tmp_path).issue(days=30)

    def make():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files["ssl_certfile"], files["ssl_keyfile"])
        return context

    context = tls_context(SimpleNamespace(**files), make)
    yield files
    del context


def test_files_that_are_whole_are_taken_over(files, caplog):
    with caplog.at_level(logging.INFO, "kbserver.endpoint"):
        read_again()
    assert "the TLS files were read again" in caplog.text


@pytest.mark.parametrize("which", ["ssl_certfile", "ssl_keyfile"])
@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_without_being_read(files, which, put, caplog):
    os.unlink(files[which])
    put(files[which])
    read_again()
    [said] = [line for line in caplog.messages if files[which] in line]
    assert f"{files[which]} is no regular file" in said and "stay in force" in said
