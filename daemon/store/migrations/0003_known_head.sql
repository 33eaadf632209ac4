-- landing.state has "called-off" as well: people changed their mind between the decision and the landing.
-- known_head: the head of which every dependency is known; the queue builds no other. learn_why: why it could
-- not be found out the last time, learn_tries: how often in a row.
ALTER TABLE pr ADD COLUMN known_head TEXT;
ALTER TABLE pr ADD COLUMN learn_tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pr ADD COLUMN learn_why TEXT;
