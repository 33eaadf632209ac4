/*
 * yaml.h - configuration files as a tree with positions, and errors that a person can act on.
 *
 * On top of libyaml. The accepted subset is GitHub Actions': no anchors or aliases, no tags, no
 * duplicate keys, one document, at most YAML_SIZE_MAX bytes and YAML_DEPTH_MAX levels. Every scalar
 * is kept as its text with its style; the typed getters decide (`yes`, `no`, `on`, `off` are text,
 * true and false are booleans, as in YAML 1.2).
 *
 * Errors read  FILE:LINE: key 'steps[2].gates': found a mapping; allowed: a list of commands
 *
 * A key without a value (`checks:`) is YAML_NULL. It counts as an empty mapping where a mapping is
 * expected and is refused everywhere else: a list whose lines are all commented out is more often a
 * slip than a wish.
 */
#ifndef YM_BASE_YAML_H
#define YM_BASE_YAML_H

#include "base/err.h"
#include "base/strvec.h"

#include <stdbool.h>
#include <stdint.h>

#define YAML_SIZE_MAX     ((size_t)256 << 10)
#define YAML_DEPTH_MAX    32
#define YAML_NODES_MAX    10000 /* in one document */
#define YAML_ITEMS_MAX    1024  /* in one list or mapping */
#define YAML_KEY_MAX      128   /* bytes of one key */
#define YAML_COMMANDS_MAX 32
#define YAML_COMMAND_MAX  16384

enum yaml_kind { YAML_NULL, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line;                 /* from 1; of the key where there is one */
	char *path;               /* "steps[2].gates": for messages */
	char *text;               /* YAML_TEXT */
	bool quoted;              /* "true" in quotes is text, never a boolean */
	struct yaml_node **items; /* YAML_LIST, YAML_MAP: values in order of the file */
	char **keys;              /* YAML_MAP */
	size_t n;
};

struct yaml_doc {
	char *file;             /* name for messages */
	struct yaml_node *root; /* never NULL; an empty file is YAML_NULL */
};

int yaml_load(const char *file, const char *s, size_t n, struct yaml_doc *ret, struct err *err);
void yaml_doc_release(struct yaml_doc *d);

/* The value of a key, or NULL when absent (or when `map` is NULL or no map). */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* Fails with "FILE:LINE: key 'PATH': <found>; allowed: <allowed>". `found` is a formatted text. */
int yaml_fail(const struct yaml_doc *d, const struct yaml_node *at, const char *allowed,
	      struct err *err, const char *found_fmt, ...) __attribute__((format(printf, 5, 6)));

/* What a message calls the node: "nothing", "a list", "a mapping", "'text'" (cut, printable). Caller
 * frees. */
char *yaml_found(const struct yaml_node *n);

/* Every key of map must be in the NULL-terminated list; a wrong one is answered with the nearest
 * allowed one first. */
int yaml_only(const struct yaml_doc *d, const struct yaml_node *map, const char *const *allowed,
	      struct err *err);
/* Typed reads; node NULL leaves *ret alone and succeeds (absent means default). */
int yaml_str(const struct yaml_doc *d, const struct yaml_node *n, char **ret, struct err *err);
int yaml_int(const struct yaml_doc *d, const struct yaml_node *n, int64_t min, int64_t max,
	     int64_t *ret, struct err *err);
int yaml_bool(const struct yaml_doc *d, const struct yaml_node *n, bool *ret, struct err *err);
/* A list of texts; a single text counts as a list of one. Appends. */
int yaml_strs(const struct yaml_doc *d, const struct yaml_node *n, struct strvec *ret,
	      struct err *err);
/* One of a NULL-terminated list of words: *ret is its index. */
int yaml_enum(const struct yaml_doc *d, const struct yaml_node *n, const char *const *words,
	      int *ret, struct err *err);
/* Micro-dollars from "5" or "0.25". */
int yaml_money(const struct yaml_doc *d, const struct yaml_node *n, int64_t *ret_microusd,
	       struct err *err);
/* A name: [a-z0-9][a-z0-9-]{0,39}. */
int yaml_name(const struct yaml_doc *d, const struct yaml_node *n, char **ret, struct err *err);
/* One line of printable text, 1 to max bytes, without blanks at either end. */
int yaml_line(const struct yaml_doc *d, const struct yaml_node *n, size_t max, char **ret,
	      struct err *err);
/* Shell commands: a text or a list of texts, none blank, at most YAML_COMMANDS_MAX of
 * YAML_COMMAND_MAX bytes. Appends. */
int yaml_commands(const struct yaml_doc *d, const struct yaml_node *n, struct strvec *ret,
		  struct err *err);
/* Path patterns, each through glob_check(). Appends. */
int yaml_globs(const struct yaml_doc *d, const struct yaml_node *n, struct strvec *ret,
	       struct err *err);
/* `none` or `host`: *ret is true for host. */
int yaml_network(const struct yaml_doc *d, const struct yaml_node *n, bool *ret, struct err *err);
/* Whole numbers of a mapping into a struct, by a table that ends with key NULL. What is absent gets
 * the default; the value stored is the number times `scale`. */
struct yaml_num {
	const char *key;
	size_t offset; /* of an int64_t in the struct */
	int64_t min, max, otherwise, scale;
};
int yaml_nums(const struct yaml_doc *d, const struct yaml_node *map, const struct yaml_num *table,
	      void *base, struct err *err);
int yaml_must_map(const struct yaml_doc *d, const struct yaml_node *n, struct err *err);
int yaml_must_list(const struct yaml_doc *d, const struct yaml_node *n, struct err *err);

#endif
