"""A site's pages to a folder: those its sitemap names, or one page.

The folder is then ingested like any other. The fetching is polite: robots.txt is kept,
one request at a time with a pause between, and only what changed is sent again (ETag,
Last-Modified). It is bounded in pages, bytes and time. Only the site that was named is
asked, and only at public addresses.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import urljoin, urlsplit

from protego import Protego

from kbserver.answers import Answer, AnswerLimits, AnswerTooLarge, Client, NoAnswer
from kbserver.errors import IngestError
from kbserver.ingest.walk import Skipped
from kbserver.ingest.web.address import AddressRefused, checked_address, site_of
from kbserver.ingest.web.cache import Fetched, NameUnfit, PageCache, file_of
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
_LONGEST_URL = 2048
"""Characters; the protocol of sitemaps allows fewer."""
_LONGEST_REASON = 400
"""Characters; a reason may quote what a server sent."""
_VALIDATOR = re.compile(r"[\x20-\x7e]{1,1000}")
"""An ETag or a date that can be sent back."""


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
    """Of one request, from the look-up of the name until the last byte."""
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


class _Page(NamedTuple):
    url: str
    """After redirects."""
    answer: Answer


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
    url = _without_fragment(url)
    report = WebReport()
    cache = PageCache(folder)
    with _Site(url, options, clock or Clock()) as site:
        site.read_robots()
        first = _first_answer(url, site, cache)
        pages = _pages_of(first, site, report)
        fetched: dict[str, Answer] = {}
        if pages is None:
            page = _without_fragment(first.url)
            fetched = {page: first.answer}
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


def _without_fragment(url: str) -> str:
    return url.partition("#")[0]


def _skip(report: WebReport, url: str, reason: object) -> None:
    """Note a URL that gives no page; of what is too long, the beginning."""
    if len(url) > _LONGEST_URL:
        url = f"{url[:_LONGEST_REASON]}…"
    said = str(reason)
    if len(said) > _LONGEST_REASON:
        said = f"{said[:_LONGEST_REASON]}…"
    report.skipped.append(Skipped(url, said))


def _first_answer(url: str, site: _Site, cache: PageCache) -> _Page:
    """Fetch the URL that the user named.

    Raises:
        IngestError: it cannot be fetched.
    """
    try:
        page = site.get(url, known=cache.find(url))
    except _Refused as exc:
        raise IngestError(f"{url}: {exc}") from exc
    status = page.answer.status
    if status not in (200, 304):
        raise IngestError(
            f"{url}: the server answered {status}; check the URL in a browser"
        )
    return page


def _pages_of(first: _Page, site: _Site, report: WebReport) -> list[str] | None:
    """Return the pages that a sitemap and its sitemaps name, each once, in order.

    None if it is no sitemap.
    """
    sitemap = read_sitemap(first.answer.content)
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
            answer = site.get(url).answer
            inner = None
            if answer.status == 200:
                inner = read_sitemap(answer.content)
            if inner is None:
                raise _Refused(f"no sitemap there (status {answer.status})")
        except (_Refused, AddressRefused) as exc:
            _skip(report, url, exc)
            continue
        pages |= dict.fromkeys(inner.pages)
        waiting += [(url, depth + 1) for url in inner.sitemaps]
    return list(dict.fromkeys(_without_fragment(page) for page in pages))


def _fetch_all(
    pages: list[str],
    fetched: dict[str, Answer],
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
            answer = fetched.get(url) or site.get(url, known=known).answer
            if _keep(url, answer, known, cache, report):
                kept.add(url)
        except (_Refused, AddressRefused, NameUnfit) as exc:
            reason = str(exc)
            if known:
                reason += "; kept as it was"
                kept.add(url)
            _skip(report, url, reason)
    on_fetch(len(wanted), len(wanted))
    return kept


def _keep(
    url: str,
    answer: Answer,
    known: Fetched | None,
    cache: PageCache,
    report: WebReport,
) -> bool:
    """Put an answer into the cache; return whether the cache holds the page now.

    Raises:
        _Refused: the server cannot give the page for the moment.
        NameUnfit: its URL makes no file's name.
    """
    if answer.status == 304 and known:
        return True
    if answer.status in (404, 410):
        _skip(report, url, f"gone (status {answer.status})")
        return False
    if answer.status != 200:
        raise _Refused(f"the server answered {answer.status}")
    content_type = answer.headers.get("content-type", "")
    if file_of(url, content_type) is None:
        reason = f"unknown type {content_type or 'none given'}"
        _skip(report, url, reason)
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
        self._runner = asyncio.Runner()
        largest = max(options.max_page_bytes, _MAX_ROBOTS_BYTES)
        self._client = Client(
            AnswerLimits(options.timeout_s, largest),
            headers={
                "user-agent": USER_AGENT,
                "accept": "text/html, text/*;q=0.8, */*;q=0.5",
            },
            address_for=partial(checked_address, allow_private=options.allow_private),
        )
        self._robots = Protego.parse("")
        self._pause_s = options.pause_s
        self._next_at = 0.0
        self._bytes = 0

    def __enter__(self) -> _Site:
        return self

    def __exit__(self, *error: object) -> None:
        with self._runner as runner:
            runner.run(self._client.aclose())

    def read_robots(self) -> None:
        """Read robots.txt; none allows everything, one out of reach allows nothing.

        Source: RFC 9309, section 2.3.1.

        Raises:
            IngestError: it cannot be had.
        """
        url = urljoin(self._root, "/robots.txt")
        nothing = "without it no page is fetched"
        try:
            answer = self._follow(url, {}, limit=_MAX_ROBOTS_BYTES, cut=True).answer
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

    def get(self, url: str, *, known: Fetched | None = None) -> _Page:
        """Fetch a URL of this site; status 304 if it is what is known of it.

        Raises:
            _Refused: robots.txt forbids it, it leads elsewhere, is too large, or the
                server cannot be reached.
            AddressRefused: the host resolves to an address that may not be asked.
        """
        headers: dict[str, str] = {}
        if known and _VALIDATOR.fullmatch(known.etag):
            headers = {"if-none-match": known.etag}
        elif known and _VALIDATOR.fullmatch(known.last_modified):
            headers = {"if-modified-since": known.last_modified}
        return self._follow(url, headers, limit=self.options.max_page_bytes)

    def _follow(
        self, url: str, headers: dict[str, str], *, limit: int, cut: bool = False
    ) -> _Page:
        """Fetch a URL through its redirects."""
        for _ in range(_MAX_REDIRECTS + 1):
            self._check(url)
            answer = self._ask(url, headers, limit=limit, cut=cut)
            is_redirect = answer.status in (301, 302, 303, 307, 308)
            if not is_redirect:
                return _Page(url, answer)
            url = _redirected(url, answer)
        raise _Refused(f"more than {_MAX_REDIRECTS} redirects")

    def _check(self, url: str) -> None:
        """Refuse another site, and what robots.txt forbids."""
        if len(url) > _LONGEST_URL:
            raise _Refused(f"its URL has {len(url):,} characters")
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
    ) -> Answer:
        """Send one request when the pause is over.

        Args:
            limit: bytes of the answer.
            cut: cut a longer answer, instead of refusing it.
        """
        total = self.options.max_total_bytes
        left = total - self._bytes
        if left <= 0:
            raise _Refused(f"over {total:,} bytes in all")
        self._clock.sleep(max(0.0, self._next_at - self._clock.now()))
        asking = self._client.ask(
            "GET", url, headers=headers, body_bytes=min(limit, left), cut=cut
        )
        try:
            answer = self._runner.run(asking)
        except AnswerTooLarge as exc:
            self._bytes += min(limit, left)
            raise _Refused(str(exc)) from exc
        except NoAnswer as exc:
            raise _Refused(f"cannot be fetched ({exc})") from exc
        finally:
            self._next_at = self._clock.now() + self._pause_s
        self._bytes += len(answer.content)
        return answer


def _redirected(url: str, answer: Answer) -> str:
    """Return where a redirect leads.

    Raises:
        _Refused: it leads nowhere.
    """
    try:
        return urljoin(url, answer.headers["location"])
    except KeyError:
        raise _Refused(f"redirected ({answer.status}) without saying where") from None
    except ValueError as exc:
        raise _Refused(f"redirected to what is no URL ({exc})") from exc
