/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error convention of the project.
 *
 * A fallible function returns int: 0 done (1 and 0 for found and absent), -1 failed with *err set. A struct err
 * belongs to the caller and owns nothing. On success it is untouched; on failure no ret_ argument is. It is
 * never NULL. Who can name the thing adds the name (err_prefix); who can act decides; only programs print.
 *
 * Text: lower case, no full stop, 'quoted' subject, the value seen and the value wanted, position if any.
 */
#ifndef MSE_BASE_ERR_H
#define MSE_BASE_ERR_H

#include <stdarg.h>

#include "base/scoped.h"

#define ERR_TEXT_SIZE 1024

/* What a caller could do differently. Each program maps these to an exit or HTTP status in one switch. */
#define ERR_CODES(X) \
	X(INTERNAL, "internal")               /* a fault of ours: report it */ \
	X(NO_MEMORY, "no-memory")             /* allocation failed */ \
	X(IO, "io")                           /* the system refused: os_errno says why */ \
	X(INVALID, "invalid")                 /* input that can never be accepted as it is */ \
	X(LIMIT, "limit")                     /* input above a named maximum */ \
	X(NOT_FOUND, "not-found")             /* the named thing does not exist */ \
	X(CONFLICT, "conflict")               /* the thing exists or is in another state than wanted */ \
	X(UNAUTHENTICATED, "unauthenticated") /* who are you? sign in (again) */ \
	X(DENIED, "denied")                   /* known, but not allowed */ \
	X(UNTRUSTED, "untrusted")             /* evidence, signature or measurement refused */ \
	X(UNAVAILABLE, "unavailable")         /* not reachable or busy: try later */ \
	X(TIMEOUT, "timeout")                 /* did not happen in time */ \
	X(UNSUPPORTED, "unsupported")         /* understood, but not served */ \
	X(CANCELLED, "cancelled")             /* the user said no, or interrupted */

enum err_code {
#define X(name, text) ERR_##name,
	ERR_CODES(X)
#undef X
};

struct err {
	enum err_code code;
	int os_errno; /* 0 if the system was not the cause */
	char text[ERR_TEXT_SIZE];
};

/*
 * No error. Only the first byte of the text is cleared: a request passes ten of these, and to clear them whole would
 * push a third of what the application works with out of the processor's first cache.
 */
static inline struct err err_none(void)
{
	struct err err;

	err.code = ERR_INTERNAL;
	err.os_errno = 0;
	err.text[0] = 0;
	return err;
}

#define ERR_INIT err_none()

/* All three return -1, so that a caller may write `return err_set(…)`. Too long a text is cut and ends in "...". */
int err_set(struct err *err, enum err_code code, const char *format, ...) format_like(3, 4);
int err_setv(struct err *err, enum err_code code, const char *format, va_list args) format_like(3, 0);

/* As err_set with ERR_IO (ERR_NO_MEMORY for ENOMEM, ERR_NOT_FOUND for ENOENT) and ": strerror(errno)" appended. */
int err_set_errno(struct err *err, const char *format, ...) format_like(2, 3);

/* Puts "FORMAT: " in front of the text that is there. Keeps code and os_errno. */
int err_prefix(struct err *err, const char *format, ...) format_like(2, 3);

/* Out of memory. */
int err_no_memory(struct err *err);

/* Stable text of a code, as in JSON answers. Never NULL. */
const char *err_code_text(enum err_code code);

#endif
