-- Since when a repository is not looked after any more, 0: it is. Its row stays: its id is in keys of events.
ALTER TABLE repo ADD COLUMN removed_ms INTEGER NOT NULL DEFAULT 0;
