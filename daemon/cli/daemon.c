/* daemon.c - the table of the commands of one word. */
#include "cli/local.h"

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

const struct cli_command cli_daemon_commands[] = {
	{
		.path = "serve",
		.summary = "run the daemon in the foreground",
		.description =
			"Holds a lock on the data directory; a second daemon on it refuses to "
			"start. "
			"Refuses to run as uid 0. SIGHUP reloads the configuration, SIGTERM ends "
			"the "
			"daemon; agents go on in their keepers and are found again by the next "
			"start.",
		.opts = (const struct cli_opt[]){{.name = "data",
						  .arg = "DIR",
						  .help = "the data directory",
						  .def = "what the configuration says, else "
							 "~/.local/state/yardmaster",
						  .complete = CLI_COMPLETE_FOLDER},
						 {.name = "log-level",
						  .arg = "LEVEL",
						  .help = "how much goes to standard error",
						  .def = "info",
						  .values = levels},
						 {.name = "foreground",
						  .kind = CLI_FLAG,
						  .help = "stay in the foreground, which is the "
							  "only way there is"},
						 CLI_OPT_END},
		.exits = (const int[]){5, 78, -1},
		.run = cli_serve,
	},
	{
		.path = "status",
		.summary = "show what the daemon is doing",
		.exits = (const int[]){6, -1},
	},
	{
		.path = "doctor",
		.summary = "check this machine and say how to mend what is wrong",
		.description = "Looks at git, the sandbox, the configuration, the data directory, "
			       "the disk "
			       "and, when the daemon is alive, at the ledger.",
		.exits = (const int[]){1, -1},
		.flags = CLI_TOLD,
		.run = cli_doctor,
	},
	{
		.path = "halt",
		.summary = "end all agents now and start none until 'resume'",
		.description =
			"Stays in force across restarts. Works without a daemon too, for those who "
			"may write the data directory.",
		.opts =
			(const struct cli_opt[]){
				{.name = "reason", .arg = "TEXT", .help = "why, for those who ask"},
				CLI_OPT_END},
		.exits = (const int[]){4, -1},
		.run = cli_halt,
	},
	{
		.path = "resume",
		.summary = "let agents start again after 'halt', or on a new ledger",
	},
	{
		.path = "backup",
		.summary = "copy the ledger to a file while the daemon runs",
		.args = (const struct cli_arg[]){{.name = "file",
						  .help = "the copy; it must not exist yet",
						  .min = 1,
						  .max = 1,
						  .complete = CLI_COMPLETE_FILE},
						 {0}},
		.exits = (const int[]){5, -1},
		.run = cli_backup,
	},
	{
		.path = "help",
		.summary = "show help for a command or a group of commands",
		.args = (const struct cli_arg[]){{.name = "command",
						  .help = "its words",
						  .kind = CLI_LIST,
						  .min = 0,
						  .max = -1},
						 {0}},
	},
	{
		.path = "role",
		.summary = "run one of the daemon's processes; started by the daemon only",
		.flags = CLI_HIDDEN | CLI_RAW,
		.run = cli_role,
	},
	{
		.path = "hook",
		.summary = "run as a hook of a repository; started by git only",
		.flags = CLI_HIDDEN | CLI_RAW,
		.run = cli_hook,
	},
	{
		.path = "man",
		.summary = "print a manual page: 'yardmaster' or the name of a group",
		.args = (const struct cli_arg[]){{.name = "page",
						  .help = "yardmaster, yardmaster-task, ...; "
							  "without it, the names of all",
						  .min = 0,
						  .max = 1},
						 {0}},
		.flags = CLI_HIDDEN,
		.run = cli_man,
	},
	{0},
};
