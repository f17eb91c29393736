import socket
import ssl

import httpcore2
import httpx2
import pytest

from kbserver.answers import AnswerTooLarge, NoAnswer
from kbserver.omni.failures import explain


def certificate_error(code):
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code = code
    error.verify_message = "the reason OpenSSL gives"
    return error


def tls_error(reason):
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def wrapped(cause):
    """A failure as the HTTP client raises it: the cause is two steps away."""
    try:
        try:
            raise cause
        except Exception as exc:
            raise httpcore2.ConnectError("all attempts failed") from exc
    except httpcore2.ConnectError as exc:
        return exc


@pytest.mark.parametrize(
    ("cause", "word"),
    [
        (ConnectionRefusedError(111, "refused"), "refused"),
        (ConnectionResetError(104, "reset"), "closed"),
        (BrokenPipeError(32, "pipe"), "closed"),
        (socket.gaierror(-2, "Name or service not known"), "dns"),
        (TimeoutError(), "timeout"),
        (httpcore2.ReadTimeout("slow"), "timeout"),
        (certificate_error(10), "certificate_expired"),
        (certificate_error(62), "certificate_hostname"),
        (certificate_error(64), "certificate_hostname"),
        (certificate_error(18), "certificate"),
        (tls_error("WRONG_VERSION_NUMBER"), "tls"),
        (OSError(101, "Network is unreachable"), "network"),
    ],
)
def test_a_cause_is_named_however_deep_it_lies(cause, word):
    assert explain(cause).word == word
    assert explain(wrapped(cause)).word == word
    assert explain(cause).sentence


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (httpcore2.RemoteProtocolError("disconnected"), "closed"),
        (httpcore2.ReadError("eof"), "closed"),
        (httpcore2.LocalProtocolError("illegal header"), "protocol"),
        (httpx2.DecodingError("not gzip"), "protocol"),
        (AnswerTooLarge("over 5 bytes"), "too_large"),
        (ValueError(), "network"),
    ],
)
def test_a_failure_of_http_itself_is_named_by_its_kind(error, word):
    assert explain(error).word == word
    try:
        raise NoAnswer("in words") from error
    except NoAnswer as exc:
        assert explain(exc).word == word


def test_the_sentence_holds_the_systems_own_words():
    found = explain(wrapped(socket.gaierror(-2, "Name or service not known")))
    assert "Name or service not known" in found.sentence
    assert "the reason OpenSSL gives" in explain(certificate_error(18)).sentence
    assert explain(ValueError()).sentence == "ValueError"
