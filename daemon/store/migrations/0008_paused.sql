-- Who merged it on its forge; null: nobody, or it is not known.
ALTER TABLE pr ADD COLUMN merged_by TEXT;
-- label: the one that began the task, null for `/yard run`. asked_ms: when it was asked for by the forge's clock,
-- which counts seconds; 0: that forge has no clock of its own.
ALTER TABLE task ADD COLUMN label TEXT;
ALTER TABLE task ADD COLUMN asked_ms INTEGER NOT NULL DEFAULT 0;
-- pause: the kind of trouble for which nothing is done there (forge/github_pause.c), null: all goes on, and a
-- `problem` passes by itself. paused_ms: since when people are told so, 0 while it is only being looked into.
ALTER TABLE github_repo ADD COLUMN pause TEXT;
ALTER TABLE github_repo ADD COLUMN paused_ms INTEGER NOT NULL DEFAULT 0;
-- Since when its retries count (bot/outbox.h), when that is later than at_ms: its repository was paused before.
ALTER TABLE effect ADD COLUMN patient_ms INTEGER NOT NULL DEFAULT 0;
