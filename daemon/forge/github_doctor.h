/*
 * github_doctor.h - is GitHub set up as yardmaster needs it? Asks, changes nothing.
 *
 * The result is a list of rows, as the command `doctor` shows them: {check, ok, text, mend?}. What could not be
 * asked is a row that is not ok and says why: nothing is green because it was not looked at.
 *
 * Looked at are the credentials, the App's permissions and events, its webhook and the last deliveries, the
 * clock, the limits; and of each repository the installation and every rule that would refuse a landing.
 */
#ifndef YM_FORGE_GITHUB_DOCTOR_H
#define YM_FORGE_GITHUB_DOCTOR_H

#include "forge/github_client.h"

#define GITHUB_DOCTOR_REPOS_MAX 100

struct github_doctor_repo {
	const char *full_name, *base;
	int64_t installation;
	const char *problem; /* why nothing could be read there lately; NULL: none is known */
	const char *method;  /* by which a landing lands; NULL: not looked at */
	bool moves_heads;    /* rebase or squash: a landing pushes the PR's head first */
	bool merges;         /* a landing makes merge commits */
	bool drafts;         /* candidates get a draft PR */
	bool shadow;         /* only watched: reading is all that is needed, and nothing lands */
};

struct github_doctor_opts {
	struct gh *client;
	const char *token;   /* what the configuration calls the plain token; NULL: an App */
	bool listens;        /* the daemon has an address for webhooks */
	const char *channel; /* the address of the event channel; copied; NULL: there is none */
	bool signs;          /* there is a key that signs landings */
	const char *email;   /* … by this committer; copied */
	bool shadow;         /* every repository is only watched, also those to come */
	const struct github_doctor_repo *repos; /* copied */
	size_t n;
	void (*done)(void *arg, json_t *rows); /* takes rows; in a later turn, once */
	void *arg;
};

struct github_doctor;
struct github_doctor *github_doctor_start(const struct github_doctor_opts *o);
/* Before its end: `done` is not called. Never after it. NULL is fine. */
void github_doctor_cancel(struct github_doctor *d);

#endif
