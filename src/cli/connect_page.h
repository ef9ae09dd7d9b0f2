/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers that `mse connect` gives itself: a whole HTTP response that says what was refused and by which check, as
 * HTML for browsers, JSON for programs that ask for it, else text. Header Mse-Error has the name alone; answers of the
 * app never have that header. Pure.
 */
#ifndef MSE_CLI_CONNECT_PAGE_H
#define MSE_CLI_CONNECT_PAGE_H

#include "base/buf.h"
#include "mse/attest.h"

#define CONNECT_PAGE_MAX (256u << 10)

enum connect_page_kind { CONNECT_PAGE_TEXT, CONNECT_PAGE_HTML, CONNECT_PAGE_JSON };

/* From the value of Accept (NULL: none): the first of the kinds that it names and does not forbid (q=0). */
enum connect_page_kind connect_page_choose(const char *accept);

struct connect_page {
	int status;
	const char *name;                     /* "fresh-binding" */
	const char *text;                     /* one sentence */
	const char *domain;                   /* of the app; NULL: not told */
	const struct attest_verdict *verdict; /* NULL: none was made */
	bool no_body;                         /* answer to HEAD */
};

must_check int connect_page_format(const struct connect_page *page, enum connect_page_kind kind, struct buf *ret,
				   struct err *err);

#endif
