/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/html.h"

static const char style[] = "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem}"
			    "label{display:block;margin:1rem 0 .25rem}input{width:100%;padding:.5rem;"
			    "box-sizing:border-box}button{margin-top:1.5rem;padding:.5rem 1.5rem}.error{color:#b00020}";

int html_text(struct buf *page, const char *text, struct err *err)
{
	for (; *text; text++) {
		const char *escaped = NULL;

		switch (*text) {
		case '&':
			escaped = "&amp;";
			break;
		case '<':
			escaped = "&lt;";
			break;
		case '>':
			escaped = "&gt;";
			break;
		case '"':
			escaped = "&quot;";
			break;
		case '\'':
			escaped = "&#39;";
			break;
		}
		if (escaped ? buf_add_text(page, escaped, err) < 0 : buf_add_byte(page, (uint8_t)*text, err) < 0)
			return -1;
	}
	return 0;
}

int html_begin(struct buf *page, const char *title, struct err *err)
{
	if (buf_add_text(page, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>", err) < 0 ||
	    html_text(page, title, err) < 0 ||
	    buf_addf(
		page, err,
		"</title><meta name=\"viewport\" content=\"width=device-width\"><style>%s</style></head><body><h1>",
		style) < 0 ||
	    html_text(page, title, err) < 0)
		return -1;
	return buf_add_text(page, "</h1>\n", err);
}

int html_end(struct buf *page, struct err *err)
{
	return buf_add_text(page, "</body></html>\n", err);
}

int html_paragraph(struct buf *page, const char *kind, const char *text, struct err *err)
{
	if (buf_addf(page, err, "<p class=\"%s\">", kind) < 0 || html_text(page, text, err) < 0)
		return -1;
	return buf_add_text(page, "</p>\n", err);
}

int html_hidden(struct buf *page, const char *name, const char *value, struct err *err)
{
	if (buf_addf(page, err, "<input type=\"hidden\" name=\"%s\" value=\"", name) < 0 ||
	    html_text(page, value, err) < 0)
		return -1;
	return buf_add_text(page, "\">\n", err);
}

int html_field(struct buf *page, const char *label, const char *type, const char *name, const char *value,
	       struct err *err)
{
	if (buf_addf(page, err, "<label for=\"%s\">%s</label><input id=\"%s\" type=\"%s\" name=\"%s\" value=\"", name,
		     label, name, type, name) < 0 ||
	    html_text(page, value, err) < 0)
		return -1;
	return buf_add_text(page, "\" required>\n", err);
}
