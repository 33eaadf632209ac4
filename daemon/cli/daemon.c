/* daemon.c - the table of the commands of one word. */
#include "cli/local.h"

static const struct cli_column stats_columns[] = {
	{"repo", "REPOSITORY", CLI_COL_TEXT},
	{"mode", "MODE", CLI_COL_TEXT},
	{"what", "WHAT", CLI_COL_LONG},
	{"shown", "HOW MUCH", CLI_COL_LONG},
	{0},
};

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

static const struct cli_column sizes[] = {{"repo", "REPOSITORY", CLI_COL_TEXT},
					  {"packs", "PACKS", CLI_COL_INT},
					  {"pack_bytes", "BYTES IN PACKS", CLI_COL_INT},
					  {"loose_objects", "LOOSE OBJECTS (ABOUT)", CLI_COL_INT},
					  {0}};
static const struct cli_column problems[] = {{"repo", "REPOSITORY", CLI_COL_TEXT},
					     {"paused_ms", "PAUSED SINCE", CLI_COL_TIME},
					     {"problem", "PROBLEM", CLI_COL_LONG},
					     {0}};
static const struct cli_column first_look[] = {{"repo", "REPOSITORY", CLI_COL_TEXT},
					       {"issue", "ISSUE", CLI_COL_INT},
					       {"label", "LABEL", CLI_COL_TEXT},
					       {"title", "TITLE", CLI_COL_LONG},
					       {0}};

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
		.path = "init",
		.summary = "write a commented configuration, and register an App at GitHub",
		.description =
			"Writes yardmaster.yml: every key with its default or an example, "
			"commented out. A file that is there is left alone.\n\n"
			"With --github it shows a page on a port of this machine that takes a "
			"browser to GitHub to register an App there with the permissions and "
			"events that are needed; the App's key and webhook secret then come into "
			"files of mode 0600 beside yardmaster.yml, and their names into its "
			"section 'github'. The daemon need not run.",
		.args = (const struct cli_arg[]){{.name = "dir",
						  .help = "the folder of yardmaster.yml; without "
							  "it, that of --config, else "
							  "~/.config/yardmaster",
						  .min = 0,
						  .max = 1,
						  .complete = CLI_COMPLETE_FOLDER},
						 {0}},
		.opts =
			(const struct cli_opt[]){
				{.name = "force",
				 .kind = CLI_FLAG,
				 .help = "write a new yardmaster.yml; the old one is kept beside "
					 "it"},
				{.name = "github",
				 .kind = CLI_FLAG,
				 .help = "register an App at GitHub through a browser"},
				{.name = "owner",
				 .arg = "ORG",
				 .help = "the organisation that the App will belong to",
				 .def = "the account that is signed in"},
				{.name = "name",
				 .arg = "NAME",
				 .help = "the App's name, which nobody else may have",
				 .def = "yardmaster-, and six random digits"},
				{.name = "api",
				 .arg = "URL",
				 .help = "the address of GitHub's API; Enterprise Server: "
					 "https://HOST/api/v3",
				 .def = "https://api.github.com"},
				{.name = "ca-file",
				 .arg = "FILE",
				 .help = "certificates of a private authority",
				 .def = "the system's",
				 .complete = CLI_COMPLETE_FILE},
				{.name = "public-url",
				 .arg = "URL",
				 .help = "where GitHub reaches this daemon; deliveries go to "
					 "URL/webhook/github",
				 .def = "none: GitHub is asked every few minutes instead"},
				{.name = "events",
				 .arg = "URL",
				 .help = "an event channel, as https://smee.io/new makes one, "
					 "instead of --public-url: for a machine that GitHub "
					 "cannot reach"},
				{.name = "port",
				 .arg = "PORT",
				 .kind = CLI_INT,
				 .min = 1,
				 .max = 65535,
				 .help = "the port of the local page, for a tunnel to it",
				 .def = "a free one"},
				CLI_OPT_END},
		.examples =
			(const struct cli_example[]){
				{"yardmaster init --github --owner acme --public-url "
				 "https://yard.example.org",
				 "a configuration, and an App of the organisation acme"},
				{0}},
		.exits = (const int[]){5, 78, -1},
		.flags = CLI_TOLD,
		.run = cli_own,
	},
	{
		.path = "status",
		.summary = "show what the daemon is doing",
		.description =
			"Also why nothing is begun or landed in a repository (\"problems\"), and "
			"which issues had an agent's label before yardmaster looked at the "
			"repository for the first time (\"first look\"): nothing of these is "
			"started until the label is set again, or /yard run is said.\n\n"
			"\"repositories\" says how large each one is. With 50 packs, or some "
			"2,000 loose objects, it is packed by itself, once in ten minutes at most "
			"and not while something lands; what is loose is counted in one of 256 "
			"folders.",
		.lists = (const struct cli_list[]){{"repositories", sizes},
						   {"problems", problems},
						   {"first_look", first_look},
						   {0}},
		.exits = (const int[]){6, -1},
	},
	{
		.path = "stats",
		.summary = "count what was done, or in shadow mode what would have been",
		.description =
			"Of a repository that is worked on: tasks, rounds, cost, landings and how "
			"long they took, conflicts, and what was red before it could reach the "
			"base.\n\n"
			"Of one in shadow mode: which PRs were ready, what would have landed and "
			"in which order, conflicts between PRs that were both ready, and how "
			"people merged them: after how long, with the very tree that would have "
			"landed or another one, and whether any check had seen that tree. All of "
			"it is counted from the ledger.",
		.opts = (const struct cli_opt[]){{.name = "repo",
						  .letter = 'R',
						  .arg = "NAME",
						  .help = "the repository",
						  .def = "all"},
						 {.name = "since",
						  .arg = "DAYS",
						  .kind = CLI_INT,
						  .min = 1,
						  .max = 3650,
						  .help = "how far back",
						  .def = "30"},
						 CLI_OPT_END},
		.columns = stats_columns,
	},
	{
		.path = "doctor",
		.summary = "check this machine and say how to mend what is wrong",
		.description =
			"Looks at git, the sandbox, the configuration, the data directory, "
			"the disk and the ledger. With GitHub: at the credentials, the App's "
			"permissions and events, its webhook and the last deliveries, the "
			"clock and the limits, and in each repository at the installation "
			"and at every rule that would refuse a landing.",
		.exits = (const int[]){1, -1},
		.flags = CLI_TOLD,
		.run = cli_own,
	},
	{
		.path = "halt",
		.summary = "end all agents now and start none until 'resume'",
		.description =
			"Stays in force across restarts. Works without a daemon too, for those who "
			"may write the data directory.",
		.opts = (const struct cli_opt[]){{.name = "reason",
						  .arg = "TEXT",
						  .help = "why, for those who ask"},
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
		.run = cli_own,
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
