-- Shadow mode (bot/shadow.h). name: under which the repository came into it, which stays in shadow also when it
-- is renamed. until_ms: when it ended, 0 while it lasts; what is older than that is never acted upon.
CREATE TABLE shadow_repo (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL UNIQUE REFERENCES repo (id),
	name TEXT NOT NULL,
	since_ms INTEGER NOT NULL,
	until_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What was seen, and what would have been done. pr 0: the base. The meaning of head, base, other, oid, tree and
-- detail is that of the kind.
--   seen       a PR                        ready     all that a queue asks for is there, of head
--   checks     detail: what the required ones say of head (pending, green, red)
--   would-land head on base: the commit oid with this tree; detail: its place in the order
--   conflict   head with base; other: the PR that brought it, or 0; detail: paths, JSON
--   collision  head with the PR other, whose head is base; both were ready; detail: paths, JSON
--   merged     by people: oid, its tree; base: its first parent; detail: same=0|1|-1 unseen=0|1
--   base       moved to head, from base; detail: as of checks
--   label, command, button   nothing was done about it; head: the event; detail: what it was
CREATE TABLE shadow_event (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	kind TEXT NOT NULL,
	pr INTEGER NOT NULL,
	head TEXT NOT NULL,
	base TEXT NOT NULL,
	other INTEGER NOT NULL,
	oid TEXT,
	tree TEXT,
	detail TEXT,
	at_ms INTEGER NOT NULL,
	UNIQUE (repo, kind, pr, head, base, other)
) STRICT;
CREATE INDEX shadow_event_at ON shadow_event (at_ms);

-- What the last test or merge of a candidate came to (conflict, red, green): its state goes on to "dropped".
ALTER TABLE candidate ADD COLUMN verdict TEXT;
