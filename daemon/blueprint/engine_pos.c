/* engine_pos.c - the engine's position in the ledger, names for people, and failure signatures. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "blueprint/engine.h"

#include <ctype.h>

static const char *const phase_names[] = {
	[BP_PH_SETUP] = "setup",   [BP_PH_AGENT] = "agent",   [BP_PH_COMMIT] = "commit",
	[BP_PH_GATE] = "gate",     [BP_PH_RUN] = "run",       [BP_PH_PR] = "pull-request",
	[BP_PH_CHECKS] = "checks", [BP_PH_REVIEW] = "review", [BP_PH_QUEUE] = "queue",
	[BP_PH_ASK] = "ask",       [BP_PH_END] = "end",
};

static const char *const do_names[] = {
	[BP_DO_NOTHING] = "nothing",     [BP_DO_SETUP] = "setup",   [BP_DO_AGENT] = "agent",
	[BP_DO_COMMIT] = "commit",       [BP_DO_GATE] = "gate",     [BP_DO_RUN] = "run",
	[BP_DO_PR] = "pull-request",     [BP_DO_CHECKS] = "checks", [BP_DO_REVIEW] = "review",
	[BP_DO_QUEUE] = "queue",         [BP_DO_ASK] = "ask",       [BP_DO_DONE] = "done",
	[BP_DO_NO_CHANGE] = "no-change", [BP_DO_FAIL] = "fail",     [BP_DO_CANCELLED] = "cancelled",
};

bool bp_pos_recommit(const struct blueprint *bp, struct bp_pos *pos)
{
	int64_t k = pos->step;

	while (k >= 0 && (size_t)k < bp->nsteps && bp->steps[k].kind != BP_AGENT &&
	       bp->steps[k].kind != BP_RUN)
		k--;
	if (k < 0 || (size_t)k >= bp->nsteps || !pos->started)
		return false;
	pos->resume_step = pos->step;
	pos->step = k;
	pos->phase = BP_PH_COMMIT;
	pos->index = pos->infra = 0;
	pos->head[0] = pos->gated[0] = '\0'; /* nothing is known of what it becomes */
	return true;
}

int64_t bp_pos_rounds(const struct bp_pos *pos)
{
	return pos->round + pos->ci_round;
}

const char *bp_phase_name(enum bp_phase p)
{
	return (size_t)p < ARRAY_LEN(phase_names) ? phase_names[p] : "?";
}

const char *bp_do_name(enum bp_do d)
{
	return (size_t)d < ARRAY_LEN(do_names) ? do_names[d] : "?";
}

/* --- the position as JSON ------------------------------------------------------------------------ */

enum field_kind { F_INT, F_BOOL, F_HEX, F_PHASE };

#define FIELD(name, kind)                                                                          \
	{                                                                                          \
#name, kind, offsetof(struct bp_pos, name)                                         \
	}
/* Every field of struct bp_pos; one that is added there gets a row. */
static const struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;
} fields[] = {
	FIELD(started, F_BOOL),   FIELD(step, F_INT),      FIELD(phase, F_PHASE),
	FIELD(index, F_INT),      FIELD(round, F_INT),     FIELD(extra, F_INT),
	FIELD(ci_round, F_INT),   FIELD(in_ci, F_BOOL),    FIELD(resume_step, F_INT),
	FIELD(infra, F_INT),      FIELD(signature, F_HEX), FIELD(tree, F_HEX),
	FIELD(head, F_HEX),       FIELD(gated, F_HEX),     FIELD(pr_open, F_BOOL),
	FIELD(no_change, F_BOOL), FIELD(failed, F_BOOL),   FIELD(from, F_PHASE),
};

char *bp_pos_json(const struct bp_pos *pos)
{
	autojson json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct field *f = &fields[i];
		const void *at = (const char *)pos + f->offset;

		if (f->kind == F_INT)
			json_put_int(o, f->name, *(const int64_t *)at);
		else if (f->kind == F_BOOL)
			json_put_bool(o, f->name, *(const bool *)at);
		else if (f->kind == F_HEX)
			json_put_str(o, f->name, at);
		else
			json_put_str(o, f->name, bp_phase_name(*(const enum bp_phase *)at));
	}
	return json_text(o);
}

static int parse_phase(const char *name, enum bp_phase *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(phase_names); i++)
		if (!strcmp(phase_names[i], name)) {
			*ret = (enum bp_phase)i;
			return 0;
		}
	return err_set(err, ERR_CORRUPT, "phase '%.40s' is unknown", name);
}

static int parse_field(const json_t *o, const struct field *f, struct bp_pos *p, struct err *err)
{
	void *at = (char *)p + f->offset;
	const char *s = NULL;

	if (f->kind == F_INT)
		return json_get_int(o, f->name, at, err);
	if (f->kind == F_BOOL)
		return json_get_bool(o, f->name, at, err);
	if (json_get_str(o, f->name, &s, err) < 0)
		return -1;
	if (f->kind == F_PHASE)
		return parse_phase(s, at, err);
	if (strlen(s) >= BP_TREE_MAX)
		return err_set(err, ERR_CORRUPT, "key '%s': found %zu bytes, expected at most %d",
			       f->name, strlen(s), BP_TREE_MAX - 1);
	snprintf(at, BP_TREE_MAX, "%s", s);
	return 0;
}

int bp_pos_parse(const char *s, struct bp_pos *ret, struct err *err)
{
	autojson json_t *o = NULL;
	struct bp_pos p = {0};

	if (json_parse(s, strlen(s), 4096, &o, err) < 0)
		return err_wrap(err, "task position");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (parse_field(o, &fields[i], &p, err) < 0)
			return err_wrap(err, "task position");
	*ret = p;
	return 0;
}

/* --- signatures ---------------------------------------------------------------------------------- */

/* Length of an ANSI escape sequence at s, or 0. */
static size_t escape(const char *s)
{
	size_t n = 2;

	if (s[0] != '\x1b' || s[1] != '[')
		return 0;
	while (s[n] && !isalpha((unsigned char)s[n]))
		n++;
	return s[n] ? n + 1 : n;
}

/* Length of a path in a folder for temporary files at s, or 0. */
static size_t temporary(const char *s)
{
	static const char *const roots[] = {"/tmp/", "/var/tmp/", "/dev/shm/", "/run/"};

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (!strncmp(s, roots[i], strlen(roots[i])))
			return strcspn(s, " \t\r\n'\"`:;,()<>[]");
	return 0;
}

/* Length of a word of hexadecimal digits with at least one decimal digit (a number, a time's part,
 * an address, a commit), or 0. */
static size_t number(const char *s)
{
	size_t n = s[0] == '0' && s[1] == 'x' ? 2 : 0;
	bool digit = n > 0;

	for (; isxdigit((unsigned char)s[n]); n++)
		digit = digit || isdigit((unsigned char)s[n]);
	return digit ? n : 0;
}

void bp_signature(const char *text, char ret[65])
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *hash = NULL;
	const char *s = text ? text : "";
	bool word = false; /* inside of a word, where letters are letters */

	while (*s) {
		size_t gone = escape(s), temp = word ? 0 : temporary(s);
		size_t num = word && !isdigit((unsigned char)*s) ? 0 : number(s);

		if (gone) {
			s += gone;
		} else if (temp || num) {
			buf_addc(&b, temp ? '/' : '#');
			s += temp ? temp : num;
		} else if (isspace((unsigned char)*s)) {
			if (b.len && b.s[b.len - 1] != ' ')
				buf_addc(&b, ' ');
			s++;
		} else {
			buf_addc(&b, *s++);
		}
		word = b.len && isalpha((unsigned char)b.s[b.len - 1]);
	}
	buf_rtrim(&b);
	hash = text_sha256(b.s, b.len);
	memcpy(ret, hash, 65);
}
