/* api_halt.c - the kill switch, asked of the daemon: answered when nothing is left running. */
#include "bot/api_halt.h"

#include "base/mem.h"
#include "bot/api.h"
#include "bot/api_args.h"
#include "runner/run.h"

#define GIVE_UP_MS 10000 /* trees die within a second; a machine that swaps gets more */

struct halt_wait {
	struct bot *bot;
	uint64_t ticket;
	struct run_halting *halting;
	struct loop_timer *timer;
	int64_t begun_ms;
	struct halt_wait *next;
};

static void wait_free(struct halt_wait *w)
{
	struct halt_wait **at = &w->bot->halts;

	while (*at && *at != w)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
	loop_timer_free(w->timer);
	run_halt_free(&w->halting);
	free(w);
}

void api_halt_stop_all(struct bot *b)
{
	while (b->halts)
		wait_free(b->halts);
}

static json_t *outcome(int found, int left)
{
	json_t *item = json_object();

	json_put_bool(item, "halted", true);
	json_put_int(item, "ended", found - left);
	json_put_int(item, "left", left);
	return api_item(item);
}

static void on_look(void *arg)
{
	struct halt_wait *w = arg;
	struct clock *c = loop_clock(w->bot->loop);
	int left = run_halt_look(w->halting);

	if (left && c->mono_ms(c) - w->begun_ms < GIVE_UP_MS) {
		loop_timer_in(w->timer, RUN_HALT_LOOK_MS);
		return;
	}
	api_answer(w->bot->api, w->ticket, outcome((int)run_halt_found(w->halting), left), NULL);
	wait_free(w);
}

int api_halt(struct request *q, json_t **ret, struct err *err)
{
	struct clock *c = loop_clock(q->bot->loop);
	struct halt_wait *w = xcalloc(1, sizeof(*w));

	(void)ret;
	w->bot = q->bot;
	if (bot_halt(q->bot, q->actor, args_str(q->args, "reason"), &w->halting, err) < 0) {
		free(w);
		return -1;
	}
	w->ticket = q->ticket;
	w->begun_ms = c->mono_ms(c);
	w->timer = loop_timer_new(q->bot->loop, on_look, w);
	w->next = q->bot->halts;
	q->bot->halts = w;
	loop_timer_in(w->timer, 0);
	return API_LATER;
}
