/* github_team.c - see forge.h: who is in a team. */
#include "forge/github_job.h"

#include <string.h>

/* Takes why. */
static int keep(struct job *j, int member, char *why, struct err *err)
{
	autofree char *text = why;

	return db_run(j->g->o.db, ST_GITHUB_TEAM_SET, err, "ssisi",
		      json_str(j->payload, "team", ""), json_str(j->payload, "user", ""),
		      (int64_t)member, text, job_now(j)) < 0
		       ? -1
		       : JOB_DONE;
}

/* 404: not in it, or there is no such team, or it is not for us to see: in no case a member. An invitation
 * that was not accepted yet is none. */
static int did_member(struct job *j, const struct gh_answer *a, struct err *err)
{
	if (a->outcome == GH_GONE)
		return keep(j, 0, NULL, err);
	if (a->outcome == GH_REFUSED)
		return keep(
			j, -1,
			xasprintf("GitHub does not say who is in the team %s (the App needs the "
				  "permission 'members: read'): %s",
				  json_str(j->payload, "team", ""), a->text),
			err);
	if (job_check(j, a, err) < 0)
		return -1;
	return keep(j, !strcmp(json_str(a->body, "state", ""), "active"), NULL, err);
}

int github_act_member(struct job *j, struct err *err)
{
	const char *team = json_str(j->payload, "team", ""), *slash = strchr(team, '/');
	const char *user = json_str(j->payload, "user", "");
	autofree char *org = slash ? xstrndup(team, (size_t)(slash - team)) : NULL;

	/* A machine is in no team. */
	if (!org || !*user || strstr(user, "[bot]"))
		return keep(j, 0, NULL, err);
	return job_get(j, gh_path("/orgs/%s/teams/%s/memberships/%s", org, slash + 1, user), 0,
		       "member", did_member);
}

int github_member(struct forge *f, const char *team, const char *user, int *ret, char **ret_why,
		  struct err *err)
{
	cleanup(github_team_release) struct github_team t = {0};
	int rc = github_team_find(f->db, ST_GITHUB_TEAM, &t, err, "ss", team, user);
	int64_t age;

	if (rc < 0)
		return -1;
	age = f->clock->wall_ms(f->clock) - t.at_ms;
	if (age < 0) /* by a clock that was put back since: as if it had never been asked */
		age = INT64_MAX;
	rc = rc && age < GITHUB_LEVEL_OLD_MS;
	*ret = rc ? (int)t.member : -1;
	if (ret_why && *ret < 0)
		*ret_why = t.why ? steal(&t.why)
				 : xasprintf("GitHub is asked who is in the team %s", team);
	return rc && age <= GITHUB_LEVEL_MS ? 0 : FORGE_LATER;
}
