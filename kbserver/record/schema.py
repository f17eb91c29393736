"""The tables and views of the record, and how an older file becomes a newer one.

A step of `STEPS` is never changed once it was released: a change of the tables is a further step.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x6B627265  # "kbre"
"""Tells the file from other people's (`pragma application_id`)."""

_TABLES = """
CREATE TABLE turns (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at REAL NOT NULL,
    call TEXT,
    route TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    cached INTEGER NOT NULL,
    leaned INTEGER NOT NULL,
    in_budget INTEGER NOT NULL,
    total_ms REAL NOT NULL,
    budget_ms REAL NOT NULL,
    waited_ms REAL NOT NULL,
    stages_ms TEXT NOT NULL,
    answer_bytes INTEGER NOT NULL,
    spoken_s REAL NOT NULL,
    token TEXT NOT NULL,
    probe TEXT
);
CREATE INDEX turns_by_time ON turns (at);
CREATE INDEX turns_by_call ON turns (call, at);
CREATE TABLE searches (
    turn INTEGER NOT NULL REFERENCES turns (n) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    corpus TEXT NOT NULL,
    generation TEXT NOT NULL,
    min_score REAL NOT NULL,
    min_score_from TEXT NOT NULL,
    PRIMARY KEY (turn, place)
) WITHOUT ROWID;
CREATE TABLE passages (
    n INTEGER PRIMARY KEY,
    corpus TEXT NOT NULL,
    passage TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (corpus, passage, document)
);
CREATE TABLE candidates (
    turn INTEGER NOT NULL REFERENCES turns (n) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    passage INTEGER NOT NULL REFERENCES passages (n),
    answered INTEGER NOT NULL,
    score REAL NOT NULL,
    lexical REAL,
    dense REAL,
    PRIMARY KEY (turn, place)
) WITHOUT ROWID;
CREATE INDEX candidates_by_passage ON candidates (passage);
CREATE TABLE words (
    turn INTEGER PRIMARY KEY REFERENCES turns (n) ON DELETE CASCADE,
    label TEXT,
    query TEXT NOT NULL,
    heard TEXT NOT NULL,
    embedding BLOB
);
CREATE VIRTUAL TABLE words_found USING fts5 (
    query, heard, content = 'words', content_rowid = 'turn'
);
CREATE TRIGGER words_come AFTER INSERT ON words BEGIN
    INSERT INTO words_found (rowid, query, heard)
    VALUES (new.turn, new.query, new.heard);
END;
CREATE TRIGGER words_go AFTER DELETE ON words BEGIN
    INSERT INTO words_found (words_found, rowid, query, heard)
    VALUES ('delete', old.turn, old.query, old.heard);
END;
CREATE TABLE events (
    n INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    corpus TEXT NOT NULL,
    text TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (at);
"""

_VIEWS = """
CREATE VIEW answers AS
    SELECT turns.id AS turn, turns.at, turns.route, turns.probe, candidates.place,
        passages.corpus, passages.document, passages.passage,
        candidates.score, candidates.lexical, candidates.dense
    FROM candidates
    JOIN turns ON turns.n = candidates.turn
    JOIN passages ON passages.n = candidates.passage
    WHERE candidates.answered;
CREATE VIEW near_misses AS
    SELECT turns.id AS turn, turns.at, turns.route, turns.probe, candidates.place,
        passages.corpus, passages.document, passages.passage,
        candidates.score, searches.min_score, searches.min_score_from
    FROM candidates
    JOIN turns ON turns.n = candidates.turn
    JOIN passages ON passages.n = candidates.passage
    LEFT JOIN searches
        ON searches.turn = candidates.turn AND searches.corpus = passages.corpus
    WHERE NOT candidates.answered;
CREATE VIEW turns_seen AS
    SELECT turns.*, strftime('%Y-%m-%dT%H:%M:%fZ', turns.at, 'unixepoch') AS time,
        words.label, words.query, words.heard
    FROM turns LEFT JOIN words ON words.turn = turns.n;
CREATE VIEW calls AS
    SELECT call, min(at) AS began, max(at) AS ended, count(*) AS turns,
        sum(outcome IN ('full', 'degraded')) AS answered,
        sum(outcome = 'empty') AS silent,
        sum(NOT in_budget) AS late,
        group_concat(DISTINCT route) AS routes
    FROM turns WHERE call IS NOT NULL AND probe IS NULL GROUP BY call;
CREATE VIEW documents AS
    SELECT passages.corpus, passages.document,
        count(DISTINCT CASE WHEN answered THEN turn END) AS turns,
        sum(answered AND place = 0) AS first_places,
        max(CASE WHEN answered THEN turns.at END) AS last_answered,
        count(DISTINCT CASE WHEN NOT answered THEN turn END) AS near_misses
    FROM candidates
    JOIN passages ON passages.n = candidates.passage
    JOIN turns ON turns.n = candidates.turn AND turns.probe IS NULL
    GROUP BY passages.corpus, passages.document;
CREATE VIEW hours AS
    SELECT strftime('%Y-%m-%dT%H:00Z', at, 'unixepoch') AS hour, route, outcome,
        reason, count(*) AS turns, avg(total_ms) AS mean_ms, sum(NOT in_budget) AS late
    FROM turns WHERE probe IS NULL GROUP BY 1, 2, 3, 4;
"""

_MORE = """
CREATE TABLE hour_tallies (
    hour INTEGER NOT NULL,
    route TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    turns INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    late INTEGER NOT NULL,
    total_ms REAL NOT NULL,
    PRIMARY KEY (hour, route, outcome, reason)
) WITHOUT ROWID;
CREATE TABLE day_uses (
    day INTEGER NOT NULL,
    route TEXT NOT NULL,
    corpus TEXT NOT NULL,
    document TEXT NOT NULL,
    turns INTEGER NOT NULL,
    first_places INTEGER NOT NULL,
    last_answered REAL,
    near_misses INTEGER NOT NULL,
    PRIMARY KEY (day, route, corpus, document)
) WITHOUT ROWID;
CREATE TABLE judgements (
    n INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    by TEXT NOT NULL,
    verdict TEXT NOT NULL,
    turn TEXT,
    call TEXT,
    question TEXT,
    history TEXT NOT NULL,
    corpus TEXT NOT NULL,
    document TEXT,
    passage TEXT
);
CREATE INDEX judgements_by_turn ON judgements (turn);
CREATE INDEX judgements_by_corpus ON judgements (corpus);
CREATE TABLE feedback (
    call TEXT NOT NULL,
    turn TEXT NOT NULL,
    at REAL NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (call, turn)
) WITHOUT ROWID;
CREATE TABLE gaps (
    id TEXT PRIMARY KEY,
    at REAL NOT NULL,
    by TEXT NOT NULL,
    state TEXT NOT NULL,
    call TEXT,
    embedding BLOB NOT NULL,
    closed_by TEXT,
    closed_at REAL,
    closed_document TEXT
) WITHOUT ROWID;
CREATE TABLE asked_again (
    question TEXT NOT NULL,
    generation TEXT NOT NULL,
    document TEXT,
    PRIMARY KEY (question, generation)
) WITHOUT ROWID;
CREATE TABLE replays (
    n INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    corpus TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    held INTEGER NOT NULL,
    report TEXT NOT NULL
);
DROP VIEW turns_seen;
DROP VIEW calls;
DROP VIEW documents;
DROP VIEW hours;
CREATE VIEW turns_seen AS
    SELECT turns.*, strftime('%Y-%m-%dT%H:%M:%fZ', turns.at, 'unixepoch') AS time,
        words.label, words.query, words.heard,
        (SELECT verdict FROM feedback
            WHERE feedback.call = turns.call AND feedback.turn IN ('', turns.id)
            ORDER BY feedback.turn DESC LIMIT 1) AS feedback
    FROM turns LEFT JOIN words ON words.turn = turns.n;
CREATE VIEW calls AS
    SELECT call, min(at) AS began, max(at) AS ended, count(*) AS turns,
        sum(outcome IN ('full', 'degraded')) AS answered,
        sum(outcome = 'empty') AS silent,
        sum(NOT in_budget) AS late,
        group_concat(DISTINCT route) AS routes,
        (SELECT verdict FROM feedback WHERE feedback.call = turns.call
            ORDER BY feedback.at DESC LIMIT 1) AS ending
    FROM turns WHERE call IS NOT NULL AND probe IS NULL GROUP BY call;
CREATE VIEW documents AS
    SELECT corpus, document, sum(turns) AS turns, sum(first_places) AS first_places,
        max(last_answered) AS last_answered, sum(near_misses) AS near_misses
    FROM day_uses GROUP BY corpus, document;
CREATE VIEW hours AS
    SELECT strftime('%Y-%m-%dT%H:00Z', hour, 'unixepoch') AS hour, route, outcome,
        nullif(reason, '') AS reason, turns, total_ms / turns AS mean_ms, late, calls
    FROM hour_tallies;
"""

_TALLIES = """
INSERT INTO hour_tallies
    SELECT CAST(at AS INTEGER) / 3600 * 3600, route, outcome, coalesce(reason, ''),
        count(*),
        sum(call IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM turns AS before
            WHERE before.call = turns.call AND before.n < turns.n
        )),
        sum(NOT in_budget), sum(total_ms)
    FROM turns WHERE probe IS NULL GROUP BY 1, 2, 3, 4;
INSERT INTO day_uses
    SELECT CAST(turns.at AS INTEGER) / 86400 * 86400, turns.route,
        passages.corpus, passages.document,
        count(DISTINCT CASE WHEN answered THEN turn END),
        sum(answered AND place = 0),
        max(CASE WHEN answered THEN turns.at END),
        count(DISTINCT CASE WHEN NOT answered THEN turn END)
    FROM candidates
    JOIN passages ON passages.n = candidates.passage
    JOIN turns ON turns.n = candidates.turn AND turns.probe IS NULL
    GROUP BY 1, 2, 3, 4;
"""

STEPS: tuple[str, ...] = (_TABLES + _VIEWS, _MORE + _TALLIES)
"""Each makes the file of the version before it one version newer; the first, a new file."""

VERSION = len(STEPS)
"""Of the tables (`pragma user_version`)."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of a file's tables; 0 for a new file."""
    row = connection.execute("PRAGMA user_version").fetchone()
    return int(row[0])


def migrate(connection: sqlite3.Connection, steps: tuple[str, ...] = STEPS) -> None:
    """Bring a file to the newest version, each step whole or not at all.

    Raises:
        sqlite3.Error: a step failed; the file stays at the version before it.
    """
    for number in range(version_of(connection) + 1, len(steps) + 1):
        script = (
            f"BEGIN IMMEDIATE; {steps[number - 1]}; "
            f"PRAGMA application_id = {APPLICATION_ID}; "
            f"PRAGMA user_version = {number}; COMMIT;"
        )
        try:
            connection.executescript(script)
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if version_of(connection) < number:  # else another process was quicker
                raise
