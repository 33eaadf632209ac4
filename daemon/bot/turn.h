/*
 * turn.h - the turn that carries the use cases.
 *
 * A turn of the loop:
 *
 *   1. things happen (a request on the socket, a role's answer, a run's end, a timer): each becomes an
 *      event in the ledger's inbox, or a row of the local forge with its event
 *   2. the turn's hook: what came over the web is stored; every new event is decided, each in a savepoint
 *      (decide.c); then the passes over what may go on now: waiting tasks (dispatch.c), merge queues
 *      (queue_flow.c); then one commit
 *   3. only then: answers leave, and effects that have become due start (outbox.c)
 *
 * A decision that fails is rolled back to its savepoint, its event is kept as failed with the
 * reason, and the rest goes on. A commit that fails ends the daemon (bot->fatal): what was
 * answered is durable, what was not will be asked again.
 */
#ifndef YM_BOT_TURN_H
#define YM_BOT_TURN_H

struct bot;
struct err;

/* Continues from the ledger: effects with unknown outcome, runs and their keepers, the state of each
 * repository; then every turn of b->loop is one of the above. */
int turn_start(struct bot *b, struct err *err);
void turn_stop(struct bot *b);

#endif
