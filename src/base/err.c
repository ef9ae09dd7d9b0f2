/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(struct err *err, int wanted)
{
	static const char tail[] = "...";

	if (wanted >= (int)sizeof(err->text))
		memcpy(err->text + sizeof(err->text) - sizeof(tail), tail, sizeof(tail));
}

int err_setv(struct err *err, enum err_code code, const char *format, va_list args)
{
	err->code = code;
	err->os_errno = 0;
	mark_cut(err, vsnprintf(err->text, sizeof(err->text), format, args));
	return -1;
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)err_setv(err, code, format, args);
	va_end(args);
	return -1;
}

static enum err_code code_of_errno(int os_errno)
{
	if (os_errno == ENOMEM)
		return ERR_NO_MEMORY;
	if (os_errno == ENOENT)
		return ERR_NOT_FOUND;
	return ERR_IO;
}

int err_set_errno(struct err *err, const char *format, ...)
{
	const int os_errno = errno;
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)err_set(err, code_of_errno(os_errno), "%s: %s", text, strerror(os_errno));
	err->os_errno = os_errno;
	return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char prefix[ERR_TEXT_SIZE];
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	memcpy(text, err->text, sizeof(text));
	mark_cut(err, snprintf(err->text, sizeof(err->text), "%s: %s", prefix, text));
	return -1;
}

int err_no_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "out of memory");
}

const char *err_code_text(enum err_code code)
{
	switch (code) {
#define X(name, text) \
	case ERR_##name: \
		return text;
		ERR_CODES(X)
#undef X
	}
	return "internal";
}
