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
	struct arrivals coming;  /* not whole */
	struct arrivals arrived; /* whole and verified, not stored */
	struct arrivals
		durable; /* stored, and not answered: while the next ones are being stored */
	size_t waiting;  /* in arrived */
	uint64_t
		hooks[WEB_HOOKS_KNOWN]; /* the latest ids of hooks whose deliveries were verified */
	size_t nhooks;
	/* This turn: the first ones of arrived, which are written in one piece. */
	struct arrival **batch;
	size_t nbatch, batch_room;
	bool aside;      /* with the commit, on its thread */
	bool writing;    /* and that is what happens now */
	int64_t sync_us; /* what a commit takes, lately */
	/* How fast those who are answered send the next one, which is read and checked: */
	int64_t turn_us; /* a delivery, lately */
	int64_t answered_ms;
	size_t answered, back;
	int64_t batch_ms;
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

/*
 * In the order of a turn: receive_store() takes what has arrived as this turn's batch and writes it, or leaves that to
 * receive_write(), which may run on another thread while the server goes on reading. After the commit receive_stored() tells
 * the outcome, 202 or 503, and receive_answer_all() lets the answers out, at once or beside the next writing.
 */
int receive_store(void *web, struct err *err);
int receive_write(struct web *w, struct err *err);
void receive_stored(struct web *w, int status);
void receive_answer_all(struct web *w);
/*
 * How many deliveries of those under way share a commit. All, when the disk is slow beside the time in which as many are
 * answered, sent again and read: the slower it is, the more wait for it together. Otherwise half of them, which are
 * written while the other half is answered and read: senders that wait for their answers fall into two such groups.
 * sync_us: of a commit; turn_us: of one delivery, from an answer to the next one's end.
 */
size_t receive_batch_max(size_t under_way, int64_t sync_us, int64_t turn_us);
/* Is there enough for a batch that is worth a thread? */
bool receive_more(const struct web *w);
/* At the end, behind httpd_free(): what came without a request and is not answered. */
void receive_release(struct web *w);

/* What the headers of a delivery say; NULL: absent. */
struct receive_headers {
	const char *signature, *event, *guid, *type, *hook;
};
/* A delivery that came whole by another way than a request of its own: checked, stored and counted like one. The
 * status that a request would get, 202 before it is stored. */
int receive_whole(struct web *w, const struct receive_headers *h, const char *body, size_t n);

/* A header's value that is stored: 1 to max characters of the set. */
bool receive_word(const char *s, size_t max);
/* 0 JSON, 1 form, -1 neither. */
int receive_form(const char *content_type);

#endif
