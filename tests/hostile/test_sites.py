"""A site that misbehaves, one page in one way: the good pages are fetched, the bad ones named."""

import gzip
import time
from functools import partial

import pytest

from kbserver.errors import IngestError
from kbserver.ingest.web.site import Clock, WebOptions, fetch_site
from tests.raw_server import CLOSE, endless, raw_server, whole

QUICK = WebOptions(
    max_page_bytes=20_000,
    pause_s=0.0,
    timeout_s=1.0,
    allow_private=True,
)
HTML = b"content-type: text/html"
PAGE = b"<html><body><p>We are open from nine to five.</p></body></html>"
GOOD = whole(PAGE, HTML)


def sent(parts):
    """The bytes of an answer, of which parts are made anew for each request."""
    for part in parts:
        yield from [part] if isinstance(part, bytes) else part()


def slowly(piece):
    while True:
        yield piece
        time.sleep(0.02)


def silently():
    time.sleep(2 * QUICK.timeout_s)
    yield CLOSE


def moved(location):
    return [whole(b"", b"location: " + location, status=b"302 Found")]


BAD = {
    "bad-port": moved(b"http://127.0.0.1:99999999/"),
    "no-number": moved(b"http://127.0.0.1:port/"),
    "bad-bracket": moved(b"http://[::1/"),
    "bad-name": moved(b"http://" + b"a" * 70 + b".example/"),
    "bad-idna": moved(b"http://xn--\xe9/"),
    "nowhere": [whole(b"", status=b"302 Found")],
    "not-ascii": moved(b"/caf\xe9"),
    "backslash": moved(b"http:\\\\127.0.0.1\\x"),
    "far-too-long": moved(b"/" + b"x" * 5_000),
    "round": moved(b"/round"),
    "informational": [
        partial(endless, b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n")
    ],
    "slow-informational": [partial(slowly, b"HTTP/1.1 100 Continue\r\n\r\n")],
    "head-by-byte": [partial(slowly, b"H")],
    "headers-by-line": [b"HTTP/1.1 200 OK\r\n", partial(slowly, b"x-a: b\r\n")],
    "body-by-byte": [b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", partial(slowly, b"x")],
    "silent": [silently],
    "endless-head": [b"HTTP/1.1 200 OK\r\n", partial(endless, b"x-a: b\r\n")],
    "endless-header": [b"HTTP/1.1 200 OK\r\nx-a: ", partial(endless, b"b" * 1_000)],
    "endless-body": [b"HTTP/1.1 200 OK\r\n\r\n", partial(endless, b"x" * 1_000)],
    "endless-chunk-size": [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        partial(endless, b"0"),
    ],
    "bomb": [whole(gzip.compress(b"x" * 10_000_000), HTML, b"content-encoding: gzip")],
    "not-packed": [whole(PAGE, HTML, b"content-encoding: gzip")],
    "packed-twice": [whole(PAGE, HTML, b"content-encoding: gzip, gzip")],
    "cut-short": [b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx", CLOSE],
    "two-lengths": [b"HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nx"],
    "huge-length": [b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 5_000 + b"\r\n\r\n"],
    "long-line": [b"x" * 50_000 + b"\r\n\r\n", CLOSE],
    "long-type": [whole(PAGE, b"content-type: " + b"x" * 50_000)],
    "not-http": [b"SSH-2.0-OpenSSH_9.9\r\n\r\n", CLOSE],
    "hangs-up": [CLOSE],
    "other-type": [whole(PAGE, b"content-type: \x1b[2Jvideo/mp4")],
    "server-error": [whole(b"", status=b"599 Whatever")],
    "/".join(["deep"] * 40): [GOOD],
    "/".join(["long" * 20] * 10): [GOOD],
}  # fmt: skip
"""What is answered at each path."""

KEPT = {
    "good": [GOOD],
    "tagged": [whole(PAGE, HTML, b'etag: "\xe9"')],
    "dated": [whole(PAGE, HTML, b"last-modified: \xe9\xff")],
    "long-tag": [whole(PAGE, HTML, b'etag: "' + b"x" * 5_000 + b'"')],
    "page.html": [GOOD],
    "page.html/inner": [GOOD],
    "page.html/inner/innermost.html": [GOOD],
    "con%00trol%0a%1b[2J": [GOOD],
    "last": [GOOD],
}


def answering(head):
    """Answer one request of the crawl."""
    path = head.split(b" ", 2)[1].decode("latin-1").lstrip("/")
    if path == "sitemap.xml":
        host = head.lower().split(b"host: ")[1].split(b"\r\n")[0].decode()
        urls = [f"http://{host}/{name}" for name in [*BAD, *KEPT]]
        urls += [f"http://{host}/{'x' * 3_000}", "http://[::1", "http://a b", "ftp://x"]
        entries = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
        sitemap = f"<urlset>{entries}</urlset>".encode()
        yield whole(sitemap, b"content-type: application/xml")
    parts = (BAD | KEPT).get(path, [whole(b"", status=b"404 Not Found")])
    yield from sent(parts)


def test_each_bad_page_is_skipped_by_name_and_every_good_one_is_kept(tmp_path):
    with raw_server(answering) as port:
        url = f"http://127.0.0.1:{port}/sitemap.xml"
        for _ in range(2):  # the second time with what is known of each page
            pages, report = fetch_site(url, tmp_path, options=QUICK)
            skipped = {one.source: one.reason for one in report.skipped}
            bad = {f"http://127.0.0.1:{port}/{name}" for name in BAD}
            others = skipped.keys() - bad
            assert bad - skipped.keys() == set()
            assert len(others) == 4
            assert all(0 < len(reason) < 500 for reason in skipped.values())
            files = [path for path in pages.rglob("*") if path.is_file()]
            assert len(files) == report.pages == len(KEPT)
            assert {path.read_bytes() for path in files} == {PAGE}


@pytest.mark.parametrize("name", ["bad-bracket", "informational", "head-by-byte"])
def test_a_first_page_that_is_bad_is_a_clear_error(name, tmp_path):
    with (
        raw_server(answering) as port,
        pytest.raises(IngestError, match=f"{name}: "),
    ):
        fetch_site(f"http://127.0.0.1:{port}/{name}", tmp_path, options=QUICK)


@pytest.mark.parametrize(
    "robots",
    [
        [whole(b"User-agent: *\nCrawl-delay: nan\nDisallow: /*" + b"*x" * 4_000)],
        [whole(b"\xff\xfe\x00" * 100_000)],
        [whole(b"User-agent: *\nCrawl-delay: " + b"9" * 9_000)],
        moved(b"http://[::1"),
        [b"HTTP/1.1 200 OK\r\n\r\n", partial(endless, b"User-agent: *\nAllow: /\n")],
    ],
    ids=["stars", "bytes", "delay", "redirect", "endless"],
)
def test_a_bad_robots_txt_ends_in_pages_or_in_a_clear_error(robots, tmp_path):
    def with_robots(head):
        if b"/robots.txt" not in head:
            yield GOOD
            return
        yield from sent(robots)

    clock = Clock(sleep=lambda seconds: None)
    with raw_server(with_robots) as port:
        url = f"http://127.0.0.1:{port}/page"
        try:
            pages, _ = fetch_site(url, tmp_path, options=QUICK, clock=clock)
            assert (pages / "page.html").read_bytes() == PAGE
        except IngestError as exc:
            assert "without it no page is fetched" in str(exc)
