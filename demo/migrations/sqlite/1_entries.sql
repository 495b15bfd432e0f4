CREATE TABLE entries (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    home      TEXT NOT NULL CHECK (length(home) <= 60),
    message   TEXT NOT NULL CHECK (length(message) BETWEEN 1 AND 500),
    signed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
