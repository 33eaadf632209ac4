-- What the ledger knows of a repository on GitHub beside its row in repo. since, comments_since: the
-- forge's times up to which changes were read, null before the first look. installation 0: asked
-- anew. problem: why nothing of it can be read or written at present.
CREATE TABLE github_repo (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL UNIQUE REFERENCES repo (id),
	full_name TEXT NOT NULL UNIQUE,
	remote INTEGER NOT NULL,
	url TEXT NOT NULL,
	installation INTEGER NOT NULL DEFAULT 0,
	since TEXT,
	comments_since TEXT,
	problem TEXT,
	listed_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX github_remote ON github_repo (remote);

-- What a user may do, as GitHub said at that time. level as in permission, 0 none.
CREATE TABLE github_level (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	login TEXT NOT NULL,
	level INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	UNIQUE (repo, login)
) STRICT;

-- A comment's id on its forge, where that is another one.
ALTER TABLE comment ADD COLUMN remote INTEGER NOT NULL DEFAULT 0;
-- When the head was first seen; the repository of a fork; the latest review that was read.
ALTER TABLE pr ADD COLUMN head_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pr ADD COLUMN head_repo TEXT;
ALTER TABLE pr ADD COLUMN review INTEGER NOT NULL DEFAULT 0;

-- Check runs of ours: remote is the run's id there, 0 where a commit status stands in for it.
CREATE TABLE github_check (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	head TEXT NOT NULL,
	name TEXT NOT NULL,
	remote INTEGER NOT NULL,
	said TEXT NOT NULL,
	UNIQUE (repo, head, name)
) STRICT;
CREATE INDEX github_check_remote ON github_check (remote) WHERE remote <> 0;
