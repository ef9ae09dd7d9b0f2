/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/number.h"
#include "crypto/hash.h"
#include "crypto/x509_build.h"
#include "format/hex.h"
#include "test_pki.h"

#define TEXT_MAX (1u << 20)

void tool_refuse(const char *what)
{
	(void)fprintf(stderr, "'%s' is not understood; see the source of this program\n", what);
	exit(2);
}

static int64_t get_number(const char *text)
{
	struct err err = ERR_INIT;
	uint64_t value = 0;

	test_must(number_parse_u64(text, 0, UINT32_MAX, &value, &err), &err);
	return (int64_t)value;
}

static const struct tool_option *find(const struct tool_option *options, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	tool_refuse(name);
	return NULL;
}

/* Returns true if the value belongs to the option. */
static bool take(const struct tool_option *option, const char *value)
{
	if (option->flag) {
		*option->flag = true;
		return false;
	}
	if (!value)
		tool_refuse(option->name);
	if (option->text)
		*option->text = value;
	else
		*option->number = get_number(value);
	return true;
}

void tool_read(int argc, char **argv, const struct tool_option *options, size_t count, const char **ret_dir)
{
	*ret_dir = NULL;
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			*ret_dir = argv[i];
		else if (take(find(options, count, argv[i]), argv[i + 1])) /* argv ends with NULL */
			i++;
	}
	if (!*ret_dir)
		tool_refuse("no DIR");
}

void tool_put_hex(const char *text, uint8_t *ret, size_t size)
{
	struct err err = ERR_INIT;

	if (text)
		test_must(hex_decode(text, strlen(text), ret, size, &err), &err);
}

void tool_write(const char *dir, const char *name, const void *data, size_t size)
{
	struct err err = ERR_INIT;
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	test_must(fs_write_atomic(path, data, size, 0644, &err), &err);
}

void tool_write_buf(const char *dir, const char *name, const struct buf *buf)
{
	tool_write(dir, name, buf->data, buf->size);
}

void tool_write_pem(const char *dir, const char *name, const struct buf *first, const struct buf *second)
{
	struct buf pem = BUF_INIT(TEXT_MAX);

	test_pem(first, &pem);
	if (second)
		test_pem(second, &pem);
	tool_write_buf(dir, name, &pem);
	buf_done(&pem);
}

static void bind_key(const struct p256_key *key, uint8_t report_data[static 64])
{
	uint8_t point[P256_POINT_SIZE];

	p256_point(key, point);
	memset(report_data, 0, 64);
	sha256(point, sizeof(point), report_data);
}

void tool_write_ratls(const char *dir, const struct tool_ratls *ratls)
{
	struct p256_key *key = NULL;
	struct secret pem = {0};
	struct buf der = BUF_INIT(TEXT_MAX);
	struct err err = ERR_INIT;
	const struct buf *value;
	struct x509_extension extension = {.oid = ratls->oid};
	const struct x509_spec spec = {
	    .subject = "CN=localhost",
	    .not_before = ratls->time - TEST_DAY,
	    .not_after = ratls->time + 90 * TEST_DAY,
	    .dns_names = (const char *const[]){"localhost"},
	    .dns_count = 1,
	    .extensions = &extension,
	    .extension_count = 1,
	};

	test_must(p256_generate(&key, &err), &err);
	bind_key(key, ratls->report_data);
	value = ratls->make(ratls->context);
	extension.data = value->data;
	extension.size = value->size;
	test_must(x509_build(&spec, key, NULL, NULL, &der, &err), &err);
	test_must(p256_save_pem(key, &pem, &err), &err);
	tool_write_pem(dir, "ratls.pem", &der, NULL);
	tool_write(dir, "ratls.key", pem.data, pem.size);
	buf_done(&der);
	secret_done(&pem);
	p256_free(key);
}
