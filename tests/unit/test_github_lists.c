/* test_github_lists.c - what reading GitHub again finds: lists, who set a label, deliveries that were missed,
 * credentials that are not accepted */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_world.h"

#include "forge/github_read.h"

#define THE_REPO                                                                                   \
	{                                                                                          \
		REPO, "{\"id\":5,\"full_name\":\"octo/app\",\"default_branch\":\"main\","          \
		      "\"clone_url\":\"https://github.com/octo/app.git\"}"                         \
	}
#define NO_RULES                                                                                   \
	{REPO "/git/matching-refs/heads/yardmaster/queue", "[]"},                                  \
		{REPO "/branches/main", "{\"protected\":false}"},                                  \
	{                                                                                          \
		REPO "/rules/branches/main", "[]"                                                  \
	}
#define ISSUE(LABELS, UPDATED)                                                                     \
	"{\"number\":3,\"title\":\"t\",\"body\":\"b\",\"state\":\"open\",\"labels\":[" LABELS "]," \
	"\"user\":{\"login\":\"eve\",\"type\":\"User\"},"                                          \
	"\"created_at\":\"" SINCE "\",\"updated_at\":\"" UPDATED "\"}"
#define LABEL "{\"name\":\"agent:fix\"}"
#define EVENT(ID, WHAT, WHO, TYPE, AT)                                                             \
	"{\"id\":" ID ",\"event\":\"" WHAT "\",\"label\":" LABEL ",\"actor\":{\"login\":\"" WHO    \
	"\",\"type\":\"" TYPE "\"},\"created_at\":\"" AT "\"}"
#define COMMENT(ID, BODY, AT)                                                                      \
	"{\"id\":" ID ",\"body\":\"" BODY "\",\"user\":{\"login\":\"ann\",\"type\":\"User\"},"     \
	"\"issue_url\":\"https://api.github.com" REPO "/issues/3\","                               \
	"\"created_at\":\"" AT "\",\"updated_at\":\"" AT "\"}"

static void read_lists(struct world *w)
{
	act(w, "forge-list", json_object());
	if (w->why.code)
		fail_msg("forge-list: %s", err_text(&w->why));
}

static void read_issue(struct world *w)
{
	act(w, "forge-sync", json_pack("{s:i}", "number", 3));
	if (w->why.code)
		fail_msg("forge-sync: %s", err_text(&w->why));
}

/* ---- lists ---- */

/* The second look, at which nothing is new, costs GitHub's limit nothing. */
static void what_is_unchanged_is_asked_conditionally(void **state)
{
	static const struct page pages[] = {THE_REPO,
					    NO_RULES,
					    {REPO "/issues", "[]"},
					    {REPO "/pulls", "[]"},
					    {REPO "/issues/comments", "[]"},
					    {0}};
	struct world w;
	size_t first;

	world_of_pages(&w, *state, pages, false);
	read_lists(&w);
	first = w.f->stub->n;
	read_lists(&w);
	assert_true(w.f->stub->n - first >= 4);
	for (size_t i = first; i < w.f->stub->n; i++) {
		const struct stub_seen *s = &w.f->stub->seen[i];
		autofree char *etag = stub_header(s, "If-None-Match");

		if (!etag)
			fail_msg("%s: not conditional", s->what);
	}
	assert_told(&w, "");
	world_release(&w);
}

/* What was labelled and said before anybody looked is nobody's to act on; what comes later is. */
static void the_first_look_tells_nothing(void **state)
{
	static const struct page before[] = {
		THE_REPO,
		NO_RULES,
		{REPO "/issues", "[" ISSUE(LABEL, SINCE) "]"},
		{REPO "/pulls", "[]"},
		{REPO "/issues/comments", "[" COMMENT("9", "/yard run fix", SINCE) "]"},
		{0}};
	static const struct page later[] = {
		THE_REPO,
		NO_RULES,
		{REPO "/issues", "[" ISSUE(LABEL, SINCE) "]"},
		{REPO "/pulls", "[]"},
		{REPO "/issues/comments",
		 "[" COMMENT("9", "/yard run fix", SINCE) "," COMMENT("10", "/yard run fix",
								      "2999-01-01T00:00:00Z") "]"},
		{0}};
	cleanup(label_list_release) struct label_list l = {0};
	struct world w;

	world_of_pages(&w, *state, before, true);
	read_lists(&w);
	assert_told(&w, "");
	assert_int_equal(label_all(w.forge.db, ST_LABEL_FIRST, &l, NULL, "i", w.repo.id), 0);
	assert_int_equal(l.n, 1); /* for people to see */
	read_lists(&w);
	assert_told(&w, "");
	w.pages = later;
	read_lists(&w);
	assert_told(&w, "comment-created 3 - ann");
	world_release(&w);
}

/* ---- labels ---- */

/* One event of the timeline is one command, however often and in whatever order it is heard of. */
static void a_label_is_told_once_a_time(void **state)
{
#define SET_1 EVENT("1", "labeled", "ann", "User", "2026-01-02T00:00:00Z")
#define OFF   EVENT("2", "unlabeled", "bob", "User", "2026-01-02T00:00:01Z")
#define SET_2 EVENT("3", "labeled", "bob", "User", "2026-01-02T00:00:02Z")
	static const struct page steps[][3] = {
		{{REPO "/issues/3", ISSUE("", SINCE)}, {REPO "/issues/3/events", "[]"}, {0}},
		{{REPO "/issues/3", ISSUE(LABEL, SINCE)},
		 {REPO "/issues/3/events", "[" SET_1 "]"},
		 {0}},
		{{REPO "/issues/3", ISSUE(LABEL, SINCE)},
		 {REPO "/issues/3/events", "[" SET_1 "]"},
		 {0}},
		{{REPO "/issues/3", ISSUE("", SINCE)},
		 {REPO "/issues/3/events", "[" SET_1 "," OFF "]"},
		 {0}},
		/* an old answer that came late */
		{{REPO "/issues/3", ISSUE(LABEL, SINCE)},
		 {REPO "/issues/3/events", "[" SET_1 "]"},
		 {0}},
		{{REPO "/issues/3", ISSUE(LABEL, SINCE)},
		 {REPO "/issues/3/events", "[" SET_1 "," OFF "," SET_2 "]"},
		 {0}},
	};
	static const char *const expected[] = {"", "issue-labeled 3 agent:fix ann",
					       "", "issue-unlabeled 3 agent:fix bob",
					       "", "issue-labeled 3 agent:fix bob"};
	struct world w;

	world_of_pages(&w, *state, NULL, false);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		w.pages = steps[i];
		read_issue(&w);
		assert_told(&w, expected[i]);
	}
	world_release(&w);
}

/* By whom it was opened says the timeline; a bot's own closing is nobody's word, its opening starts nothing. */
static void an_issue_is_closed_and_opened_again(void **state)
{
#define IN(STATE)                                                                                  \
	"{\"number\":3,\"title\":\"t\",\"body\":\"b\",\"state\":\"" STATE "\",\"labels\":[],"      \
	"\"user\":{\"login\":\"eve\",\"type\":\"User\"},"                                          \
	"\"created_at\":\"" SINCE "\",\"updated_at\":\"" SINCE "\"}"
#define CLOSED   EVENT("1", "closed", "ann", "User", "2026-01-02T00:00:00Z")
#define REOPENED EVENT("2", "reopened", "bob", "User", "2026-01-02T00:00:01Z")
	static const struct page steps[][3] = {
		{{REPO "/issues/3", IN("open")}, {REPO "/issues/3/events", "[]"}, {0}},
		{{REPO "/issues/3", IN("closed")}, {REPO "/issues/3/events", "[" CLOSED "]"}, {0}},
		{{REPO "/issues/3", IN("closed")}, {REPO "/issues/3/events", "[" CLOSED "]"}, {0}},
		{{REPO "/issues/3", IN("open")},
		 {REPO "/issues/3/events", "[" CLOSED "," REOPENED "]"},
		 {0}},
	};
	static const char *const expected[] = {"", "issue-closed 3 - ann", "",
					       "issue-reopened 3 - bob"};
	struct world w;

	world_of_pages(&w, *state, NULL, false);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		w.pages = steps[i];
		read_issue(&w);
		assert_told(&w, expected[i]);
	}
	world_release(&w);
}

/* Unknown means no action, and a bot's is nobody's. */
static void who_set_a_label_must_be_known(void **state)
{
	static const struct page nobody[] = {
		{REPO "/issues/3", ISSUE(LABEL, SINCE)}, {REPO "/issues/3/events", "[]"}, {0}};
	static const struct page bot[] = {
		{REPO "/issues/3", ISSUE(LABEL, SINCE)},
		{REPO "/issues/3/events",
		 "[" EVENT("1", "labeled", "Copilot", "Bot", "2026-01-02T00:00:00Z") "]"},
		{0}};
	static const struct page person[] = {
		{REPO "/issues/3", ISSUE(LABEL, SINCE)},
		{REPO "/issues/3/events",
		 "[" EVENT("1", "labeled", "ann", "User", "2026-01-02T00:00:00Z") "]"},
		{0}};
	struct world w;

	world_of_pages(&w, *state, nobody, false);
	read_issue(&w);
	assert_told(&w, "issue-labeled 3 agent:fix "); /* a person is told so */
	read_issue(&w);
	assert_told(&w, ""); /* once */
	w.pages = person;    /* the timeline was late */
	read_issue(&w);
	assert_told(&w, "issue-labeled 3 agent:fix ann");
	world_release(&w);

	world_of_pages(&w, *state, bot, false);
	read_issue(&w);
	assert_told(&w, "");
	world_release(&w);
}

/* A look that was asked for now, by a delivery that tells this; `later`: so many ms later. */
static void look_told(struct world *w, json_t *told, int64_t later)
{
	autojson json_t *p = json_pack("{s:I,s:i}", "repo", (json_int_t)w->repo.id, "number", 3);
	static int looks; /* several may be in one millisecond */
	int64_t now = w->f->clock.wall_ms(&w->f->clock);
	autofree char *key = xasprintf("look:%d", ++looks);
	int64_t effect;

	if (told)
		json_put(p, "told", told);
	assert_int_equal(
		effect_add(w->forge.db, key, "sync:1:3", "forge-sync", p, now - later, NULL), 1);
	effect = db_last_id(w->forge.db);
	act_of(w, effect, "forge-sync", json_incref(p));
	assert_int_equal(effect_done(w->forge.db, effect, true, NULL, 1, NULL), 1);
}

#define TOLD_LABEL json_pack("{s:s,s:s,s:i}", "label", "agent:fix", "actor", "ann", "at_ms", 1)

/* The events, the issue, or all of it are behind the delivery: nothing is taken for an answer but what is there, for a
 * minute; then the delivery is what is known. */
static void what_is_behind_is_asked_for_again(void **state)
{
	static const struct page set[] = {
		{REPO "/issues/3", ISSUE(LABEL, SINCE)},
		{REPO "/issues/3/events",
		 "[" EVENT("1", "labeled", "ann", "User", "2026-01-02T00:00:00Z") "]"},
		{0}};
	static const struct page no_event[] = {
		{REPO "/issues/3", ISSUE(LABEL, SINCE)}, {REPO "/issues/3/events", "[]"}, {0}};
	static const struct page no_label[] = {
		{REPO "/issues/3", ISSUE("", SINCE)}, {REPO "/issues/3/events", "[]"}, {0}};
	static const struct page nothing[] = {{0}};
	static const struct {
		const struct page *pages;
		int64_t later;
		enum err_code code;
		const char *told;
	} looks[] = {
		{nothing, 0, ERR_UNAVAILABLE, ""},
		{no_label, 30000, ERR_UNAVAILABLE, ""},
		{no_event, 30000, ERR_UNAVAILABLE, ""},
		{set, 30000, 0, "issue-labeled 3 agent:fix ann"},
		/* a replica that is behind takes nothing off */
		{no_label, 30000, ERR_UNAVAILABLE, ""},
		{set, 0, 0, ""},
	};
	struct world w;

	world_of_pages(&w, *state, NULL, false);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		w.pages = looks[i].pages;
		look_told(&w, TOLD_LABEL, looks[i].later);
		if (w.why.code != looks[i].code)
			fail_msg("look %zu: '%s'", i, err_text(&w.why));
		assert_told(&w, looks[i].told);
		w.f->wall_off++;
	}
	world_release(&w);

	world_of_pages(&w, *state, no_event, false);
	look_told(&w, TOLD_LABEL, 59000);
	assert_int_equal(w.why.code, ERR_UNAVAILABLE);
	look_told(&w, TOLD_LABEL, 61000);
	assert_int_equal(w.why.code, 0);
	assert_told(&w, "issue-labeled 3 agent:fix ann");
	w.pages = set; /* the event of it comes late: it is the same */
	look_told(&w, NULL, 61001);
	assert_told(&w, "");
	world_release(&w);

	/* An answer of before what was told. */
	world_of_pages(&w, *state, set, false);
	look_told(&w, json_pack("{s:I}", "at_ms", (json_int_t)gh_time_ms("2026-01-03T00:00:00Z")),
		  0);
	assert_int_equal(w.why.code, ERR_UNAVAILABLE);
	look_told(&w, json_pack("{s:I}", "at_ms", (json_int_t)gh_time_ms(SINCE)), 1);
	assert_int_equal(w.why.code, 0);
	world_release(&w);
}

static void ask_told(struct world *w, const char *kind, json_t *p, int64_t later)
{
	static int asks;
	int64_t now = w->f->clock.wall_ms(&w->f->clock);
	autofree char *key = xasprintf("ask:%d", ++asks);
	int64_t effect;

	json_put_int(p, "number", 3);
	assert_int_equal(effect_add(w->forge.db, key, "ask:1:3", kind, p, now - later, NULL), 1);
	effect = db_last_id(w->forge.db);
	act_of(w, effect, kind, p);
	assert_int_equal(effect_done(w->forge.db, effect, true, NULL, 1, NULL), 1);
}

/* The same of PRs, of a text that is looked up, and of what landed: within a minute of the question "not found" is no
 * answer, and after it is one. */
static void what_is_not_found_yet_is_asked_for_again(void **state)
{
	static const struct page nothing[] = {THE_REPO, {0}};
	static const struct page old[] = {
		{REPO "/pulls/3", "{\"number\":3,\"state\":\"open\",\"updated_at\":\"" SINCE "\"}"},
		{0}};
	struct world w;

	world_of_pages(&w, *state, nothing, false);
	ask_told(&w, "forge-sync", json_pack("{s:b}", "pull", 1), 59000);
	assert_non_null(strstr(err_text(&w.why), "not find it yet"));
	ask_told(&w, "forge-sync", json_pack("{s:b}", "pull", 1), 61000);
	assert_non_null(strstr(err_text(&w.why), "404: Not Found"));
	ask_told(&w, "forge-look", json_object(), 59000);
	assert_non_null(strstr(err_text(&w.why), "not find it yet"));
	ask_told(&w, "forge-look", json_object(), 61000);
	assert_non_null(strstr(err_text(&w.why), "404: Not Found"));
	w.pages = old;
	ask_told(&w, "forge-sync",
		 json_pack("{s:b,s:{s:I}}", "pull", 1, "told", "at_ms",
			   (json_int_t)gh_time_ms("2026-01-03T00:00:00Z")),
		 0);
	assert_int_equal(w.why.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err_text(&w.why), "what was told of it is not there yet"));
	assert_told(&w, "");
	world_release(&w);
}

#define NO_HEAD                                                                                    \
	"{\"message\":\"Validation Failed\",\"errors\":[{\"resource\":\"PullRequest\","            \
	"\"field\":\"head\",\"code\":\"invalid\"}]}"
#define DRAFT                                                                                      \
	"{\"number\":9,\"state\":\"open\",\"base\":{\"ref\":\"main\"},\"head\":{\"ref\":"          \
	"\"topic\"}}"
#define OPEN "GET " REPO "/pulls?state=open&head=octo%3Atopic"

static json_t *to_open(struct world *w)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "title", "t", "body", "", "base",
			 "main", "topic", "topic", "branch", "topic", "files", "[]", "head", "h",
			 "until_ms", (json_int_t)w->f->clock.wall_ms(&w->f->clock) + 600000);
}

/* A branch was pushed, and GitHub's API takes no PR from it yet, or does not find the draft that it has just made. */
static void what_was_just_pushed_is_not_known_yet(void **state)
{
	static const struct canned refused[] = {SAY("POST " REPO "/pulls", 422, "", NO_HEAD),
						SAY(OPEN, 200, "", "[]"), END};
	static const struct canned lost[] = {SAY(OPEN, 200, "", "[]"),
					     SAY("POST " REPO "/pulls", 201, "", DRAFT), END};
	static const char *const kinds[] = {"forge-pr-open", "cand-draft"};
	struct world w;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		world_open(&w, *state, refused);
		ask_told(&w, kinds[i], to_open(&w), 59000);
		assert_int_equal(w.why.code, ERR_UNAVAILABLE);
		assert_non_null(strstr(err_text(&w.why), "GitHub does not know the "));
		ask_told(&w, kinds[i], to_open(&w), 61000);
		assert_int_equal(w.why.code, ERR_STATE);
		assert_non_null(strstr(err_text(&w.why), "head is invalid"));
		world_release(&w);
	}
	world_open(&w, *state, lost);
	ask_told(&w, "cand-draft", to_open(&w), 59000);
	assert_int_equal(w.why.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err_text(&w.why), "the draft PR #9 is being made"));
	ask_told(&w, "cand-draft", to_open(&w), 61000);
	assert_non_null(strstr(err_text(&w.why), "404: Not Found"));
	world_release(&w);
}

/* ---- what is not ours ---- */

#define GET_3 "GET " REPO "/issues/3"

static void known_issue(struct world *w, int64_t number)
{
	struct issue i = {.repo = w->repo.id,
			  .number = number,
			  .title = (char *)"ours",
			  .body = (char *)"b",
			  .state = (char *)"open",
			  .author = (char *)"ann"};

	assert_int_equal(issue_insert(w->forge.db, &i, NULL), 0);
}

/* "open ours": the ledger's row. */
static void assert_issue(struct world *w, int64_t number, const char *expected)
{
	cleanup(issue_release) struct issue i = {0};
	autofree char *found = NULL;

	assert_int_equal(
		issue_find(w->forge.db, ST_ISSUE_BY_NUMBER, &i, NULL, "ii", w->repo.id, number), 1);
	found = xasprintf("%s %s", i.state, i.title);
	assert_string_equal(found, expected);
}

/* Transferred or deleted, ours is closed; ours with the number that it has elsewhere, or that a strange answer has, stays as
 * it is; and so does all when nothing is known. */
static void an_answer_of_something_else_is_not_taken(void **state)
{
#define OTHER(NUMBER, REPO_URL)                                                                    \
	"{\"number\":" NUMBER                                                                      \
	",\"title\":\"theirs\",\"body\":\"b\",\"state\":\"open\",\"labels\":[],"                   \
	"\"repository_url\":\"https://api.github.com" REPO_URL "\","                               \
	"\"user\":{\"login\":\"eve\",\"type\":\"User\"},\"created_at\":\"" SINCE                   \
	"\",\"updated_at\":\"" SINCE "\"}"
	static const struct {
		struct canned answer;
		const char *three, *told;
		enum err_code code;
	} cases[] = {
		{SAY(GET_3, 301, "Location: /repos/octo/other/issues/1\r\n", "{}"), "closed ours",
		 "issue-closed 3 - ghost", 0},
		{SAY(GET_3, 301, "Location: /repositories/6/issues/3\r\n", "{}"), "closed ours",
		 "issue-closed 3 - ghost", 0},
		{SAY(GET_3, 410, "", "{\"message\":\"This issue was deleted\"}"), "closed ours",
		 "issue-closed 3 - ghost", 0},
		{SAY(GET_3, 410, "", "{\"message\":\"Issues are disabled for this repo\"}"),
		 "open ours", "", 0},
		{SAY(GET_3, 404, "", "{\"message\":\"Not Found\"}"), "open ours", "", 0},
		{SAY(GET_3, 200, "", OTHER("1", REPO)), "open ours", "", ERR_INPUT},
		{SAY(GET_3, 200, "", OTHER("3", "/repos/octo/application")), "open ours", "",
		 ERR_INPUT},
		{SAY(GET_3, 200, "", OTHER("3", "/repos/Octo/App")), "open theirs",
		 "issue-edited 3 - eve", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct canned answers[] = {
			cases[i].answer, SAY(GET_3 "/events?per_page=100", 200, "", "[]"), END};
		struct world w;

		world_open(&w, *state, answers);
		known_issue(&w, 1);
		known_issue(&w, 3);
		act(&w, "forge-sync", json_pack("{s:i}", "number", 3));
		if (w.why.code != cases[i].code)
			fail_msg("case %zu: %s", i, err_text(&w.why));
		assert_issue(&w, 1, "open ours");
		assert_issue(&w, 3, cases[i].three);
		assert_told(&w, cases[i].told);
		world_release(&w);
	}
}

/* ---- deliveries ---- */

#define DELIVERIES "/app/hook/deliveries"

static size_t asked_again(struct world *w, const char *id)
{
	autofree char *what = xasprintf("POST " DELIVERIES "/%s/attempts", id);

	return stub_count(w->f->stub, what);
}

static void look_for_missed(struct world *w, size_t posts)
{
	size_t seen = w->f->stub->n + 1 + posts;

	github_missed(w->forge.github);
	for (int64_t end = fx_now() + PATIENT_MS; w->f->stub->n < seen;) {
		fx_turn(w->f);
		if (fx_now() > end)
			fail_msg("found %zu requests, expected %zu", w->f->stub->n, seen);
	}
	for (int64_t end = fx_now() + 100; fx_now() < end;)
		fx_turn(w->f);
	assert_int_equal(w->f->stub->n, seen);
}

static void what_was_missed_is_asked_for_once(void **state)
{
#define FAILED(ID, AGAIN)                                                                          \
	"{\"id\":" ID ",\"guid\":\"g" ID "\",\"redelivery\":" AGAIN                                \
	",\"status\":\"Service Unavailable\",\"status_code\":503}"
#define ARRIVED                                                                                    \
	"{\"id\":14,\"guid\":\"g14\",\"redelivery\":false,\"status\":\"OK\",\"status_code\":202}"
	static const struct page first[] = {{DELIVERIES, "[" FAILED("11", "false") "]"}, {0}};
	static const struct page second[] = {
		{DELIVERIES,
		 "[" FAILED("15", "true") "," ARRIVED "," FAILED("13", "false") "," FAILED(
			 "12", "false") "," FAILED("11", "false") "]"},
		{0}};
	static const struct page third[] = {
		{DELIVERIES,
		 "[" FAILED("15", "true") "," ARRIVED "," FAILED("13", "false") "," FAILED(
			 "12", "false") "," FAILED("11", "false") "," FAILED("10", "false") "]"},
		{0}};
	struct world w;

	world_of_pages(&w, *state, first, false);
	look_for_missed(&w, 0); /* nothing old starts by itself */
	look_for_missed(&w, 0);
	w.pages = second;
	look_for_missed(&w, 2);
	assert_int_equal(asked_again(&w, "12") + asked_again(&w, "13"), 2);
	look_for_missed(&w, 0);
	assert_int_equal(asked_again(&w, "11") + asked_again(&w, "14") + asked_again(&w, "15"), 0);
	/* It was sent before the others, and timed out after they had failed. */
	w.pages = third;
	look_for_missed(&w, 1);
	assert_int_equal(asked_again(&w, "10"), 1);
	look_for_missed(&w, 0);
	world_release(&w);
}

/* More than are asked for at once: what no list tells of comes first. */
static void a_button_is_asked_for_before_the_rest(void **state)
{
	static const struct page none[] = {{DELIVERIES, "[]"}, {0}};
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct page many[] = {{DELIVERIES, NULL}, {0}};
	struct world w;

	for (int id = 999; id > 700; id--)
		buf_addf(&b,
			 "%s{\"id\":%d,\"redelivery\":false,\"status\":\"timed "
			 "out\",\"event\":\"%s\","
			 "\"action\":\"%s\"}",
			 b.len ? "," : "[", id, id < 703 ? "check_run" : "issues",
			 id == 701   ? "requested_action"
			 : id == 702 ? "rerequested"
				     : "edited");
	buf_adds(&b, "]");
	many[0].body = b.s;
	world_of_pages(&w, *state, none, false);
	look_for_missed(&w, 0);
	w.pages = many;
	look_for_missed(&w, 179); /* of five points each: a minute's limit */
	assert_int_equal(asked_again(&w, "701") + asked_again(&w, "702"), 2);
	assert_int_equal(asked_again(&w, "999"), 1);
	w.f->mono_off += 70000;
	look_for_missed(&w, 20); /* the rest of them, and nothing is listed */
	assert_int_equal(asked_again(&w, "999") + asked_again(&w, "802"), 2);
	assert_int_equal(asked_again(&w, "801") + asked_again(&w, "703"), 0);
	look_for_missed(&w, 0);
	world_release(&w);
}

/* Delivery 12 was missed, and GitHub is away when it is asked for it. */
static void one_is_not_taken(struct world *w, struct fx *f)
{
	static const struct page none[] = {{DELIVERIES, "[]"}, {0}};
	static const struct page one[] = {{DELIVERIES, "[" FAILED("12", "false") "]"}, {0}};
	static const struct canned answer[] = {
		SAY_ONCE("POST " DELIVERIES "/12/attempts", 502, "", "{\"message\":\"x\"}"),
		SAY("POST " DELIVERIES "/12/attempts", 202, "", "{}"), END};

	world_of_pages(w, f, none, false);
	f->stub->answers = answer;
	look_for_missed(w, 0);
	w->pages = one;
	look_for_missed(w, 1);
}

/* The next look asks again. */
static void what_was_not_taken_is_asked_for_again(void **state)
{
	struct world w;

	one_is_not_taken(&w, *state);
	look_for_missed(&w, 0);
	assert_int_equal(asked_again(&w, "12"), 2);
	look_for_missed(&w, 0);
	world_release(&w);
}

/* A daemon that ends in between has not asked: the next one does. */
static void a_restart_forgets_nothing_that_was_missed(void **state)
{
	static const struct page then[] = {{DELIVERIES, "[" ARRIVED "," FAILED("12", "false") "]"},
					   {0}};
	static const struct page later[] = {
		{DELIVERIES, "[" FAILED("15", "true") "," ARRIVED "," FAILED("12", "false") "]"},
		{0}};
	struct world w;

	one_is_not_taken(&w, *state);
	world_github(&w, NULL);
	w.pages = then;
	look_for_missed(&w, 1);
	assert_int_equal(asked_again(&w, "12"), 2);
	world_github(&w, NULL);
	w.pages = later;
	look_for_missed(&w, 0); /* it has been asked for */
	world_release(&w);
}

/* ---- credentials ---- */

static char *pause_of(struct world *w)
{
	char *why = NULL;

	return w->forge.ops->paused(&w->forge, &w->repo, &why, NULL) > 0 ? why : NULL;
}

/* Another key, a revoked token: said once, nothing begins meanwhile, and all goes on when it is mended. */
static void credentials_that_are_not_accepted_pause(void **state)
{
	static const struct page pages[] = {THE_REPO,
					    NO_RULES,
					    {REPO "/installation", "{\"id\":7,\"permissions\":{}}"},
					    {REPO "/issues", "[]"},
					    {REPO "/pulls", "[]"},
					    {REPO "/issues/comments", "[]"},
					    {0}};
	autofree char *why = NULL, *none = NULL;
	cleanup(effect_release) struct effect e = {0};
	autojson json_t *waits = NULL;
	int64_t comment;
	struct world w;

	world_of_pages(&w, *state, pages, false);
	waits = json_pack("{s:I}", "repo", (json_int_t)w.repo.id);
	w.refused = true;
	act(&w, "forge-list", json_object());
	assert_told(&w, "repo-paused 0 - -");
	why = pause_of(&w);
	assert_non_null(why);
	assert_non_null(strstr(why, "GitHub does not accept our credentials"));
	assert_non_null(strstr(why, "are 'app' and 'key' those of the App's page?"));
	w.f->mono_off += 3600000; /* the time for which nobody knocks again is over */
	act(&w, "forge-list", json_object());
	assert_told(&w, "");
	assert_int_equal(effect_add(w.forge.db, "c", "talk:1:3", "forge-comment", waits, 1, NULL),
			 1);
	comment = db_last_id(w.forge.db);
	assert_int_equal(effect_again(w.forge.db, comment, INT64_MAX, NULL), 1);
	w.refused = false;
	w.f->mono_off += 3600000;
	read_lists(&w);
	assert_told(&w, "repo-resumed 0 - -");
	/* What was put off for hours has a reason to begin. */
	assert_int_equal(effect_get(w.forge.db, comment, &e, NULL), 1);
	assert_int_equal(e.not_before_ms, 0);
	none = pause_of(&w);
	assert_null(none);
	world_release(&w);
}

/* Of a request that was refused GitHub says what it takes: "a=read,b=write" all of it, "a=read;b=write" one. */
static void a_permission_that_is_missing_pauses(void **state)
{
	static const struct {
		const char *needs, *has;
		bool paused;
	} rows[] = {
		{"issues=write", "{\"issues\":\"write\"}", false},
		{"issues=write", "{\"issues\":\"read\"}", true},
		{"issues=write", "{}", true},
		{"issues=read", "{\"issues\":\"admin\"}", false},
		{"issues=write; pull_requests=write", "{\"pull_requests\":\"write\"}", false},
		{"issues=write; pull_requests=write", "{\"contents\":\"write\"}", true},
		{"contents=write,workflows=write", "{\"contents\":\"write\"}", true},
		{"contents=write,workflows=write",
		 "{\"contents\":\"write\",\"workflows\":\"write\"}", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *installation =
			xasprintf("{\"id\":7,\"permissions\":%s}", rows[i].has);
		const struct page pages[] = {THE_REPO,
					     NO_RULES,
					     {REPO "/installation", installation},
					     {REPO "/issues", "[]"},
					     {REPO "/pulls", "[]"},
					     {REPO "/issues/comments", "[]"},
					     {0}};
		autofree char *why = NULL;
		struct world w;

		world_of_pages(&w, *state, pages, false);
		assert_int_equal(github_doubt(w.forge.github, w.repo.id, rows[i].needs, NULL), 0);
		act(&w, "forge-list", json_object());
		why = pause_of(&w);
		if (!why == rows[i].paused)
			fail_msg("row %zu: found '%s'", i, why ? why : "no pause");
		assert_told(&w, rows[i].paused ? "repo-paused 0 - -" : "");
		if (why)
			assert_non_null(strstr(why, rows[i].needs));
		world_release(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_unchanged_is_asked_conditionally),
		TEST(the_first_look_tells_nothing),
		TEST(a_label_is_told_once_a_time),
		TEST(an_issue_is_closed_and_opened_again),
		TEST(who_set_a_label_must_be_known),
		TEST(an_answer_of_something_else_is_not_taken),
		TEST(what_is_behind_is_asked_for_again),
		TEST(what_is_not_found_yet_is_asked_for_again),
		TEST(what_was_just_pushed_is_not_known_yet),
		TEST(what_was_missed_is_asked_for_once),
		TEST(a_restart_forgets_nothing_that_was_missed),
		TEST(a_button_is_asked_for_before_the_rest),
		TEST(what_was_not_taken_is_asked_for_again),
		TEST(credentials_that_are_not_accepted_pause),
		TEST(a_permission_that_is_missing_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
