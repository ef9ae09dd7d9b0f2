/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/sealed_state.h"

#include <string.h>

#include "base/fs.h"
#include "base/number.h"
#include "crypto/aead.h"
#include "crypto/random.h"

#define FILE_NAME "sealed.bin"
#define PART_PREFIX FILE_NAME ".tmp-" /* as fs_write_atomic names it */
#define LABEL_SIZE (sizeof(SEALED_LABEL) - 1)
#define KEY_ID_OFFSET LABEL_SIZE
#define INSTANCE_OFFSET (KEY_ID_OFFSET + TEE_KEY_ID_SIZE)
#define BLOB_OFFSET (INSTANCE_OFFSET + SHA256_SIZE)
#define PREFIX_SIZE 4 /* of a field */
#define FILE_MODE 0600

static const size_t field_max[SEALED_FIELD_COUNT] = {
#define X(name, size) [SEALED_##name] = (size),
    SEALED_FIELDS(X)
#undef X
};

static void put_u32(uint8_t *to, size_t value)
{
	for (int i = PREFIX_SIZE - 1; i >= 0; i--) {
		to[i] = (uint8_t)value;
		value >>= 8;
	}
}

static size_t get_u32(const uint8_t *from)
{
	size_t value = 0;

	for (int i = 0; i < PREFIX_SIZE; i++)
		value = value << 8 | from[i];
	return value;
}

int sealed_plain_format(const struct sealed_part parts[static SEALED_FIELD_COUNT], struct secret *ret, struct err *err)
{
	size_t size = 0;
	uint8_t *next;

	for (size_t i = 0; i < SEALED_FIELD_COUNT; i++) {
		if (parts[i].size > field_max[i])
			return err_set(err, ERR_LIMIT, "field %zu of the sealed state has %zu bytes, at most %zu", i,
				       parts[i].size, field_max[i]);
		size += PREFIX_SIZE + parts[i].size;
	}
	if (secret_new(ret, size, err) < 0)
		return -1;
	next = ret->data;
	for (size_t i = 0; i < SEALED_FIELD_COUNT; i++) {
		put_u32(next, parts[i].size);
		if (parts[i].size > 0)
			memcpy(next + PREFIX_SIZE, parts[i].data, parts[i].size);
		next += PREFIX_SIZE + parts[i].size;
	}
	return 0;
}

int sealed_plain_parse(const void *data, size_t size, struct sealed_part ret[static SEALED_FIELD_COUNT],
		       struct err *err)
{
	struct sealed_part parts[SEALED_FIELD_COUNT];
	const uint8_t *next = data;
	size_t left = size;

	for (size_t i = 0; i < SEALED_FIELD_COUNT; i++) {
		if (left < PREFIX_SIZE)
			return err_set(err, ERR_INVALID, "the sealed state ends in field %zu", i);
		parts[i].size = get_u32(next);
		parts[i].data = next + PREFIX_SIZE;
		if (parts[i].size > field_max[i] || parts[i].size > left - PREFIX_SIZE)
			return err_set(err, ERR_INVALID, "field %zu of the sealed state has %zu bytes", i,
				       parts[i].size);
		next += PREFIX_SIZE + parts[i].size;
		left -= PREFIX_SIZE + parts[i].size;
	}
	if (left != 0)
		return err_set(err, ERR_INVALID, "%zu bytes after the sealed state", left);
	memcpy(ret, parts, sizeof(parts));
	return 0;
}

/* "mse-seal-1" ‖ instance ‖ fingerprint */
static size_t associated_data(struct tee *tee, const uint8_t *instance_hash,
			      uint8_t ret[static LABEL_SIZE + SHA256_SIZE + TEE_MEASUREMENT_SIZE_MAX])
{
	size_t measurement_size;

	memcpy(ret, SEALED_LABEL, LABEL_SIZE);
	memcpy(ret + LABEL_SIZE, instance_hash, SHA256_SIZE);
	tee_measurement(tee, ret + LABEL_SIZE + SHA256_SIZE, &measurement_size);
	return LABEL_SIZE + SHA256_SIZE + measurement_size;
}

static struct sealed_part part(const void *data, size_t size)
{
	return (struct sealed_part){.data = data, .size = size};
}

static int format_plain(const struct instance_input *input, const struct identity *identity, const struct grant *grant,
			struct secret *ret, struct err *err)
{
	scoped(secret_done) struct secret ratls = SECRET_INIT;
	struct sealed_part parts[SEALED_FIELD_COUNT];

	if (ratls_key_save(&ratls, err) < 0)
		return -1;
	parts[SEALED_RATLS_KEY] = part(ratls.data, ratls.size);
	parts[SEALED_X25519_KEY] = part(identity->x25519_secret.data, identity->x25519_secret.size);
	parts[SEALED_CERTIFICATE] = part(identity->certificate.data, identity->certificate.size);
	parts[SEALED_DOCUMENT] = part(input->document.data, input->document.size);
	parts[SEALED_TICKET] = part(grant->ticket, grant->ticket_size);
	parts[SEALED_CODE_KEY] = part(grant->code_key.data, grant->code_key.size);
	parts[SEALED_SECRETS] = part(grant->secrets.data, grant->secrets.size);
	parts[SEALED_SEALED_SECRETS] = part(grant->sealed_secrets.data, grant->sealed_secrets.size);
	parts[SEALED_TLS_KEY] = part(grant->tls_key.data, grant->tls_key.size);
	return sealed_plain_format(parts, ret, err);
}

static int seal(struct tee *tee, const struct instance_input *input, const struct secret *plain, struct buf *ret,
		struct err *err)
{
	uint8_t associated[LABEL_SIZE + SHA256_SIZE + TEE_MEASUREMENT_SIZE_MAX];
	const size_t associated_size = associated_data(tee, input->hash, associated);
	scoped(secret_done) struct secret key = SECRET_INIT;
	uint8_t key_id[TEE_KEY_ID_SIZE];

	random_bytes(key_id, sizeof(key_id));
	if (tee_seal_key(tee, key_id, &key, err) < 0 || buf_add(ret, SEALED_LABEL, LABEL_SIZE, err) < 0 ||
	    buf_add(ret, key_id, sizeof(key_id), err) < 0 || buf_add(ret, input->hash, SHA256_SIZE, err) < 0)
		return -1;
	return xchacha_seal(key.data, associated, associated_size, plain->data, plain->size, ret, err);
}

int sealed_state_save(struct tee *tee, const char *dir, const struct instance_input *input,
		      const struct identity *identity, const struct grant *grant, struct err *err)
{
	scoped(secret_done) struct secret plain = SECRET_INIT;
	scoped(buf_done) struct buf file = BUF_INIT(SEALED_SIZE_MAX);
	scoped(freep) char *path = NULL;

	if (format_plain(input, identity, grant, &plain, err) < 0 || seal(tee, input, &plain, &file, err) < 0 ||
	    fs_join(dir, FILE_NAME, &path, err) < 0)
		return -1;
	return fs_write_atomic(path, file.data, file.size, FILE_MODE, err);
}

bool sealed_state_exists(const char *dir)
{
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	/* Without memory for a path the start ends elsewhere; "exists" is the answer that never loses a state. */
	return fs_join(dir, FILE_NAME, &path, &err) < 0 || fs_exists(path);
}

static int remove_part(const char *name, void *arg, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (strncmp(name, PART_PREFIX, strlen(PART_PREFIX)) != 0)
		return 0;
	return fs_join(arg, name, &path, err) < 0 ? -1 : fs_remove_tree(path, err);
}

int sealed_state_sweep(const char *dir, struct err *err)
{
	return fs_each_entry(dir, remove_part, (void *)dir, err);
}

static int unseal(struct tee *tee, const struct buf *file, const struct instance_input *input, struct secret *ret,
		  struct err *err)
{
	uint8_t associated[LABEL_SIZE + SHA256_SIZE + TEE_MEASUREMENT_SIZE_MAX];
	scoped(secret_done) struct secret key = SECRET_INIT;
	size_t associated_size;

	if (file->size < BLOB_OFFSET || memcmp(file->data, SEALED_LABEL, LABEL_SIZE) != 0)
		return err_set(err, ERR_UNTRUSTED, "it is no sealed state");
	if (tee_seal_key(tee, file->data + KEY_ID_OFFSET, &key, err) < 0)
		return -1;
	associated_size = associated_data(tee, file->data + INSTANCE_OFFSET, associated);
	if (xchacha_open(key.data, associated, associated_size, file->data + BLOB_OFFSET, file->size - BLOB_OFFSET, ret,
			 err) < 0)
		return -1;
	if (memcmp(file->data + INSTANCE_OFFSET, input->hash, SHA256_SIZE) != 0)
		return err_set(err, ERR_CONFLICT,
			       "instance-changed: the state was sealed with another instance document");
	return 0;
}

static int take(struct secret *ret, const struct sealed_part *from, struct err *err)
{
	return from->size == 0 ? 0 : secret_init(ret, from->data, from->size, err);
}

static int take_grant(const struct sealed_part parts[static SEALED_FIELD_COUNT], struct grant *ret, struct err *err)
{
	ret->ticket_size = parts[SEALED_TICKET].size;
	memcpy(ret->ticket, parts[SEALED_TICKET].data, ret->ticket_size);
	if (take(&ret->code_key, &parts[SEALED_CODE_KEY], err) < 0 ||
	    take(&ret->secrets, &parts[SEALED_SECRETS], err) < 0 ||
	    take(&ret->sealed_secrets, &parts[SEALED_SEALED_SECRETS], err) < 0)
		return -1;
	return take(&ret->tls_key, &parts[SEALED_TLS_KEY], err);
}

static int take_identity(const struct sealed_part parts[static SEALED_FIELD_COUNT], struct identity *ret,
			 struct err *err)
{
	scoped(secret_done) struct secret ratls = SECRET_INIT;
	scoped(secret_done) struct secret x25519 = SECRET_INIT;

	if (take(&ratls, &parts[SEALED_RATLS_KEY], err) < 0 || take(&x25519, &parts[SEALED_X25519_KEY], err) < 0)
		return -1;
	return identity_restore(&ratls, &x25519, parts[SEALED_CERTIFICATE].data, parts[SEALED_CERTIFICATE].size, ret,
				err);
}

int sealed_state_load(struct tee *tee, const char *dir, const struct instance_input *input,
		      struct identity *ret_identity, struct grant *ret_grant, struct err *err)
{
	scoped(buf_done) struct buf file = BUF_INIT(SEALED_SIZE_MAX);
	scoped(secret_done) struct secret plain = SECRET_INIT;
	struct sealed_part parts[SEALED_FIELD_COUNT];
	scoped(freep) char *path = NULL;

	if (fs_join(dir, FILE_NAME, &path, err) < 0 || fs_read(path, &file, err) < 0 ||
	    unseal(tee, &file, input, &plain, err) < 0 || sealed_plain_parse(plain.data, plain.size, parts, err) < 0)
		return err_prefix(err, "sealed state");
	if (parts[SEALED_DOCUMENT].size != input->document.size ||
	    memcmp(parts[SEALED_DOCUMENT].data, input->document.data, input->document.size) != 0)
		return err_set(err, ERR_CONFLICT, "instance-changed: the sealed document differs");
	if (take_grant(parts, ret_grant, err) < 0 || take_identity(parts, ret_identity, err) < 0)
		return err_prefix(err, "sealed state");
	return 0;
}
