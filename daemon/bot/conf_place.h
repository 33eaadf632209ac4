/*
 * conf_place.h - the two things of yardmaster.yml that whoever asks the daemon must know: where its data directory
 * and its socket are. Nothing but libyaml is needed for them, so that the program that people and hooks start is small.
 */
#ifndef YM_BOT_CONF_PLACE_H
#define YM_BOT_CONF_PLACE_H

#include "base/yaml.h"

/* The path without "." and "//", for reading; ".." stays, since a link may stand before it. Caller frees. */
char *conf_absolute(const char *folder, const char *path);
/* The folder that the file stands in, absolute; without a file `otherwise`. Caller frees. */
char *conf_folder(const char *file, const char *otherwise);
/* The path that node n says, relative to folder; n NULL leaves *ret alone. Frees what was in *ret. */
int conf_path(const struct yaml_doc *doc, const char *folder, const struct yaml_node *n, char **ret,
	      struct err *err);
/* `data` and `socket` of the document. *data holds the default; *socket is set. Both are the caller's. */
int conf_places(const struct yaml_doc *doc, const char *folder, char **data, char **socket,
		struct err *err);
/* The socket alone, of the text of a file (NULL: there is none). A key that there is not is refused (it may be a misspelt
 * `socket`); what the others say is not looked at. */
int conf_socket_of(const char *file, const char *text, size_t n, const char *default_data,
		   char **ret, struct err *err);

#endif
