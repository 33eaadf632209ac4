-- A landing that moves the PR's head first (queue_head.c). head: what the branch held, the approved head;
-- `new` is what it is moved to. head_state: null not moved, moving, moved (the forge shows it), restoring,
-- restored, lost (somebody else pushed, or it could not be restored), kept (it cannot be written: the PR is
-- closed after the landing). head_ms: of its last change.
ALTER TABLE landing ADD COLUMN head TEXT;
ALTER TABLE landing ADD COLUMN head_state TEXT;
ALTER TABLE landing ADD COLUMN head_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX landing_head ON landing (repo, pr, new) WHERE head_state IS NOT NULL;
-- modify: the author of a PR from a fork lets maintainers write its branch.
ALTER TABLE pr ADD COLUMN modify INTEGER NOT NULL DEFAULT 0;
