/* test_protected.c - the files that an agent may not change by default, and those that it may */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/glob.h"
#include "base/mem.h"
#include "bot/protected.h"

#include <ctype.h>

static void steering_files(void **state)
{
	static const char *const paths[] = {
		"AGENTS.md",
		"sub/dir/AGENTS.md",
		"CLAUDE.local.md",
		"GEMINI.md",
		"pkg/GEMINI.md",
		"opencode.json",
		".opencode/plugin/x.ts",
		"a/.agents/skills/x.md",
		".cursorrules",
		"sub/.cursor/rules/x.mdc",
		".envrc",
		"sub/.envrc",
		".npmrc",
		"web/.npmrc",
		".gitattributes",
		"docs/.gitattributes",
		".gitmodules",
		".vscode/tasks.json",
		"app/.vscode/settings.json",
		".devcontainer/Dockerfile",
		".gitea/workflows/ci.yml",
		".forgejo/workflows/ci.yml",
		".gitlab-ci.yml",
		".woodpecker.yml",
		".woodpecker/build.yml",
		".github/CODEOWNERS",
		"docs/CODEOWNERS",
		".claude/settings.json",
		"x/.claude/settings.json",
		".mcp.json",
		".codex/config.toml",
		"Claude.MD",
		".GitHub/workflows/x.yml",
		"Jenkinsfile",
		"ci/Jenkinsfile",
		".pre-commit-config.yaml",
		".github/copilot-instructions.md",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!protected_why(paths[i]))
			fail_msg("%s is not protected", paths[i]);
}

static void ordinary_files(void **state)
{
	static const char *const paths[] = {
		"src/main.c",        "README.md",         "docs/agents.html",
		"package.json",      "package-lock.json", "npmrc",
		"src/vscode.c",      "Makefile",          "CONTRIBUTING.md",
		"src/claude/api.ts", "gradle/x.gradle",   ".gitignore",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (protected_why(paths[i]))
			fail_msg("%s is protected: %s", paths[i], protected_why(paths[i]));
}

/* The git role compares without case by lowering the path; a pattern with a capital would never match. */
static void rows_are_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < protected_files_n; i++) {
		const struct protected_file *f = &protected_files[i];

		assert_int_equal(glob_check(f->glob, NULL), 0);
		assert_true(f->why && *f->why);
		for (const char *p = f->glob; *p; p++)
			assert_false(isupper((unsigned char)*p));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(f->glob, protected_files[k].glob);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steering_files),
		cmocka_unit_test(ordinary_files),
		cmocka_unit_test(rows_are_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
