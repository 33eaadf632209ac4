-- The forge's checks of a candidate: ci is a JSON array of the names that it waits for (null: none),
-- branch where it was pushed for them, ci_ms since when it waits. ci_red: they, not our gates, were red.
ALTER TABLE candidate ADD COLUMN ci TEXT;
ALTER TABLE candidate ADD COLUMN branch TEXT;
ALTER TABLE candidate ADD COLUMN ci_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE candidate ADD COLUMN ci_red INTEGER NOT NULL DEFAULT 0;
-- Since when the task waits for the checks of its head.
ALTER TABLE task ADD COLUMN ci_ms INTEGER NOT NULL DEFAULT 0;
-- The names of the checks that GitHub wants on the base branch, a JSON array; null before the first look.
ALTER TABLE github_repo ADD COLUMN required TEXT;
