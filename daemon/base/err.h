/*
 * err.h - how an error travels.
 *
 * A function that can fail returns int: 0 or a non-negative outcome on success, -1 on error, and
 * fills the caller's `struct err`. Library code neither logs nor exits; it adds what it knows with
 * err_wrap() on the way up, and the one who handles the error logs or prints it once.
 *
 * A text names the thing, what was found, what was expected and, where there is one, what to do:
 *     "config /etc/ym.yml:4: key 'metod': unknown; allowed: agents, data, limits, notify"
 * It never contains a secret.
 *
 *     cleanup(err_release) struct err err = ERR_INIT;
 *     if (thing_open(path, &t, &err) < 0)
 *             return err_wrap(ret_err, &err, "start");   // or pass ret_err straight through
 *
 * `err` may be NULL wherever a caller does not want the text.
 */
#ifndef YM_BASE_ERR_H
#define YM_BASE_ERR_H

/*
 * What kind of failure: chosen so that a caller can act on it without reading the text, and so that
 * the command line's exit codes follow from it (cli/exitcode.h has the table).
 */
enum err_code {
	ERR_NONE = 0,
	ERR_INPUT,       /* what a person or a file said is wrong; saying it again will not help */
	ERR_NOT_FOUND,   /* the named thing does not exist */
	ERR_EXISTS,      /* it exists already, or has moved: a compare-and-swap that lost */
	ERR_DENIED,      /* the sender may not do this */
	ERR_STATE,       /* not possible in the present state (frozen, halted, closed …) */
	ERR_LIMIT,       /* over a size, count or time limit */
	ERR_UNAVAILABLE, /* the other side is away or busy; trying again later may help */
	ERR_IO,          /* the system refused: disk, permission, descriptor */
	ERR_CORRUPT,     /* stored data is not what was stored */
	ERR_UNSAFE,      /* a safety check failed or could not run */
	ERR_INTERNAL,    /* a bug in this program */
};

struct err {
	enum err_code code;
	char *text; /* owned; NULL when code is ERR_NONE */
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}

/* Fills *err (replacing what was there) and returns -1. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with ": " and the text of errno; ENOENT becomes ERR_NOT_FOUND, EEXIST ERR_EXISTS,
 * all others ERR_IO. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "<fmt>: " in front of the text already in *err and returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Hands *from over to *to (to may be NULL); from is empty afterwards. Returns -1. */
int err_move(struct err *to, struct err *from);

const char *err_text(const struct err *err);        /* never NULL */
const char *err_code_name(enum err_code code);      /* "input", "not-found" …: for JSON */
enum err_code err_code_from_name(const char *name); /* ERR_INTERNAL when unknown */
void err_release(struct err *err);

#endif
