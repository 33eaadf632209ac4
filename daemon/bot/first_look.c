/* first_look.c - see first_look.h */
#include "bot/first_look.h"

#include "base/buf.h"
#include "base/mem.h"

#define NAMED_MAX 20 /* in one line of `doctor` */

const char first_look_how[] = "nothing of it is started by itself: take the label off and set it "
			      "again, or comment `/yard run BLUEPRINT`";

int first_look_rows(struct bot *b, const struct repo *r, json_t *rows, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(label_list_release) struct label_list l = {0};

	if (bot_repo_conf(b, r, &conf, err) < 0 ||
	    label_all(b->db, ST_LABEL_FIRST, &l, err, "i", r->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		cleanup(issue_release) struct issue issue = {0};

		if (strncmp(l.v[i].name, conf.label_prefix, strlen(conf.label_prefix)) != 0)
			continue;
		if (issue_find(b->db, ST_ISSUE_BY_NUMBER, &issue, err, "ii", r->id, l.v[i].number) <
		    0)
			return -1;
		json_array_append_new(rows,
				      json_pack("{s:s,s:I,s:s,s:s}", "repo", r->name, "issue",
						(json_int_t)l.v[i].number, "label", l.v[i].name,
						"title", issue.title ? issue.title : ""));
	}
	return 0;
}

static void add_line(const struct repo *r, const json_t *found, json_t *rows)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *check = xasprintf("%s: first look", r->name);
	size_t i, n = json_array_size(found);
	const json_t *o;
	json_t *row;

	json_array_foreach (found, i, o) {
		if (i < NAMED_MAX)
			buf_addf(&b, "%s#%lld (%s)", i ? ", " : "",
				 (long long)json_int(o, "issue", 0), json_str(o, "label", ""));
	}
	autofree char *text = xasprintf("%zu labelled before yardmaster looked: %s%s; %s", n, b.s,
					n > NAMED_MAX ? " …" : "", first_look_how);

	row = json_object();
	json_put_str(row, "check", check);
	json_put_bool(row, "ok", true);
	json_put_str(row, "text", text);
	json_array_append_new(rows, row);
}

int first_look_doctor(struct bot *b, json_t *rows, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};

	if (repo_all(b->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		autojson json_t *found = json_array();

		if (first_look_rows(b, &l.v[i], found, err) < 0)
			return -1;
		if (json_array_size(found))
			add_line(&l.v[i], found, rows);
	}
	return 0;
}
