/*
 * api_halt.h - `halt`, asked of the daemon.
 *
 * The trees are killed when the request is decided; the answer waits until none is left (or says how
 * many are), so that who pulled the switch knows. The loop goes on meanwhile.
 */
#ifndef YM_BOT_API_HALT_H
#define YM_BOT_API_HALT_H

struct bot;

void api_halt_stop_all(struct bot *b); /* drops who waits, for the daemon's end */

#endif
