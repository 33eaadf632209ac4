/*
 * receive.h - inside web: a delivery from its headers to its answer. See web.h.
 */
#ifndef YM_WEB_RECEIVE_H
#define YM_WEB_RECEIVE_H

#include "sys/httpd.h"
#include "web/body.h"
#include "web/web.h"

#include <sys/queue.h>

struct arrival;
struct stream;
TAILQ_HEAD(arrivals, arrival);

struct web {
	struct bot *bot;
	struct httpd *http;    /* NULL: not listening */
	struct stream *stream; /* NULL: there is no event channel */
	struct hook_secrets *secrets;
	struct deliver *deliver;
	struct loop_timer *wake;
	char *spool;
	struct body_space space;
	struct arrivals arrived; /* whole and verified, not answered */
	/* This turn: */
	size_t stored;
	int64_t turn_bytes, turn_done;
	enum deliver_pace pace;
	/* As committed: */
	int64_t fresh, bytes;
	int64_t acknowledged, refused_signature, refused_malformed, refused_busy, received_ms;
	int64_t purged_ms, disk_ms, drain_until, work_after_ms;
	int64_t stored_ms; /* when the last one came, of the clock that does not jump */
	bool full, disk_full;
};

extern const struct httpd_handler receive_handler;

/* Writes all that arrived. */
int receive_store(void *web, struct err *err);
/* Answers what receive_store() wrote, or tried to. */
void receive_answer_all(struct web *w, int status);

/* What the headers of a delivery say; NULL: absent. */
struct receive_headers {
	const char *signature, *event, *guid, *type;
};
/* A delivery that came whole by another way than a request of its own: checked, stored and counted like one. The
 * status that a request would get, 202 before it is stored. */
int receive_whole(struct web *w, const struct receive_headers *h, const char *body, size_t n);
/* Forgets what came that way and is not stored. */
void receive_forget(struct web *w);

/* A header's value that is stored: 1 to max characters of the set. */
bool receive_word(const char *s, size_t max);
/* 0 JSON, 1 form, -1 neither. */
int receive_form(const char *content_type);

#endif
