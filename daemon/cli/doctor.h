/*
 * doctor.h - the rows of `yardmaster doctor`, between its files: this machine and the daemon (doctor.c), the
 * forge (doctor_forge.c).
 */
#ifndef YM_CLI_DOCTOR_H
#define YM_CLI_DOCTOR_H

#include "cli/conf.h"
#include "cli/local.h"
#include "cli/remote.h"

struct doctor {
	struct cli_call *call;
	struct cli_conf conf;
	bool has_conf;
	bool has_data;
	bool ours;   /* the data directory is, or will be */
	bool daemon; /* it answers */
	json_t *rows;
	bool bad;
};

/* mend counts only when it is not ok; NULL: there is nothing to say. */
void doctor_add(struct doctor *d, const char *check, bool ok, const char *text, const char *mend);
void doctor_add_err(struct doctor *d, const char *check, const struct err *err, const char *mend);

void doctor_forge(struct doctor *d, bool daemon_answers);

#endif
