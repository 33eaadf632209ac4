/* httpd_head.c - see httpd_head.h */
#include "sys/httpd_head.h"

#include <string.h>
#include <strings.h>

struct head {
	const char *at; /* NULL: the library looks itself */
	int lengths, encodings, hosts;
	const char *length, *encoding;
	const char *fault;
};

static bool is_token(const char *s, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				  "!#$%&'*+-.^_`|~";

	return n && strspn(s, set) == n;
}

static bool has_controls(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

/*
 * Before 1.0 the library leaves each line where it was read, and writes NUL over the colon and over the line's end. So
 * it can be seen there whether the head is nothing but lines "name: value CR LF", one behind the other: `at` is where
 * the next one has to begin.
 */
static bool is_next_line(struct head *h, const char *name, size_t nname, const char *value,
			 size_t nvalue)
{
	const char *v = name + nname + 1;
	bool here = name == h->at;

	while (v < value && (*v == ' ' || *v == '\t'))
		v++;
	h->at = value + nvalue + 2;
	return here && v == value;
}

static void count(struct head *h, const char *name, const char *value)
{
	if (!strcasecmp(name, "Content-Length")) {
		h->lengths++;
		h->length = value;
	} else if (!strcasecmp(name, "Transfer-Encoding")) {
		h->encodings++;
		h->encoding = value;
	} else if (!strcasecmp(name, "Host")) {
		h->hosts++;
	}
}

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *name, size_t nname,
			    const char *value, size_t nvalue)
{
	struct head *h = arg;

	(void)kind;
	if (!is_token(name, nname))
		h->fault = "the name of a header has a character that no name has";
	else if (!value || has_controls(value, nvalue))
		h->fault = "the value of a header has a control character";
	else if (h->at && !is_next_line(h, name, nname, value, nvalue))
		h->fault = "a header is not one line that ends in CR LF";
	else
		count(h, name, value);
	return h->fault ? MHD_NO : MHD_YES;
}

/* As everybody writes it: digits, and no zero before them, which some take for octal. */
static bool is_number(const char *s)
{
	return s[0] == '0' ? !s[1] : s[0] && !s[strspn(s, "0123456789")];
}

static const char *framing(const struct head *h, const char *version)
{
	if (h->hosts > 1)
		return "Host more than once";
	if (h->lengths > 1)
		return "Content-Length more than once";
	if (h->lengths && h->encodings)
		return "Content-Length and Transfer-Encoding";
	if (h->length && !is_number(h->length))
		return "Content-Length is no number";
	if (h->encodings > 1 || (h->encoding && strcasecmp(h->encoding, "chunked") != 0))
		return "Transfer-Encoding is not 'chunked'";
	if (h->encodings && !strcmp(version, "HTTP/1.0"))
		return "Transfer-Encoding in HTTP/1.0";
	return NULL;
}

const char *httpd_head_fault(struct MHD_Connection *c, const char *method, const char *version,
			     bool old)
{
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct head h = {.at = old ? version + strlen(version) + 2 : NULL};

	MHD_get_connection_values_n(c, MHD_HEADER_KIND, look, &h);
	if (!h.fault && h.at && (!size || h.at + 2 != method + size->header_size))
		h.fault = "a header is not one line that ends in CR LF";
	return h.fault ? h.fault : framing(&h, version);
}
