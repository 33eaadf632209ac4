-- closed_ms: when its issue was closed, or a newer task of the same issue began, while it had not ended for good; its
-- worktree is kept for some days, and the issue opened again gives it back. edited, edited_by: the issue's text was
-- changed after the agent had it, 1: by people who may assign only, the last of them; 2: by others, too. ignored: what
-- the last round left that is no part of its commit, because a .gitignore names it (a sentence).
ALTER TABLE task ADD COLUMN closed_ms INTEGER;
ALTER TABLE task ADD COLUMN edited INTEGER;
ALTER TABLE task ADD COLUMN edited_by TEXT;
ALTER TABLE task ADD COLUMN ignored TEXT;
-- When not_before_ms was decided: a clock that is before that has been put back.
ALTER TABLE effect ADD COLUMN since_ms INTEGER;
