/* answer.c - see answer.h */
#include "cli/answer.h"

#include "base/mem.h"

static int not_understood(struct err *err, const char *what)
{
	return err_set(err, ERR_INTERNAL,
		       "the daemon's answer was not understood (%s); are the daemon and this "
		       "program of the same version?",
		       what);
}

static int take_text(const json_t *o, const char *key, struct cli_answer *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return -1;
	ret->text = json_string_value(v);
	ret->text_len = json_string_length(v);
	return 0;
}

static int take_error(const json_t *msg, struct cli_answer *ret, struct err *err)
{
	const json_t *e = json_object_get(msg, "error");

	if (!json_is_object(e) || take_text(e, "text", ret) < 0 || !ret->text)
		return not_understood(err, "an error without a text");
	ret->kind = CLI_ANSWER_ERROR;
	ret->code = err_code_from_name(json_str(e, "code", ""));
	if (ret->code == ERR_NONE)
		ret->code = ERR_INTERNAL;
	return 0;
}

static int take_rows(const json_t *msg, struct cli_answer *ret, struct err *err)
{
	const json_t *rows = json_object_get(msg, "rows");

	if (!rows || json_is_null(rows))
		return 0;
	if (!json_is_array(rows))
		return not_understood(err, "'rows' is no list");
	if (json_array_size(rows) > CLI_ANSWER_ROWS_MAX)
		return err_set(err, ERR_LIMIT, "an answer of %zu rows; at most %d are taken",
			       json_array_size(rows), CLI_ANSWER_ROWS_MAX);
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (!json_is_object(json_array_get(rows, i)))
			return not_understood(err, "a row is no object");
	ret->rows = rows;
	return 0;
}

static int take_ok(const json_t *msg, struct cli_answer *ret, struct err *err)
{
	const json_t *item = json_object_get(msg, "item");

	ret->kind = CLI_ANSWER_OK;
	if (take_text(msg, "text", ret) < 0)
		return not_understood(err, "'text' is no string");
	if (item && !json_is_null(item) && !json_is_object(item))
		return not_understood(err, "'item' is no object");
	ret->item = json_is_object(item) ? item : NULL;
	return take_rows(msg, ret, err);
}

int cli_answer_decode(const json_t *msg, struct cli_answer *ret, struct err *err)
{
	const json_t *ok = json_object_get(msg, "ok");
	struct cli_answer a = {0};
	int rc;

	if (!json_is_object(msg))
		return not_understood(err, "a line is no object");
	if (!ok && json_object_get(msg, "chunk")) {
		if (take_text(msg, "chunk", &a) < 0 || !a.text)
			return not_understood(err, "'chunk' is no string");
		a.kind = CLI_ANSWER_CHUNK;
		*ret = a;
		return 0;
	}
	if (!json_is_boolean(ok))
		return not_understood(err, "neither 'ok' nor 'chunk'");
	rc = json_is_true(ok) ? take_ok(msg, &a, err) : take_error(msg, &a, err);
	if (rc == 0)
		*ret = a;
	return rc;
}
