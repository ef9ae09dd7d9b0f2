/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of requirements.txt: NAME, extras, version specifiers (PEP 508, PEP 440). Nothing is ever installed in an
 * enclave, so a line is a demand on the image: met by what it holds, or the deployment is refused. URLs, options, and
 * environment markers are refused: what they would mean depends on the machine.
 */
#ifndef MSE_DOMAIN_REQUIREMENT_H
#define MSE_DOMAIN_REQUIREMENT_H

#include "base/err.h"

#define REQUIREMENT_NAME_SIZE 101
#define REQUIREMENT_LINE_MAX 1024
#define REQUIREMENT_SPECIFIERS_SIZE 512

struct requirement {
	char name[REQUIREMENT_NAME_SIZE];
	char specifiers[REQUIREMENT_SPECIFIERS_SIZE]; /* ">=1.0,<2" without blanks; "" for any version */
};

/* 1: a requirement, 0: an empty line or a comment. ERR_INVALID or ERR_UNSUPPORTED. */
must_check int requirement_parse(const char *line, struct requirement *ret, struct err *err);

/* 1 if version meets every specifier, 0 if not. ERR_INVALID for a malformed specifier or version. */
must_check int requirement_is_met(const struct requirement *requirement, const char *version, struct err *err);

#endif
