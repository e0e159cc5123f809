"""The database's versions: script N brings `user_version` from N to N + 1."""

SCRIPTS = (
    """
    CREATE TABLE person (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        created TEXT NOT NULL          -- RFC 3339 UTC
    ) STRICT;
    CREATE TABLE exemplar (
        id INTEGER PRIMARY KEY,
        person INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
        created TEXT NOT NULL,
        model_id TEXT NOT NULL,        -- vectors of different models are never compared
        vector BLOB NOT NULL,          -- little-endian float32, unit length
        label TEXT NOT NULL,           -- the channel it was recorded on
        source TEXT NOT NULL,          -- "stream desk", "file anna.wav"
        speech_s REAL NOT NULL,
        windows INTEGER NOT NULL,
        consistency REAL,              -- lowest cosine of one window to the mean of the others
        snr_db REAL
    ) STRICT;
    CREATE INDEX exemplar_by_person ON exemplar (person);
    """,
    """
    -- JSON of `profiles/circumstances.py`: the channel, and what else is told of the session
    ALTER TABLE exemplar ADD COLUMN circumstances TEXT NOT NULL DEFAULT '{}';
    """,
    """
    -- a value that is not NULL holds for this person in place of the settings'
    CREATE TABLE own_point (
        person INTEGER PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
        target_fmr REAL,
        target_fnmr REAL,
        prior REAL
    ) STRICT;
    CREATE TABLE membership (
        person INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
        name TEXT NOT NULL,            -- of the group
        PRIMARY KEY (person, name)
    ) STRICT;
    """,
    """
    -- with a row here, `vector` is nonce and ciphertext
    CREATE TABLE vault (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        key_id TEXT NOT NULL           -- the key that they are sealed with
    ) STRICT;
    ALTER TABLE person ADD COLUMN consent TEXT;     -- JSON of `profiles/keeping.py`; null: none
    ALTER TABLE person ADD COLUMN keep_until TEXT;  -- date; null: no end is set
    ALTER TABLE person ADD COLUMN last_heard TEXT NOT NULL DEFAULT '';  -- date
    UPDATE person SET last_heard = date('now');
    ALTER TABLE person ADD COLUMN failed_checks INTEGER NOT NULL DEFAULT 0;  -- in a row
    ALTER TABLE person ADD COLUMN check_again REAL NOT NULL DEFAULT 0;       -- Unix seconds: not before
    """,
)
