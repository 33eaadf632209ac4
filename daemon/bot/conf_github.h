/*
 * conf_github.h - the section `github` of the daemon's yardmaster.yml.
 *
 *   github:
 *     api: https://api.github.com  GitHub Enterprise Server: https://HOST/api/v3
 *     app: ID                      App ID or client ID, with
 *     key: SOURCE                  its private key
 *     token: SOURCE                or a plain token instead of an App, for trying out
 *     ca-file: PATH                certificates of a private authority; the system's. Of Git over HTTPS and
 *                                  the event channel, too
 *     proxy: http://HOST:PORT      none; of Git over HTTPS and the event channel, too
 *     git: URL                     where repositories are cloned from: URL/OWNER/NAME.git; what the
 *                                  API says. ssh://git@HOST with a deploy key
 *     ssh-key: PATH                a deploy key: Git goes over SSH instead of HTTPS, with
 *     known-hosts: PATH            the file that the host's key is checked against
 *
 *     head-seconds: 60             how long a landing waits for GitHub to show a head that it pushed;
 *                                  1..600
 *     permissions:                 who may, each a list of which one is enough: write, maintain (levels of
 *                                  the repository), team:ORG/SLUG
 *       label: [write]             assign an agent by a label, and take it off
 *       run: [write]               /yard run, cancel, retry, say
 *       queue: [write]             /yard queue, dequeue, hold, unhold, depends, undepend. An approval counts by its
 *                                  author's level alone
 *       halt: [write]              /yard halt
 *       freeze: [maintain]         /yard freeze, thaw
 *       resume: [maintain]         /yard resume; in every repository of the daemon
 *     webhook-secrets: […], events conf_hooks.h
 *     shadow: false                true: nothing is ever written there, what would have been done is
 *                                  only counted (bot/shadow.h). A list: only there: [OWNER/NAME,
 *                                  …], and an asterisk for NAME is all of an owner's
 *
 * SOURCE is env:NAME, file:PATH or cred:NAME (sys/secret.h): the file names secrets and holds none.
 */
#ifndef YM_BOT_CONF_GITHUB_H
#define YM_BOT_CONF_GITHUB_H

#include "base/err.h"
#include "base/json.h"
#include "base/strvec.h"
#include "base/yaml.h"

#include <stdbool.h>

enum conf_allow {
	CONF_ALLOW_NONE, /* the configuration never says anything about it */
	CONF_ALLOW_LABEL,
	CONF_ALLOW_RUN,
	CONF_ALLOW_QUEUE,
	CONF_ALLOW_HALT,
	CONF_ALLOW_FREEZE,
	CONF_ALLOW_RESUME,
	CONF_ALLOW_COUNT
};
#define CONF_TEAM "team:"

struct conf_github {
	bool set; /* there is an App or a token: GitHub can be asked */
	char *api, *app, *key, *token, *ca_file, *proxy, *git, *ssh_key, *known_hosts;
	int64_t head_wait_ms;
	struct strvec allow[CONF_ALLOW_COUNT]; /* checked; none: as the default of the level says */
	bool shadow_all;
	struct strvec shadow; /* OWNER/NAME; NAME an asterisk: all of them */
};

/* `path` makes a path absolute, as for the other keys of the file; folder is where relative ones begin. */
typedef int (*conf_path_fn)(void *arg, const struct yaml_node *n, char **ret);
int conf_github_load(const struct yaml_doc *doc, const struct yaml_node *n, const char *folder,
		     conf_path_fn path, void *arg, struct conf_github *ret, struct err *err);
/* Is a repository of this name to be watched only? Upper and lower case are the same there. */
bool conf_github_shadows(const struct conf_github *c, const char *full_name);
void conf_github_release(struct conf_github *c);
/* Do they name the same App, keys and places? Permissions may differ: they can change while the daemon runs. */
bool conf_github_same(const struct conf_github *a, const struct conf_github *b);
json_t *conf_github_json(const struct conf_github *c);

#endif
