/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines of the runtime's further names: one table of options, and at most one operand. Pure. */
#ifndef MSE_ENCLAVE_ARGUMENTS_H
#define MSE_ENCLAVE_ARGUMENTS_H

#include <stddef.h>

#include "base/buf.h"

struct argument {
	const char *name;  /* "--host"; NULL: help is a heading */
	const char *value; /* what help calls its value; NULL: a flag */
	const char *help;  /* "": not shown */
	const char **into; /* borrowed from argv; a flag becomes "1" */
	size_t times;      /* it may be given so often: into has as many places; 0: once */
};

/*
 * argv without the program's name, ended by NULL. "--name VALUE" and "--name=VALUE"; behind "--" everything is an
 * operand. ERR_INVALID names what is unknown, without its value, or given twice. *ret_operand NULL: none was given.
 */
must_check int arguments_parse(const struct argument *rows, size_t count, char *const *argv, const char **ret_operand,
			       struct err *err);

/* One line for each row. */
must_check int arguments_help(const struct argument *rows, size_t count, struct buf *ret, struct err *err);

#endif
