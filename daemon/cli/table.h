/*
 * table.h - aligned columns on a terminal, tab-separated lines in a pipe.
 */
#ifndef YM_CLI_TABLE_H
#define YM_CLI_TABLE_H

#include "base/json.h"
#include "cli/command.h"
#include "cli/out.h"

#define TABLE_COLUMNS_MAX 16

/* columns ends with key NULL; at most TABLE_COLUMNS_MAX of them are shown. `indent` spaces stand
 * before each line of a table. */
void table_print(struct cli_out *o, const struct cli_column *columns, const json_t *rows,
		 size_t indent);
/* One value as a cell shows it: safe, on one line; nothing for a value that is absent or null. */
void table_cell(struct buf *b, const json_t *v, enum cli_col_kind kind, bool terminal);
/* "32" for a state that is good, and so on; NULL: no colour. For ESC [ ... m. */
const char *table_colour(const char *state);

#endif
