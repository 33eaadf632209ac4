/* clone_script.c - see clone.h: the text of a hook, and knowing it again. */
#include "hooks/clone.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define VERSION_LINE "#!/bin/sh\n# yardmaster local hook 1: "

const char *const clone_hooks[CLONE_HOOKS_N + 1] = {"pre-commit", "commit-msg", "pre-push", NULL};

const char *const clone_others[] = {"applypatch-msg",
				    "pre-applypatch",
				    "post-applypatch",
				    "pre-merge-commit",
				    "prepare-commit-msg",
				    "post-commit",
				    "pre-rebase",
				    "post-checkout",
				    "post-merge",
				    "post-rewrite",
				    "pre-auto-gc",
				    "sendemail-validate",
				    NULL};

const char *const clone_rare[] = {"reference-transaction", "post-index-change",
				  "push-to-checkout",      "proc-receive",
				  "pre-receive",           "update",
				  "post-receive",          "post-update",
				  "fsmonitor-watchman",    "p4-changelist",
				  "p4-prepare-changelist", "p4-post-changelist",
				  "p4-pre-submit",         NULL};

/* The script runs what is behind by itself when the program is gone: a package that was removed must
 * not take somebody's own hooks along. */
char *clone_script(const char *name, const char *program, const char *behind)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *next = NULL, *word = NULL, *ym = NULL;

	/* A relative path must not be taken for an option. */
	next = behind ? xasprintf("%s%s/%s", behind[0] == '-' ? "./" : "", behind, name)
		      : xstrdup("");
	word = text_shell(next);
	ym = program ? text_shell(program) : NULL;
	buf_addf(&b, VERSION_LINE "%s\n", name);
	buf_adds(&b, "# Written by 'yardmaster hooks install'; 'yardmaster hooks uninstall' takes "
		     "it out.\n");
	buf_addf(&b, "next=%s\n", word);
	if (program)
		buf_addf(&b,
			 "ym=%s\n"
			 "if [ -x \"$ym\" ]; then\n"
			 "\texec \"$ym\" hook %s \"$next\" \"$@\"\n"
			 "fi\n"
			 "echo \"yardmaster: $ym is gone; nothing was checked "
			 "('yardmaster hooks install' mends it)\" >&2\n",
			 ym, name);
	buf_adds(&b, "if [ -n \"$next\" ] && [ -x \"$next\" ] && [ ! -d \"$next\" ]; then\n"
		     "\texec \"$next\" \"$@\"\n"
		     "fi\n"
		     "exit 0\n");
	return buf_steal(&b);
}

bool clone_script_is_ours(const char *text, size_t n)
{
	static const char mark[] = "#!/bin/sh\n# yardmaster local hook ";

	return n >= sizeof(mark) - 1 && !memcmp(text, mark, sizeof(mark) - 1);
}
