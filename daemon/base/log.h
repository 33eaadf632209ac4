/*
 * log.h - one line an occurrence, to standard error.
 *
 * Only the rim of the program logs: `serve`, the roles' main functions, the keeper. A line is
 *     2026-11-20T13:37:27.123Z info  task=12 round 2 of 3 started
 * with control characters and newlines in the text made visible, so that nothing from outside can
 * forge a line. Secrets are never passed here.
 */
#ifndef YM_BASE_LOG_H
#define YM_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level); /* LOG_INFO at the start */
void log_set_name(const char *name);      /* put in front of the text, e.g. "git"; static string */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
