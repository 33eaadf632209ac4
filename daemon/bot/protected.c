/* protected.c - see protected.h */
#include "bot/protected.h"

#include "base/glob.h"
#include "base/mem.h"

#include <ctype.h>

#define AGENT   "coding agents take it for their instructions or settings"
#define CI      "CI runs what it says"
#define GIT     "Git acts on it when the repository is checked out or merged"
#define HOOKS   "its programs run at commits and pushes"
#define EDITOR  "an editor runs what it names when the folder is opened"
#define SHELL   "a shell or a tool manager runs it on entering the folder"
#define PACKAGE "a package manager takes its registry, its credentials or its programs from it"
#define REVIEW  "it says who must review"

const struct protected_file protected_files[] = {
	/* agents: each one's own files, and those that several read */
	{"**/agents.md", AGENT},
	{"**/agents.override.md", AGENT},
	{"**/agent.md", AGENT},
	{"**/.agents/**", AGENT},
	{"**/.agent/**", AGENT},
	{"**/claude.md", AGENT},
	{"**/claude.local.md", AGENT},
	{"**/.claude/**", AGENT},
	{"**/.claude.json", AGENT},
	{"**/.claude-plugin/**", AGENT},
	{"**/.mcp.json", AGENT},
	{"**/mcp.json", AGENT},
	{"**/.codex/**", AGENT},
	{"**/gemini.md", AGENT},
	{"**/.gemini/**", AGENT},
	{"**/.geminiignore", AGENT},
	{"**/opencode.json", AGENT},
	{"**/opencode.jsonc", AGENT},
	{"**/.opencode/**", AGENT},
	{"**/.cursor/**", AGENT},
	{"**/.cursorrules", AGENT},
	{"**/.cursorignore", AGENT},
	{"**/.windsurf/**", AGENT},
	{"**/.windsurfrules", AGENT},
	{"**/.clinerules", AGENT},
	{"**/.clinerules/**", AGENT},
	{"**/.roo/**", AGENT},
	{"**/.roorules", AGENT},
	{"**/.kilocode/**", AGENT},
	{"**/.amazonq/**", AGENT},
	{"**/.kiro/**", AGENT},
	{"**/.junie/**", AGENT},
	{"**/.augment/**", AGENT},
	{"**/.augment-guidelines", AGENT},
	{"**/.continue/**", AGENT},
	{"**/.continuerules", AGENT},
	{"**/.goosehints", AGENT},
	{"**/.goose/**", AGENT},
	{"**/.aider.conf.yml", AGENT},
	{"**/.aiderignore", AGENT},
	{"**/.qwen/**", AGENT},
	{"**/qwen.md", AGENT},
	{"**/.factory/**", AGENT},
	{"**/.crush.json", AGENT},
	{"**/crush.json", AGENT},
	{"**/crush.md", AGENT},
	{"**/.rules", AGENT}, /* Zed */
	{"**/warp.md", AGENT},
	{"**/.openhands/**", AGENT},
	{"**/.trae/**", AGENT},
	/* CI, and what sets a forge's machines up */
	{".github/**", CI},
	{".gitea/**", CI},
	{".forgejo/**", CI},
	{"**/.gitlab-ci.yml", CI},
	{".gitlab/**", CI},
	{"**/.woodpecker.yml", CI},
	{"**/.woodpecker.yaml", CI},
	{".woodpecker/**", CI},
	{".circleci/**", CI},
	{".travis.yml", CI},
	{".drone.yml", CI},
	{".drone.star", CI},
	{".cirrus.yml", CI},
	{".cirrus.star", CI},
	{"**/jenkinsfile", CI},
	{".ci/**", CI},
	{".buildkite/**", CI},
	{"azure-pipelines.yml", CI},
	{"azure-pipelines.yaml", CI},
	{".azure-pipelines/**", CI},
	{".azuredevops/**", CI},
	{"bitbucket-pipelines.yml", CI},
	{".builds/**", CI}, /* SourceHut */
	{".build.yml", CI},
	{"appveyor.yml", CI},
	{".appveyor.yml", CI},
	{".semaphore/**", CI},
	{".tekton/**", CI},
	{".zuul.yaml", CI},
	{"zuul.yaml", CI},
	{".zuul.d/**", CI},
	{"zuul.d/**", CI},
	{".prow.yaml", CI},
	{".prow/**", CI},
	{".mergify.yml", CI},
	{".mergify/**", CI},
	{"renovate.json", CI},
	{"renovate.json5", CI},
	{".renovaterc", CI},
	{".renovaterc.json", CI},
	/* reviewers; those in .github and .gitlab are above */
	{"**/codeowners", REVIEW},
	{"**/owners", REVIEW},
	{"**/owners_aliases", REVIEW},
	/* Git, and what is run by its hooks */
	{"**/.gitattributes", GIT},
	{"**/.gitmodules", GIT},
	{"**/.lfsconfig", GIT},
	{".husky/**", HOOKS},
	{"**/.huskyrc", HOOKS},
	{".githooks/**", HOOKS},
	{".git-hooks/**", HOOKS},
	{"**/.pre-commit-config.yaml", HOOKS},
	{"**/.pre-commit-hooks.yaml", HOOKS},
	{"**/lefthook.yml", HOOKS},
	{"**/lefthook.yaml", HOOKS},
	{"**/.lefthook.yml", HOOKS},
	{".lefthook/**", HOOKS},
	{"**/.overcommit.yml", HOOKS},
	/* what opens the folder */
	{"**/.vscode/**", EDITOR},
	{"**/*.code-workspace", EDITOR},
	{"**/.idea/**", EDITOR},
	{"**/.zed/**", EDITOR},
	{"**/.fleet/**", EDITOR},
	{"**/.vs/**", EDITOR},
	{"**/.exrc", EDITOR},
	{"**/.nvimrc", EDITOR},
	{"**/.nvim.lua", EDITOR},
	{"**/.vimrc", EDITOR},
	{"**/.dir-locals.el", EDITOR},
	{"**/.devcontainer/**", EDITOR},
	{"**/.devcontainer.json", EDITOR},
	{"**/.gitpod.yml", EDITOR},
	{"**/.envrc", SHELL},
	{"**/mise.toml", SHELL},
	{"**/.mise.toml", SHELL},
	{"**/.mise/**", SHELL},
	{"**/.autoenv", SHELL},
	/* package managers: settings, not lists of packages */
	{"**/.npmrc", PACKAGE},
	{"**/.yarnrc", PACKAGE},
	{"**/.yarnrc.yml", PACKAGE},
	{"**/.yarn/releases/**", PACKAGE},
	{"**/.yarn/plugins/**", PACKAGE},
	{"**/.pnpmfile.cjs", PACKAGE},
	{"**/bunfig.toml", PACKAGE},
	{"**/pip.conf", PACKAGE},
	{"**/.pypirc", PACKAGE},
	{"**/.cargo/config", PACKAGE},
	{"**/.cargo/config.toml", PACKAGE},
	{"**/.bundle/config", PACKAGE},
	{"**/.mvn/**", PACKAGE},
	{"**/gradle/wrapper/**", PACKAGE},
	{"**/nuget.config", PACKAGE},
};

const size_t protected_files_n = ARRAY_LEN(protected_files);

const char *protected_why(const char *path)
{
	autofree char *lower = xstrdup(path);

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < protected_files_n; i++)
		if (glob_match(protected_files[i].glob, lower))
			return protected_files[i].why;
	return NULL;
}
