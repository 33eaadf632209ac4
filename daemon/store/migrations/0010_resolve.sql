-- The head of its PR that what the task commits next takes the place of, since that conflicts with the base; null: what
-- it commits follows on the PR's head.
ALTER TABLE task ADD COLUMN replaces TEXT;
-- What is asked at each start of a round, and of each branch of a candidate that the forge has.
CREATE INDEX candidate_conflict ON candidate (repo, pr, head) WHERE verdict = 'conflict';
CREATE INDEX candidate_branch ON candidate (repo, branch) WHERE branch IS NOT NULL;
