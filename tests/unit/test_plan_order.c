/* test_plan_order.c - the order of the merge queue's entries, and that it is quick and the same for
 * the same facts. */
#include "base/mem.h"
#include "queue/plan.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define MAX 1000

struct queue {
	struct plan_facts f;
	struct plan_entry e[MAX];
	struct plan_dep deps[MAX][4];
	const char *files[MAX][20];
	char names[MAX][20][24];
};

static struct queue *queue_new(int entries)
{
	struct queue *q = xcalloc(1, sizeof(*q));

	q->f = (struct plan_facts){.base = "b", .flake_reruns = 1, .retries = 3, .entries = q->e};
	q->f.nentries = (size_t)entries;
	for (int i = 0; i < entries; i++)
		q->e[i] = (struct plan_entry){.id = i + 1,
					      .pr = i + 1,
					      .head = "h",
					      .enqueued_ms = i + 1,
					      .approved = true,
					      .deps = q->deps[i],
					      .files = q->files[i]};
	return q;
}

static void depend(struct queue *q, int pr, int on)
{
	struct plan_entry *e = &q->e[pr - 1];

	q->deps[pr - 1][e->ndeps++] = (struct plan_dep){on, PLAN_DEP_OPEN};
}

static void change(struct queue *q, int pr, const char *file)
{
	struct plan_entry *e = &q->e[pr - 1];

	q->files[pr - 1][e->nfiles++] = file;
}

static void expect_and_free(struct queue *q, const char *expected)
{
	char got[256] = "";
	size_t n = 0;
	struct plan p;

	plan_next(&q->f, &p);
	for (size_t i = 0; i < p.nactions; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%lld", i ? " " : "",
				      (long long)p.actions[i].entry);
	plan_release(&p);
	free(q);
	assert_string_equal(got, expected);
}

static void test_priority_then_age(void **state)
{
	struct queue *q = queue_new(5);

	(void)state;
	q->e[3].priority = 1;
	q->e[0].priority = -1;
	q->e[2].enqueued_ms = 1;
	q->e[4].enqueued_ms = 2; /* as old as 2: the older id first */
	expect_and_free(q, "4 3 2 5 1");
}

static void test_dependencies_come_first(void **state)
{
	struct queue *q = queue_new(4);

	(void)state;
	depend(q, 1, 4);
	depend(q, 4, 3);
	expect_and_free(q, "3 4 1 2");
}

/* An urgent entry pulls what it needs forward, past older ones, and no further than itself. */
static void test_urgency_is_inherited(void **state)
{
	struct queue *q = queue_new(6);

	(void)state;
	q->e[5].priority = 10;
	q->e[1].priority = 10;
	depend(q, 6, 5);
	depend(q, 5, 4);
	expect_and_free(q, "2 4 5 6 1 3");
	/* but not while it waits for something outside itself */
	q = queue_new(3);
	q->e[2].priority = 10;
	q->e[2].held = true;
	depend(q, 3, 2);
	expect_and_free(q, "1 2 3");
	q = queue_new(3);
	q->e[2].priority = 10;
	depend(q, 3, 2);
	depend(q, 3, 77);
	expect_and_free(q, "1 2 3");
}

/* 4 is pulled to the place of 1, which needs it; 2 is older and changes the same file. */
static void test_overlap_keeps_the_age(void **state)
{
	struct queue *q = queue_new(4);

	(void)state;
	depend(q, 1, 4);
	expect_and_free(q, "4 1 2 3");
	q = queue_new(4);
	depend(q, 1, 4);
	change(q, 2, "a");
	change(q, 2, "b");
	change(q, 4, "b");
	expect_and_free(q, "2 4 1 3");
	/* softly: a dependency the other way round wins */
	q = queue_new(4);
	depend(q, 1, 4);
	depend(q, 2, 4);
	change(q, 2, "b");
	change(q, 4, "b");
	expect_and_free(q, "4 1 2 3");
	/* and so does priority */
	q = queue_new(4);
	q->e[0].priority = 1;
	depend(q, 1, 4);
	change(q, 2, "b");
	change(q, 4, "b");
	expect_and_free(q, "4 1 2 3");
	/* one that is held holds nobody up */
	q = queue_new(4);
	q->e[1].held = true;
	depend(q, 1, 4);
	change(q, 2, "b");
	change(q, 4, "b");
	expect_and_free(q, "4 1 2 3");
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8;
}

static struct queue *random_queue(unsigned seed, int n, bool cycles)
{
	struct queue *q = queue_new(n);

	for (int i = 1; i <= n; i++) {
		struct plan_entry *e = &q->e[i - 1];

		e->priority = (int)(next_random(&seed) % 3);
		e->enqueued_ms = next_random(&seed) % 100;
		e->held = next_random(&seed) % 10 == 0;
		e->approved = next_random(&seed) % 10 != 0;
		for (unsigned k = next_random(&seed) % 4; k && i > 1; k--)
			depend(q, i,
			       1 + (int)(next_random(&seed) % (unsigned)(cycles ? n : i - 1)));
		for (unsigned k = next_random(&seed) % 20; k; k--) {
			char *name = q->names[i - 1][k];

			snprintf(name, sizeof(q->names[0][0]), "src/dir/file%u",
				 next_random(&seed) % 2000);
			change(q, i, name);
		}
	}
	return q;
}

static void shuffle(struct queue *q, unsigned seed)
{
	for (size_t i = q->f.nentries; i > 1; i--) {
		size_t k = next_random(&seed) % i;
		struct plan_entry swap = q->e[i - 1];

		q->e[i - 1] = q->e[k];
		q->e[k] = swap;
	}
}

static void assert_same(const struct plan *a, const struct plan *b)
{
	assert_int_equal(a->nactions, b->nactions);
	for (size_t i = 0; i < a->nactions; i++) {
		const struct plan_action *x = &a->actions[i], *y = &b->actions[i];

		assert_int_equal(x->entry, y->entry);
		assert_int_equal(x->act, y->act);
		assert_int_equal(x->reason, y->reason);
		assert_int_equal(x->pr, y->pr);
		assert_int_equal(x->ncycle, y->ncycle);
		for (size_t k = 0; k < x->ncycle; k++)
			assert_int_equal(x->cycle[k], y->cycle[k]);
	}
}

static void test_the_order_of_the_facts_does_not_matter(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct queue *q = random_queue(seed, 30, seed % 2);
		struct plan a, b;

		plan_next(&q->f, &a);
		shuffle(q, seed * 7);
		plan_next(&q->f, &b);
		assert_same(&a, &b);
		plan_release(&a);
		plan_release(&b);
		free(q);
	}
}

static void test_nobody_stands_before_what_it_needs(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct queue *q = random_queue(seed, 40, seed % 2);
		size_t at[MAX] = {0};
		struct plan p;

		plan_next(&q->f, &p);
		for (size_t i = 0; i < p.nactions; i++)
			at[p.actions[i].entry - 1] = i;
		for (size_t i = 0; i < p.nactions; i++) {
			const struct plan_entry *e = &q->e[p.actions[i].entry - 1];

			for (size_t d = 0; d < e->ndeps; d++) {
				size_t k = at[e->deps[d].pr - 1];

				assert_true(k < i || (p.actions[i].reason == PLAN_R_CYCLE &&
						      p.actions[k].reason == PLAN_R_CYCLE));
			}
		}
		plan_release(&p);
		free(q);
	}
}

/* Each cycle that is named exists, begins and ends with its entry, and repeats nothing else. */
static void test_named_cycles_exist(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct queue *q = random_queue(seed, 20, true);
		struct plan p;

		plan_next(&q->f, &p);
		for (size_t i = 0; i < p.nactions; i++) {
			const struct plan_action *a = &p.actions[i];

			assert_int_equal(a->reason == PLAN_R_CYCLE, a->ncycle > 0);
			for (size_t k = 0; k + 1 < a->ncycle; k++) {
				const struct plan_entry *e = &q->e[a->cycle[k] - 1];
				bool found = false;

				for (size_t d = 0; d < e->ndeps; d++)
					found = found || e->deps[d].pr == a->cycle[k + 1];
				assert_true(found);
				for (size_t d = 0; d < k; d++)
					assert_int_not_equal(a->cycle[d], a->cycle[k]);
			}
			if (a->ncycle) {
				assert_int_equal(a->cycle[0], a->entry);
				assert_int_equal(a->cycle[a->ncycle - 1], a->entry);
			}
		}
		plan_release(&p);
		free(q);
	}
}

static double milliseconds(struct queue *q)
{
	struct timespec from, to;
	double best = 1e9;

	for (int i = 0; i < 5; i++) {
		struct plan p;
		double ms;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		plan_next(&q->f, &p);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		plan_release(&p);
		ms = (double)(to.tv_sec - from.tv_sec) * 1e3 +
		     (double)(to.tv_nsec - from.tv_nsec) / 1e6;
		best = ms < best ? ms : best;
	}
	free(q);
	return best;
}

static struct queue *chain(int n)
{
	struct queue *q = queue_new(n);

	for (int i = 2; i <= n; i++)
		depend(q, i, i - 1);
	return q;
}

static struct queue *ring(int n)
{
	struct queue *q = queue_new(n);

	for (int i = 1; i <= n; i++)
		depend(q, i, i % n + 1);
	return q;
}

static struct queue *usual(int n)
{
	return random_queue(1, n, false);
}

static struct queue *knots(int n)
{
	return random_queue(2, n, true);
}

/* Four times the entries take at most the square of it as long, with room: cubic would be 64 times. */
static void test_a_thousand_entries(void **state)
{
	static const struct {
		const char *name;
		struct queue *(*make)(int n);
	} shapes[] = {{"a chain", chain},
		      {"a ring", ring},
		      {"with dependencies and files", usual},
		      {"in knots", knots}};

	(void)state;
	mallopt(M_TRIM_THRESHOLD,
		1 << 30); /* the kernel's time for fresh memory is not the planner's */
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		double few = milliseconds(shapes[i].make(MAX / 4));
		double many = milliseconds(shapes[i].make(MAX));

		print_message("# 1000 %s: %.2f ms, %.1f times 250\n", shapes[i].name, many,
			      many / few);
		assert_true(many < 40 * few);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_priority_then_age),
		cmocka_unit_test(test_dependencies_come_first),
		cmocka_unit_test(test_urgency_is_inherited),
		cmocka_unit_test(test_overlap_keeps_the_age),
		cmocka_unit_test(test_the_order_of_the_facts_does_not_matter),
		cmocka_unit_test(test_nobody_stands_before_what_it_needs),
		cmocka_unit_test(test_named_cycles_exist),
		cmocka_unit_test(test_a_thousand_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
