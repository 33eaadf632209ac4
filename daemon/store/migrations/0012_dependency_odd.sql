-- What a PR says that it depends on and that is no PR of its repository. name, number: of another repository's;
-- name null: it was not understood, and `what` says so. source as in dependency; "told": people were told on
-- the PR that something is not understood.
CREATE TABLE dependency_odd (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	pr INTEGER NOT NULL,
	source TEXT NOT NULL,
	what TEXT NOT NULL,
	name TEXT,
	number INTEGER,
	at_ms INTEGER NOT NULL,
	UNIQUE (repo, pr, source, what)
) STRICT;
