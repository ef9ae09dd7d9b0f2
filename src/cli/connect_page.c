/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_page.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "cli/out.h"
#include "net/http.h"

#define BAD_GATEWAY 502
#define UNAVAILABLE 503
#define RETRY_SECONDS 1

#define HTML_HEAD \
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>mse connect: %d %s</title>\n" \
	"<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 " \
	"1em;color:#222;background:#fff}" \
	"code{background:#eee;padding:0 .2em}td{padding:.1em .8em .1em 0;vertical-align:top}" \
	".failed{color:#b00020;font-weight:bold}.passed{color:#1b5e20}.na{color:#666}</style></head>\n<body>\n"

/* ---- choosing ---- */

/* "q=0", "q=0.0": not wanted at all. */
static bool is_forbidden(const char *parameters, size_t size)
{
	const char *q = memmem(parameters, size, "q=0", 3);

	if (!q)
		return false;
	for (q += 3; q < parameters + size && (*q == '.' || *q == '0'); q++)
		;
	return q == parameters + size || *q == ';' || *q == ' ';
}

enum connect_page_kind connect_page_choose(const char *accept)
{
	static const struct {
		const char *type;
		enum connect_page_kind kind;
	} rows[] = {{"text/html", CONNECT_PAGE_HTML},
		    {"application/xhtml+xml", CONNECT_PAGE_HTML},
		    {"application/json", CONNECT_PAGE_JSON},
		    {"text/plain", CONNECT_PAGE_TEXT},
		    {"*/*", CONNECT_PAGE_TEXT}};

	while (accept && *accept) {
		const size_t size = strcspn(accept, ",");
		const size_t type_size = strcspn(accept, ",; \t");

		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			if (strlen(rows[i].type) == type_size && strncasecmp(accept, rows[i].type, type_size) == 0 &&
			    !is_forbidden(accept + type_size, size - type_size))
				return rows[i].kind;
		}
		accept += size;
		accept += strspn(accept, ", \t");
	}
	return CONNECT_PAGE_TEXT;
}

/* ---- HTML ---- */

static int add_escaped(struct buf *ret, const char *text, struct err *err)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;
		const bool is_safe = c >= 0x20 && c < 0x7f && !strchr("<>&\"'`", c);

		if (is_safe ? buf_add_byte(ret, c, err) < 0 : buf_addf(ret, err, "&#%u;", c >= 0x7f ? '?' : c) < 0)
			return -1;
	}
	return 0;
}

static const char *result_text(enum attest_result result)
{
	switch (result) {
	case ATTEST_PASSED:
		return "passed";
	case ATTEST_FAILED:
		return "failed";
	case ATTEST_NOT_APPLICABLE:
		return "na";
	}
	return "na";
}

static int add_check(struct buf *ret, const struct attest_check *check, struct err *err)
{
	const char *result = result_text(check->result);

	if (buf_addf(ret, err, "<tr class=\"%s\"><td>%s</td><td>", result, strcmp(result, "na") ? result : "-") < 0 ||
	    add_escaped(ret, check->name, err) < 0 || buf_add_text(ret, "</td><td>", err) < 0 ||
	    add_escaped(ret, check->text, err) < 0)
		return -1;
	return buf_add_text(ret, "</td></tr>\n", err);
}

/* What weakens the verdict, before anything that strengthens it. */
static int add_weaknesses(struct buf *ret, const struct attest_verdict *verdict, struct err *err)
{
	if (verdict->simulated &&
	    buf_add_text(ret, "<p class=\"failed\">SIMULATED: no hardware protects this</p>\n", err) < 0)
		return -1;
	for (size_t i = 0; i < verdict->loosening_count; i++) {
		const struct attest_loosening *loosening = &verdict->loosenings[i];

		if (buf_add_text(ret, "<p class=\"failed\">loosened: <code>", err) < 0 ||
		    add_escaped(ret, loosening->name, err) < 0 || buf_add_text(ret, "</code>: ", err) < 0 ||
		    add_escaped(ret, loosening->text, err) < 0 || buf_add_text(ret, "</p>\n", err) < 0)
			return -1;
	}
	return 0;
}

static int add_checks(struct buf *ret, const struct attest_verdict *verdict, struct err *err)
{
	if (add_weaknesses(ret, verdict, err) < 0)
		return -1;
	if (buf_add_text(ret, "<h2>What was checked</h2>\n<table>\n", err) < 0)
		return -1;
	for (size_t i = 0; i < verdict->check_count; i++) {
		if (add_check(ret, &verdict->checks[i], err) < 0)
			return -1;
	}
	return buf_add_text(ret, "</table>\n", err);
}

/* What it means to the person who reads it. */
static const char *advice(const struct connect_page *page)
{
	switch (page->status) {
	case BAD_GATEWAY:
		return "Nothing of the request was sent to the other side without a verdict, and there is no way past "
		       "this check.";
	case UNAVAILABLE:
		return "All connections are in use. Try again.";
	default:
		return "The request was not passed on.";
	}
}

static int format_html(const struct connect_page *page, struct buf *ret, struct err *err)
{
	if (buf_addf(ret, err, HTML_HEAD, page->status, page->name) < 0 ||
	    buf_addf(ret, err, "<h1>%d: <code>%s</code></h1>\n<p>mse connect%s", page->status, page->name,
		     page->domain ? " to <code>" : "") < 0 ||
	    (page->domain && add_escaped(ret, page->domain, err) < 0) ||
	    buf_add_text(ret, page->domain ? "</code>: " : ": ", err) < 0 || add_escaped(ret, page->text, err) < 0 ||
	    buf_addf(ret, err, "</p>\n<p>%s</p>\n", advice(page)) < 0)
		return -1;
	if (page->verdict && add_checks(ret, page->verdict, err) < 0)
		return -1;
	return buf_add_text(ret, "</body></html>\n", err);
}

/* ---- JSON and text ---- */

static json_t *verdict_json(const struct attest_verdict *verdict)
{
	char *text = verdict ? attest_verdict_json(verdict) : NULL;
	json_t *value = text ? json_loads(text, 0, NULL) : json_null();

	free(text);
	return value;
}

static int format_json(const struct connect_page *page, struct buf *ret, struct err *err)
{
	json_t *object =
	    json_pack("{s:i, s:s, s:o, s:s?, s:o}", "status", page->status, "error", page->name, "message",
		      out_text_json(page->text), "domain", page->domain, "verdict", verdict_json(page->verdict));
	char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	int status;

	json_decref(object);
	if (!text)
		return err_no_memory(err);
	status = buf_addf(ret, err, "%s\n", text);
	free(text);
	return status;
}

static int format_text(const struct connect_page *page, struct buf *ret, struct err *err)
{
	char *verdict = page->verdict ? attest_verdict_text(page->verdict) : NULL;
	const int status = buf_addf(ret, err, "mse connect: %d %s\n%s\n%s\n%s%s", page->status, page->name, page->text,
				    advice(page), verdict ? "\n" : "", verdict ? verdict : "");

	free(verdict);
	return status;
}

int connect_page_format(const struct connect_page *page, enum connect_page_kind kind, struct buf *ret, struct err *err)
{
	static const struct {
		const char *type;
		int (*format)(const struct connect_page *page, struct buf *ret, struct err *err);
	} kinds[] = {
	    [CONNECT_PAGE_TEXT] = {"text/plain; charset=utf-8", format_text},
	    [CONNECT_PAGE_HTML] = {"text/html; charset=utf-8", format_html},
	    [CONNECT_PAGE_JSON] = {"application/json", format_json},
	};
	scoped(buf_done) struct buf body = BUF_INIT(CONNECT_PAGE_MAX);

	if (kinds[kind].format(page, &body, err) < 0 ||
	    buf_addf(ret, err,
		     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nMse-Error: %s\r\n"
		     "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
		     "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nConnection: close\r\n",
		     page->status, http_status_text(page->status), kinds[kind].type, body.size, page->name) < 0)
		return -1;
	if (page->status == UNAVAILABLE && buf_addf(ret, err, "Retry-After: %d\r\n", RETRY_SECONDS) < 0)
		return -1;
	if (buf_add_text(ret, "\r\n", err) < 0)
		return -1;
	return page->no_body ? 0 : buf_add(ret, body.data, body.size, err);
}
