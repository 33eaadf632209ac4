-- Raw webhook deliveries, as they came and in the order in which they came. What changes later (state) is
-- apart from what is large (body): taking note that one was decoded rewrites a line, not a page of bodies.

-- state: 0 new, 1 decoded, 2 ignored, 3 undecodable, 4 wake, 5 replay (store/deliveries.h)
-- mark: the first 8 bytes of the signature that was verified, which no sender without the secret can choose
-- secret: which one verified it, as the configuration names it ("env:NAME"), never the secret itself
-- size: of the body as it came; stored: of what is kept of it, 0 for none
CREATE TABLE delivery (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	guid TEXT NOT NULL,
	event TEXT NOT NULL,
	secret TEXT NOT NULL,
	form INTEGER NOT NULL,
	mark INTEGER NOT NULL,
	size INTEGER NOT NULL,
	stored INTEGER NOT NULL,
	state INTEGER NOT NULL DEFAULT 0,
	detail TEXT,
	received_ms INTEGER NOT NULL,
	done_ms INTEGER
) STRICT;
CREATE INDEX delivery_new ON delivery (id) WHERE state = 0;
CREATE INDEX delivery_odd ON delivery (id) WHERE state = 3;

-- LZ4 blocks; the length before compression is delivery.size.
CREATE TABLE delivery_body (
	id INTEGER PRIMARY KEY,
	body BLOB NOT NULL
) STRICT;

-- How many came to which end, by event, for ever: the rows above go after their time.
CREATE TABLE delivery_tally (
	event TEXT NOT NULL,
	state INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (event, state)
) STRICT, WITHOUT ROWID;
