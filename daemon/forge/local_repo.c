/* local_repo.c - see local_repo.h */
#include "forge/local_repo.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/fs.h"

json_t *local_repo_config(int64_t push_mb)
{
	static const char *const values[][2] = {
		/* Pushes to refs/for/ go to proc-receive, whatever they do. */
		{"receive.procReceiveRefs", "refs/for"},
		{"receive.advertisePushOptions", "true"},
		/* Nobody needs to see, and nobody can push, what is the queue's own. */
		{"transfer.hideRefs", "refs/yardmaster"},
		{"core.sharedRepository", "group"},
		{"core.logAllRefUpdates", "true"},
		{"receive.fsckObjects", "true"},
		{"receive.autogc", "false"},
		/* Branches of tasks are checked out in worktrees, which Git says in words of its own before any
		 * hook is asked. The update hook refuses all of them, and says why (hooks/hook.c). */
		{"receive.denyCurrentBranch", "ignore"},
		{"receive.denyDeleteCurrent", "ignore"},
		/* Whose base branch names a folder of this machine was let in by a person of it. */
		{"yardmaster.submodules", "local"},
	};
	autofree char *max = xasprintf("%lldm", (long long)push_mb);
	json_t *o = json_object();

	json_put_str(o, "receive.maxInputSize", max);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		json_put_str(o, values[i][0], values[i][1]);
	return o;
}

static int write_hook(const char *path, const char *name, const char *self, const char *option,
		      const char *value, struct err *err)
{
	autofree char *file = xasprintf("%s/hooks/%s", path, name);
	autofree char *program = text_shell(self), *word = text_shell(value);
	autofree char *text = xasprintf(
		"#!/bin/sh\n# Written by yardmaster; `yardmaster repo add` writes it anew.\n"
		"exec %s hook %s %s %s \"$@\"\n",
		program, name, option, word);

	return fs_write_atomic(file, text, strlen(text), 0755, err);
}

int local_repo_hooks(const char *path, const char *self, const char *socket, const char *base,
		     struct err *err)
{
	autofree char *dir = path_join(path, "hooks");

	return fs_mkdir_p(dir, 0755, err) < 0 ||
			       write_hook(path, "proc-receive", self, "--socket", socket, err) <
				       0 ||
			       write_hook(path, "post-receive", self, "--socket", socket, err) <
				       0 ||
			       write_hook(path, "update", self, "--base", base, err) < 0
		       ? -1
		       : 0;
}
