/* test_bot_upkeep.c - when a repository is brought into few packs again: by a clock that is turned. */
#include "bot_fixture.h"

#include "bot/git_request.h"
#include "bot/upkeep.h"

/* Files whose names are a number of 38 digits and `after`. */
static void make(struct fx *f, const char *below, const char *after, int from, int to)
{
	autofree char *dir = path_join(f->repo.path, below);

	assert_int_equal(fs_mkdir_p(dir, 0700, NULL), 0);
	for (int i = from; i < to; i++) {
		autofree char *name = xasprintf("%s/%038d%s", dir, i, after);

		assert_int_equal(fs_write_atomic(name, "1234", 4, 0600, NULL), 0);
	}
}

#define PACK  ".pack"
#define INDEX ".idx"
#define LOOSE ""

/* It was done; nobody decides about the result. */
static void done(struct fx *f)
{
	int64_t id = fx_due(f, "repo-maintain", NULL);

	assert_int_equal(effect_done(f->bot.db, id, true, NULL, fx_now, NULL), 1);
}

static int64_t wanted(struct fx *f)
{
	assert_int_equal(upkeep_look(&f->bot, NULL), 0);
	return fx_due(f, "repo-maintain", NULL);
}

static void many_packs_are_packed(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;
	struct upkeep_size size;

	fx_now = UPKEEP_EVERY_MS * 1000;
	assert_int_equal(wanted(f), 0);
	make(f, "objects/pack", PACK, 0, UPKEEP_PACKS - 1);
	make(f, "objects/pack", INDEX, 0, UPKEEP_PACKS);
	assert_int_equal(wanted(f), 0);
	make(f, "objects/pack", PACK, UPKEEP_PACKS - 1, UPKEEP_PACKS);
	upkeep_size(f->repo.path, &size);
	assert_int_equal(size.packs, UPKEEP_PACKS);
	assert_int_equal(size.pack_bytes, 4 * UPKEEP_PACKS);
	assert_int_equal(size.loose, 0);
	assert_int_not_equal(wanted(f), 0);
	assert_int_not_equal(fx_due(f, "repo-maintain", &p), 0);
	assert_string_equal(json_str(p, "op", ""), "maintain");
	assert_string_equal(json_str(p, "repo", ""), f->repo.path);
}

static void loose_objects_are_packed(void **state)
{
	struct fx *f = *state;

	fx_now = UPKEEP_EVERY_MS * 1000;
	make(f, "objects/17", LOOSE, 0, UPKEEP_LOOSE / 256);
	assert_int_equal(wanted(f), 0);
	make(f, "objects/17", LOOSE, 0, UPKEEP_LOOSE / 256 + 1);
	assert_int_not_equal(wanted(f), 0);
}

/* Once in a span, however often it is looked, and whatever came of it. */
static void it_is_not_done_all_the_time(void **state)
{
	struct fx *f = *state;

	fx_now = UPKEEP_EVERY_MS * 1000;
	make(f, "objects/pack", PACK, 0, UPKEEP_PACKS);
	assert_int_not_equal(wanted(f), 0);
	fx_now += UPKEEP_EVERY_MS;
	assert_int_equal(wanted(f), fx_due(f, "repo-maintain", NULL));
	done(f);
	assert_int_not_equal(wanted(f), 0); /* the span is another one */
	done(f);
	fx_now += UPKEEP_EVERY_MS - 1;
	assert_int_equal(wanted(f), 0);
	fx_now++;
	assert_int_not_equal(wanted(f), 0);
}

static void a_landing_goes_first(void **state)
{
	static const char *const kinds[] = {"cand-land", "cand-push", "cand-settle"};
	struct fx *f = *state;

	fx_now = UPKEEP_EVERY_MS * 1000;
	make(f, "objects/pack", PACK, 0, UPKEEP_PACKS);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		cleanup(err_release) struct err err = ERR_INIT;
		int64_t id;

		assert_int_equal(bot_effect(&f->bot, "queue:app", kinds[i],
					    git_request_of(&f->repo, "x"), &err, "k%zu", i),
				 1);
		id = db_last_id(f->bot.db);
		assert_int_equal(wanted(f), 0);
		assert_int_equal(effect_done(f->bot.db, id, true, NULL, fx_now, NULL), 1);
	}
	assert_int_not_equal(wanted(f), 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(many_packs_are_packed),
		TEST(loose_objects_are_packed),
		TEST(it_is_not_done_all_the_time),
		TEST(a_landing_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
