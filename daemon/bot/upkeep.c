/* upkeep.c - see upkeep.h */
#include "bot/upkeep.h"

#include "base/mem.h"
#include "bot/git_request.h"
#include "sys/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* How many names of that length (0: any) and ending, and their bytes. */
static int64_t count(const char *path, const char *below, size_t len, const char *ending,
		     int64_t *ret_bytes)
{
	autofree char *folder = path_join(path, below);
	DIR *dir = opendir(folder);
	struct dirent *d;
	int64_t n = 0;

	while (dir && (d = readdir(dir))) {
		size_t have = strlen(d->d_name), end = strlen(ending);
		struct stat st;

		if (have < end || strcmp(d->d_name + have - end, ending) != 0 ||
		    (len ? have < len : d->d_name[0] == '.') ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		n++;
		*ret_bytes += st.st_size;
	}
	if (dir)
		closedir(dir);
	return n;
}

void upkeep_size(const char *path, struct upkeep_size *ret)
{
	int64_t ignored = 0;

	*ret = (struct upkeep_size){0};
	ret->packs = count(path, "objects/pack", 0, ".pack", &ret->pack_bytes);
	ret->loose = 256 * count(path, "objects/17", 38, "", &ignored);
}

void upkeep_put(const char *path, json_t *o)
{
	struct upkeep_size size;

	upkeep_size(path, &size);
	json_put_int(o, "packs", size.packs);
	json_put_int(o, "pack_bytes", size.pack_bytes);
	json_put_int(o, "loose_objects", size.loose);
}

static int upkeep_repo(struct bot *b, const struct repo *r, struct err *err)
{
	autofree char *subject = xasprintf("maintain:%lld", (long long)r->id);
	struct upkeep_size size;
	int64_t landing, open;

	upkeep_size(r->path, &size);
	if (size.packs < UPKEEP_PACKS && size.loose < UPKEEP_LOOSE)
		return 0;
	if (db_int(b->db, ST_EFFECT_LANDING, &landing, err, "s", r->path) < 0 ||
	    db_int(b->db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0)
		return -1;
	if (landing || open)
		return 0;
	return bot_effect(b, subject, "repo-maintain", git_request_of(r, "maintain"), err,
			  "maintain:%lld:%lld", (long long)r->id,
			  (long long)(bot_now(b) / UPKEEP_EVERY_MS)) < 0
		       ? -1
		       : 0;
}

int upkeep_look(struct bot *b, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};

	if (repo_all(b->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (upkeep_repo(b, &l.v[i], err) < 0)
			return -1;
	return 0;
}
