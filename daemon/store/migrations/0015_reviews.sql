-- The last word of each reviewer of a PR on GitHub: approved, changes requested, or dismissed; comments are none. review
-- is its number there, at_ms when it was submitted, head the commit that it was given to.
CREATE TABLE github_review (
	id INTEGER PRIMARY KEY,
	repo INTEGER NOT NULL REFERENCES repo (id),
	pr INTEGER NOT NULL,
	login TEXT NOT NULL,
	bot INTEGER NOT NULL,
	review INTEGER NOT NULL,
	state TEXT NOT NULL,
	head TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	UNIQUE (repo, pr, login)
) STRICT;
-- pr.review is no longer written: up to that number reviews were heard by who counted them by numbers.
