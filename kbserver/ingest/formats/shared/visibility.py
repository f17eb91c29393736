"""Whether a document is meant for callers: drafts, retired and internal ones are not.

One table for front matter and for the records of helpdesks, wikis and shops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from kbserver.ingest.blocks import counted

_REASON_CHARACTERS = 40
"""Of a value in the report."""

_MOST_NAMED = 5
"""Of the records withheld from a file."""

_WITHHELD_IF_TRUE = frozenset(
    "draft unpublished archived "
    "deleted trashed hidden "
    "private internal internalonly "
    "staffonly agentsonly retired "
    "obsolete unlisted deprecated "
    "headless nosearch searchexclude "
    "excludefromsearch".split()
)
_WITHHELD_IF_FALSE = frozenset(
    "published publish public "
    "active live online "
    "visible visibleinpkb enabled "
    "approved search searchable "
    "pagefind".split()
)
_WITHHELD_INSIDE = {
    "search": ("exclude", "true"),
    "build": ("render", "never"),
}
"""Settings inside an object: MkDocs's search, Hugo's build."""
_WITHHELD_IF_SET = frozenset(
    "archivedat deletedat trashedat usersegmentid usersegmentids".split()
)
_WITHHELD_IF_NULL = frozenset(("publishedat",))
"""Counts only where no state is given beside it."""
_STATE_KEYS = frozenset(
    "status state "
    "workflowstate workflowstatus "
    "publishstatus publishingstatus "
    "poststatus articlestatus "
    "pagestatus publicationstate "
    "publicationstatus "
    "documentstatus lifecycle "
    "lifecyclestate parttype".split()
)
_AUDIENCE_KEYS = frozenset(
    "visibility access "
    "accesslevel audience "
    "permission permissions "
    "classification "
    "confidentiality sensitivity "
    "visibleto viewableby "
    "usertype".split()
)
_WITHHELD_WORDS = frozenset(
    (
        *"draft drafts unpublished".split(),
        *"notpublished autodraft pending pendingreview".split(),
        *"inreview review scheduled future".split(),
        *"archive archived retired obsolete".split(),
        *"deprecated outdated expired withdrawn".split(),
        *"inactive disabled deleted trash".split(),
        *"trashed hidden private internal skip".split(),
        *"internalonly confidential secret note".split(),
        *"restricted agent agents agentsonly".split(),
        *"staff staffonly employee employees".split(),
        *"employeesonly admin admins adminsonly".split(),
        *"team teamonly nobody none".split(),
        *"entwurf archiviert intern".split(),
        *"vertraulich brouillon borrador bozza".split(),
    )
)
"""Of a state or an audience, without spaces and marks."""
_WITHDRAWN = frozenset(
    "draft unpublished archived retired obsolete deprecated discontinued deleted"
    " withdrawn outdated entwurf archiviert".split()
)
_IN_USE = frozenset(
    "published public live active approved current final released online available"
    " veröffentlicht aktiv".split()
)
"""States of the rows of a sheet."""
_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))

_MARKS = re.compile(r"[\W_]+")
_DRAFT_NUMBER = 1
"""The `status` of a draft where an article has a `folder_id`: Freshdesk's."""


def withheld_because(given: Mapping[str, object]) -> str:
    """Return the field that keeps a document from callers (`draft: true`), else "".

    Args:
        given: front matter or the fields of a record, as their parser returned them.
    """
    by_key = {_collapsed(str(name)): (str(name), given[name]) for name in given}
    has_state = not _STATE_KEYS.isdisjoint(by_key)
    for key, (name, value) in by_key.items():
        if _is_withheld(key.removeprefix("is"), value, has_state=has_state):
            return _reason(name, value)
        inside, wanted = _WITHHELD_INSIDE.get(key, ("", ""))
        if isinstance(value, Mapping) and str(value.get(inside)).lower() == wanted:
            return f"{name}.{_reason(inside, value[inside])}"
    name, status = by_key.get("status", ("", None))
    if status == _DRAFT_NUMBER and status is not True and "folderid" in by_key:
        return _reason(name, status)
    return ""


def publication_column(name: str, values: Iterable[str]) -> set[str]:
    """Return which values of a column say that their row is withdrawn.

    set() unless all of its values say whether a row is published: a state may as well be
    one of the rooms or people that a table is about.
    """
    key = _collapsed(name).removeprefix("is")
    if key in _STATE_KEYS:
        without, others = _WITHDRAWN, _IN_USE
    elif key in _WITHHELD_IF_TRUE:
        without, others = _TRUE, _FALSE
    elif key in ("published", "publish", "live", "online"):
        without, others = _FALSE, _TRUE
    else:
        return set()
    words = {value: _collapsed(value) for value in values if value.strip()}
    if not (without | others).issuperset(words.values()):
        return set()
    return {value for value, word in words.items() if word in without}


def withheld_note(withheld: Sequence[str]) -> str:
    """Say which records of a file are withheld, as `name (field: value)`."""
    names = "; ".join(withheld[:_MOST_NAMED])
    if len(withheld) > _MOST_NAMED:
        names += f"; and {len(withheld) - _MOST_NAMED} more"
    return f"withheld {counted(len(withheld), 'record')} not meant for callers: {names}"


def _is_withheld(key: str, value: object, *, has_state: bool) -> bool:
    word = _collapsed(str(value))
    if key in _WITHHELD_IF_TRUE:
        return word in _TRUE
    if key in _WITHHELD_IF_FALSE:
        return word in _FALSE
    if key in _WITHHELD_IF_SET:
        return value not in (None, "", False, [])
    if key in _WITHHELD_IF_NULL:
        return value is None and not has_state
    if key in _STATE_KEYS or key in _AUDIENCE_KEYS:
        return _says_withheld(value)
    return False


def _says_withheld(value: object) -> bool:
    """Return whether a state or audience, or each of several, is none for callers."""
    if isinstance(value, Mapping):
        value = value.get("name", value.get("value"))
    if isinstance(value, list):
        return bool(value) and all(_says_withheld(one) for one in value)
    return _collapsed(str(value or "")) in _WITHHELD_WORDS


def _collapsed(text: str) -> str:
    return _MARKS.sub("", text).lower()


def _reason(name: str, value: object) -> str:
    text = str(value)
    if isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "null"}[value]
    return f"{name}: {text[:_REASON_CHARACTERS]}"
