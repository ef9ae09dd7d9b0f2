/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/release.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

#define PIECE_SIZE (64u << 10)
#define CAPACITY_FIRST 16

const char *const release_argv[] = {"mse-enclave", NULL};

static int find_text(const char *const *texts, size_t count, const char *what, const char *text, size_t *ret,
		     struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(texts[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "%s '%.40s', expected '%s' or '%s'", what, text, texts[0], texts[1]);
}

/* NAME_text and NAME_parse for one enum of two values. */
#define X(name, text) text,
#define DEFINE_ENUM(noun, rows) \
	static const char *const noun##_texts[] = {rows(X)}; \
	const char *release_##noun##_text(enum release_##noun value) \
	{ \
		return noun##_texts[value]; \
	} \
	int release_##noun##_parse(const char *text, enum release_##noun *ret, struct err *err) \
	{ \
		size_t at; \
\
		if (find_text(noun##_texts, COUNT_OF(noun##_texts), #noun, text, &at, err) < 0) \
			return -1; \
		*ret = (enum release_##noun)at; \
		return 0; \
	}

DEFINE_ENUM(tee, RELEASE_TEES)
DEFINE_ENUM(restart, RELEASE_RESTARTS)
DEFINE_ENUM(logs, RELEASE_LOGSS)
DEFINE_ENUM(egress, RELEASE_EGRESSES)
#undef X

int release_new(struct release **ret, struct err *err)
{
	struct release *release = malloc(sizeof(*release));

	if (!release)
		return err_no_memory(err);
	*release = (struct release){.enclave_size = UINT64_C(512) << 20,
				    .max_threads = RELEASE_MAX_THREADS_DEFAULT,
				    .threads = RELEASE_THREADS_DEFAULT,
				    .isv_svn = 1,
				    .healthcheck = "/"};
	*ret = release;
	return 0;
}

void release_free(struct release *release)
{
	if (!release)
		return;
	for (size_t i = 0; i < release->file_count; i++)
		free(release->files[i].path);
	free(release->files);
	free(release);
}

static bool is_identifier_start(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

/* Python identifiers of ASCII, joined by dots. */
static bool is_dotted_name(const char *text, size_t size)
{
	bool at_start = true;

	for (size_t i = 0; i < size; i++) {
		const bool is_digit = text[i] >= '0' && text[i] <= '9';

		if (at_start ? !is_identifier_start(text[i])
			     : !is_identifier_start(text[i]) && !is_digit && text[i] != '.')
			return false;
		at_start = text[i] == '.';
	}
	return !at_start;
}

int release_set_application(struct release *release, const char *application, struct err *err)
{
	const size_t size = strnlen(application, RELEASE_APPLICATION_MAX + 1);
	const char *colon = memchr(application, ':', size);

	if (size > RELEASE_APPLICATION_MAX)
		return err_set(err, ERR_LIMIT, "python_application '%.40s…' has more than %d bytes", application,
			       RELEASE_APPLICATION_MAX);
	if (!colon || !is_dotted_name(application, (size_t)(colon - application)) ||
	    !is_dotted_name(colon + 1, size - (size_t)(colon + 1 - application)))
		return err_set(err, ERR_INVALID, "python_application '%s', expected 'module:variable'", application);
	memcpy(release->application, application, size + 1);
	return 0;
}

int release_set_healthcheck(struct release *release, const char *path, struct err *err)
{
	const size_t size = strnlen(path, RELEASE_HEALTHCHECK_MAX + 1);

	if (size > RELEASE_HEALTHCHECK_MAX)
		return err_set(err, ERR_LIMIT, "healthcheck_endpoint '%.40s…' has more than %d bytes", path,
			       RELEASE_HEALTHCHECK_MAX);
	for (size_t i = 0; i < size; i++) {
		if (path[i] <= 0x20 || path[i] > 0x7e || path[i] == '"' || path[i] == '\\')
			return err_set(err, ERR_INVALID, "healthcheck_endpoint has byte 0x%02x at %zu",
				       (uint8_t)path[i], i);
	}
	if (path[0] != '/')
		return err_set(err, ERR_INVALID, "healthcheck_endpoint '%s' does not begin with '/'", path);
	memcpy(release->healthcheck, path, size + 1);
	return 0;
}

/* ---- code files ---- */

static int make_room(struct release *release, struct err *err)
{
	const size_t capacity = release->file_capacity ? 2 * release->file_capacity : CAPACITY_FIRST;
	struct release_file *files;

	if (release->file_count < release->file_capacity)
		return 0;
	files = reallocarray(release->files, capacity, sizeof(*files));
	if (!files)
		return err_no_memory(err);
	release->files = files;
	release->file_capacity = capacity;
	return 0;
}

/* Where path belongs; most tars are sorted, so from the end. */
static size_t place_of(const struct release *release, const char *path)
{
	size_t at = release->file_count;

	while (at > 0 && strcmp(release->files[at - 1].path, path) >= 0)
		at--;
	return at;
}

int release_add_file(struct release *release, const char *path, const uint8_t sha256[static 32], uint64_t size,
		     struct err *err)
{
	const size_t at = place_of(release, path);
	struct release_file file = {.size = size};

	if (tar_path_check(path, strnlen(path, TAR_PATH_MAX + 1), err) < 0)
		return err_prefix(err, "'%.*s'", TAR_PATH_MAX, path);
	if (at < release->file_count && strcmp(release->files[at].path, path) == 0)
		return err_set(err, ERR_CONFLICT, "'%s' is there twice", path);
	if (release->file_count >= TAR_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d code files", TAR_ENTRIES_MAX);
	if (make_room(release, err) < 0)
		return -1;
	file.path = strdup(path);
	if (!file.path)
		return err_no_memory(err);
	memcpy(file.sha256, sha256, sizeof(file.sha256));
	memmove(&release->files[at + 1], &release->files[at], (release->file_count - at) * sizeof(file));
	release->files[at] = file;
	release->file_count++;
	return 0;
}

static int hash_entry(struct tar_reader *reader, uint8_t *piece, uint8_t ret[static 32], struct err *err)
{
	scoped(sha256_freep) struct sha256_ctx *hash = sha256_new();
	size_t size;

	do {
		if (tar_read(reader, piece, PIECE_SIZE, &size, err) < 0)
			return -1;
		sha256_add(hash, piece, size);
	} while (size > 0);
	sha256_finish(hash, ret);
	return 0;
}

int release_add_code(struct release *release, struct tar_source source, struct err *err)
{
	scoped(tar_reader_freep) struct tar_reader *reader = NULL;
	scoped(freep) uint8_t *piece = malloc(PIECE_SIZE);
	struct tar_entry entry;
	uint8_t sha256[32];
	int status;

	if (!piece)
		return err_no_memory(err);
	if (tar_reader_new(source, &reader, err) < 0)
		return -1;
	while ((status = tar_next(reader, &entry, err)) > 0) {
		if (entry.is_dir)
			continue;
		if (hash_entry(reader, piece, sha256, err) < 0 ||
		    release_add_file(release, entry.path, sha256, entry.size, err) < 0)
			return err_prefix(err, "code tar");
	}
	return status;
}
