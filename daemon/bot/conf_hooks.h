/*
 * conf_hooks.h - the part of the daemon's configuration that is about receiving webhooks.
 *
 *   listen: ADDRESS:PORT           numbers: 127.0.0.1:8080, [::1]:8080; port 0 takes a free one; default: off
 *   github:
 *     events: URL                  an event channel (smee.io, or a server like it) from which they are fetched, for
 *                                  machines that no webhook reaches; https, or http on loopback. It and `listen`
 *                                  need not both be there; default: none
 *     webhook-secrets:             none: every delivery is refused with 401
 *       - secret: file:PATH        or env:NAME, cred:NAME (sys/secret.h)
 *         repos: [owner/name]      what a delivery signed with it may be about; a star for the name is
 *                                  everything of the owner; default: everything
 *   retention:
 *     deliveries-days: 3           raw deliveries; GitHub keeps its own as long
 *     deliveries-mb: 512           the same, as a limit of their size in the ledger
 *
 * Several secrets count at the same time: to rotate one, add the new one, tell the forge, take the old one out.
 */
#ifndef YM_BOT_CONF_HOOKS_H
#define YM_BOT_CONF_HOOKS_H

#include "base/json.h"
#include "base/strvec.h"
#include "base/yaml.h"

#define CONF_SECRETS_MAX 16
#define CONF_REPOS_MAX   256 /* patterns of one secret */

struct conf_secret {
	char *ref;           /* "env:NAME", with an absolute path for file: */
	struct strvec repos; /* empty: everything */
};

struct conf_hooks {
	char *listen; /* NULL: off */
	struct conf_secret *secrets;
	size_t nsecrets;
	char *events; /* NULL: none; in normal form */
};

/* A secret's source (sys/secret.h), file: with an absolute path. NULL leaves *ret alone. */
int conf_secret_load(const struct yaml_doc *doc, const struct yaml_node *n, const char *folder,
		     char **ret, struct err *err);
/* The values of `listen` and `github` (NULL for what is absent). folder: where relative paths begin. */
int conf_hooks_load(const struct yaml_doc *doc, const struct yaml_node *listen,
		    const struct yaml_node *github, const char *folder, struct conf_hooks *ret,
		    struct err *err);
void conf_hooks_release(struct conf_hooks *c);
json_t *conf_hooks_json(const struct conf_hooks *c); /* the list of secrets, named and never read */

#endif
