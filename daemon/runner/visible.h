/*
 * visible.h - would the sandbox see this command? Found out on the host, before money and time are spent.
 *
 * The sandbox shows /usr (with /bin, /lib and their like) and the folders that are bound read-only. What
 * npm, nvm, pyenv, cargo and the like install lies in a home folder, behind symbolic links, and often begins
 * with "#!/usr/bin/env node", whose node is in that folder, too: each of these is followed as the kernel and
 * env(1) would follow it inside.
 */
#ifndef YM_RUNNER_VISIBLE_H
#define YM_RUNNER_VISIBLE_H

#include "base/err.h"
#include "base/strvec.h"

#define VISIBLE_PATH "/usr/local/bin:/usr/bin:/bin" /* PATH inside */

/*
 * *ret_file (caller frees) is the absolute path that would be executed. -1 says what would be missing and which
 * folder to name: ERR_NOT_FOUND it is not on this machine, ERR_DENIED it is there and the sandbox would not
 * show it, or it may not be executed.
 */
int visible_command(const char *command, const struct strvec *read_only, char **ret_file,
		    struct err *err);

#endif
