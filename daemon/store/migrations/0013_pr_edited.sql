-- What of the PR people have written by hand, so that a push leaves it as it is: 1 its title, 2 its text.
ALTER TABLE pr ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
