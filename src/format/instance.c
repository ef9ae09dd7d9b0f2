/* SPDX-License-Identifier: Apache-2.0 */
#include "format/instance.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "format/json.h"

static const char *const members[] = {
    "certificate", "config_domain", "domain", "expires", "log_key", "subject", "tls", "uuid", "version", NULL,
};

#define VERSION "1"

static const char *const tls_texts[] = {
#define X(name, text) [INSTANCE_TLS_##name] = text,
    INSTANCE_TLS(X)
#undef X
};

const char *instance_tls_text(enum instance_tls tls)
{
	return tls_texts[tls];
}

int instance_tls_parse(const char *text, enum instance_tls *ret, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(tls_texts); i++)
		if (strcmp(text, tls_texts[i]) == 0) {
			*ret = (enum instance_tls)i;
			return 0;
		}
	return err_set(err, ERR_INVALID, "tls '%s', expected self, owner, acme or operator", text);
}

static bool is_lower_hex(const char *text, size_t size)
{
	return strlen(text) == size && strspn(text, "0123456789abcdef") == size;
}

static int check_hash(const char *name, const char *text, struct err *err)
{
	if (*text && !is_lower_hex(text, INSTANCE_HASH_HEX_SIZE))
		return err_set(err, ERR_INVALID, "%s '%s', expected %d lower-case hex digits or nothing", name, text,
			       INSTANCE_HASH_HEX_SIZE);
	return 0;
}

/* What a name is resolved to or looks like is not this layer's business, only that it has one spelling. */
static int check_domain(const char *name, const char *text, struct err *err)
{
	if (!*text || text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.:")])
		return err_set(err, ERR_INVALID, "%s '%s', expected a lower-case name or address", name, text);
	return 0;
}

static int check_subject(const char *text, struct err *err)
{
	if (!*text)
		return err_set(err, ERR_INVALID, "subject is empty");
	for (const char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			return err_set(err, ERR_INVALID, "byte %zu of subject is not printable ASCII",
				       (size_t)(at - text));
	return 0;
}

static int check_expires(const char *text, struct err *err)
{
	int64_t seconds;

	return *text ? clock_parse_utc(text, &seconds, err) : 0;
}

static int check_uuid(const char *text, struct err *err)
{
	static const char shape[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
	bool fits = strlen(text) == INSTANCE_UUID_SIZE;

	for (size_t i = 0; fits && i < INSTANCE_UUID_SIZE; i++)
		fits = shape[i] == 'h' ? strchr("0123456789abcdef", text[i]) != NULL : text[i] == '-';
	return fits ? 0 : err_set(err, ERR_INVALID, "uuid '%s', expected lower-case 8-4-4-4-12 hex digits", text);
}

static int check(const struct instance *instance, struct err *err)
{
	if (check_hash("certificate", instance->certificate, err) < 0 ||
	    check_domain("config_domain", instance->config_domain, err) < 0 ||
	    check_domain("domain", instance->domain, err) < 0 || check_expires(instance->expires, err) < 0 ||
	    check_hash("log_key", instance->log_key, err) < 0 || check_subject(instance->subject, err) < 0)
		return -1;
	return check_uuid(instance->uuid, err);
}

static int add_member(struct buf *buf, const char *name, const char *text, struct err *err)
{
	if (buf_addf(buf, err, "%c\"%s\":\"", buf->size == 0 ? '{' : ',', name) < 0)
		return -1;
	for (; *text; text++)
		if (((*text == '"' || *text == '\\') && buf_add_byte(buf, '\\', err) < 0) ||
		    buf_add_byte(buf, (uint8_t)*text, err) < 0)
			return -1;
	return buf_add_byte(buf, '"', err);
}

static int write_members(const struct instance *instance, struct buf *buf, struct err *err)
{
	const char *const values[] = {
	    instance->certificate,
	    instance->config_domain,
	    instance->domain,
	    instance->expires,
	    instance->log_key,
	    instance->subject,
	    instance_tls_text(instance->tls),
	    instance->uuid,
	    VERSION,
	};

	_Static_assert(COUNT_OF(values) + 1 == COUNT_OF(members), "a value for each member");
	for (size_t i = 0; i < COUNT_OF(values); i++)
		if (add_member(buf, members[i], values[i], err) < 0)
			return -1;
	return buf_add_byte(buf, '}', err);
}

static int format(const struct instance *instance, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(INSTANCE_SIZE_MAX);

	if (check(instance, err) < 0 || write_members(instance, &text, err) < 0)
		return -1;
	return buf_add(ret, text.data, text.size, err);
}

/* ERR_LIMIT inside is still a malformed document to the caller. */
static int malformed(struct err *err)
{
	if (err->code != ERR_NO_MEMORY)
		err->code = ERR_INVALID;
	return err_prefix(err, "instance-malformed");
}

int instance_format(const struct instance *instance, struct buf *ret, struct err *err)
{
	return format(instance, ret, err) < 0 ? malformed(err) : 0;
}

static int copy_text(const json_t *root, const char *name, char *ret, size_t ret_size, struct err *err)
{
	const char *text;

	if (json_get_text(root, name, ret_size - 1, &text, err) < 0)
		return -1;
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

#define COPY(root, into, member, err) copy_text(root, #member, (into)->member, sizeof((into)->member), err)

static int read_members(const json_t *root, struct instance *ret, struct err *err)
{
	const char *tls;
	const char *version;

	if (json_check_members(root, members, err) < 0 || json_get_text(root, "version", 8, &version, err) < 0)
		return -1;
	if (strcmp(version, VERSION) != 0)
		return err_set(err, ERR_INVALID, "version '%s', expected '" VERSION "'", version);
	if (COPY(root, ret, certificate, err) < 0 || COPY(root, ret, config_domain, err) < 0 ||
	    COPY(root, ret, domain, err) < 0 || COPY(root, ret, expires, err) < 0 ||
	    COPY(root, ret, log_key, err) < 0 || COPY(root, ret, subject, err) < 0 || COPY(root, ret, uuid, err) < 0 ||
	    json_get_text(root, "tls", 16, &tls, err) < 0)
		return -1;
	return instance_tls_parse(tls, &ret->tls, err);
}

static int parse(const void *data, size_t size, struct instance *ret, struct err *err)
{
	scoped(json_decrefp) json_t *root = NULL;
	scoped(buf_done) struct buf again = BUF_INIT(INSTANCE_SIZE_MAX);
	struct instance instance = {0};

	if (size > INSTANCE_SIZE_MAX)
		return err_set(err, ERR_INVALID, "%zu bytes, the maximum is %d", size, INSTANCE_SIZE_MAX);
	if (json_parse_strict(data, size, 1, &root, err) < 0)
		return -1;
	if (!json_is_object(root))
		return err_set(err, ERR_INVALID, "no JSON object");
	if (read_members(root, &instance, err) < 0 || format(&instance, &again, err) < 0)
		return -1;
	if (again.size != size || memcmp(again.data, data, size) != 0)
		return err_set(err, ERR_INVALID, "not in canonical form");
	*ret = instance;
	return 0;
}

int instance_parse(const void *data, size_t size, struct instance *ret, struct err *err)
{
	return parse(data, size, ret, err) < 0 ? malformed(err) : 0;
}
