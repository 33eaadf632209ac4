/*
 * statements.h - every SQL statement of the program, by name.
 *
 * Adding one: a line here; it is prepared at its first use and kept. Parameters are ?1, ?2 … in the
 * order of the type string given to db_run() and friends. SELECTs of whole rows are read by column
 * name (rows.h). SQLite uses a partial index only where its condition stands in the statement word
 * for word: "state < 2 AND state = 0".
 */
#ifndef YM_STORE_STATEMENTS_H
#define YM_STORE_STATEMENTS_H

/* clang-format off */
#define STATEMENTS(X)                                                                              \
	X(META_GET, "SELECT value FROM meta WHERE key = ?1")                                       \
	X(META_SET, "INSERT INTO meta (key, value) VALUES (?1, ?2) "                               \
		"ON CONFLICT (key) DO UPDATE SET value = excluded.value")                          \
	X(META_CLEAR, "DELETE FROM meta WHERE key = ?1")                                           \
	/* inbox */                                                                                \
	X(EVENT_ADD, "INSERT INTO event (key, kind, payload, at_ms) VALUES (?1, ?2, ?3, ?4) "      \
		"ON CONFLICT (key) DO NOTHING")                                                    \
	X(EVENT_NEXT, "SELECT * FROM event WHERE state = 0 ORDER BY id LIMIT 1")                   \
	X(EVENT_DECIDED, "UPDATE event SET state = ?2, note = ?3, decided_ms = ?4 WHERE id = ?1")  \
	X(EVENT_WAKE, "UPDATE event SET state = 0 WHERE state = 4")                                \
	X(EVENT_NEW_COUNT, "SELECT count(*) FROM event WHERE state = 0")                           \
	X(EVENT_COUNT, "SELECT count(*) FROM event WHERE state > 1 AND state = ?1")                \
	X(EVENT_PURGE, "DELETE FROM event WHERE state <> 0 AND at_ms < ?1 "                        \
		"AND id IN (SELECT id FROM event WHERE state <> 0 AND at_ms < ?1 LIMIT 1000)")     \
	/* Decided or ignored: the key keeps it from being taken twice. What failed stays to be read. */ \
	X(EVENT_SHRINK, "UPDATE event SET payload = '{}' WHERE id IN (SELECT id FROM event "       \
		"WHERE state <> 0 AND at_ms < ?1 AND at_ms >= ?2 AND state IN (1, 2) "             \
		"AND payload <> '{}' LIMIT 1000)")                                                 \
	/* deliveries */                                                                           \
	X(DELIVERY_ADD, "INSERT INTO delivery (guid, event, secret, form, mark, size, "            \
		"stored, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                    \
	X(DELIVERY_BODY_ADD, "INSERT INTO delivery_body (id, body) VALUES (?1, ?2)")               \
	X(DELIVERY_NEXT, "SELECT d.id, guid, event, secret, form, mark, size, received_ms, body "  \
		"FROM delivery d LEFT JOIN delivery_body b ON b.id = d.id "                        \
		"WHERE d.state = 0 ORDER BY d.id LIMIT 1")                                         \
	X(DELIVERY_DONE, "UPDATE delivery SET state = ?2, detail = ?3, done_ms = ?4 "              \
		"WHERE id = ?1")                                                                   \
	/* The names come from outside: a sender that invents them does not fill the ledger. */    \
	X(DELIVERY_COUNT, "INSERT INTO delivery_tally (event, state, n) VALUES (CASE "             \
		"WHEN EXISTS (SELECT 1 FROM delivery_tally WHERE event = ?1) "                     \
		"OR (SELECT count(*) FROM delivery_tally) < 500 THEN ?1 ELSE '(others)' END, "     \
		"?2, 1) ON CONFLICT (event, state) DO UPDATE SET n = n + 1")                       \
	X(DELIVERY_OLDEST, "SELECT id, state, received_ms, stored FROM delivery "                  \
		"ORDER BY id LIMIT ?1")                                                            \
	X(DELIVERY_DROP, "DELETE FROM delivery WHERE id BETWEEN ?1 AND ?2")                        \
	X(DELIVERY_BODY_DROP, "DELETE FROM delivery_body WHERE id BETWEEN ?1 AND ?2")              \
	X(DELIVERY_BYTES, "SELECT coalesce(sum(stored + ?1), 0) FROM delivery")                    \
	X(DELIVERY_NEW_COUNT, "SELECT count(*) FROM delivery WHERE state = 0")                     \
	X(DELIVERY_RECENT, "SELECT guid, mark FROM delivery WHERE state = 1 "                      \
		"ORDER BY id DESC LIMIT ?1")                                                       \
	X(DELIVERY_TALLY, "SELECT event, state, n FROM delivery_tally ORDER BY event, state")      \
	X(DELIVERY_ODD, "SELECT id, event, guid, secret, received_ms, detail FROM delivery "       \
		"WHERE state = 3 ORDER BY id DESC LIMIT ?1")                                       \
	/* outbox */                                                                               \
	X(EFFECT_ADD, "INSERT INTO effect (key, subject, kind, payload, at_ms) "                   \
		"VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key) DO NOTHING")                        \
	X(EFFECT_DUE, "SELECT e.* FROM effect e INDEXED BY effect_open "                           \
		"WHERE e.state < 2 AND e.state = 0 AND e.not_before_ms <= ?1 "                     \
		"AND e.id = (SELECT min(f.id) FROM effect f WHERE f.subject = e.subject "          \
		"AND f.state < 2) ORDER BY e.id")                                                  \
	X(EFFECT_NEXT_MS, "SELECT min(not_before_ms) FROM effect WHERE state < 2 "                 \
		"AND state = 0 AND not_before_ms > ?1 HAVING count(*) > 0")                        \
	X(EFFECT_STARTED, "UPDATE effect SET state = 1, tries = tries + 1 WHERE id = ?1")          \
	X(EFFECT_DONE, "UPDATE effect SET state = ?2, result = ?3, done_ms = ?4 WHERE id = ?1")    \
	X(EFFECT_AGAIN, "UPDATE effect SET state = 0, not_before_ms = ?2 WHERE id = ?1")           \
	X(EFFECT_WAIT, "UPDATE effect SET state = 0, since_ms = ?2, not_before_ms = ?3 "           \
		"WHERE id = ?1")                                                                   \
	/* Since when it is: what is known best of it, the wait's own beginning or the row's. */   \
	X(EFFECT_CLAMP, "UPDATE effect SET "                                                       \
		"not_before_ms = CASE WHEN since_ms > ?1 THEN ?1 + not_before_ms - since_ms "      \
		"ELSE not_before_ms END, since_ms = min(since_ms, ?1), at_ms = min(at_ms, ?1), "   \
		"patient_ms = min(patient_ms, ?1), payload = CASE WHEN at_ms > ?1 AND "            \
		"payload ->> '$.until_ms' > at_ms THEN json_set(payload, '$.until_ms', "           \
		"?1 + (payload ->> '$.until_ms') - at_ms) ELSE payload END "                       \
		"WHERE state < 2 AND (since_ms > ?1 OR at_ms > ?1 OR patient_ms > ?1)")            \
	X(TASK_CLAMP, "UPDATE task SET ci_ms = ?1 WHERE ended_ms IS NULL AND ci_ms > ?1")          \
	X(CANDIDATE_CLAMP, "UPDATE candidate SET ci_ms = ?1 WHERE ended_ms IS NULL "               \
		"AND ci_ms > ?1")                                                                  \
	X(LANDING_CLAMP, "UPDATE landing SET head_ms = ?1 WHERE state = 'intent' "                 \
		"AND head_ms > ?1")                                                                \
	X(DELIVERY_CLAMP, "UPDATE delivery SET received_ms = ?1 WHERE received_ms > ?1")           \
	X(LEVEL_CLAMP, "DELETE FROM github_level WHERE at_ms > ?1")                                \
	X(TEAM_CLAMP, "DELETE FROM github_team WHERE at_ms > ?1")                                  \
	X(EFFECT_SOON, "UPDATE effect SET not_before_ms = 0 WHERE subject = ?1 AND state < 2 "     \
		"AND state = 0")                                                                   \
	/* What is meant for a repository, by its id or its path; ?3: its patience begins anew. */ \
	X(EFFECT_WAKE, "UPDATE effect SET not_before_ms = 0, patient_ms = ?3 WHERE state < 2 "     \
		"AND state = 0 AND payload ->> '$.repo' IN (?1, ?2)")                              \
	X(EFFECT_REPO_GONE, "UPDATE effect SET state = 4, done_ms = ?3 WHERE state < 2 "           \
		"AND state = 0 AND payload ->> '$.repo' IN (?1, ?2)")                              \
	X(EFFECT_WITHDRAW, "UPDATE effect SET state = 4, done_ms = ?2 "                            \
		"WHERE subject = ?1 AND state < 2 AND state = 0")                                  \
	X(EFFECT_RECOVER, "UPDATE effect SET state = 0 WHERE state < 2 AND state = 1")             \
	X(EFFECT_IS_OPEN, "SELECT count(*) FROM effect WHERE key = ?1 AND state < 2")              \
	X(EFFECT_OPEN_OF, "SELECT count(*) FROM effect WHERE subject = ?1 AND state < 2")          \
	X(EFFECT_LANDING, "SELECT count(*) FROM effect INDEXED BY effect_open WHERE state < 2 "    \
		"AND kind IN ('cand-land', 'cand-push', 'cand-fetch', 'cand-settle-ref', "         \
		"'cand-settle') AND payload ->> '$.repo' = ?1")                                    \
	X(EFFECT_HELD, "SELECT * FROM effect INDEXED BY effect_open WHERE state < 2 "              \
		"ORDER BY id LIMIT 100")                                                           \
	X(EFFECT_OPEN, "SELECT count(*) FROM effect WHERE state < 2")                              \
	/* The key keeps it from being done twice, its result says how it ended: the rest is long. */ \
	X(EFFECT_SHRINK, "UPDATE effect SET payload = '{}', result = CASE WHEN "                   \
		"length(result) > 500 THEN NULL ELSE result END WHERE id IN (SELECT id FROM "      \
		"effect WHERE state >= 2 AND done_ms < ?1 AND done_ms >= ?2 AND "                  \
		"payload <> '{}' LIMIT 1000)")                                                     \
	X(EFFECT_PURGE, "DELETE FROM effect WHERE id IN (SELECT id FROM effect "                   \
		"WHERE state >= 2 AND done_ms < ?1 LIMIT 1000)")                                   \
	/* audit */                                                                                \
	X(AUDIT_HEAD, "SELECT hash FROM audit ORDER BY id DESC LIMIT 1")                           \
	X(AUDIT_ADD, "INSERT INTO audit (at_ms, actor, action, subject, detail, hash) "            \
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                                 \
	X(AUDIT_ALL, "SELECT id, at_ms, actor, action, subject, detail, hash FROM audit "          \
		"ORDER BY id")                                                                     \
	X(AUDIT_COUNT, "SELECT coalesce(max(id), 0) FROM audit")                                   \
	X(AUDIT_HASH, "SELECT hash FROM audit WHERE id = ?1")                                      \
	X(AUDIT_LAST, "SELECT id, at_ms, actor, action, subject, detail FROM audit "               \
		"ORDER BY id DESC LIMIT ?1")                                                       \
	/* repositories, users */                                                                  \
	X(REPO_BY_NAME, "SELECT * FROM repo WHERE name = ?1 AND removed_ms = 0")                   \
	X(REPO_BY_PATH, "SELECT * FROM repo WHERE path = ?1 AND removed_ms = 0")                   \
	X(REPO_REMOVED, "SELECT * FROM repo WHERE name = ?1 COLLATE NOCASE AND removed_ms > 0")    \
	X(REPO_ALL, "SELECT * FROM repo WHERE removed_ms = 0 ORDER BY name")                       \
	/* What is gone with a removed repository for good. */                                     \
	X(PURGE_LABEL, "DELETE FROM label WHERE repo = ?1")                                        \
	X(PURGE_COMMENT, "DELETE FROM comment WHERE repo = ?1")                                    \
	X(PURGE_APPROVAL, "DELETE FROM approval WHERE repo = ?1")                                  \
	X(PURGE_DEPENDENCY, "DELETE FROM dependency WHERE repo = ?1")                              \
	X(PURGE_ODD, "DELETE FROM dependency_odd WHERE repo = ?1")                                 \
	X(PURGE_LEASE, "DELETE FROM lease WHERE repo = ?1")                                        \
	X(PURGE_ATTEMPT, "DELETE FROM attempt WHERE repo = ?1")                                    \
	X(PURGE_USAGE, "DELETE FROM usage WHERE repo = ?1")                                        \
	X(PURGE_LANDING, "DELETE FROM landing WHERE repo = ?1")                                    \
	X(PURGE_CANDIDATE, "DELETE FROM candidate WHERE repo = ?1")                                \
	X(PURGE_QUEUE, "DELETE FROM queue_entry WHERE repo = ?1")                                  \
	X(PURGE_TASK, "DELETE FROM task WHERE repo = ?1")                                          \
	X(PURGE_PR, "DELETE FROM pr WHERE repo = ?1")                                              \
	X(PURGE_ISSUE, "DELETE FROM issue WHERE repo = ?1")                                        \
	X(PURGE_CHECK, "DELETE FROM github_check WHERE repo = ?1")                                 \
	X(PURGE_LEVEL, "DELETE FROM github_level WHERE repo = ?1")                                 \
	X(PURGE_SHADOW, "DELETE FROM shadow_repo WHERE repo = ?1")                                 \
	X(PURGE_SHADOW_LOG, "DELETE FROM shadow_event WHERE repo = ?1")                            \
	X(PURGE_PERMISSION, "DELETE FROM permission WHERE repo = ?1")                              \
	X(PURGE_GITHUB, "DELETE FROM github_repo WHERE repo = ?1")                                 \
	X(REPO_NUMBER, "UPDATE repo SET next_number = next_number + 1 WHERE id = ?1 "              \
		"RETURNING next_number - 1")                                                       \
	X(USER_BY_NAME, "SELECT * FROM user WHERE name = ?1")                                      \
	X(USER_BY_UID, "SELECT * FROM user WHERE uid = ?1")                                        \
	X(USER_ALL, "SELECT * FROM user ORDER BY name")                                            \
	X(PERMISSION_OF, "SELECT max(level) FROM permission WHERE user = ?1 "                      \
		"AND repo IN (0, ?2) HAVING count(*) > 0")                                         \
	X(PERMISSION_SET, "INSERT INTO permission (user, repo, level) VALUES (?1, ?2, ?3) "        \
		"ON CONFLICT (user, repo) DO UPDATE SET level = excluded.level")                   \
	/* repo 0: all of them */                                                                  \
	X(PERMISSION_CLEAR, "DELETE FROM permission WHERE user = ?1 AND (?2 = 0 OR repo = ?2)")    \
	X(USER_REMOVE, "DELETE FROM user WHERE id = ?1")                                           \
	X(PERMISSION_ALL, "SELECT * FROM permission WHERE user = ?1 ORDER BY repo")                \
	/* issues, comments, labels */                                                             \
	X(ISSUE_BY_NUMBER, "SELECT * FROM issue WHERE repo = ?1 AND number = ?2")                  \
	X(ISSUE_LIST, "SELECT * FROM issue WHERE repo = ?1 AND (?2 = 'all' OR state = ?2) "        \
		"ORDER BY number")                                                                 \
	X(LABEL_SET, "INSERT INTO label (repo, number, name, by, at_ms) "                          \
		"VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (repo, number, name) DO NOTHING")         \
	X(LABEL_CLEAR, "DELETE FROM label WHERE repo = ?1 AND number = ?2 AND name = ?3")          \
	X(LABEL_OF, "SELECT * FROM label WHERE repo = ?1 AND number = ?2 ORDER BY name")           \
	X(LABEL_NAMED, "SELECT * FROM label WHERE repo = ?1 AND name = ?2 ORDER BY number")        \
	X(LABEL_RENAME, "UPDATE OR REPLACE label SET name = ?3 WHERE repo = ?1 AND name = ?2 "     \
		"COLLATE NOCASE")                                                                  \
	/* Set before the first look (nobody knows by whom), and nothing was begun for it since. */    \
	X(LABEL_FIRST, "SELECT l.* FROM label l JOIN issue i ON i.repo = l.repo "                  \
		"AND i.number = l.number WHERE l.repo = ?1 AND l.by = '' AND i.state = 'open' "    \
		"AND NOT EXISTS (SELECT 1 FROM task t WHERE t.repo = l.repo "                      \
		"AND t.issue = l.number) ORDER BY l.number LIMIT 100")                             \
	X(COMMENT_OF, "SELECT * FROM comment WHERE repo = ?1 AND number = ?2 ORDER BY id")         \
	X(COMMENT_BY_KEY, "SELECT * FROM comment WHERE key = ?1")                                  \
	/* PRs */                                                                                  \
	X(PR_BY_NUMBER, "SELECT * FROM pr WHERE repo = ?1 AND number = ?2")                        \
	X(PR_BY_TOPIC, "SELECT * FROM pr WHERE repo = ?1 AND topic = ?2 AND author = ?3 "          \
		"AND base = ?4 AND state = 'open'")                                                \
	X(PR_LIST, "SELECT * FROM pr WHERE repo = ?1 AND (?2 = 'all' OR state = ?2) "              \
		"ORDER BY number")                                                                 \
	X(PR_HEADS, "SELECT DISTINCT head FROM pr WHERE repo = ?1 AND state = 'open' "             \
		"AND number <> ?2 AND head <> (SELECT head FROM pr WHERE repo = ?1 "               \
		"AND number = ?2) ORDER BY head")                                                  \
	/* Those that it stood on and that were closed: their commits are still in it, until it is pushed without. */ \
	X(PR_HEADS_CLOSED, "SELECT p.* FROM dependency d JOIN pr p ON p.repo = d.repo "            \
		"AND p.number = d.on_pr WHERE d.repo = ?1 AND d.pr = ?2 AND d.source = 'stack' "   \
		"AND p.state = 'closed' ORDER BY p.number")                                        \
	X(PR_STACK, "SELECT p.* FROM dependency d JOIN pr p ON p.repo = d.repo "                   \
		"AND p.number = d.on_pr WHERE d.repo = ?1 AND d.pr = ?2 AND d.source = 'stack' "   \
		"ORDER BY p.number")                                                               \
	X(PR_HEADS_AMONG, "SELECT * FROM pr WHERE repo = ?1 AND number <> ?2 AND head <> ?3 "      \
		"AND head IN (SELECT value FROM json_each(?4)) AND (state <> 'closed' "            \
		"OR number IN (SELECT on_pr FROM dependency WHERE repo = ?1 AND pr = ?2 "          \
		"AND source = 'stack')) ORDER BY number")                                          \
	X(PR_OPEN_AT, "SELECT * FROM pr WHERE repo = ?1 AND state = 'open' AND head = ?2 "         \
		"ORDER BY number")                                                                 \
	X(PR_OPEN_TOPIC, "SELECT * FROM pr WHERE repo = ?1 AND state = 'open' AND topic = ?2 "     \
		"AND head_repo IS NULL ORDER BY number")                                           \
	X(PR_OPEN_ON, "SELECT * FROM pr WHERE repo = ?1 AND state = 'open' AND base = ?2 "         \
		"AND number <> ?3 ORDER BY number")                                                \
	X(PR_NOT_KNOWN, "SELECT * FROM pr WHERE repo = ?1 AND state = 'open' "                     \
		"AND known_head IS NOT head ORDER BY number")                                      \
	X(PR_LANDED_AS, "SELECT * FROM pr WHERE repo = ?1 AND landed = ?2")                        \
	X(APPROVAL_OF, "SELECT * FROM approval WHERE repo = ?1 AND pr = ?2 ORDER BY id")           \
	X(APPROVAL_SET, "INSERT INTO approval (repo, pr, head, user, at_ms) "                      \
		"VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (repo, pr, head, user) "                  \
		"DO UPDATE SET at_ms = excluded.at_ms, void_ms = NULL, void_reason = NULL "        \
		"WHERE void_ms IS NOT NULL")                                                       \
	X(APPROVAL_VOID, "UPDATE approval SET void_ms = ?3, void_reason = ?4 "                     \
		"WHERE repo = ?1 AND pr = ?2 AND void_ms IS NULL AND head <> ?5")                  \
	X(APPROVAL_VOID_BY, "UPDATE approval SET void_ms = ?3, void_reason = ?4 "                  \
		"WHERE repo = ?1 AND pr = ?2 AND void_ms IS NULL AND user = ?5")                   \
	/* What somebody said up to then. */                                                       \
	X(APPROVAL_VOID_UP_TO, "UPDATE approval SET void_ms = ?3, void_reason = ?4 "               \
		"WHERE repo = ?1 AND pr = ?2 AND void_ms IS NULL AND user = ?5 AND at_ms <= ?6")   \
	/* Of open PRs of local repositories: there the name is a user's. */                       \
	X(APPROVAL_VOID_USER, "UPDATE approval SET void_ms = ?2, void_reason = ?3 "                \
		"WHERE user = ?1 AND void_ms IS NULL AND EXISTS (SELECT 1 FROM pr p JOIN repo r "  \
		"ON r.id = p.repo WHERE p.repo = approval.repo AND p.number = approval.pr "        \
		"AND p.state = 'open' AND r.forge = 'local')")                                     \
	X(APPROVAL_OPEN_BY, "SELECT count(*) FROM approval a JOIN pr p ON p.repo = a.repo "        \
		"AND p.number = a.pr JOIN repo r ON r.id = p.repo WHERE a.user = ?1 "              \
		"AND a.void_ms IS NULL AND a.head = p.head AND p.state = 'open' "                  \
		"AND r.forge = 'local' AND (?2 = 0 OR p.repo = ?2)")                               \
	X(DEPENDENCY_ADD, "INSERT INTO dependency (repo, pr, on_pr, source, at_ms) "               \
		"VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (repo, pr, on_pr, source) DO NOTHING")    \
	X(DEPENDENCY_CLEAR, "DELETE FROM dependency WHERE repo = ?1 AND pr = ?2 AND source = ?3")  \
	X(DEPENDENCY_CLEAR_STACK, "DELETE FROM dependency WHERE repo = ?1 AND pr = ?2 "            \
		"AND source = 'stack' AND on_pr IN (SELECT number FROM pr WHERE repo = ?1 "        \
		"AND state = 'open')")                                                             \
	X(DEPENDENCY_OF, "SELECT * FROM dependency WHERE repo = ?1 AND pr = ?2 ORDER BY on_pr")    \
	X(DEPENDENCY_DROP, "DELETE FROM dependency WHERE repo = ?1 AND pr = ?2 AND on_pr = ?3 "    \
		"AND source = ?4")                                                                 \
	X(DEPENDENCY_ODD_ADD, "INSERT INTO dependency_odd (repo, pr, source, what, name, number, " \
		"at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING")               \
	X(DEPENDENCY_ODD_CLEAR, "DELETE FROM dependency_odd WHERE repo = ?1 AND pr = ?2 "          \
		"AND source = ?3")                                                                 \
	X(DEPENDENCY_ODD_DROP, "DELETE FROM dependency_odd WHERE repo = ?1 AND pr = ?2 "           \
		"AND name = ?3 COLLATE NOCASE AND number = ?4 AND source = ?5")                    \
	X(DEPENDENCY_ODD_OF, "SELECT * FROM dependency_odd WHERE repo = ?1 AND pr = ?2 "           \
		"ORDER BY id")                                                                     \
	X(REPO_LIKE_NAME, "SELECT * FROM repo WHERE name = ?1 COLLATE NOCASE "                     \
		"AND removed_ms = 0 LIMIT 1")                                                      \
	/* tasks */                                                                                \
	X(TASK_OPEN, "SELECT id, repo, state, reason FROM task WHERE ended_ms IS NULL "            \
		"ORDER BY id")                                                                     \
	X(TASK_OPEN_OF_ISSUE, "SELECT * FROM task WHERE repo = ?1 AND issue = ?2 "                 \
		"AND ended_ms IS NULL ORDER BY id DESC LIMIT 1")                                   \
	X(TASK_LAST_OF_ISSUE, "SELECT * FROM task WHERE repo = ?1 AND issue = ?2 "                 \
		"ORDER BY id DESC LIMIT 1")                                                        \
	X(TASK_OF_ISSUE, "SELECT * FROM task WHERE repo = ?1 AND issue = ?2 ORDER BY id")          \
	/* What has not ended for good. */                                                         \
	X(TASK_LIVE_OF_ISSUE, "SELECT * FROM task WHERE repo = ?1 AND issue = ?2 "                 \
		"AND (ended_ms IS NULL OR state = 'needs-human') ORDER BY id")                     \
	X(TASK_LIVE_OF_CLOSED, "SELECT t.* FROM task t JOIN issue i ON i.repo = t.repo "           \
		"AND i.number = t.issue WHERE i.state = 'closed' AND t.id IN (SELECT id FROM "     \
		"task WHERE ended_ms IS NULL UNION ALL SELECT id FROM task "                       \
		"WHERE state = 'needs-human') ORDER BY t.id")                                      \
	X(TASK_LAST_OF_PR, "SELECT * FROM task WHERE repo = ?1 AND pr = ?2 "                       \
		"ORDER BY id DESC LIMIT 1")                                                        \
	X(TASK_OPEN_BY, "SELECT count(*) FROM task t JOIN repo r ON r.id = t.repo "                \
		"WHERE t.ended_ms IS NULL AND t.requester = ?1 AND r.forge = 'local'")             \
	X(TASK_WAITING, "SELECT * FROM task WHERE state = 'waiting' ORDER BY id")                  \
	X(TASK_LIST, "SELECT * FROM task WHERE (?1 = 0 OR repo = ?1) "                             \
		"AND (?2 = 'all' OR state = ?2 OR (?2 = 'open' AND ended_ms IS NULL)) "            \
		"ORDER BY id")                                                                     \
	X(TASK_STATES, "SELECT state, count(*) FROM task GROUP BY state ORDER BY state")           \
	X(TASK_KEPT, "SELECT * FROM task WHERE worktree IS NOT NULL AND ended_ms IS NOT NULL "     \
		"ORDER BY id")                                                                     \
	X(TASK_WITH_FOLDER, "SELECT id FROM task WHERE repo = ?1 AND (worktree IS NOT NULL "       \
		"OR ended_ms IS NULL) ORDER BY id")                                                \
	X(TASK_LAST, "SELECT coalesce(max(id), 0) FROM task")                                      \
	X(TASK_PAST, "SELECT * FROM task WHERE ended_ms < ?1 "                                     \
		"AND (worktree IS NULL OR (state <> 'needs-human' AND coalesce(closed_ms, 0) = 0)) "  \
		"AND NOT EXISTS (SELECT 1 FROM pr p WHERE p.repo = task.repo "                     \
		"AND p.number = task.pr AND p.state = 'open') ORDER BY id LIMIT 100")              \
	X(ATTEMPT_PURGE, "DELETE FROM attempt WHERE task = ?1")                                    \
	X(TASK_PURGE, "DELETE FROM task WHERE id = ?1")                                            \
	/* Of a cancelled task it is a person's. */                                                \
	X(TASK_AGENT_PRS, "SELECT count(*) FROM pr p WHERE p.repo = ?1 AND p.state = 'open' "      \
		"AND EXISTS (SELECT 1 FROM task t WHERE t.id = p.task "                            \
		"AND t.state <> 'cancelled')")                                                            \
	/* What the queue tried and did not land, of PRs that are not open any more. */             \
	X(CANDIDATE_AGED, "DELETE FROM candidate WHERE id IN (SELECT id FROM candidate c "         \
		"WHERE c.ended_ms < ?1 AND NOT EXISTS (SELECT 1 FROM landing l "                   \
		"WHERE l.candidate = c.id) AND NOT EXISTS (SELECT 1 FROM pr p "                    \
		"WHERE p.repo = c.repo AND p.number = c.pr AND p.state = 'open') LIMIT 1000)")     \
	X(ATTEMPT_AGED, "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt a "               \
		"WHERE a.task IS NULL AND a.ended_ms < ?1 AND NOT EXISTS (SELECT 1 FROM "          \
		"candidate c WHERE c.id = a.candidate) LIMIT 1000)")                               \
	X(QUEUE_AGED, "DELETE FROM queue_entry WHERE id IN (SELECT id FROM queue_entry q "         \
		"WHERE q.ended_ms < ?1 AND q.state IN ('ejected', 'dequeued') AND NOT EXISTS ("    \
		"SELECT 1 FROM pr p WHERE p.repo = q.repo AND p.number = q.pr "                    \
		"AND p.state = 'open') LIMIT 1000)")                                               \
	X(USAGE_ADD, "INSERT INTO usage (repo, task, attempt, tokens_in, tokens_out, "             \
		"cost_microusd, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                       \
	X(ATTEMPT_BY_RUN, "SELECT * FROM attempt WHERE run = ?1")                                  \
	X(ATTEMPT_OPEN, "SELECT * FROM attempt WHERE state <> 'ended' ORDER BY id")                \
	X(ATTEMPT_OPEN_OF_TASK, "SELECT * FROM attempt WHERE task = ?1 AND state <> 'ended' "      \
		"ORDER BY id")                                                                     \
	X(ATTEMPT_OPEN_OF_CANDIDATE, "SELECT * FROM attempt WHERE candidate = ?1 "                 \
		"AND state <> 'ended' ORDER BY id")                                                \
	/* What a gate took before, of runs that ended by themselves; not of all history. */ \
	X(ATTEMPT_OF_GATE, "SELECT * FROM attempt WHERE repo = ?1 AND command = ?2 "               \
		"AND id > (SELECT max(id) - 2000 FROM attempt) "                                   \
		"AND candidate IS NOT NULL AND state = 'ended' AND outcome = 'exited' "            \
		"AND started_ms > 0 AND ended_ms >= started_ms ORDER BY id DESC LIMIT 20")         \
	X(ATTEMPT_OF_TASK, "SELECT * FROM attempt WHERE task = ?1 ORDER BY id")                    \
	X(ATTEMPT_LAST_OF_TASK, "SELECT * FROM attempt WHERE task = ?1 "                           \
		"AND coalesce(outcome, '') <> 'not-started' ORDER BY id DESC LIMIT 1")             \
	X(ATTEMPT_MS_OF_TASK, "SELECT coalesce(sum(ended_ms - started_ms), 0) FROM attempt "       \
		"WHERE task = ?1 AND started_ms > 0 AND ended_ms > started_ms")                    \
	X(LEASE_OF_REPO, "SELECT * FROM lease WHERE repo = ?1 ORDER BY id")                        \
	X(LEASE_END, "DELETE FROM lease WHERE task = ?1")                                          \
	/* queue */                                                                                \
	X(QUEUE_OPEN, "SELECT * FROM queue_entry WHERE repo = ?1 AND state = 'queued' "            \
		"ORDER BY id")                                                                     \
	X(QUEUE_OF_PR, "SELECT * FROM queue_entry WHERE repo = ?1 AND pr = ?2 "                    \
		"AND state = 'queued'")                                                            \
	X(QUEUE_LAST_OF_PR, "SELECT * FROM queue_entry WHERE repo = ?1 AND pr = ?2 "               \
		"ORDER BY id DESC LIMIT 1")                                                        \
	X(CANDIDATE_CONFLICT, "SELECT * FROM candidate WHERE repo = ?1 AND pr = ?2 AND head = ?3 " \
		"AND verdict = 'conflict' ORDER BY id DESC LIMIT 1")                                 \
	/* Is a branch still a candidate's, or about to be deleted by what is left to do of one? */ \
	X(CANDIDATE_KEEPS, "SELECT count(*) FROM candidate c WHERE c.repo = ?1 AND c.branch = ?2 " \
		"AND (c.ended_ms IS NULL OR EXISTS (SELECT 1 FROM effect e "                       \
		"WHERE e.subject = 'cand:' || c.id AND e.state < 2))")                             \
	X(CANDIDATE_BASE_COUNT, "SELECT count(*) FROM candidate WHERE repo = ?1 "                  \
		"AND kind = 'base' AND base = ?2 AND state = ?3")                                  \
	X(CANDIDATE_BASE_LIVE, "SELECT * FROM candidate INDEXED BY candidate_live "                \
		"WHERE ended_ms IS NULL AND repo = ?1 AND kind = 'base' ORDER BY id DESC LIMIT 1") \
	X(CANDIDATE_TESTING, "SELECT count(*) FROM candidate WHERE ended_ms IS NULL "              \
		"AND state = 'testing'")                                                           \
	X(CANDIDATE_CHECKING, "SELECT * FROM candidate INDEXED BY candidate_live "                 \
		"WHERE ended_ms IS NULL "                                                          \
		"AND state = 'checking' AND (?1 = 0 OR repo = ?1) AND (?2 = '' OR oid = ?2) "      \
		"ORDER BY id")                                                                     \
	X(TASK_CHECKING, "SELECT * FROM task WHERE state = 'review' AND ended_ms IS NULL "         \
		"AND ci_ms > 0 AND (?1 = 0 OR repo = ?1) AND (?2 = '' OR head = ?2) ORDER BY id")  \
	X(LANDING_OPEN, "SELECT * FROM landing WHERE repo = ?1 AND state = 'intent'")              \
	X(LANDING_BY_NEW, "SELECT * FROM landing WHERE repo = ?1 AND new = ?2 "                    \
		"ORDER BY id DESC LIMIT 1")                                                        \
	X(LANDING_BY_PREFIX, "SELECT * FROM landing WHERE repo = ?1 AND length(?2) >= 7 "          \
		"AND substr(new, 1, length(?2)) = ?2 ORDER BY id DESC LIMIT 1")                    \
	X(LANDING_FAILED, "SELECT count(*) FROM landing WHERE candidate = ?1 "                     \
		"AND state = 'failed'")                                                            \
	/* Heads that a landing moved, and not so long ago that nobody could mean it otherwise. */   \
	X(LANDING_HEAD, "SELECT * FROM landing WHERE repo = ?1 AND pr = ?2 AND new = ?3 "          \
		"AND head_state IS NOT NULL AND (head_state IN ('moving', 'moved', 'restoring') "  \
		"OR (head_state = 'restored' AND head_ms > ?4)) ORDER BY id DESC LIMIT 1")         \
	X(LANDING_BY_CANDIDATE, "SELECT * FROM landing WHERE candidate = ?1 "                      \
		"ORDER BY id DESC LIMIT 1")                                                        \
	/* GitHub */                                                                               \
	X(GITHUB_OF, "SELECT * FROM github_repo WHERE repo = ?1")                                  \
	X(GITHUB_BY_NAME, "SELECT * FROM github_repo WHERE full_name = ?1 COLLATE NOCASE "         \
		"AND repo IN (SELECT id FROM repo WHERE removed_ms = 0)")                          \
	X(GITHUB_BY_REMOTE, "SELECT * FROM github_repo WHERE remote = ?1 "                         \
		"AND repo IN (SELECT id FROM repo WHERE removed_ms = 0)")                          \
	X(GITHUB_ALL, "SELECT * FROM github_repo WHERE repo IN "                                   \
		"(SELECT id FROM repo WHERE removed_ms = 0) ORDER BY repo")                        \
	X(GITHUB_PAUSED, "SELECT * FROM github_repo WHERE pause IS NOT NULL "                      \
		"AND repo IN (SELECT id FROM repo WHERE removed_ms = 0)")                          \
	X(GITHUB_LEVEL, "SELECT * FROM github_level WHERE repo = ?1 AND login = ?2")               \
	X(GITHUB_LEVEL_SET, "INSERT INTO github_level (repo, login, level, at_ms) "                \
		"VALUES (?1, ?2, ?3, ?4) ON CONFLICT (repo, login) "                               \
		"DO UPDATE SET level = excluded.level, at_ms = excluded.at_ms")                    \
	X(GITHUB_TEAM, "SELECT * FROM github_team WHERE team = ?1 AND login = ?2")                 \
	X(GITHUB_TEAM_SET, "INSERT INTO github_team (team, login, member, why, at_ms) "            \
		"VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (team, login) "                           \
		"DO UPDATE SET member = excluded.member, why = excluded.why, at_ms = excluded.at_ms") \
	X(GITHUB_CHECK, "SELECT * FROM github_check WHERE repo = ?1 AND head = ?2 AND name = ?3")  \
	X(GITHUB_REVIEW, "SELECT * FROM github_review WHERE repo = ?1 AND pr = ?2 "                \
		"AND login = ?3")                                                                  \
	X(GITHUB_REVIEW_CHANGES, "SELECT * FROM github_review WHERE repo = ?1 AND pr = ?2 "        \
		"AND state = 'CHANGES_REQUESTED' ORDER BY at_ms, id")                              \
	X(GITHUB_CHECK_BY_REMOTE, "SELECT * FROM github_check WHERE remote = ?1 "                  \
		"AND remote <> 0")                                                                 \
	/* shadow mode and what `stats` counts */                                                  \
	X(SHADOW_OF, "SELECT * FROM shadow_repo WHERE repo = ?1")                                  \
	X(SHADOW_PUT, "INSERT INTO shadow_event (repo, kind, pr, head, base, other, "              \
		"oid, tree, detail, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "           \
		"?10) ON CONFLICT (repo, kind, pr, head, base, other) DO NOTHING")                 \
	X(SHADOW_SET, "UPDATE shadow_event SET base = ?2, tree = ?3, detail = ?4 WHERE id = ?1")   \
	/* The first one says when, the last ones what people may still merge. */                  \
	X(SHADOW_THIN, "DELETE FROM shadow_event WHERE repo = ?1 AND kind = ?2 AND pr = ?3 "       \
		"AND head = ?4 AND id > (SELECT min(id) FROM shadow_event WHERE repo = ?1 "        \
		"AND kind = ?2 AND pr = ?3 AND head = ?4) AND id NOT IN (SELECT id FROM "          \
		"shadow_event WHERE repo = ?1 AND kind = ?2 AND pr = ?3 AND head = ?4 "            \
		"ORDER BY id DESC LIMIT 3)")                                                       \
	X(SHADOW_GET, "SELECT * FROM shadow_event WHERE repo = ?1 AND kind = ?2 AND "              \
		"pr = ?3 AND head = ?4 AND base = ?5 AND other = ?6")                              \
	X(SHADOW_OF_HEAD, "SELECT * FROM shadow_event WHERE repo = ?1 AND kind = ?2 "              \
		"AND pr = ?3 AND head = ?4 ORDER BY id DESC")                                      \
	X(SHADOW_OF_PR, "SELECT * FROM shadow_event WHERE repo = ?1 AND kind = ?2 "                \
		"AND pr = ?3 ORDER BY id")                                                         \
	X(SHADOW_ALL, "SELECT * FROM shadow_event WHERE repo = ?1 ORDER BY id")                    \
	/* Those that were asked for least first ("tries=N"): what never comes does not keep the others waiting. */ \
	X(SHADOW_MERGED_OPEN, "SELECT * FROM shadow_event WHERE repo = ?1 AND kind = "             \
		"'merged' AND tree IS NULL AND oid IS NOT NULL "                                   \
		"ORDER BY CAST(substr(detail, 7) AS INTEGER), id")                                 \
	/* Some of them, by chance: what is asked in a reconciliation is bounded, and all have their turn. */ \
	X(SHADOW_CHECKS_OPEN, "SELECT * FROM shadow_event WHERE repo = ?1 AND at_ms "              \
		">= ?2 AND (?3 = '' OR head = ?3) AND ((kind = 'checks' AND detail <> "            \
		"'green' AND EXISTS (SELECT 1 FROM pr p WHERE p.repo = ?1 AND p.number "           \
		"= shadow_event.pr AND p.state = 'open' AND p.head = "                             \
		"shadow_event.head)) OR (kind = 'base' AND detail = 'pending')) ORDER "            \
		"BY kind = 'base' DESC, random() LIMIT 20")                                                            \
	X(SHADOW_BASE_AT, "SELECT at_ms FROM shadow_event WHERE repo = ?1 AND kind = "             \
		"'base' AND head = ?2 ORDER BY id DESC LIMIT 1")                                   \
	X(SHADOW_BASE_MOVED, "SELECT count(*) FROM shadow_event WHERE repo = ?1 AND "              \
		"kind = 'base' AND at_ms > ?2 AND head <> ?3")                                     \
	X(SHADOW_MERGED_AS, "SELECT count(*) FROM shadow_event WHERE repo = ?1 AND "               \
		"kind = 'merged' AND oid = ?2")                                                    \
	X(SHADOW_PURGE, "DELETE FROM shadow_event WHERE id IN (SELECT id FROM "                    \
		"shadow_event WHERE at_ms < ?1 LIMIT 1000)")                                       \
	X(STATS_TASKS, "SELECT state, count(*), sum(cost_microusd) FROM task WHERE "               \
		"repo = ?1 AND created_ms >= ?2 GROUP BY state ORDER BY state")                    \
	X(STATS_ROUNDS, "SELECT count(*) FROM attempt WHERE repo = ?1 AND created_ms "             \
		">= ?2 AND kind = 'agent'")                                                        \
	X(STATS_LANDED, "SELECT ended_ms - enqueued_ms FROM queue_entry WHERE repo = "             \
		"?1 AND ended_ms >= ?2 AND state = 'landed' ORDER BY 1")                           \
	X(STATS_VERDICTS, "SELECT count(*) FROM candidate WHERE repo = ?1 AND "                    \
		"created_ms >= ?2 AND kind = 'pr' AND verdict = ?3")                               \
	/* Does anybody wait for checks of this commit? */                                         \
	X(CI_WAITED, "SELECT (SELECT count(*) FROM candidate WHERE repo = ?1 AND oid = ?2 "        \
		"AND ended_ms IS NULL AND state = 'checking') + (SELECT count(*) FROM task "       \
		"WHERE repo = ?1 AND head = ?2 AND ended_ms IS NULL AND ci_ms > 0) + "              \
		"(SELECT count(*) FROM shadow_event WHERE repo = ?1 AND head = ?2 "                \
		"AND kind IN ('checks', 'base') AND detail <> 'green')")                           \
	X(CHECK_NEWER, "SELECT count(*) FROM effect WHERE subject = ?1 AND state < 2 "             \
		"AND id > ?2 AND kind = 'forge-check' AND payload ->> '$.head' = ?3")              \
	X(EFFECT_PENDING_OF, "SELECT count(*) FROM effect WHERE subject = ?1 AND state < 2 "       \
		"AND state = 0 AND kind = ?2")                                                     \
	X(COMMENT_NEWER, "SELECT count(*) FROM effect WHERE subject = ?1 AND state < 2 "           \
		"AND id > ?2 AND kind = 'forge-comment' AND payload ->> '$.key' = ?3")             \
	X(LABEL_PUT, "INSERT INTO label (repo, number, name, by, at_ms) "                          \
		"VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (repo, number, name) "                    \
		"DO UPDATE SET by = excluded.by, at_ms = excluded.at_ms")
/* clang-format on */

enum stmt_id {
#define X(id, sql) ST_##id,
	STATEMENTS(X)
#undef X
		ST_COUNT
};

#endif
