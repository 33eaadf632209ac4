/*
 * httpd_peer.h - inside httpd: who is connected, and who has to leave. See httpd.h.
 *
 * A connection is idle (no request, or its headers are not whole), busy (its body comes, or its answer
 * goes) or waits (for the answer). Idle and busy ones stand in lists in the order in which they became so.
 *
 * Its rank says who goes last: 2 where it has carried what proved its sender (httpd_vouch) or carries what known
 * senders name themselves by (httpd_prefer), 1 where its network has brought such a one, 0 a stranger's.
 */
#ifndef YM_SYS_HTTPD_PEER_H
#define YM_SYS_HTTPD_PEER_H

#include "sys/httpd.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum peer_state { PEER_IDLE, PEER_BUSY, PEER_WAITS, PEER_LEAVING };

/* One address: IPv4, or the first half of IPv6. There as long as it has connections. */
struct origin {
	uint64_t address;
	size_t n; /* connections that are not leaving */
	LIST_ENTRY(origin) at;
};

struct peer {
	struct httpd *of;
	struct MHD_Connection *conn;
	int fd;
	enum peer_state state;
	int64_t since_ms; /* in this state */
	uint64_t look;    /* httpd.looks when it came: has libmicrohttpd read from it since? */
	size_t got, seen; /* bytes of the body: in all, and up to the last sweep */
	size_t speed;     /* between the last two sweeps */
	int slow;         /* sweeps in a row that found it below HTTPD_RATE_MIN */
	bool proven, near, preferred;
	struct origin *from;
	uint64_t net;
	TAILQ_ENTRY(peer) at;
	LIST_ENTRY(peer) all;
};
TAILQ_HEAD(peers, peer);

/* The one that was accepted and has no place yet; fd -1: none. */
struct newcomer {
	int fd;
	struct sockaddr_storage sa;
	socklen_t len;
	uint64_t address;
	int rank;
};

#define NETS_KNOWN 64

struct httpd {
	struct loop *loop;
	struct clock *clock;
	struct MHD_Daemon *mhd;
	struct MHD_Response *accepted;
	struct loop_watch *watch, *listening;
	struct loop_timer *again, *sweep, *retry;
	int fd; /* where we listen; -1 while we do not */
	bool full;
	char *address;
	const struct httpd_route *routes;
	void *arg;
	bool answered, old_library;
	size_t n, max, nidle, leaving, requests;
	int64_t taken, evicted, timed_out;
	uint64_t looks; /* how often libmicrohttpd was run */
	struct peers idle, busy;
	LIST_HEAD(, peer) all;
	LIST_HEAD(, origin) origins;
	struct newcomer next;
	uint64_t nets
		[NETS_KNOWN]; /* networks that brought a known sender; the oldest is written over */
	size_t nnets;
};

int peers_listen(struct httpd *h, const char *address, struct err *err);
void peers_take(struct httpd *h);
void peer_notify(void *arg, struct MHD_Connection *c, void **context,
		 enum MHD_ConnectionNotificationCode what);
void peer_idle(struct peer *p);
void peer_busy(struct peer *p);
void peer_waits(struct peer *p);
void peer_got(struct peer *p, size_t n);
void peer_prefer(struct peer *p);
void peer_vouch(struct peer *p);
void peer_cut(struct peer *p);
bool peer_outranks(const struct peer *p, const struct peer *q);
void peers_sweep(struct httpd *h);
void peers_resume(struct httpd *h);
void httpd_wake_sweep(struct httpd *h);

#endif
