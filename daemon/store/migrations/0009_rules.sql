-- What the rules of the base branch demand is kept in another form (github_rules.c): read anew.
UPDATE github_repo SET required = NULL;
-- What the forge says about the reviews of a PR's head: {head, decision, by, unresolved, why?}; null: never read.
ALTER TABLE pr ADD COLUMN verdict TEXT;
-- The draft PR that CI sees a candidate through; 0 none.
ALTER TABLE candidate ADD COLUMN draft INTEGER NOT NULL DEFAULT 0;
-- Is a user in a team ("org/slug"), as GitHub said at that time: 1, 0, -1 it did not say, and why.
CREATE TABLE github_team (
	id INTEGER PRIMARY KEY,
	team TEXT NOT NULL,
	login TEXT NOT NULL,
	member INTEGER NOT NULL,
	why TEXT,
	at_ms INTEGER NOT NULL,
	UNIQUE (team, login)
) STRICT;
