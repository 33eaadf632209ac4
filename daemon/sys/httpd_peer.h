/*
 * httpd_peer.h - inside httpd: who is connected, and who has to leave. See httpd.h.
 *
 * A connection is idle (no request, or its headers are not whole), busy (its body comes, or its answer
 * goes) or waits (for the answer). Idle and busy ones stand in lists in the order in which they became so.
 */
#ifndef YM_SYS_HTTPD_PEER_H
#define YM_SYS_HTTPD_PEER_H

#include "sys/httpd.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/queue.h>

enum peer_state { PEER_IDLE, PEER_BUSY, PEER_WAITS, PEER_LEAVING };

struct peer {
	struct httpd *of;
	struct MHD_Connection *conn;
	int fd;
	enum peer_state state;
	int64_t since_ms; /* in this state */
	uint64_t address; /* IPv4, or the first half of IPv6 */
	TAILQ_ENTRY(peer) at;
	LIST_ENTRY(peer) all;
};
TAILQ_HEAD(peers, peer);

struct httpd {
	struct loop *loop;
	struct clock *clock;
	struct MHD_Daemon *mhd;
	struct MHD_Response *accepted;
	struct loop_watch *watch, *listening;
	struct loop_timer *again, *sweep;
	int fd; /* where we listen; -1 while we do not */
	bool full;
	char *address;
	const struct httpd_route *routes;
	void *arg;
	bool answered;
	size_t n, max, per_address, leaving, requests;
	int64_t taken, evicted, timed_out;
	struct peers idle, busy;
	LIST_HEAD(, peer) all;
};

int peers_listen(struct httpd *h, const char *address, struct err *err);
void peer_notify(void *arg, struct MHD_Connection *c, void **context,
		 enum MHD_ConnectionNotificationCode what);
void peer_idle(struct peer *p);
void peer_busy(struct peer *p);
void peer_waits(struct peer *p);
void peers_sweep(struct httpd *h);
void peers_resume(struct httpd *h);
void httpd_wake_sweep(struct httpd *h);

#endif
