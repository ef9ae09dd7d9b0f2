/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/project_key.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "crypto/sealedbox.h"
#include "domain/context.h"
#include "format/hex.h"

#define FILE_TEXT_SIZE (2 * PROJECT_KEY_SIZE + 1) /* hex and a line end */

static int key_path(const struct settings *settings, const char *project_id, char **ret_path, struct err *err)
{
	char name[80];

	if (!context_is_uuid(project_id))
		return err_set(err, ERR_INVALID, "project id '%.60s' is not a uuid", project_id);
	(void)snprintf(name, sizeof(name), "keys/%s.key", project_id);
	return settings_path(settings, name, ret_path, err);
}

static int parse(const struct secret *text, struct secret *ret_key, struct err *err)
{
	struct secret key = SECRET_INIT;
	size_t size = text->size;

	if (size == FILE_TEXT_SIZE && text->data[size - 1] == '\n')
		size--;
	if (secret_new(&key, PROJECT_KEY_SIZE, err) < 0)
		return -1;
	if (hex_decode((const char *)text->data, size, key.data, key.size, err) < 0) {
		secret_done(&key);
		return -1;
	}
	*ret_key = key;
	return 0;
}

int project_key_find(const struct settings *settings, const char *project_id, struct secret *ret_key, struct err *err)
{
	scoped(secret_done) struct secret text = SECRET_INIT;
	scoped(freep) char *path = NULL;

	if (key_path(settings, project_id, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	if (secret_load(path, FILE_TEXT_SIZE, &text, err) < 0)
		return -1;
	return parse(&text, ret_key, err) < 0 ? err_prefix(err, "project key '%s'", path) : 1;
}

/* Written as a new file: of two commands that make it at once, one loses and reads the other's. */
static int make_key(const struct settings *settings, const char *project_id, struct err *err)
{
	char text[FILE_TEXT_SIZE + 1];
	uint8_t key[PROJECT_KEY_SIZE];
	scoped(freep) char *folder = NULL;
	scoped(freep) char *path = NULL;
	int status;

	if (settings_make_folder(settings, "keys", &folder, err) < 0 || key_path(settings, project_id, &path, err) < 0)
		return -1;
	random_bytes(key, sizeof(key));
	hex_encode(key, sizeof(key), text);
	text[FILE_TEXT_SIZE - 1] = '\n';
	status = fs_write_new(path, text, FILE_TEXT_SIZE, 0600, err);
	secret_wipe(key, sizeof(key));
	secret_wipe(text, sizeof(text));
	return status < 0 && err->code != ERR_CONFLICT ? -1 : 0;
}

int project_key_load(const struct settings *settings, const char *project_id, struct secret *ret_key, struct err *err)
{
	int found = project_key_find(settings, project_id, ret_key, err);

	if (found == 0) {
		if (make_key(settings, project_id, err) < 0)
			return -1;
		found = project_key_find(settings, project_id, ret_key, err);
	}
	if (found == 0)
		return err_set(err, ERR_INTERNAL, "the key of project %s vanished", project_id);
	return found < 0 ? -1 : 0;
}

int project_key_derive(const struct secret *key, const char *label, const void *data, size_t size, struct secret *ret,
		       struct err *err)
{
	if (secret_new(ret, PROJECT_KEY_SIZE, err) < 0)
		return -1;
	kdf_derive(key->data, label, data, size, ret->data, ret->size);
	return 0;
}

int project_key_log(const struct secret *key, uint8_t ret_public[static 32], struct secret *ret_secret, struct err *err)
{
	scoped(secret_done) struct secret seed = SECRET_INIT;

	if (project_key_derive(key, "mse-log-1", NULL, 0, &seed, err) < 0)
		return -1;
	return x25519_keypair_from_seed(seed.data, ret_public, ret_secret, err);
}
