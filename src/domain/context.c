/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/context.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "format/toml.h"

#define UUID_SIZE 36
#define PORT_DEFAULT 443
#define PORT_MAX 65535
#define ENCLAVE_SIZE_MAX (1 << 20) /* MiB */

/* Texts of fixed length are hex; 0 means any text. */
struct text_row {
	const char *table;
	const char *key;
	size_t offset;
	size_t hex_digits;
	bool required;
};

#define FIELD(name) offsetof(struct context, name)

static const struct text_row text_rows[] = {
    {"config", "name", FIELD(name), 0, true},
    {"config", "project", FIELD(project), 0, true},
    {"config", "python_application", FIELD(python_application), 0, true},
    {"config", "docker", FIELD(docker), 0, true},
    {"config", "code_secret_key", FIELD(code_secret_key), CONTEXT_KEY_HEX, false},
    {"config", "ssl_app_certificate", FIELD(ssl_app_certificate), 0, false},
    {"config", "tests", FIELD(tests), 0, false},
    {"config", "tests_cmd", FIELD(tests_cmd), 0, false},
    {"config", "healthcheck_endpoint", FIELD(healthcheck_endpoint), 0, false},
    {"config", "hardware", FIELD(hardware), 0, false},
    {"config", "logs", FIELD(logs), 0, false},
    {"config", "egress", FIELD(egress), 0, false},
    {"config", "restart", FIELD(restart), 0, false},
    {"instance", "id", FIELD(id), 0, true},
    {"instance", "config_domain_name", FIELD(config_domain_name), 0, true},
    {"instance", "ssl_certificate_origin", FIELD(ssl_certificate_origin), 0, false},
    {"instance", "domain_name", FIELD(domain_name), 0, false},
    {"instance", "created_at", FIELD(created_at), 0, false},
    {"instance", "fingerprint", FIELD(fingerprint), CONTEXT_KEY_HEX, false},
    {"instance", "identity", FIELD(identity), CONTEXT_IDENTITY_HEX, false},
    {"instance", "ticket", FIELD(ticket), 0, false},
    {"instance", "machine_id", FIELD(machine_id), CONTEXT_KEY_HEX, false},
    {"instance", "document", FIELD(document), 0, false},
    {"owner", "public_key", FIELD(owner_public_key), CONTEXT_KEY_HEX, false},
    {"image", "code_key_id", FIELD(code_key_id), CONTEXT_KEY_HEX, false},
    {"image", "bill", FIELD(bill_digest), CONTEXT_KEY_HEX, false},
    {"cloud", "url", FIELD(cloud_url), 0, false},
    {"cloud", "ca", FIELD(cloud_ca), 0, false},
    {"cloud", "simulation_root", FIELD(simulation_root), 0, false},
};

static bool is_hex(const char *text, size_t digits)
{
	if (strlen(text) != digits)
		return false;
	for (; *text; text++) {
		if (!isxdigit((unsigned char)*text))
			return false;
	}
	return true;
}

bool context_is_uuid(const char *text)
{
	if (strlen(text) != UUID_SIZE)
		return false;
	for (size_t i = 0; i < UUID_SIZE; i++) {
		const bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
			return false;
	}
	return true;
}

static int wrong(const struct toml_node *node, const char *path, const char *expected, struct err *err)
{
	return err_set(err, ERR_INVALID, "line %u, column %u: '%s' is not %s", node->line, node->column, path,
		       expected);
}

static int copy_text(const struct toml_node *node, const char *path, size_t hex_digits, char **ret, struct err *err)
{
	if (node->kind != TOML_TEXT || strlen(node->text) != node->text_size)
		return wrong(node, path, "a string", err);
	if (node->text_size > CONTEXT_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "'%s' has %zu bytes, at most %u are read", path, node->text_size,
			       CONTEXT_TEXT_MAX);
	if (hex_digits && !is_hex(node->text, hex_digits))
		return err_set(err, ERR_INVALID, "line %u, column %u: '%s' is not %zu hex digits", node->line,
			       node->column, path, hex_digits);
	*ret = strdup(node->text);
	return *ret ? 0 : err_no_memory(err);
}

static int read_texts(const struct toml_node *root, struct context *context, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(text_rows); i++) {
		const struct text_row *row = &text_rows[i];
		const struct toml_node *node = toml_find(toml_find(root, row->table), row->key);
		char path[64];

		(void)snprintf(path, sizeof(path), "%s.%s", row->table, row->key);
		if (!node && row->required)
			return err_set(err, ERR_INVALID, "key '%s' is missing", path);
		if (node && copy_text(node, path, row->hex_digits, (void *)((char *)context + row->offset), err) < 0)
			return -1;
	}
	return 0;
}

static int read_origin(const struct toml_node *instance, struct context *context, struct err *err)
{
	const struct toml_node *misprint = toml_find(instance, "ssl_secret_origin");
	const char *origin = context->ssl_certificate_origin;

	if (!origin && misprint &&
	    copy_text(misprint, "instance.ssl_secret_origin", 0, &context->ssl_certificate_origin, err) < 0)
		return -1;
	origin = context->ssl_certificate_origin;
	if (!origin)
		return err_set(err, ERR_INVALID, "key 'instance.ssl_certificate_origin' is missing");
	if (strcmp(origin, "self") != 0 && strcmp(origin, "owner") != 0 && strcmp(origin, "operator") != 0)
		return err_set(err, ERR_INVALID,
			       "'instance.ssl_certificate_origin' is '%.40s', expected self, owner or operator",
			       origin);
	return 0;
}

static int read_integer(const struct toml_node *table, const char *key, int64_t min, int64_t max, int64_t *ret,
			struct err *err)
{
	const struct toml_node *node = toml_find(table, key);

	if (!node)
		return 0;
	if (node->kind != TOML_INTEGER || node->integer < min || node->integer > max)
		return err_set(err, ERR_INVALID, "line %u, column %u: '%s' is not an integer from %lld to %lld",
			       node->line, node->column, key, (long long)min, (long long)max);
	*ret = node->integer;
	return 0;
}

static int read_expiry(const struct toml_node *instance, struct config_date *ret, struct err *err)
{
	const struct toml_node *node = toml_find(instance, "expires_at");

	if (!node)
		return 0;
	if (node->kind == TOML_DATE && date_is_valid(&node->date))
		ret->date = node->date;
	else if (node->kind != TOML_TEXT)
		return wrong(node, "instance.expires_at", "a date", err);
	else if (date_parse(node->text, &ret->date, err) < 0)
		return err_prefix(err, "'instance.expires_at'");
	ret->present = true;
	ret->line = node->line;
	ret->column = node->column;
	return 0;
}

static int read_requirements(const struct toml_node *config, struct config_texts *ret, struct err *err)
{
	const struct toml_node *node = toml_find(config, "tests_requirements");

	if (!node)
		return 0;
	if (node->kind != TOML_ARRAY || node->item_count > CONFIG_LIST_MAX)
		return wrong(node, "config.tests_requirements", "a list of strings", err);
	ret->items = calloc(node->item_count + 1, sizeof(*ret->items));
	if (!ret->items)
		return err_no_memory(err);
	for (; ret->count < node->item_count; ret->count++) {
		if (copy_text(node->items[ret->count], "config.tests_requirements", 0, &ret->items[ret->count], err) <
		    0)
			return -1;
	}
	return 0;
}

static int read_files(const struct toml_node *instance, const char *key, size_t hex_digits,
		      struct context_nonce **ret_files, size_t *ret_count, struct err *err)
{
	const struct toml_node *table = toml_find(instance, key);

	if (!table)
		return 0;
	if (table->kind != TOML_TABLE || table->item_count > CONTEXT_NONCES_MAX)
		return wrong(table, key, "a table of at most 10000 files", err);
	*ret_files = calloc(table->item_count + 1, sizeof(**ret_files));
	if (!*ret_files)
		return err_no_memory(err);
	for (size_t i = 0; i < table->item_count; i++) {
		struct context_nonce *file = &(*ret_files)[(*ret_count)++];

		if (copy_text(table->items[i], key, hex_digits, &file->hex, err) < 0)
			return -1;
		file->path = strdup(table->items[i]->key);
		if (!file->path)
			return err_no_memory(err);
	}
	return 0;
}

static int check_version(const struct toml_node *root, struct err *err)
{
	const char *version = toml_find_text(root, "version");

	if (!version)
		return err_set(err, ERR_INVALID, "key 'version' is missing");
	if (strcmp(version, "1.0") != 0 && strcmp(version, "2.0") != 0)
		return err_set(err, ERR_UNSUPPORTED, "version '%.20s', expected 1.0 or 2.0", version);
	return 0;
}

static int read_all(const struct toml_node *root, struct context *context, struct err *err)
{
	const struct toml_node *instance = toml_find(root, "instance");

	context->port = PORT_DEFAULT;
	if (check_version(root, err) < 0 || read_texts(root, context, err) < 0 ||
	    read_origin(instance, context, err) < 0 || read_expiry(instance, &context->expires_at, err) < 0 ||
	    read_integer(instance, "enclave_size", 0, ENCLAVE_SIZE_MAX, &context->enclave_size, err) < 0 ||
	    read_integer(instance, "port", 1, PORT_MAX, &context->port, err) < 0 ||
	    read_requirements(toml_find(root, "config"), &context->tests_requirements, err) < 0 ||
	    read_files(instance, "nonces", CONTEXT_NONCE_HEX, &context->nonces, &context->nonce_count, err) < 0 ||
	    read_files(instance, "files", CONTEXT_KEY_HEX, &context->files, &context->file_count, err) < 0)
		return -1;
	if (!context_is_uuid(context->id))
		return err_set(err, ERR_INVALID, "'instance.id' is '%.60s', expected a uuid", context->id);
	return 0;
}

int context_parse(const void *data, size_t size, struct context *ret_context, struct err *err)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;
	struct context context = {0};

	if (size > CONTEXT_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes, at most %u are read", size, CONTEXT_SIZE_MAX);
	if (toml_parse(data, size, &doc, err) < 0)
		return -1;
	if (read_all(toml_root(doc), &context, err) < 0) {
		context_done(&context);
		return -1;
	}
	*ret_context = context;
	return 0;
}

static int add_table(const struct context *context, const char *table, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(text_rows); i++) {
		const struct text_row *row = &text_rows[i];
		const char *value = *(char *const *)(const void *)((const char *)context + row->offset);

		if (strcmp(row->table, table) != 0 || !value)
			continue;
		if (buf_addf(ret, err, "%s = ", row->key) < 0 || toml_add_text(ret, value, err) < 0 ||
		    buf_add_byte(ret, '\n', err) < 0)
			return -1;
	}
	return 0;
}

static int add_config(const struct context *context, struct buf *ret, struct err *err)
{
	const struct config_texts *texts = &context->tests_requirements;

	if (buf_add_text(ret, "version = \"2.0\"\n\n[config]\n", err) < 0 ||
	    add_table(context, "config", ret, err) < 0 || buf_add_text(ret, "tests_requirements = [", err) < 0)
		return -1;
	for (size_t i = 0; i < texts->count; i++) {
		if ((i && buf_add_text(ret, ", ", err) < 0) || toml_add_text(ret, texts->items[i], err) < 0)
			return -1;
	}
	return buf_add_text(ret, "]\n", err);
}

static int add_files(const char *key, const struct context_nonce *files, size_t count, struct buf *ret, struct err *err)
{
	if (buf_addf(ret, err, "\n[instance.%s]\n", key) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (toml_add_text(ret, files[i].path, err) < 0 || buf_addf(ret, err, " = \"%s\"\n", files[i].hex) < 0)
			return -1;
	}
	return 0;
}

static void free_files(struct context_nonce *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(files[i].path);
		free(files[i].hex);
	}
	free(files);
}

static int add_instance(const struct context *context, struct buf *ret, struct err *err)
{
	char date[DATE_TEXT_SIZE];

	if (buf_add_text(ret, "\n[instance]\n", err) < 0 || add_table(context, "instance", ret, err) < 0 ||
	    buf_addf(ret, err, "port = %lld\nenclave_size = %lld\n", (long long)context->port,
		     (long long)context->enclave_size) < 0)
		return -1;
	if (context->expires_at.present) {
		date_format(&context->expires_at.date, date);
		if (buf_addf(ret, err, "expires_at = \"%s\"\n", date) < 0)
			return -1;
	}
	if (add_files("nonces", context->nonces, context->nonce_count, ret, err) < 0)
		return -1;
	return context->files ? add_files("files", context->files, context->file_count, ret, err) : 0;
}

int context_format(const struct context *context, struct buf *ret, struct err *err)
{
	static const char *const ours[] = {"owner", "image", "cloud"};

	if (add_config(context, ret, err) < 0 || add_instance(context, ret, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		if (buf_addf(ret, err, "\n[%s]\n", ours[i]) < 0 || add_table(context, ours[i], ret, err) < 0)
			return -1;
	}
	return 0;
}

void context_done(struct context *context)
{
	if (context->code_secret_key)
		explicit_bzero(context->code_secret_key, strlen(context->code_secret_key));
	for (size_t i = 0; i < COUNT_OF(text_rows); i++)
		free(*(char **)(void *)((char *)context + text_rows[i].offset));
	for (size_t i = 0; i < context->tests_requirements.count; i++)
		free(context->tests_requirements.items[i]);
	free(context->tests_requirements.items);
	free_files(context->nonces, context->nonce_count);
	free_files(context->files, context->file_count);
	*context = (struct context){0};
}
