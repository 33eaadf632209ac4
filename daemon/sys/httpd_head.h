/*
 * httpd_head.h - inside httpd: the head of a request that two programs may read differently (RFC 9112, 5.1, 5.2, 6.1,
 * 6.3; RFC 9110, 5.5, 8.6).
 *
 * Behind a proxy the requests of everybody follow each other on one connection. Where proxy and server do not agree
 * about the end of one, its sender writes the beginning of the next one, which is somebody else's: their delivery is
 * swallowed, or told what another was told ("request smuggling").
 *
 * What libmicrohttpd 0.9.75 of Debian 12 does with MHD_OPTION_STRICT_FOR_CLIENT 1 (read and tried):
 *   - of several Content-Length it takes the first; with Transfer-Encoding beside it none
 *   - "gzip, chunked" is neither chunked nor refused: the request never ends
 *   - a space before the colon belongs to the name, so "Content-Length : 5" is no Content-Length (the check for it is
 *     made for lenient levels only)
 *   - a folded line is put behind the *name* of the header before; that one's value stays
 *   - a bare LF ends a line, a NUL ends a value, a bare CR is a character
 * From 1.0 on it refuses the last three kinds itself at this level.
 *
 * It refuses by itself, with 400: HTTP/1.1 without Host, a Content-Length that is no number, sizes of chunks that are
 * none. In a chunk it takes a bare LF for the end of a line, which is why nothing is read behind a request in chunks.
 */
#ifndef YM_SYS_HTTPD_HEAD_H
#define YM_SYS_HTTPD_HEAD_H

#include <microhttpd.h>
#include <stdbool.h>

/* NULL, or what is wrong with it. method, version: as libmicrohttpd hands them out, not copies. `old`: the library is
 * one before 1.0. */
const char *httpd_head_fault(struct MHD_Connection *c, const char *method, const char *version,
			     bool old);

#endif
