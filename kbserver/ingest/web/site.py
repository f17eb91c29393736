"""A site's pages to a folder: those its sitemap names, or one page.

The folder is then ingested like any other. The fetching is polite: robots.txt is kept,
one request at a time with a pause between, and only what changed is sent again (ETag,
Last-Modified). It is bounded in pages, bytes and time. Only the site that was named is
asked, and only at public addresses.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx2
from protego import Protego

from kbserver.errors import IngestError
from kbserver.ingest.walk import Skipped
from kbserver.ingest.web.address import CheckedTransport, site_of
from kbserver.ingest.web.cache import Fetched, PageCache, file_of
from kbserver.ingest.web.sitemap import read_sitemap

USER_AGENT = "kbserver"
OnFetch: TypeAlias = Callable[[int, int], None]
"""Called with how many of how many pages are done."""

_MAX_REDIRECTS = 5
_MAX_SITEMAPS = 50
"""Files of an index, each with up to 50,000 pages."""
_MAX_INDEX_DEPTH = 2
_MAX_ROBOTS_BYTES = 500 * 1024
"""RFC 9309, section 2.5: at least this much is read."""
_LONGEST_PAUSE_S = 30.0
"""A longer crawl-delay is not waited for."""


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How far and how fast."""

    max_pages: int = 2000
    max_page_bytes: int = 8 * 1024**2
    max_total_bytes: int = 512 * 1024**2
    """Of the pages the server sends; pages it calls unchanged do not count."""
    pause_s: float = 0.5
    """Between two requests; more if robots.txt says so."""
    timeout_s: float = 20.0
    """Of one request."""
    allow_private: bool = False
    """Also ask loopback and private addresses."""


@dataclass(slots=True)
class WebReport:
    """What was fetched."""

    pages: int = 0
    """Pages in the folder now."""
    fetched: int = 0
    """Pages the server sent this time; the others had not changed."""
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds, and how to let them pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class _Answer(NamedTuple):
    url: str
    """After redirects."""
    status: int
    content: bytes
    headers: httpx2.Headers


class _Refused(Exception):
    """Why one URL gives no page."""


def fetch_site(
    url: str,
    folder: Path,
    *,
    options: WebOptions | None = None,
    on_fetch: OnFetch | None = None,
    clock: Clock | None = None,
) -> tuple[Path, WebReport]:
    """Bring a folder of pages up to date with a sitemap, a sitemap index, or one page.

    A page that is gone (404, 410) or not in the sitemap any more leaves the folder. One
    that cannot be had for the moment stays as it was, and is reported.

    Args:
        url: where to begin; only this host is asked.
        folder: kept between runs; see `cache.PageCache`.

    Returns:
        The folder of pages, and what was done.

    Raises:
        AddressRefused: the host is not on the public internet.
        IngestError: the URL cannot be fetched, robots.txt forbids it, or it gives no
            page at all.
        StoreError: the folder cannot be written.
    """
    options = options or WebOptions()
    on_fetch = on_fetch or _no_progress
    url = urldefrag(url).url
    report = WebReport()
    cache = PageCache(folder)
    with _Site(url, options, clock or Clock()) as site:
        site.read_robots()
        first = _first_answer(url, site, cache)
        pages = _pages_of(first, site, report)
        fetched: dict[str, _Answer] = {}
        if pages is None:
            page = urldefrag(first.url).url
            fetched = {page: first}
            pages = [page]
        try:
            kept = _fetch_all(pages, fetched, site, cache, report, on_fetch)
        finally:
            # also after Ctrl-C: a thousand pages need not be sent again
            cache.remember()
    if not kept:
        reasons = [f"{one.source}: {one.reason}" for one in report.skipped[:3]]
        why = "; ".join(reasons) or "the sitemap names none"
        raise IngestError(f"{url}: no page could be fetched ({why})")
    cache.keep_only(kept)
    report.pages = len(kept)
    return cache.pages, report


def _no_progress(done: int, total: int) -> None:
    """Report nothing."""


def _first_answer(url: str, site: _Site, cache: PageCache) -> _Answer:
    """Fetch the URL that the user named.

    Raises:
        IngestError: it cannot be fetched.
    """
    try:
        answer = site.get(url, known=cache.find(url))
    except _Refused as exc:
        raise IngestError(f"{url}: {exc}") from exc
    if answer.status not in (200, 304):
        raise IngestError(
            f"{url}: the server answered {answer.status}; check the URL in a browser"
        )
    return answer


def _pages_of(first: _Answer, site: _Site, report: WebReport) -> list[str] | None:
    """Return the pages that a sitemap and its sitemaps name, each once, in order.

    None if it is no sitemap.
    """
    sitemap = read_sitemap(first.content)
    if sitemap is None:
        return None
    pages = dict.fromkeys(sitemap.pages)
    waiting = [(url, 1) for url in sitemap.sitemaps]
    seen = {first.url}
    while waiting and len(seen) <= _MAX_SITEMAPS:
        if len(pages) > site.options.max_pages:
            break
        url, depth = waiting.pop(0)
        if url in seen or depth > _MAX_INDEX_DEPTH:
            continue
        seen.add(url)
        try:
            answer = site.get(url)
            inner = None
            if answer.status == 200:
                inner = read_sitemap(answer.content)
            if inner is None:
                raise _Refused(f"no sitemap there (status {answer.status})")
        except _Refused as exc:
            report.skipped.append(Skipped(url, str(exc)))
            continue
        pages |= dict.fromkeys(inner.pages)
        waiting += [(url, depth + 1) for url in inner.sitemaps]
    return list(dict.fromkeys(urldefrag(page).url for page in pages))


def _fetch_all(
    pages: list[str],
    fetched: dict[str, _Answer],
    site: _Site,
    cache: PageCache,
    report: WebReport,
    on_fetch: OnFetch,
) -> set[str]:
    """Bring each page up to date; return the URLs that are in the cache.

    Args:
        fetched: pages that need not be asked for again, by URL.
    """
    kept: set[str] = set()
    limit = site.options.max_pages
    if len(pages) > limit:
        reason = f"{len(pages) - limit} pages beyond the limit of {limit}"
        report.skipped.append(Skipped(site.name, reason))
    wanted = pages[:limit]
    for number, url in enumerate(wanted):
        on_fetch(number, len(wanted))
        known = cache.find(url)
        try:
            answer = fetched.get(url) or site.get(url, known=known)
            if _keep(url, answer, known, cache, report):
                kept.add(url)
        except _Refused as exc:
            reason = str(exc)
            if known:
                reason += "; kept as it was"
                kept.add(url)
            report.skipped.append(Skipped(url, reason))
    on_fetch(len(wanted), len(wanted))
    return kept


def _keep(
    url: str,
    answer: _Answer,
    known: Fetched | None,
    cache: PageCache,
    report: WebReport,
) -> bool:
    """Put an answer into the cache; return whether the cache holds the page now.

    Raises:
        _Refused: the server cannot give the page for the moment.
    """
    if answer.status == 304 and known:
        return True
    if answer.status in (404, 410):
        report.skipped.append(Skipped(url, f"gone (status {answer.status})"))
        return False
    if answer.status != 200:
        raise _Refused(f"the server answered {answer.status}")
    content_type = answer.headers.get("content-type", "")
    if file_of(url, content_type) is None:
        reason = f"unknown type {content_type or 'none given'}"
        report.skipped.append(Skipped(url, reason))
        return False
    cache.put(
        url,
        answer.content,
        content_type,
        etag=answer.headers.get("etag", ""),
        last_modified=answer.headers.get("last-modified", ""),
    )
    report.fetched += 1
    return True


class _Site:
    """One host, asked politely. A context manager."""

    def __init__(self, url: str, options: WebOptions, clock: Clock) -> None:
        parts = urlsplit(url)
        self.name = site_of(url)
        self.options = options
        self._clock = clock
        self._root = f"{parts.scheme}://{parts.netloc}/"
        self._client = httpx2.Client(
            transport=CheckedTransport(allow_private=options.allow_private),
            headers={
                "user-agent": USER_AGENT,
                "accept": "text/html, text/*;q=0.8, */*;q=0.5",
            },
            timeout=options.timeout_s,
            follow_redirects=False,
            trust_env=False,
        )
        self._robots = Protego.parse("")
        self._pause_s = options.pause_s
        self._next_at = 0.0
        self._bytes = 0

    def __enter__(self) -> _Site:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def read_robots(self) -> None:
        """Read robots.txt; none allows everything, one out of reach allows nothing.

        Source: RFC 9309, section 2.3.1.

        Raises:
            IngestError: it cannot be had.
        """
        url = urljoin(self._root, "/robots.txt")
        nothing = "without it no page is fetched"
        try:
            answer = self._follow(url, {}, limit=_MAX_ROBOTS_BYTES, cut=True)
        except _Refused as exc:
            raise IngestError(f"{url}: {exc}; {nothing}, try again later") from exc
        if answer.status >= 500 or answer.status == 429:
            raise IngestError(
                f"{url}: the server answered {answer.status}; "
                f"{nothing}, try again later"
            )
        if answer.status < 300:
            self._robots = Protego.parse(answer.content.decode("utf-8", "replace"))
            delay_s = self._robots.crawl_delay(USER_AGENT) or 0.0
            self._pause_s = max(self._pause_s, min(delay_s, _LONGEST_PAUSE_S))

    def get(self, url: str, *, known: Fetched | None = None) -> _Answer:
        """Fetch a URL of this site; status 304 if it is what is known of it.

        Raises:
            _Refused: robots.txt forbids it, it leads elsewhere, is too large, or the
                server cannot be reached.
            AddressRefused: the host resolves to an address that may not be asked.
        """
        headers: dict[str, str] = {}
        if known and known.etag:
            headers = {"if-none-match": known.etag}
        elif known and known.last_modified:
            headers = {"if-modified-since": known.last_modified}
        return self._follow(url, headers, limit=self.options.max_page_bytes)

    def _follow(
        self, url: str, headers: dict[str, str], *, limit: int, cut: bool = False
    ) -> _Answer:
        """Fetch a URL through its redirects."""
        for _ in range(_MAX_REDIRECTS + 1):
            self._check(url)
            answer = self._ask(url, headers, limit=limit, cut=cut)
            is_redirect = answer.status in (301, 302, 303, 307, 308)
            if not is_redirect or "location" not in answer.headers:
                return answer
            url = urljoin(url, answer.headers["location"])
        raise _Refused(f"more than {_MAX_REDIRECTS} redirects")

    def _check(self, url: str) -> None:
        """Refuse another site, and what robots.txt forbids."""
        try:
            site = site_of(url)
        except IngestError as exc:
            raise _Refused(str(exc)) from exc
        if site.removeprefix("www.") != self.name.removeprefix("www."):
            raise _Refused(f"leads to another site, {site}")
        if not self._robots.can_fetch(url, USER_AGENT):
            raise _Refused("robots.txt forbids it")

    def _ask(
        self, url: str, headers: dict[str, str], *, limit: int, cut: bool
    ) -> _Answer:
        """Send one request when the pause is over.

        Args:
            limit: bytes of the answer.
            cut: cut a longer answer, instead of refusing it.
        """
        self._clock.sleep(max(0.0, self._next_at - self._clock.now()))
        give_up_at = self._clock.now() + self.options.timeout_s
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                content = self._content(response, give_up_at, limit=limit, cut=cut)
                status = response.status_code
                return _Answer(url, status, content, response.headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise _Refused(f"cannot be fetched ({exc or type(exc).__name__})") from exc
        finally:
            self._next_at = self._clock.now() + self._pause_s

    def _content(
        self, response: httpx2.Response, give_up_at: float, *, limit: int, cut: bool
    ) -> bytes:
        content = bytearray()
        total = self.options.max_total_bytes
        for part in response.iter_bytes():
            content += part
            self._bytes += len(part)
            if len(content) > limit and not cut:
                raise _Refused(f"over {limit:,} bytes")
            if len(content) > limit:
                break
            if self._bytes > total:
                raise _Refused(f"over {total:,} bytes in all")
            if self._clock.now() > give_up_at:
                raise _Refused(f"not done within {self.options.timeout_s:.0f} s")
        return bytes(content[:limit])
