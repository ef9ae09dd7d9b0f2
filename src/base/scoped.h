/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiler helpers that every file may use: must_check, cleanup attributes, ownership hand-over.
 *
 * A variable declared with scoped(fn) has fn(&variable) called when it leaves its block. It must be
 * initialised where it is declared. Ownership is handed over with TAKE_PTR or TAKE_FD, which leave the
 * empty value behind, so that the cleanup does nothing.
 */
#ifndef MSE_BASE_SCOPED_H
#define MSE_BASE_SCOPED_H

#include <stdlib.h>

#define must_check __attribute__((warn_unused_result))
#define format_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define scoped(fn) __attribute__((cleanup(fn)))

#define TAKE_PTR(ptr) \
	({ \
		__typeof__(ptr) taken_ptr_ = (ptr); \
		(ptr) = NULL; \
		taken_ptr_; \
	})

#define TAKE_FD(fd) \
	({ \
		int taken_fd_ = (fd); \
		(fd) = -1; \
		taken_fd_; \
	})

/* For the rare must_check call whose failure changes nothing; (void) does not silence gcc. */
#define IGNORE_RESULT(call) \
	do { \
		if (call) { \
		} \
	} while (0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* free() for scoped(): takes the address of any object pointer. */
static inline void freep(void *ptr_address)
{
	void **ptr = ptr_address;
	free(*ptr);
	*ptr = NULL;
}

/* Defines fnp(type **) around fn(type *), for scoped(fnp). fn must accept NULL. */
#define DEFINE_SCOPED_PTR(type, fn) \
	static inline void fn##p(type **ptr) \
	{ \
		fn(*ptr); \
		*ptr = NULL; \
	} \
	struct mse_scoped_semicolon_

#endif
