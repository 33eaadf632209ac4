/* test_receive.c - webhooks: signatures and secrets, bodies in memory and spooled, forms, the store of deliveries */
#include "store_fixture.h"

#include "base/text.h"
#include "bot/waits.h"
#include "store/deliveries.h"
#include "web/body.h"
#include "web/deliver.h"
#include "web/form.h"
#include "web/receive.h"

#include <dirent.h>

/* --- signatures --- */

/* libcrypto's comparison, which takes the same time wherever two signatures differ: it comes here instead. */
static size_t compared;

int CRYPTO_memcmp(const void *a, const void *b, size_t n);

int CRYPTO_memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;
	int differ = 0;

	compared += n;
	for (size_t i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ;
}

static void test_signature(void **state)
{
	static const char good[] =
		"sha256=00112233445566778899aabbccddeeffAABBCCDDEEFF00112233445566778899";
	unsigned char mac[HMAC_BYTES];
	char s[80];

	(void)state;
	assert_true(hook_signature(good, mac));
	assert_int_equal(mac[1], 0x11);
	assert_int_equal(mac[16], 0xaa);
	assert_false(hook_signature("", mac));
	assert_false(hook_signature("sha256=", mac));
	assert_false(hook_signature(good + 7, mac));
	snprintf(s, sizeof(s), "%s0", good);
	assert_false(hook_signature(s, mac));
	snprintf(s, sizeof(s), "%s", good);
	s[20] = 'g';
	assert_false(hook_signature(s, mac));
	s[20] = '\0';
	assert_false(hook_signature(s, mac));
}

static struct hook_secrets *secrets(const char *const *names, size_t n, const char *repos)
{
	struct conf_secret v[4] = {{0}};
	struct conf_hooks conf = {.secrets = v, .nsecrets = n};
	struct hook_secrets *s = NULL;

	for (size_t i = 0; i < n; i++)
		v[i].ref = (char *)names[i];
	if (repos)
		strvec_split(&v[0].repos, repos, ' ');
	assert_int_equal(hook_secrets_new(&conf, &s, NULL), 0);
	strvec_release(&v[0].repos);
	return s;
}

/* RFC 4231, test case 2, in pieces; and the second of three secrets is the one that counts. */
static void test_check(void **state)
{
	static const char *const names[] = {"env:YM_T_A", "env:YM_T_B", "env:YM_T_C"};
	static const char text[] = "what do ya want for nothing?";
	unsigned char mac[HMAC_BYTES];
	struct hook_secrets *s;

	(void)state;
	setenv("YM_T_A", "Jef", 1);
	setenv("YM_T_B", "Jefe", 1);
	setenv("YM_T_C", "Jefef", 1);
	s = secrets(names, 3, NULL);
	assert_true(hook_signature(
		"sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", mac));
	for (int again = 0; again < 3; again++) {
		struct hook_check *c = hook_check_begin(s);

		for (size_t i = 0; text[i]; i++)
			hook_check_add(c, text + i, 1);
		mac[again] ^= again == 1;
		compared = 0;
		assert_int_equal(hook_check_end(c, mac), again ? -1 : 1);
		assert_int_equal(compared, 3 * HMAC_BYTES); /* with each secret, found or not */
		hook_check_free(c);
	}
	/* One that began before a reload ends with the secrets of its beginning. */
	{
		struct hook_check *c = hook_check_begin(s);

		hook_secrets_unref(s);
		mac[1] ^= 1;
		hook_check_add(c, text, strlen(text));
		assert_int_equal(hook_check_end(c, mac), 1);
		hook_check_free(c);
	}
}

static void test_may(void **state)
{
	static const char *const names[] = {"env:YM_T_A", "env:YM_T_B"};
	static const char *const yes[] = {"acme/app", "ACME/App", "tools/x", "Tools/y"};
	static const char *const no[] = {"acme/apps", "acme/ap",   "tool/x", "tools",
					 "",          "acme/app/", NULL};
	struct hook_secrets *s;

	(void)state;
	setenv("YM_T_A", "a", 1);
	setenv("YM_T_B", "b", 1);
	s = secrets(names, 2, "acme/app tools/*");
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		char *why = NULL;

		assert_true(hook_secrets_may(s, names[0], yes[i], &why));
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		autofree char *why = NULL;

		assert_false(hook_secrets_may(s, names[0], no[i], &why));
		assert_non_null(strstr(why, names[0]));
		assert_true(hook_secrets_may(s, names[1], no[i], &why));
	}
	{
		autofree char *why = NULL;

		assert_false(hook_secrets_may(s, "env:GONE", "acme/app", &why));
		assert_non_null(strstr(why, "not configured"));
	}
	hook_secrets_unref(s);
}

/* --- headers and forms --- */

static void test_headers(void **state)
{
	(void)state;
	assert_true(receive_word("issue_comment", 20));
	assert_true(receive_word("72d3162e-cc78-11e3-81ab-4c9367dc0958", 64));
	assert_false(receive_word(NULL, 20));
	assert_false(receive_word("", 20));
	assert_false(receive_word("a b", 20));
	assert_false(receive_word("abc", 2));
	assert_false(receive_word("a\"b", 20));
	assert_int_equal(receive_form("application/json"), 0);
	assert_int_equal(receive_form("Application/JSON; charset=utf-8"), 0);
	assert_int_equal(receive_form("application/x-www-form-urlencoded"), 1);
	assert_int_equal(receive_form("application/jsonx"), -1);
	assert_int_equal(receive_form("text/plain"), -1);
	assert_int_equal(receive_form(NULL), -1);
}

static void test_form(void **state)
{
	static const struct {
		const char *form, *value; /* NULL: refused */
	} cases[] = {
		{"payload=abc", "abc"},
		{"a=1&payload=%7B%22a%22%3A+1%7d&b=2", "{\"a\": 1}"},
		{"payload=", ""},
		{"payload=%", NULL},
		{"payload=%4", NULL},
		{"payload=%41", "A"},
		{"payload=%4x", NULL},
		{"payload=%x4", NULL},
		{"payload=1&payload=2", NULL},
		{"payloads=1", NULL},
		{"xpayload=1", NULL},
		{"payload", NULL},
		{"", NULL},
		{"&&payload=x&", "x"},
		{"payload=a%2", NULL},
		{"payload=a%26b", "a&b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_release) struct buf b = BUF_INIT;
		cleanup(err_release) struct err err = ERR_INIT;
		size_t n = strlen(cases[i].form);
		/* Its own block, so that a byte too far is seen by the sanitizer. */
		autofree char *exact = memcpy(xmalloc(n + 1), cases[i].form, n);
		int rc = form_field(exact, n, "payload", &b, &err);

		if ((rc == 0) != (cases[i].value != NULL))
			fail_msg("'%s': %s", cases[i].form, rc ? err_text(&err) : "was taken");
		if (rc == 0)
			assert_string_equal(b.s, cases[i].value);
	}
}

/* --- bodies --- */

static void fill(struct body *b, size_t n, size_t step)
{
	autofree char *p = xmalloc(step);

	for (size_t at = 0; at < n; at += step) {
		for (size_t i = 0; i < step; i++)
			p[i] = (char)((at + i) * 7 % 251);
		assert_int_equal(body_add(b, p, n - at < step ? n - at : step, NULL), 0);
	}
}

static void check_body(struct body *b, size_t n, bool file)
{
	const char *p;

	assert_int_equal(b->fd >= 0, file);
	assert_int_equal(body_read(b, &p, NULL), 0);
	assert_int_equal(b->size, n);
	for (size_t i = 0; i < n; i++)
		if (p[i] != (char)(i * 7 % 251))
			fail_msg("byte %zu of %zu", i, n);
}

static void test_body(void **state)
{
	static const size_t sizes[] = {1,     4095,  4096,  4097,          65535,
				       65536, 65537, 70001, (1 << 20) - 1, 1 << 20};
	struct fx *f = *state;
	autofree char *folder = path_join(f->dir, "spool");
	struct body_space space = {.folder = folder};
	const char *p;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (int said = 0; said < 2; said++) {
			struct body b;

			body_init(&b, &space, said ? (int64_t)sizes[i] : -1);
			fill(&b, sizes[i], 1000);
			check_body(&b, sizes[i], sizes[i] > BODY_MEMORY_MAX);
			body_release(&b);
			assert_int_equal(space.memory + space.spool, 0);
		}
	/* Over a megabyte nothing is kept, whether it was said before or not. */
	for (int said = 0; said < 2; said++) {
		struct body b;

		body_init(&b, &space, said ? 2000000 : -1);
		fill(&b, 2000000, 4096);
		assert_int_equal(space.memory + space.spool, 0);
		OK(f, body_read(&b, &p, &f->err));
		assert_null(p);
		body_release(&b);
	}
	assert_int_equal(rmdir(folder), 0); /* and nothing stays in the folder */
}

/* However much is announced: room is taken for what comes, and at most twice of it. */
static void test_announced(void **state)
{
	struct fx *f = *state;
	struct body_space space = {.folder = f->dir};
	struct body v[300];

	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		body_init(&v[i], &space, i % 2 ? 1 << 20 : 65536);
	assert_int_equal(space.memory + space.spool, 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		OK(f, body_add(&v[i], "0123456789", 10, &f->err));
	assert_true(space.memory <= 20 * ARRAY_LEN(v) / 2);
	assert_true(space.spool <= 20 * ARRAY_LEN(v) / 2);
	fill(&v[0], 100, 100);
	assert_true(body_holds(&v[0]) <= 220);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		body_release(&v[i]);
	assert_int_equal(space.memory + space.spool, 0);
}

static void test_space(void **state)
{
	struct fx *f = *state;
	struct body_space space = {.folder = f->dir};
	struct body v[300];
	size_t n = 0, memory;
	char piece[65536] = "";

	/* First memory, then files, then nothing. */
	for (; n < ARRAY_LEN(v); n++) {
		body_init(&v[n], &space, n % 2 ? 65536 : -1);
		OK(f, body_add(&v[n], piece, 65536, &f->err));
		if (v[n].fd >= 0)
			break;
	}
	memory = n++;
	assert_int_equal(memory, BODY_MEMORY_ALL / 65536);
	for (; n < ARRAY_LEN(v); n++) {
		body_init(&v[n], &space, 1 << 20);
		for (int i = 0; i < 16 && !f->err.code; i++)
			body_add(&v[n], piece, 65536, &f->err);
		if (f->err.code)
			break;
	}
	assert_int_equal(f->err.code, ERR_LIMIT);
	assert_int_equal(n - memory, BODY_SPOOL_ALL >> 20);
	assert_int_equal(v[n].size, 15 << 16); /* what found no room was not added */
	err_release(&f->err);
	/* And as soon as there is room, it is. */
	body_release(&v[memory]);
	OK(f, body_add(&v[n], piece, 65536, &f->err));
	for (size_t i = 0; i <= n; i++)
		body_release(&v[i]);
	assert_int_equal(space.memory + space.spool, 0);
}

/* --- the store --- */

static int64_t add(struct fx *f, const char *event, const char *body, int64_t at_ms)
{
	struct delivery d = {.guid = (char *)"guid",
			     .event = (char *)event,
			     .secret = (char *)"env:X",
			     .size = 2000000,
			     .received_ms = at_ms};
	int64_t bytes = 0;

	for (const char *p = body; p && *p; p++)
		d.mark =
			(int64_t)((uint64_t)d.mark * 31 +
				  (unsigned char)*p); /* as a signature would: the same for the same body */
	OK(f, delivery_add(f->db, &d, body, body ? strlen(body) : 0, &bytes, &f->err));
	assert_true(bytes >= DELIVERY_ROW);
	return bytes;
}

static int64_t take(struct fx *f, enum delivery_state end, const char *body)
{
	cleanup(delivery_release) struct delivery d = {.body = BUF_INIT};
	int rc = deliveries_take(f->db, &d, &f->err);

	OK(f, rc);
	if (!rc)
		return 0;
	assert_string_equal(d.body.s, body);
	OK(f, deliveries_done(f->db, &d, end, "why", 9, &f->err));
	return d.id;
}

static void test_deliveries(void **state)
{
	struct fx *f = *state;
	autojson json_t *tally = NULL, *odd = NULL;
	int64_t bytes = 0, fresh = 0, sum;

	sum = add(f, "issues", "{\"a\":1}", 100);
	sum += add(f, "push", NULL, 200);
	sum += add(f, "push", "x", 300);
	OK(f, deliveries_size(f->db, &bytes, &fresh, &f->err));
	assert_int_equal(bytes, sum);
	assert_int_equal(fresh, 3);
	assert_int_equal(take(f, DELIVERY_IGNORED, "{\"a\":1}"), 1);
	assert_int_equal(take(f, DELIVERY_WAKE, ""), 2);
	assert_int_equal(take(f, DELIVERY_UNDECODABLE, "x"), 3);
	assert_int_equal(take(f, DELIVERY_DECODED, ""), 0);
	OK(f, deliveries_tally(f->db, &tally, &f->err));
	assert_int_equal(json_int(json_object_get(tally, "push"), "wake", 0), 1);
	assert_int_equal(json_int(json_object_get(tally, "issues"), "ignored", 0), 1);
	OK(f, deliveries_undecodable(f->db, 5, &odd, &f->err));
	assert_int_equal(json_array_size(odd), 1);
	assert_int_equal(json_int(json_array_get(odd, 0), "id", 0), 3);
	assert_string_equal(json_str(json_array_get(odd, 0), "detail", ""), "why");
}

static void test_purge(void **state)
{
	struct fx *f = *state;
	int64_t bytes, each[6];

	for (int i = 0; i < 6; i++)
		each[i] = add(f, "push", "body", 100 * i);
	for (int i = 0; i < 4; i++)
		take(f, DELIVERY_DECODED, "body");
	assert_int_equal(deliveries_purge(f->db, 150, false, 1, &bytes, &f->err), 1);
	assert_int_equal(bytes, each[0]);
	assert_int_equal(deliveries_purge(f->db, 150, false, 10, &bytes, &f->err), 1);
	assert_int_equal(deliveries_purge(f->db, 150, false, 10, &bytes, &f->err), 0);
	/* For the space: whatever their age, but never one that has not been handled. */
	assert_int_equal(deliveries_purge(f->db, 0, true, 10, &bytes, &f->err), 2);
	assert_int_equal(bytes, each[2] + each[3]);
	assert_int_equal(deliveries_purge(f->db, INT64_MAX, true, 10, &bytes, &f->err), 0);
	/* A number is never given out again. */
	while (take(f, DELIVERY_DECODED, "body"))
		;
	assert_int_equal(deliveries_purge(f->db, 0, true, 10, &bytes, &f->err), 2);
	add(f, "push", "body", 1);
	assert_int_equal(take(f, DELIVERY_DECODED, "body"), 7);
}

/* A sender that invents names of events does not fill the ledger. */
static void test_tally_is_bounded(void **state)
{
	struct fx *f = *state;
	autojson json_t *tally = NULL;

	for (int i = 0; i < 600; i++) {
		autofree char *event = xasprintf("e%d", i);

		add(f, event, "x", 1);
		take(f, DELIVERY_IGNORED, "x");
	}
	OK(f, deliveries_tally(f->db, &tally, &f->err));
	assert_int_equal(json_object_size(tally), 501);
	assert_int_equal(json_int(json_object_get(tally, "(others)"), "ignored", 0), 100);
}

static void test_damaged_body(void **state)
{
	struct fx *f = *state;
	cleanup(delivery_release) struct delivery d = {.body = BUF_INIT};
	sqlite3 *h;

	add(f, "push", "a body that is long enough to be compressed, compressed, compressed", 1);
	OK(f, db_commit(f->db, &f->err));
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(h, "UPDATE delivery_body SET body = x'ff0011'", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(h);
	FAILS(f, ERR_CORRUPT, deliveries_take(f->db, &d, &f->err));
	assert_int_equal(d.id, 1);
	OK(f, deliveries_done(f->db, &d, DELIVERY_UNDECODABLE, err_text(&f->err), 1, &f->err));
}

/* --- the pass --- */

static int64_t now_ms;
static int64_t hand(struct clock *c)
{
	(void)c;
	return now_ms;
}

static int told;
static int64_t ignored_from = 10;
static int tell(struct bot *b, const struct delivery *d, const json_t *payload,
		struct deliver_said *ret, struct err *err)
{
	int64_t n = 0;

	told++;
	if (json_get_int(payload, "n", &n, err) < 0)
		return -1;
	/* What a refused one wrote is undone. */
	if (db_run(b->db, ST_META_SET, err, "ss", "last", d->event) < 0)
		return -1;
	if (n == 13)
		return err_set(err, ERR_INPUT, "thirteen");
	ret->outcome = n < ignored_from ? DELIVERY_DECODED : DELIVERY_IGNORED;
	ret->detail = n < ignored_from ? NULL : xstrdup("too many");
	return 0;
}

static int woken;
static void on_wake(void *arg)
{
	(void)arg;
	woken++;
}

static char *ends(struct fx *f)
{
	struct buf b = BUF_INIT;
	sqlite3_stmt *st;

	OK(f, db_prepare(f->db, "SELECT state FROM delivery ORDER BY id", &st, &f->err));
	while (sqlite3_step(st) == SQLITE_ROW)
		buf_addf(&b, "%d", sqlite3_column_int(st, 0));
	sqlite3_finalize(st);
	return buf_steal(&b);
}

static void test_pass(void **state)
{
	static const char *const names[] = {"env:X"};
	static const char *const bodies[] = {"{\"n\":1}", "{\"n\":11}", "{\"n\":13}", "{}",
					     "{\"n\":1}", "[1]",        NULL};
	struct fx *f = *state;
	struct clock clock = {hand, hand};
	struct bot b = {.db = f->db, .clock = &clock};
	autofree char *found = NULL, *last = NULL;
	struct hook_secrets *s;
	struct deliver *d;

	setenv("X", "x", 1);
	s = secrets(names, 1, NULL);
	OK(f, loop_new(&clock, &b.loop, &f->err));
	b.reconcile = loop_timer_new(b.loop, on_wake, NULL);
	OK(f, deliver_new(&b, tell, &d, &f->err));
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		add(f, i == 2 ? "bad" : "good", bodies[i], 1);
	/* While more come, one for every ten milliseconds; then all that the turn's time allows. */
	now_ms = DELIVER_BUSY_MS - 1;
	assert_int_equal(deliver_pass(d, s, DELIVER_BUSY, &f->err), 0);
	now_ms++;
	assert_int_equal(deliver_pass(d, s, DELIVER_BUSY, &f->err), 1);
	assert_int_equal(deliver_pass(d, s, DELIVER_BUSY, &f->err), 0);
	now_ms += 2 * DELIVER_HURRY_MS;
	assert_int_equal(deliver_pass(d, s, DELIVER_HURRY, &f->err), 2);
	OK(f, loop_turn(b.loop, 0, &f->err));
	assert_int_equal(woken, 0);
	assert_int_equal(deliver_pass(d, s, DELIVER_QUIET, &f->err), 4);
	/* One without a body was too large to be kept: everything is read again, at once. */
	OK(f, loop_turn(b.loop, 0, &f->err));
	assert_int_equal(woken, 1);
	found = ends(f);
	assert_string_equal(found, "1233534");
	assert_int_equal(told, 4); /* not the replay, not the list, not the wake-up */
	assert_int_equal(db_text(f->db, ST_META_GET, &last, &f->err, "s", "last"), 1);
	assert_string_equal(last, "good");
	deliver_free(d);
	/* Known after a restart, too, but for what could not be read then, and for what was ignored: the reason
	 * may have been mended, and then it is taken. */
	OK(f, deliver_new(&b, tell, &d, &f->err));
	add(f, "good", bodies[0], 1);
	add(f, "good", bodies[1], 1);
	add(f, "bad", bodies[2], 1);
	now_ms += DELIVER_TURN_MS;
	assert_int_equal(deliver_pass(d, s, DELIVER_QUIET, &f->err), 3);
	free(found);
	found = ends(f);
	assert_string_equal(found, "1233534523");
	assert_int_equal(told, 6);
	ignored_from = 12;
	add(f, "good", bodies[1], 1);
	add(f, "good", bodies[1], 1);
	now_ms += DELIVER_TURN_MS;
	assert_int_equal(deliver_pass(d, s, DELIVER_QUIET, &f->err), 2);
	free(found);
	found = ends(f);
	assert_string_equal(found, "123353452315");
	deliver_free(d);
	hook_secrets_unref(s);
	loop_timer_free(b.reconcile);
	loop_free(b.loop);
}

/* --- deliveries that come by no request of their own --- */

/* Signed rightly, but for what the caller changes in `h`. */
static int whole(struct web *w, const char *body, size_t n, struct receive_headers h)
{
	autofree char *mac = text_hmac("x", 1, body, n);
	autofree char *signature = xasprintf("sha256=%s", mac);

	if (h.signature && !*h.signature)
		h.signature = signature;
	return receive_whole(w, &h, body, n);
}

static void test_whole(void **state)
{
	static const struct receive_headers good = {"", "issues", "g-1", "application/json", NULL};
	static const char *const names[] = {"env:X"};
	struct fx *f = *state;
	struct clock clock = {hand, hand};
	struct bot b = {.db = f->db, .clock = &clock, .data = f->dir};
	struct web w = {.bot = &b};
	autofree char *large = xmalloc(DELIVERY_BODY_MAX + 1);
	struct receive_headers h = good;

	setenv("X", "x", 1);
	memset(large, ' ', DELIVERY_BODY_MAX + 1);
	w.space.folder = f->dir;
	w.secrets = secrets(names, 1, NULL);
	TAILQ_INIT(&w.coming);
	TAILQ_INIT(&w.arrived);
	TAILQ_INIT(&w.durable);
	OK(f, loop_new(&clock, &b.loop, &f->err));
	w.wake = loop_timer_new(b.loop, NULL, NULL);

	/* As over HTTP: who signed it, then whether it is one, and each is counted. */
	h.signature = NULL;
	assert_int_equal(whole(&w, "{}", 2, h), 401);
	h.signature = "sha256=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	assert_int_equal(whole(&w, "{}", 2, h), 401);
	h = good;
	h.event = "two words";
	assert_int_equal(whole(&w, "{}", 2, h), 400);
	h = good;
	h.guid = NULL;
	assert_int_equal(whole(&w, "{}", 2, h), 400);
	h = good;
	h.type = "text/plain";
	assert_int_equal(whole(&w, "{}", 2, h), 400);
	assert_int_equal(whole(&w, "", 0, good), 400);
	w.full = true;
	assert_int_equal(whole(&w, "{}", 2, good), 503);
	w.full = false;
	assert_int_equal(w.refused_signature, 2);
	assert_int_equal(w.refused_malformed, 4);
	assert_int_equal(w.refused_busy, 1);
	assert_true(TAILQ_EMPTY(&w.arrived));

	/* Stored with the turn; what is too large to keep is a wake-up. Then nothing is left of it. */
	assert_int_equal(whole(&w, "{}", 2, good), 202);
	assert_int_equal(whole(&w, large, DELIVERY_BODY_MAX + 1, good), 202);
	OK(f, receive_store(&w, &f->err));
	assert_int_equal(w.stored, 2);
	assert_false(TAILQ_EMPTY(&w.arrived));
	/* One comes while the others are synced: it is in no transaction yet, and told nothing. */
	assert_int_equal(whole(&w, "[]", 2, good), 202);
	receive_stored(&w, 503);
	receive_answer_all(&w); /* nobody hears it */
	assert_false(TAILQ_EMPTY(&w.arrived));
	OK(f, receive_store(&w, &f->err));
	assert_int_equal(w.stored, 1);
	receive_stored(&w, 202);
	receive_answer_all(&w);
	assert_true(TAILQ_EMPTY(&w.arrived));
	assert_int_equal(whole(&w, large, BODY_MEMORY_MAX + 1, good), 202);
	assert_true(w.space.spool > 0);
	receive_release(&w);
	assert_true(TAILQ_EMPTY(&w.arrived));
	assert_int_equal(w.space.memory + w.space.spool, 0);
	hook_secrets_unref(w.secrets);
	loop_timer_free(w.wake);
	loop_free(b.loop);
}

static void a_turn(struct fx *f, struct web *w)
{
	OK(f, web_part.store(w, &f->err));
	OK(f, web_part.work(w, &f->err));
	OK(f, db_commit(f->db, &f->err));
	web_part.committed(w);
}

/* More than may be kept waits to be decoded: nothing is taken until there is less. */
static void test_full(void **state)
{
	static const struct receive_headers good = {"", "issues", "g-1", "application/json", NULL};
	enum { LARGE = 600000, MANY = 12 };
	struct fx *f = *state;
	struct clock clock = {hand, hand};
	struct conf_secret secret = {.ref = (char *)"env:X"};
	struct conf_daemon conf = {.hooks = {.secrets = &secret, .nsecrets = 1},
				   .retention = {.deliveries_days = 1, .deliveries_mb = 1}};
	struct bot b = {.db = f->db, .clock = &clock, .conf = &conf, .data = f->dir};
	struct web_options o = {0};
	autofree char *body = xmalloc(LARGE);
	void *self;
	struct web *w;

	setenv("X", "x", 1);
	now_ms = 1000000;
	OK(f, loop_new(&clock, &b.loop, &f->err));
	OK(f, web_part.start(&b, &o, &self, &f->err));
	w = self;
	for (int i = 0; i < MANY; i++) {
		rnd_system.fill(&rnd_system, body, LARGE); /* nothing makes it smaller */
		assert_int_equal(whole(w, body, LARGE, good), 202);
	}
	a_turn(f, w); /* some are decoded, and go */
	assert_int_equal(whole(w, "{}", 2, good), 202);
	a_turn(f, w); /* no time has passed, and none can go */
	assert_true(w->bytes > (int64_t)1 << 20);
	assert_int_equal(whole(w, "{}", 2, good), 503);
	assert_int_equal(w->refused_busy, 1);
	/* More may be kept from now on, whenever something was removed last. */
	conf.retention.deliveries_mb = 100;
	w->purged_ms = now_ms;
	a_turn(f, w);
	assert_int_equal(whole(w, "{}", 2, good), 202);
	conf.retention.deliveries_mb = 1;
	a_turn(f, w);
	assert_int_equal(whole(w, "{}", 2, good), 503);
	now_ms += 1000;
	a_turn(f, w);
	assert_int_equal(whole(w, "{}", 2, good), 202);
	receive_release(w);
	web_part.stop(self);
	loop_free(b.loop);
}

/* A fast disk writes one half while the other is read; a slow one is waited for by all. Few are never parted. */
static void test_batch(void **state)
{
	(void)state;
	assert_int_equal(receive_batch_max(128, 300, 40), 64);
	assert_int_equal(receive_batch_max(128, 5000, 40), 64);
	assert_true(receive_batch_max(128, 6000, 40) >= 128);
	assert_true(receive_batch_max(128, 20000, 40) >= 128);
	assert_int_equal(receive_batch_max(1000, 20000, 40), 500);
	assert_true(receive_batch_max(20, 300, 40) >= 20);
	assert_true(receive_batch_max(0, 0, 0) >= 20);
}

/* A clock that jumps a year ahead takes no delivery with it, and one that was put back keeps none for a year. */
static void test_clock_jumps(void **state)
{
	static const int64_t day = 86400000;
	static const struct receive_headers good = {"", "issues", "g-1", "application/json", NULL};
	struct fx *f = *state;
	struct clock clock = {hand, hand};
	struct conf_secret secret = {.ref = (char *)"env:X"};
	struct conf_daemon conf = {.hooks = {.secrets = &secret, .nsecrets = 1},
				   .retention = {.deliveries_days = 3, .deliveries_mb = 1}};
	struct bot b = {.db = f->db, .clock = &clock, .conf = &conf, .data = f->dir};
	struct web_options o = {0};
	void *self;
	struct web *w;

	setenv("X", "x", 1);
	now_ms = 400 * day;
	OK(f, loop_new(&clock, &b.loop, &f->err));
	OK(f, waits_clamp(&b, &f->err));
	OK(f, waits_age(&b, &f->err));
	OK(f, web_part.start(&b, &o, &self, &f->err));
	w = self;
	assert_int_equal(whole(w, "{}", 2, good), 202);
	a_turn(f, w);
	assert_true(w->bytes > 0);
	for (int i = 0; i < 3; i++) { /* three days that pass one by one */
		a_turn(f, w);
		now_ms += day;
		OK(f, waits_age(&b, &f->err));
	}
	now_ms += 365 * day;
	OK(f, waits_clamp(&b, &f->err));
	a_turn(f, w); /* before the reconciler has looked */
	assert_true(w->bytes > 0);
	OK(f, waits_age(&b, &f->err));
	now_ms += day / 2;
	a_turn(f, w);
	assert_true(w->bytes > 0);
	/* Whatever its age: when there is no more room, the oldest goes. */
	w->bytes += (int64_t)1 << 20;
	assert_int_equal(whole(w, "[]", 2, good), 202);
	a_turn(f, w);
	w->bytes -= (int64_t)1 << 20;
	assert_int_equal(w->bytes, 0);
	assert_int_equal(whole(w, "[]", 2, good), 202);
	a_turn(f, w);
	/* It is put right: what came meanwhile is of now, and goes in three days. */
	now_ms -= 365 * day;
	OK(f, waits_clamp(&b, &f->err));
	for (int i = 0; i < 4; i++) {
		OK(f, waits_age(&b, &f->err));
		assert_true(w->bytes > 0);
		now_ms += day;
		a_turn(f, w);
	}
	assert_int_equal(w->bytes, 0);
	web_part.stop(self);
	loop_free(b.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_may),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_form),
		cmocka_unit_test_setup_teardown(test_body, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_announced, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_space, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_deliveries, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_purge, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_tally_is_bounded, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_body, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_pass, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_whole, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_full, fx_setup, fx_teardown),
		cmocka_unit_test(test_batch),
		cmocka_unit_test_setup_teardown(test_clock_jumps, fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
