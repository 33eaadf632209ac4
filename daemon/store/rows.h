/*
 * rows.h - the ledger's rows as structs.
 *
 * Each struct has the columns of the table of its name (migrations/ documents them). A table of
 * columns in rows.c says where each one is; insert, update, load and JSON follow from it, so that
 * a new column is one line in a migration, one in the struct and one in that table.
 *
 * Strings in a struct are owned by it; NULL is null. X_release() frees them and zeroes the struct.
 * row_set() replaces a string.
 *
 *     cleanup(task_release) struct task t = {0};
 *     if (task_get(db, id, &t, err) <= 0) …            1 found, 0 none, -1 error
 *     row_set(&t.state, "running");
 *     task_save(db, &t, err);
 */
#ifndef YM_STORE_ROWS_H
#define YM_STORE_ROWS_H

#include "base/json.h"
#include "store/db.h"

/* pr.edited */
#define PR_EDITED_TITLE 1
#define PR_EDITED_BODY  2

struct column {
	const char *name;
	char type; /* 'i' int64_t, 's' char * */
	size_t offset;
};

struct table {
	const char *name;
	const struct column *columns; /* the first one is id */
	size_t ncolumns;
	size_t size;
};

/* The structs: fields in the order of the table. clang-format changes its mind about such lists. */
/* clang-format off */
#define ROW_I(name) int64_t name;
#define ROW_S(name) char *name;

#define ROW_REPO(I, S)                                                                             \
	I(id)                                                                                      \
	S(name)                                                                                    \
	S(forge)                                                                                   \
	S(path)                                                                                    \
	S(base)                                                                                    \
	S(base_oid)                                                                                \
	I(health)                                                                                  \
	S(health_oid)                                                                              \
	S(health_log)                                                                              \
	I(frozen) S(frozen_reason) S(config) S(config_oid) S(config_error) I(next_number)          \
		I(created_ms) I(removed_ms)
#define ROW_USER(I, S)       I(id) S(name) I(uid) I(created_ms)
#define ROW_PERMISSION(I, S) I(id) I(user) I(repo) I(level)
#define ROW_ISSUE(I, S)                                                                            \
	I(id) I(repo) I(number) S(title) S(body) S(state) S(author) I(created_ms) I(updated_ms)
#define ROW_LABEL(I, S) I(id) I(repo) I(number) S(name) S(by) I(at_ms)
#define ROW_COMMENT(I, S)                                                                          \
	I(id)                                                                                      \
	I(repo) I(number) S(author) S(body) I(bot) S(key) S(reaction) I(created_ms) I(edited_ms)    \
		I(remote)
#define ROW_PR(I, S)                                                                               \
	I(id)                                                                                      \
	I(repo)                                                                                    \
	I(number)                                                                                  \
	S(title)                                                                                   \
	S(body)                                                                                    \
	S(state)                                                                                   \
	S(author)                                                                                  \
	S(base)                                                                                    \
	S(topic)                                                                                   \
	S(head) S(known_head) I(learn_tries) S(learn_why) S(files) I(draft) I(held) S(held_by)     \
		S(held_reason) I(task) S(landed) S(landed_base) I(created_ms) I(updated_ms)        \
			I(head_ms) S(head_repo) I(review) I(modify) S(verdict) S(merged_by) I(edited)
#define ROW_APPROVAL(I, S)   I(id) I(repo) I(pr) S(head) S(user) I(at_ms) I(void_ms) S(void_reason)
#define ROW_DEPENDENCY(I, S) I(id) I(repo) I(pr) I(on_pr) S(source) I(at_ms)
#define ROW_DEPENDENCY_ODD(I, S)                                                                   \
	I(id) I(repo) I(pr) S(source) S(what) S(name) I(number) I(at_ms)
#define ROW_TASK(I, S)                                                                             \
	I(id)                                                                                      \
	I(repo)                                                                                    \
	I(issue)                                                                                   \
	S(blueprint)                                                                               \
	S(source)                                                                                  \
	S(agent)                                                                                   \
	S(requester)                                                                               \
	S(state)                                                                                   \
	S(reason)                                                                                  \
	S(position) S(title) S(body) S(text_hash) S(removed) S(scopes) I(prompted) S(branch)       \
		S(start) S(head) S(tree) I(pr) S(feedback) S(said) S(log) S(summary) S(files)      \
			S(layer) S(worktree) I(runs) I(cost_microusd) I(created_ms) I(started_ms)  \
				I(updated_ms) I(ended_ms) I(ci_ms) S(label) I(asked_ms) S(replaces)        \
				I(closed_ms) I(edited) S(edited_by) S(ignored)
#define ROW_ATTEMPT(I, S)                                                                          \
	I(id)                                                                                      \
	I(repo)                                                                                    \
	I(task)                                                                                    \
	I(candidate)                                                                               \
	S(run)                                                                                     \
	S(kind)                                                                                    \
	I(step)                                                                                    \
	I(round)                                                                                   \
	I(number)                                                                                  \
	S(command) S(agent) S(network) S(state) S(outcome) I(code) S(detail) I(created_ms)         \
		I(started_ms) I(ended_ms)
#define ROW_LEASE(I, S) I(id) I(repo) I(task) S(pattern) I(at_ms)
#define ROW_QUEUE_ENTRY(I, S)                                                                      \
	I(id)                                                                                      \
	I(repo)                                                                                    \
	I(pr)                                                                                      \
	S(head)                                                                                    \
	S(by)                                                                                      \
	I(priority)                                                                                \
	S(state) S(reason) S(waits) I(candidate) I(reruns) I(errors) I(enqueued_ms) I(ended_ms)
#define ROW_CANDIDATE(I, S)                                                                        \
	I(id)                                                                                      \
	I(repo)                                                                                    \
	S(kind)                                                                                    \
	I(entry)                                                                                   \
	I(pr)                                                                                      \
	S(base)                                                                                    \
	S(head)                                                                                    \
	S(merge_base)                                                                              \
	S(method)                                                                                  \
	S(gates) S(state) S(oid) S(tree) I(gate) I(run_number) S(checks) S(detail) I(created_ms)   \
		I(ended_ms) S(ci) S(branch) I(ci_ms) I(ci_red) S(verdict) I(draft)
#define ROW_LANDING(I, S)                                                                          \
	I(id) I(repo) I(candidate) I(pr) S(old) S(new) S(state) S(receipt) I(at_ms) I(ended_ms) \
		S(head) S(head_state) I(head_ms)
#define ROW_GITHUB_REPO(I, S)                                                                      \
	I(id)                                                                                      \
	I(repo)                                                                                    \
	S(full_name)                                                                               \
	I(remote) S(url) I(installation) S(since) S(comments_since) S(problem) I(listed_ms) S(required) \
	I(paused_ms) S(pause)
#define ROW_GITHUB_CHECK(I, S) I(id) I(repo) S(head) S(name) I(remote) S(said)
#define ROW_GITHUB_LEVEL(I, S) I(id) I(repo) S(login) I(level) I(at_ms)
#define ROW_GITHUB_REVIEW(I, S) \
	I(id) I(repo) I(pr) S(login) I(bot) I(review) S(state) S(head) I(at_ms)
#define ROW_GITHUB_TEAM(I, S) I(id) S(team) S(login) I(member) S(why) I(at_ms)
#define ROW_SHADOW_REPO(I, S) I(id) I(repo) S(name) I(since_ms) I(until_ms)
#define ROW_SHADOW_EVENT(I, S)                                                                     \
	I(id)                                                                                      \
	I(repo)                                                                                    \
	S(kind) I(pr) S(head) S(base) I(other) S(oid) S(tree) S(detail) I(at_ms)
#define ROW_EVENT(I, S) I(id) S(key) S(kind) S(payload) I(state) S(note) I(at_ms) I(decided_ms)
#define ROW_EFFECT(I, S)                                                                           \
	I(id)                                                                                      \
	S(key)                                                                                     \
	S(subject)                                                                                 \
	S(kind) S(payload) I(state) I(tries) I(not_before_ms) S(result) I(at_ms) I(done_ms)        \
	I(patient_ms) I(since_ms)
/* clang-format on */

/* name of the struct, its column list */
#define ROWS(X)                                                                                    \
	X(repo, ROW_REPO)                                                                          \
	X(user, ROW_USER)                                                                          \
	X(permission, ROW_PERMISSION)                                                              \
	X(issue, ROW_ISSUE)                                                                        \
	X(label, ROW_LABEL)                                                                        \
	X(comment, ROW_COMMENT)                                                                    \
	X(pr, ROW_PR)                                                                              \
	X(approval, ROW_APPROVAL)                                                                  \
	X(dependency, ROW_DEPENDENCY)                                                              \
	X(dependency_odd, ROW_DEPENDENCY_ODD)                                                      \
	X(task, ROW_TASK)                                                                          \
	X(attempt, ROW_ATTEMPT)                                                                    \
	X(lease, ROW_LEASE)                                                                        \
	X(queue_entry, ROW_QUEUE_ENTRY)                                                            \
	X(candidate, ROW_CANDIDATE)                                                                \
	X(landing, ROW_LANDING)                                                                    \
	X(github_repo, ROW_GITHUB_REPO)                                                            \
	X(github_level, ROW_GITHUB_LEVEL)                                                          \
	X(github_team, ROW_GITHUB_TEAM)                                                            \
	X(github_review, ROW_GITHUB_REVIEW)                                                        \
	X(github_check, ROW_GITHUB_CHECK)                                                          \
	X(shadow_repo, ROW_SHADOW_REPO)                                                            \
	X(shadow_event, ROW_SHADOW_EVENT)                                                          \
	X(event, ROW_EVENT)                                                                        \
	X(effect, ROW_EFFECT)

/*
 * For each row type T:
 *   struct T; struct T_list { struct T *v; size_t n; };
 *   extern const struct table T_table;
 *   T_release, T_list_release
 *   T_insert   writes a new row and sets id; the id must be 0
 *   T_save     writes every column of the row with this id
 *   T_get      by id: 1, 0, -1
 *   T_find     the first row of a named SELECT of T's columns: 1, 0, -1
 *   T_all      all rows of one, in its order
 */
#define DECLARE_ROW(T, COLUMNS)                                                                    \
	struct T {                                                                                 \
		COLUMNS(ROW_I, ROW_S)                                                              \
	};                                                                                         \
	struct T##_list {                                                                          \
		struct T *v;                                                                       \
		size_t n;                                                                          \
	};                                                                                         \
	extern const struct table T##_table;                                                       \
	void T##_release(struct T *row);                                                           \
	void T##_list_release(struct T##_list *l);                                                 \
	int T##_insert(struct db *d, struct T *row, struct err *err);                              \
	int T##_save(struct db *d, const struct T *row, struct err *err);                          \
	int T##_get(struct db *d, int64_t id, struct T *ret, struct err *err);                     \
	int T##_find(struct db *d, enum stmt_id st, struct T *ret, struct err *err,                \
		     const char *types, ...);                                                      \
	int T##_all(struct db *d, enum stmt_id st, struct T##_list *ret, struct err *err,          \
		    const char *types, ...);
ROWS(DECLARE_ROW)

void row_set(char **field, const char *value); /* frees the old one, copies the new one */
void row_take(char **field, char *value);      /* frees the old one, takes the new one */
json_t *row_json(const struct table *t, const void *row); /* every column */

#endif
