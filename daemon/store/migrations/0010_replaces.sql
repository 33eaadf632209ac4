-- The head of its PR that what the task commits next takes the place of, since that conflicts with the base; null: what
-- it commits follows on the PR's head.
ALTER TABLE task ADD COLUMN replaces TEXT;
