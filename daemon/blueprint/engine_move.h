/*
 * engine_move.h - what the decisions of engine.c are made of; nobody else includes it.
 *
 * A decision calls exactly one of the functions that end it: move_go(), move_enter(),
 * move_next_step(), move_failed_round(), move_asked_round(), move_infra(), move_fail(), move_end().
 */
#ifndef YM_BLUEPRINT_ENGINE_MOVE_H
#define YM_BLUEPRINT_ENGINE_MOVE_H

#include "blueprint/engine.h"

/* One decision under way: the position is changed in place, the action filled. */
struct move {
	const struct blueprint *bp;
	const struct bp_event *ev;
	struct bp_pos *p;
	struct bp_action *a;
};

bool move_is_blank(const char *s);
/* The last BP_FEEDBACK_MAX bytes of the event's text, or NULL. Caller frees. */
char *move_tail(const struct move *m);
bool move_in_range(const struct blueprint *bp, int64_t step);
/* The agent step whose work stands at `step`: itself or the nearest before it; -1: none. */
int64_t move_agent_step(const struct blueprint *bp, int64_t step);

/* To a phase of the present step; asks for that phase's action. */
void move_go(struct move *m, enum bp_phase phase, int64_t index);
/* Ends the task; takes `reason`. */
void move_end(struct move *m, enum bp_do act, char *reason);
/* Ends it by failure, with the event's text as the last log; RETRY goes on at `from`. Takes
 * `reason`. */
void move_fail(struct move *m, enum bp_phase from, char *reason);
/* Begins step i, or ends the task behind the last one. */
void move_enter(struct move *m, int64_t i);
void move_next_step(struct move *m);
/* The work so far is not good enough, and `what` (a clause without its full stop) says why: another
 * round, or a person when none is left. */
void move_failed_round(struct move *m, const char *what);
/* A round that a person asked for with RETRY or SAY: granted when none is left. Takes `feedback`. */
void move_asked_round(struct move *m, char *feedback);
/* The action again, or a person after BP_INFRA_MAX repetitions. */
void move_infra(struct move *m);

#endif
