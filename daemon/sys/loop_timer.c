/* loop_timer.c - see loop_timer.h and loop.h */
#include "sys/loop_timer.h"

#include "base/mem.h"

#define IDLE SIZE_MAX       /* not armed */
#define DUE  (SIZE_MAX - 1) /* in the list of due ones */

struct loop_timer {
	struct timers *of;
	int64_t at_ms;
	uint64_t order;
	size_t place;                    /* in the heap, or IDLE, or DUE */
	struct loop_timer *next, **link; /* in the list of due ones */
	loop_fn fn;
	void *arg;
};

void timers_init(struct timers *t, struct clock *clock)
{
	*t = (struct timers){.clock = clock};
}

void timers_release(struct timers *t)
{
	free(t->heap);
	t->heap = NULL;
	t->n = 0;
}

/* --- the heap --- */

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void put(struct timers *t, size_t place, struct loop_timer *x)
{
	t->heap[place] = x;
	x->place = place;
}

static void rise(struct timers *t, size_t place, struct loop_timer *x)
{
	while (place && before(x, t->heap[(place - 1) / 2])) {
		put(t, place, t->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(t, place, x);
}

static void sink(struct timers *t, size_t place, struct loop_timer *x)
{
	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < t->n && before(t->heap[child + 1], t->heap[child]))
			child++;
		if (child >= t->n || !before(t->heap[child], x))
			break;
		put(t, place, t->heap[child]);
		place = child;
	}
	put(t, place, x);
}

static void heap_add(struct timers *t, struct loop_timer *x)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 32;
		t->heap = xreallocarray(t->heap, t->cap, sizeof(struct loop_timer *));
	}
	rise(t, t->n++, x);
}

static void heap_remove(struct timers *t, struct loop_timer *x)
{
	size_t hole = x->place;
	struct loop_timer *last = t->heap[--t->n];

	if (last == x)
		return;
	if (before(last, x))
		rise(t, hole, last);
	else
		sink(t, hole, last);
}

/* --- the list of due ones --- */

static void due_remove(struct loop_timer *x)
{
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
}

static struct loop_timer **due_append(struct loop_timer **end, struct loop_timer *x)
{
	x->place = DUE;
	x->next = NULL;
	x->link = end;
	*end = x;
	return &x->next;
}

int64_t timers_next(const struct timers *t)
{
	return t->n ? t->heap[0]->at_ms : INT64_MAX;
}

void timers_fire(struct timers *t)
{
	int64_t now = t->n ? t->clock->mono_ms(t->clock) : 0;
	struct loop_timer **end = &t->due;

	while (t->n && t->heap[0]->at_ms <= now) {
		struct loop_timer *x = t->heap[0];

		heap_remove(t, x);
		end = due_append(end, x);
	}
	while (t->due) {
		struct loop_timer *x = t->due;

		due_remove(x);
		x->place = IDLE;
		x->fn(x->arg); /* may free x, and any other */
	}
}

/* --- the handles --- */

struct loop_timer *timer_new(struct timers *t, loop_fn fn, void *arg)
{
	struct loop_timer *x = xcalloc(1, sizeof(*x));

	*x = (struct loop_timer){.of = t, .place = IDLE, .fn = fn, .arg = arg};
	return x;
}

void loop_timer_stop(struct loop_timer *x)
{
	if (x->place == DUE)
		due_remove(x);
	else if (x->place != IDLE)
		heap_remove(x->of, x);
	x->place = IDLE;
}

void loop_timer_set(struct loop_timer *x, int64_t at_ms)
{
	loop_timer_stop(x);
	x->at_ms = at_ms;
	x->order = x->of->armed++;
	heap_add(x->of, x);
}

void loop_timer_in(struct loop_timer *x, int64_t delay_ms)
{
	int64_t now = x->of->clock->mono_ms(x->of->clock);

	loop_timer_set(x, delay_ms > INT64_MAX - 1 - now ? INT64_MAX - 1 : now + delay_ms);
}

void loop_timer_free(struct loop_timer *x)
{
	if (!x)
		return;
	loop_timer_stop(x);
	free(x);
}
