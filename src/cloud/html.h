/* SPDX-License-Identifier: Apache-2.0 */
/* The few pages of the sign-in: plain forms, no script. Everything that comes from outside goes through html_text. */
#ifndef MSE_CLOUD_HTML_H
#define MSE_CLOUD_HTML_H

#include "base/buf.h"

#define HTML_PAGE_MAX 65536

must_check int html_begin(struct buf *page, const char *title, struct err *err);
must_check int html_end(struct buf *page, struct err *err);

/* Escaped for text and for attributes in double quotes. */
must_check int html_text(struct buf *page, const char *text, struct err *err);

must_check int html_paragraph(struct buf *page, const char *kind, const char *text, struct err *err);
must_check int html_hidden(struct buf *page, const char *name, const char *value, struct err *err);
/* type: "text", "email" or "password" */
must_check int html_field(struct buf *page, const char *label, const char *type, const char *name, const char *value,
			  struct err *err);

#endif
