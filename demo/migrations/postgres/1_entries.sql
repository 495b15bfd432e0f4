CREATE TABLE entries (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    home      TEXT NOT NULL CHECK (length(home) <= 60),
    message   TEXT NOT NULL CHECK (length(message) BETWEEN 1 AND 500),
    signed_at TEXT NOT NULL DEFAULT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
);
