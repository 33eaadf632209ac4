/* conf_sample.c - see conf_sample.h */
#include "bot/conf_sample.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/conf_daemon.h"

#include <inttypes.h>
#include <string.h>

/* In the order in which a new user wants them. body NULL: numbers, from the table of that key. */
static const struct {
	const char *key, *prose, *body;
} rows[] = {
	{"data",
	 "# Where the ledger, the mirrors and the worktrees are. Paths are relative to this "
	 "file's\n"
	 "# folder. Without it: ~/.local/state/yardmaster.\n",
	 "#data: /var/lib/yardmaster\n"},
	{"socket", "# Where the command line reaches the daemon. Without it: DATA/socket.\n",
	 "#socket: /run/yardmaster/socket\n"},
	{"socket-group", "# The group whose members may use the socket.\n",
	 "#socket-group: yardmaster\n"},
	{"agents",
	 "# The agents' command lines: a program that reads a prompt and changes the working\n"
	 "# directory. `env` names variables of the daemon that are handed in, a model key for "
	 "one;\n"
	 "# network: host lets the agent reach its model.\n",
	 "#agents:\n"
	 "#  claude:\n"
	 "#    command: [claude, -p, --output-format, text, --dangerously-skip-permissions]\n"
	 "#    kind: command\n"
	 "#    model: claude-sonnet\n"
	 "#    network: host\n"
	 "#    env: [ANTHROPIC_API_KEY]\n"
	 "#    read-only: [/opt/claude]\n"},
	{"default-agent", "# For blueprints that name none. Without it: the only agent there is.\n",
	 "#default-agent: claude\n"},
	{"listen",
	 "# Where webhooks are received, as /webhook/github; a proxy with TLS stands before it.\n"
	 "# Without it none are: GitHub is then asked every reconcile-seconds.\n",
	 "#listen: 127.0.0.1:8080\n"},
	{"github",
	 "# GitHub. 'yardmaster init --github' registers an App and adds this section. Secrets "
	 "are\n"
	 "# named, never written here: file:PATH (mode 0600), env:NAME or cred:NAME (systemd).\n",
	 "#github:\n"
	 "#  api: https://api.github.com    # Enterprise Server: https://HOST/api/v3\n"
	 "#  app: Iv23liEXAMPLE\n"
	 "#  key: file:github-app.pem\n"
	 "#  webhook-secrets:\n"
	 "#    - secret: file:github-webhook.secret\n"
	 "#  events: https://smee.io/CHANNEL    # webhooks without 'listen', for trying it on a "
	 "laptop\n"
	 "#  shadow: true                   # only look: nothing is written there; or [OWNER/NAME, "
	 "OWNER/*]\n"
	 "#  permissions:                   # who may; one of a list is enough. Without it: write, "
	 "and\n"
	 "#    run: [write, \"team:ORG/SLUG\"]   # maintain for freeze and resume\n"},
	{"submodules",
	 "# Submodules that a repository's pull requests may see, beside the public ones of its "
	 "own "
	 "forge.\n",
	 "#submodules:\n"
	 "#  octo/site: [https://github.com/octo/private-library]\n"
	 "#  app: [/srv/yard/repos/library.git]\n"},
	{"reconcile-seconds", "# How often the forge is read again, whatever webhooks say.\n",
	 NULL},
	{"handle", "# @yard in a comment counts as /yard.\n", "#handle: yard\n"},
	{"limits", "# How much at the same time, and how large.\n", NULL},
	{"runs", "# Walls of every sandboxed run; a blueprint may say otherwise.\n", NULL},
	{"notify", "# Run when a person is needed, on conflicts and on a red base.\n",
	 "#notify:\n"
	 "#  command: [/usr/local/bin/tell-the-team]\n"},
	{"retention", "# How long things are kept.\n", NULL},
	{"author", "# Of the commits that the daemon makes.\n",
	 "#author:\n"
	 "#  name: Yardmaster\n"
	 "#  email: yardmaster@localhost\n"},
	{"sign-key",
	 "# An SSH private key without a passphrase that signs these commits. GitHub calls them "
	 "verified when it is a\n"
	 "# signing key of the account with author.email.\n",
	 "#sign-key: /etc/yardmaster/signing-key\n"},
};

/* What each number is about. */
static const struct {
	const char *section, *key, *help;
} helps[] = {
	{"limits", "agents", "agent rounds at the same time"},
	{"limits", "gates", "gate runs of candidates at the same time"},
	{"limits", "agent-prs", "open PRs by agents in one repository"},
	{"limits", "task-minutes", "all runs of one task; 0: no limit"},
	{"limits", "push-mb", "one push to a local repository"},
	{"runs", "memory-mb", "the whole process tree"},
	{"runs", "processes", "in the tree"},
	{"runs", "disk-mb", "growth of the writable folders"},
	{"runs", "file-mb", "one file"},
	{"runs", "output-mb", "standard output and error"},
	{"runs", "cpu-minutes", "of the whole tree"},
	{"retention", "events-days", "handled events"},
	{"retention", "logs-days", "output of runs"},
	{"retention", "task-days", "finished tasks"},
	{"retention", "failed-worktree-days", "worktrees of failed tasks"},
	{"retention", "deliveries-days", "raw webhook deliveries"},
	{"retention", "deliveries-mb", "the same, by size"},
	{"notify", "timeout-seconds", "then the command is killed"},
	{"", "reconcile-seconds", "between two readings"},
};

static const char *help_of(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(helps); i++)
		if (!strcmp(helps[i].section, section) && !strcmp(helps[i].key, key))
			return helps[i].help;
	return "?";
}

static void add_nums(struct buf *b, const char *section, const struct yaml_num *t)
{
	const char *indent = *section ? "  " : "";

	for (; t->key; t++) {
		autofree char *line = xasprintf("%s%s: %" PRId64, indent, t->key, t->otherwise);

		buf_addf(b, "#%-30s# %" PRId64 " to %" PRId64 "; %s\n", line, t->min, t->max,
			 help_of(section, t->key));
	}
}

char *conf_sample(void)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_adds(&b, "# yardmaster.yml - the daemon's configuration. What is commented out is what "
		     "is in\n"
		     "# force, or an example. 'yardmaster config check' checks it; a SIGHUP makes "
		     "a running\n"
		     "# daemon read it again.\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_addf(&b, "\n%s%s", rows[i].prose, rows[i].body ? rows[i].body : "");
		for (const struct conf_numbers *n = conf_daemon_numbers; n->nums; n++) {
			if (!*n->key && strcmp(rows[i].key, n->nums->key) != 0)
				continue;
			if (*n->key && strcmp(rows[i].key, n->key) != 0)
				continue;
			if (*n->key && !rows[i].body)
				buf_addf(&b, "#%s:\n", n->key);
			add_nums(&b, n->key, n->nums);
		}
	}
	return buf_steal(&b);
}
