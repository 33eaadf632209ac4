/* conf_place.c - see conf_place.h */
#include "bot/conf_place.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/strvec.h"

#include <stdlib.h>
#include <sys/un.h>

#define PATH_BYTES_MAX 4096
#define SOCKET_MAX     (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

const char *const conf_daemon_keys[] = {
	"data",   "socket",     "socket-group", "handle", "agents",   "default-agent",     "limits",
	"runs",   "notify",     "retention",    "author", "sign-key", "reconcile-seconds", "listen",
	"github", "submodules", NULL,
};

char *conf_absolute(const char *folder, const char *path)
{
	cleanup(strvec_release) struct strvec parts = STRVEC_INIT;
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *whole = *path == '/' ? xstrdup(path) : xasprintf("%s/%s", folder, path);

	strvec_split(&parts, whole, '/');
	strvec_foreach (&parts, part) {
		if (**part && strcmp(*part, "."))
			buf_addf(&b, "/%s", *part);
	}
	return b.len ? buf_steal(&b) : xstrdup("/");
}

char *conf_folder(const char *file, const char *otherwise)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	autofree char *cwd = NULL, *dir = NULL;

	if (!file)
		return xstrdup(otherwise);
	dir = slash ? xstrndup(file, (size_t)(slash - file) + 1) : xstrdup(".");
	cwd = *dir == '/' ? NULL : realpath(".", NULL);
	return conf_absolute(cwd ? cwd : "/", dir);
}

int conf_path(const struct yaml_doc *doc, const char *folder, const struct yaml_node *n, char **ret,
	      struct err *err)
{
	if (!n)
		return 0;
	if (n->kind != YAML_TEXT || !*n->text || *n->text == '~' ||
	    strlen(n->text) > PATH_BYTES_MAX || strpbrk(n->text, "\r\n")) {
		autofree char *found = yaml_found(n);

		return yaml_fail(
			doc, n,
			"a path, absolute or relative to the folder of this file ('~' is not "
			"expanded)",
			err, "found %s", found);
	}
	free(*ret);
	*ret = conf_absolute(folder, n->text);
	return 0;
}

int conf_places(const struct yaml_doc *doc, const char *folder, char **data, char **socket,
		struct err *err)
{
	const struct yaml_node *at = yaml_get(doc->root, "socket");

	if (conf_path(doc, folder, yaml_get(doc->root, "data"), data, err) < 0)
		return -1;
	*socket = xasprintf("%s/socket", strcmp(*data, "/") ? *data : "");
	if (conf_path(doc, folder, at, socket, err) < 0)
		return -1;
	if (strlen(*socket) > SOCKET_MAX)
		return yaml_fail(doc, at ? at : doc->root,
				 "socket: a path of at most 107 bytes, what a Unix socket holds",
				 err, "found '%s', %zu bytes", *socket, strlen(*socket));
	return 0;
}

int conf_socket_of(const char *file, const char *text, size_t n, const char *default_data,
		   char **ret, struct err *err)
{
	cleanup(yaml_doc_release) struct yaml_doc doc = {0};
	autofree char *folder = conf_folder(file, default_data);
	autofree char *data = xstrdup(default_data), *socket = NULL;

	if (yaml_load(file ? file : "no configuration file", text, n, &doc, err) < 0 ||
	    yaml_must_map(&doc, doc.root, err) < 0 ||
	    yaml_only(&doc, doc.root, conf_daemon_keys, err) < 0 ||
	    conf_places(&doc, folder, &data, &socket, err) < 0)
		return -1;
	*ret = steal(&socket);
	return 0;
}
