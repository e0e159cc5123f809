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
    """
    -- the session that this template is of, by another model; null: it is the session's first
    ALTER TABLE exemplar ADD COLUMN of_session INTEGER REFERENCES exemplar (id) ON DELETE CASCADE;
    CREATE INDEX exemplar_of_session ON exemplar (of_session) WHERE of_session IS NOT NULL;
    CREATE TABLE kept_audio (
        session INTEGER PRIMARY KEY REFERENCES exemplar (id) ON DELETE CASCADE,
        sealed BLOB NOT NULL           -- nonce and ciphertext of `enroll/kept_audio.py`
    ) STRICT;
    """,
    """
    -- what changed when, for daemons that follow this one; a version only grows
    CREATE TABLE ledger (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        lineage TEXT NOT NULL          -- random: tells this database from every other
    ) STRICT;
    INSERT INTO ledger (only_row, lineage) VALUES (1, lower(hex(randomblob(16))));
    CREATE TABLE change (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        mark TEXT NOT NULL,            -- random: tells two histories apart that have the same version
        gone TEXT                      -- the uid of a person who was deleted; null: another change
    ) STRICT;
    CREATE TABLE followed (            -- with a row here, the people are another daemon's
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        lineage TEXT NOT NULL,         -- of that one's database; empty: nothing was taken yet
        version INTEGER NOT NULL,
        mark TEXT NOT NULL
    ) STRICT;
    ALTER TABLE person ADD COLUMN uid TEXT;  -- random: stays when the name changes, and says nothing
    ALTER TABLE person ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;  -- the version it last changed at
    UPDATE person SET uid = lower(hex(randomblob(16))), changed = id;
    INSERT INTO change (version, mark)
        SELECT max(id), lower(hex(randomblob(8))) FROM person HAVING max(id) IS NOT NULL;
    CREATE UNIQUE INDEX person_by_uid ON person (uid);
    CREATE INDEX person_by_change ON person (changed);
    CREATE TRIGGER change_pruned AFTER INSERT ON change BEGIN
        DELETE FROM change WHERE version <= new.version - 10000;
    END;
    CREATE TRIGGER person_marked AFTER INSERT ON person WHEN new.uid IS NULL BEGIN
        UPDATE person SET uid = lower(hex(randomblob(16))) WHERE id = new.id;
    END;
    CREATE TRIGGER person_came AFTER INSERT ON person
    WHEN NOT EXISTS (SELECT 1 FROM followed) BEGIN
        INSERT INTO change (mark) VALUES (lower(hex(randomblob(8))));
        UPDATE person SET changed = (SELECT max(version) FROM change) WHERE id = new.id;
    END;
    CREATE TRIGGER person_changed AFTER UPDATE OF name, created, consent, keep_until ON person
    WHEN NOT EXISTS (SELECT 1 FROM followed)
    AND (new.name, new.created, new.consent, new.keep_until)
        IS NOT (old.name, old.created, old.consent, old.keep_until) BEGIN
        INSERT INTO change (mark) VALUES (lower(hex(randomblob(8))));
        UPDATE person SET changed = (SELECT max(version) FROM change) WHERE id = new.id;
    END;
    CREATE TRIGGER person_gone AFTER DELETE ON person
    WHEN NOT EXISTS (SELECT 1 FROM followed) BEGIN
        INSERT INTO change (mark, gone) VALUES (lower(hex(randomblob(8))), old.uid);
    END;
    CREATE TRIGGER exemplar_came AFTER INSERT ON exemplar
    WHEN NOT EXISTS (SELECT 1 FROM followed) BEGIN
        INSERT INTO change (mark) VALUES (lower(hex(randomblob(8))));
        UPDATE person SET changed = (SELECT max(version) FROM change) WHERE id = new.person;
    END;
    CREATE TRIGGER exemplar_gone AFTER DELETE ON exemplar
    WHEN NOT EXISTS (SELECT 1 FROM followed) BEGIN
        INSERT INTO change (mark) VALUES (lower(hex(randomblob(8))));
        UPDATE person SET changed = (SELECT max(version) FROM change) WHERE id = old.person;
    END;
    CREATE TRIGGER own_point_came AFTER INSERT ON own_point
    WHEN NOT EXISTS (SELECT 1 FROM followed) BEGIN
        INSERT INTO change (mark) VALUES (lower(hex(randomblob(8))));
        UPDATE person SET changed = (SELECT max(version) FROM change) WHERE id = new.person;
    END;
    CREATE TRIGGER own_point_gone AFTER DELETE ON own_point
    WHEN NOT EXISTS (SELECT 1 FROM followed) BEGIN
        INSERT INTO change (mark) VALUES (lower(hex(randomblob(8))));
        UPDATE person SET changed = (SELECT max(version) FROM change) WHERE id = old.person;
    END;
    CREATE TRIGGER membership_came AFTER INSERT ON membership
    WHEN NOT EXISTS (SELECT 1 FROM followed) BEGIN
        INSERT INTO change (mark) VALUES (lower(hex(randomblob(8))));
        UPDATE person SET changed = (SELECT max(version) FROM change) WHERE id = new.person;
    END;
    CREATE TRIGGER membership_gone AFTER DELETE ON membership
    WHEN NOT EXISTS (SELECT 1 FROM followed) BEGIN
        INSERT INTO change (mark) VALUES (lower(hex(randomblob(8))));
        UPDATE person SET changed = (SELECT max(version) FROM change) WHERE id = old.person;
    END;
    -- what has come of another daemon's people, until all of it has
    CREATE TABLE staged_person (
        uid TEXT PRIMARY KEY,
        id INTEGER NOT NULL UNIQUE,
        name TEXT NOT NULL,
        created TEXT NOT NULL,
        consent TEXT,
        keep_until TEXT,
        groups TEXT NOT NULL,          -- JSON: a list of names
        target_fmr REAL,
        target_fnmr REAL,
        prior REAL
    ) STRICT;
    CREATE TABLE staged_exemplar (
        id INTEGER PRIMARY KEY,
        person INTEGER NOT NULL REFERENCES staged_person (id) ON DELETE CASCADE,
        created TEXT NOT NULL,
        model_id TEXT NOT NULL,
        vector BLOB NOT NULL,          -- sealed for the row it will have
        label TEXT NOT NULL,
        source TEXT NOT NULL,
        speech_s REAL NOT NULL,
        windows INTEGER NOT NULL,
        consistency REAL,
        snr_db REAL,
        circumstances TEXT NOT NULL
    ) STRICT;
    CREATE INDEX staged_exemplar_by_person ON staged_exemplar (person);
    CREATE TABLE staged_gone (uid TEXT PRIMARY KEY) STRICT;
    """,
    """
    -- of groups, counted as a person's are
    CREATE TABLE group_checks (
        name TEXT PRIMARY KEY,
        failed_checks INTEGER NOT NULL,  -- in a row
        check_again REAL NOT NULL        -- Unix seconds: not before
    ) STRICT;
    """,
)
