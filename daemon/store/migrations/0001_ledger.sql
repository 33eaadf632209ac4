-- The ledger. Times are milliseconds since 1970 UTC, booleans 0 or 1, object ids hexadecimal text,
-- money micro-dollars. Every table has its own integer id, which the outside never sees except for
-- tasks and comments. What is removed after its time and has its id in keys, names of runs or
-- comments never gives that id to another one (AUTOINCREMENT).

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Inbox. `key` is the identity of what happened: the same thing told twice is one row.
-- state: 0 new, 1 decided, 2 ignored (nobody handles this kind), 3 failed (note says why),
-- 4 waits (for a repository's configuration to be read)
CREATE TABLE event (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	key TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	payload TEXT NOT NULL,
	state INTEGER NOT NULL DEFAULT 0,
	note TEXT,
	at_ms INTEGER NOT NULL,
	decided_ms INTEGER
) STRICT;
CREATE INDEX event_odd ON event (state) WHERE state > 1;
CREATE INDEX event_new ON event (id) WHERE state = 0;
CREATE INDEX event_old ON event (at_ms) WHERE state <> 0;
CREATE INDEX event_waits ON event (id) WHERE state = 4;

-- Outbox. The effects of one subject run in the order of their ids.
-- state: 0 pending, 1 running, 2 done, 3 failed, 4 withdrawn
CREATE TABLE effect (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	key TEXT NOT NULL UNIQUE,
	subject TEXT NOT NULL,
	kind TEXT NOT NULL,
	payload TEXT NOT NULL,
	state INTEGER NOT NULL DEFAULT 0,
	tries INTEGER NOT NULL DEFAULT 0,
	not_before_ms INTEGER NOT NULL DEFAULT 0,
	result TEXT,
	at_ms INTEGER NOT NULL,
	done_ms INTEGER
) STRICT;
CREATE INDEX effect_open ON effect (subject, id) WHERE state < 2;
CREATE INDEX effect_old ON effect (done_ms) WHERE state >= 2;

-- forge: name of the backend. health: of health_oid, 0 unknown 1 testing 2 green 3 red.
CREATE TABLE repo (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	forge TEXT NOT NULL,
	path TEXT NOT NULL,
	base TEXT NOT NULL,
	base_oid TEXT,
	health INTEGER NOT NULL DEFAULT 0,
	health_oid TEXT,
	health_log TEXT,
	frozen INTEGER NOT NULL DEFAULT 0,
	frozen_reason TEXT,
	config TEXT,
	config_oid TEXT,
	config_error TEXT,
	next_number INTEGER NOT NULL DEFAULT 1,
	created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE user (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	uid INTEGER UNIQUE,
	created_ms INTEGER NOT NULL
) STRICT;

-- repo 0: every repository. level: 1 read 2 write 3 maintain
CREATE TABLE permission (
	id INTEGER PRIMARY KEY,
	user INTEGER NOT NULL REFERENCES user (id),
	repo INTEGER NOT NULL,
	level INTEGER NOT NULL,
	UNIQUE (user, repo)
) STRICT;

-- Issues and PRs of a repository share their numbers. On the local forge these rows are the truth;
-- for another forge they are what was last read there.
CREATE TABLE issue (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	number INTEGER NOT NULL,
	title TEXT NOT NULL,
	body TEXT NOT NULL,
	state TEXT NOT NULL,
	author TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	UNIQUE (repo, number)
) STRICT;

CREATE TABLE label (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	number INTEGER NOT NULL,
	name TEXT NOT NULL,
	by TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	UNIQUE (repo, number, name)
) STRICT;

-- key: of the effect that made it, NULL for a person's. bot: written by yardmaster itself.
CREATE TABLE comment (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	number INTEGER NOT NULL,
	author TEXT NOT NULL,
	body TEXT NOT NULL,
	bot INTEGER NOT NULL,
	key TEXT UNIQUE,
	reaction TEXT,
	created_ms INTEGER NOT NULL,
	edited_ms INTEGER
) STRICT;
CREATE INDEX comment_of ON comment (repo, number, id);

-- state: open, merged, closed. landed: the commit on the base; head stays the approved head.
CREATE TABLE pr (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	number INTEGER NOT NULL,
	title TEXT NOT NULL,
	body TEXT NOT NULL,
	state TEXT NOT NULL,
	author TEXT NOT NULL,
	base TEXT NOT NULL,
	topic TEXT NOT NULL,
	head TEXT NOT NULL,
	files TEXT NOT NULL DEFAULT '[]',
	draft INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	held_by TEXT,
	held_reason TEXT,
	task INTEGER,
	landed TEXT,
	landed_base TEXT,
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	UNIQUE (repo, number)
) STRICT;
CREATE INDEX pr_landed ON pr (repo, landed) WHERE landed IS NOT NULL;
CREATE INDEX pr_state ON pr (repo, state, updated_ms);
CREATE INDEX pr_topic ON pr (repo, topic) WHERE state = 'open';

CREATE TABLE approval (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	pr INTEGER NOT NULL,
	head TEXT NOT NULL,
	user TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	void_ms INTEGER,
	void_reason TEXT,
	UNIQUE (repo, pr, head, user)
) STRICT;

-- source: stack, body, trailer, command
CREATE TABLE dependency (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	pr INTEGER NOT NULL,
	on_pr INTEGER NOT NULL,
	source TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	UNIQUE (repo, pr, on_pr, source)
) STRICT;

-- state: waiting (lease, cap, halt), preparing, running, asking, pr, review, queued,
-- merged, no-change, needs-human, cancelled. position: blueprint/engine.h.
-- source: the blueprint as it was when the task began (file, text, prompts), JSON.
CREATE TABLE task (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	repo INTEGER NOT NULL REFERENCES repo (id),
	issue INTEGER NOT NULL,
	blueprint TEXT NOT NULL,
	source TEXT NOT NULL,
	agent TEXT NOT NULL,
	requester TEXT NOT NULL,
	state TEXT NOT NULL,
	reason TEXT,
	position TEXT,
	title TEXT NOT NULL,
	body TEXT NOT NULL,
	text_hash TEXT NOT NULL,
	removed TEXT,
	scopes TEXT NOT NULL DEFAULT '[]',
	prompted INTEGER NOT NULL DEFAULT 0,
	branch TEXT,
	start TEXT,
	head TEXT,
	tree TEXT,
	pr INTEGER,
	feedback TEXT,
	said TEXT,
	log TEXT,
	summary TEXT,
	files TEXT NOT NULL DEFAULT '[]',
	layer TEXT,
	worktree TEXT,
	runs INTEGER NOT NULL DEFAULT 0,
	cost_microusd INTEGER NOT NULL DEFAULT 0,
	created_ms INTEGER NOT NULL,
	started_ms INTEGER,
	updated_ms INTEGER NOT NULL,
	ended_ms INTEGER
) STRICT;
CREATE INDEX task_pr ON task (repo, pr) WHERE pr IS NOT NULL;
CREATE INDEX task_state ON task (state);
CREATE INDEX task_issue ON task (repo, issue);
-- Covers what every turn asks for: the rows themselves are long.
CREATE INDEX task_open ON task (id, repo, state, reason) WHERE ended_ms IS NULL;

-- One sandboxed run. kind: agent, gate, setup, run, queue-gate, base-gate. state: starting,
-- running, ended. run is the name of the run directory.
CREATE TABLE attempt (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	repo INTEGER NOT NULL REFERENCES repo (id),
	task INTEGER,
	candidate INTEGER,
	run TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	step INTEGER NOT NULL DEFAULT 0,
	round INTEGER NOT NULL DEFAULT 0,
	number INTEGER NOT NULL DEFAULT 0,
	command TEXT NOT NULL,
	agent TEXT,
	network TEXT NOT NULL DEFAULT 'none',
	state TEXT NOT NULL,
	outcome TEXT,
	code INTEGER,
	detail TEXT,
	created_ms INTEGER NOT NULL,
	started_ms INTEGER,
	ended_ms INTEGER
) STRICT;
CREATE INDEX attempt_candidate ON attempt (candidate) WHERE candidate IS NOT NULL;
CREATE INDEX attempt_task ON attempt (task);
CREATE INDEX attempt_open ON attempt (id) WHERE state <> 'ended';

CREATE TABLE lease (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	task INTEGER NOT NULL REFERENCES task (id),
	pattern TEXT NOT NULL,
	at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX lease_repo ON lease (repo);
CREATE INDEX lease_task ON lease (task);

-- state: queued, landed, ejected, dequeued
CREATE TABLE queue_entry (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	pr INTEGER NOT NULL,
	head TEXT NOT NULL,
	by TEXT NOT NULL,
	priority INTEGER NOT NULL DEFAULT 0,
	state TEXT NOT NULL,
	reason TEXT,
	waits TEXT,
	candidate INTEGER,
	reruns INTEGER NOT NULL DEFAULT 0,
	errors INTEGER NOT NULL DEFAULT 0,
	enqueued_ms INTEGER NOT NULL,
	ended_ms INTEGER
) STRICT;
CREATE INDEX queue_pr ON queue_entry (repo, pr);
CREATE UNIQUE INDEX queue_open ON queue_entry (repo, pr) WHERE state = 'queued';

-- kind: pr, base (the base itself under test). state: as in queue/plan.h, and dropped, landed.
CREATE TABLE candidate (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	kind TEXT NOT NULL,
	entry INTEGER,
	pr INTEGER,
	base TEXT NOT NULL,
	head TEXT NOT NULL,
	merge_base TEXT,
	method TEXT NOT NULL,
	gates TEXT NOT NULL,
	state TEXT NOT NULL,
	oid TEXT,
	tree TEXT,
	gate INTEGER NOT NULL DEFAULT 0,
	run_number INTEGER NOT NULL DEFAULT 0,
	checks TEXT NOT NULL DEFAULT '[]',
	detail TEXT,
	created_ms INTEGER NOT NULL,
	ended_ms INTEGER
) STRICT;
CREATE INDEX candidate_base ON candidate (repo, base) WHERE kind = 'base';
CREATE INDEX candidate_live ON candidate (repo) WHERE ended_ms IS NULL;

-- state: intent, landed, moved, failed
CREATE TABLE landing (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	candidate INTEGER NOT NULL REFERENCES candidate (id),
	pr INTEGER NOT NULL,
	old TEXT NOT NULL,
	new TEXT NOT NULL,
	state TEXT NOT NULL,
	receipt TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	ended_ms INTEGER
) STRICT;
CREATE INDEX landing_candidate ON landing (candidate);
CREATE INDEX landing_new ON landing (repo, new);
CREATE UNIQUE INDEX landing_open ON landing (repo) WHERE state = 'intent';

CREATE TABLE usage (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL,
	task INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	tokens_in INTEGER,
	tokens_out INTEGER,
	cost_microusd INTEGER,
	at_ms INTEGER NOT NULL
) STRICT;

-- Append-only; each row's hash covers the one before it (store/audit.h).
CREATE TABLE audit (
	id INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	subject TEXT NOT NULL,
	detail TEXT NOT NULL,
	hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
