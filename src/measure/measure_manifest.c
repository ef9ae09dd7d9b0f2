/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/measure_manifest.h"

#include <string.h>

#include "format/hex.h"
#include "format/toml.h"

/* Of an integer or, as Gramine takes for sizes, a text. */
static const struct toml_node *find_key(const struct toml_node *sgx, const char *key, struct err *err)
{
	const struct toml_node *node = toml_find(sgx, key);

	if (!node)
		(void)err_set(err, ERR_INVALID, "'sgx.%s' is missing: measure the manifest that gramine-sgx-sign wrote",
			      key);
	return node;
}

static int wrong_kind(const struct toml_node *node, const char *key, const char *wanted, struct err *err)
{
	return err_set(err, ERR_INVALID, "line %u: 'sgx.%s' is of type %s, expected %s", node->line, key,
		       toml_kind_text(node->kind), wanted);
}

static int read_size(const struct toml_node *sgx, struct measure_params *params, struct err *err)
{
	const struct toml_node *node = find_key(sgx, "enclave_size", err);

	if (!node)
		return -1;
	if (node->kind != TOML_TEXT || strlen(node->text) != node->text_size)
		return wrong_kind(node, "enclave_size", "string", err);
	if (measure_parse_size(node->text, &params->enclave_size, err) < 0)
		return err_prefix(err, "line %u: 'sgx.enclave_size'", node->line);
	return 0;
}

static int read_threads(const struct toml_node *sgx, struct measure_params *params, struct err *err)
{
	const struct toml_node *node = find_key(sgx, "max_threads", err);

	if (!node)
		return -1;
	if (node->kind != TOML_INTEGER)
		return wrong_kind(node, "max_threads", "integer", err);
	if (node->integer < 1 || node->integer > MEASURE_THREADS_MAX)
		return err_set(err, ERR_LIMIT, "line %u: 'sgx.max_threads' is %lld, expected 1 to %d", node->line,
			       (long long)node->integer, MEASURE_THREADS_MAX);
	params->threads = (uint32_t)node->integer;
	return 0;
}

static int read_edmm(const struct toml_node *sgx, struct measure_params *params, struct err *err)
{
	const struct toml_node *node = find_key(sgx, "edmm_enable", err);

	if (!node)
		return -1;
	if (node->kind != TOML_BOOL)
		return wrong_kind(node, "edmm_enable", "boolean", err);
	params->edmm = node->boolean;
	return 0;
}

static int read_params(const struct toml_doc *doc, struct measure_params *ret, struct err *err)
{
	const struct toml_node *sgx = toml_find(toml_root(doc), "sgx");
	struct measure_params params = {.edmm = false};

	if (!sgx || sgx->kind != TOML_TABLE)
		return err_set(err, ERR_INVALID, "there is no table 'sgx'");
	if (read_size(sgx, &params, err) < 0 || read_threads(sgx, &params, err) < 0 || read_edmm(sgx, &params, err) < 0)
		return -1;
	if (measure_params_check(&params, err) < 0)
		return err_prefix(err, "line %u", toml_find(sgx, "enclave_size")->line);
	*ret = params;
	return 0;
}

int measure_manifest_params(const char *manifest, size_t manifest_size, struct measure_params *ret, struct err *err)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;

	if (toml_parse(manifest, manifest_size, &doc, err) < 0 || read_params(doc, ret, err) < 0)
		return err_prefix(err, "manifest");
	return 0;
}

static int measure(const void *manifest, size_t manifest_size, const void *loader, size_t loader_size,
		   struct measure_result *ret, struct err *err)
{
	struct measure_params params;

	if (measure_manifest_params(manifest, manifest_size, &params, err) < 0)
		return -1;
	return measure_run(&params, manifest, manifest_size, loader, loader_size, ret, err);
}

int measure_enclave(const void *manifest, size_t manifest_size, const void *loader, size_t loader_size,
		    uint8_t ret[static MEASURE_SIZE], struct err *err)
{
	struct measure_result result;

	if (measure(manifest, manifest_size, loader, loader_size, &result, err) < 0)
		return -1;
	memcpy(ret, result.mrenclave, MEASURE_SIZE);
	return 0;
}

/* ---- the report ---- */

struct report_row {
	const char *name;
	uint64_t value;
};

#define REPORT_LAYOUT(X) \
	X(manifest) X(ssa) X(tcs) X(tls) X(stack) X(sig_stack) X(pal) X(entry) X(free_start) X(free_end)

static int report_text(const struct measure_result *result, const char *hex, struct buf *ret, struct err *err)
{
	const struct report_row rows[] = {
#define X(name) {#name, result->layout.name},
	    REPORT_LAYOUT(X)
#undef X
	};

	if (buf_addf(ret, err, "mrenclave       %s\n", hex) < 0 ||
	    buf_addf(ret, err, "enclave size    %llu\n", (unsigned long long)result->params.enclave_size) < 0 ||
	    buf_addf(ret, err, "threads         %u\n", result->params.threads) < 0 ||
	    buf_addf(ret, err, "edmm            %s\n", result->params.edmm ? "true" : "false") < 0 ||
	    buf_addf(ret, err, "measured pages  %llu\n", (unsigned long long)result->measured_pages) < 0 ||
	    buf_addf(ret, err, "free pages      %llu\n", (unsigned long long)result->free_pages) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (buf_addf(ret, err, "%-15s 0x%llx\n", rows[i].name, (unsigned long long)rows[i].value) < 0)
			return -1;
	}
	return 0;
}

static int report_json(const struct measure_result *result, const char *hex, struct buf *ret, struct err *err)
{
	const struct report_row rows[] = {
#define X(name) {#name, result->layout.name},
	    REPORT_LAYOUT(X)
#undef X
	};

	if (buf_addf(ret, err,
		     "{\"mrenclave\":\"%s\",\"enclave_size\":%llu,\"threads\":%u,\"edmm\":%s,\"measured_pages\":%llu,"
		     "\"free_pages\":%llu,\"layout\":{",
		     hex, (unsigned long long)result->params.enclave_size, result->params.threads,
		     result->params.edmm ? "true" : "false", (unsigned long long)result->measured_pages,
		     (unsigned long long)result->free_pages) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (buf_addf(ret, err, "%s\"%s\":%llu", i ? "," : "", rows[i].name, (unsigned long long)rows[i].value) <
		    0)
			return -1;
	}
	return buf_add_text(ret, "}}\n", err);
}

int measure_report(const void *manifest, size_t manifest_size, const void *loader, size_t loader_size, bool json,
		   struct buf *ret, struct err *err)
{
	struct measure_result result;
	char hex[HEX_TEXT_SIZE(MEASURE_SIZE)];

	if (measure(manifest, manifest_size, loader, loader_size, &result, err) < 0)
		return -1;
	hex_encode(result.mrenclave, sizeof(result.mrenclave), hex);
	return json ? report_json(&result, hex, ret, err) : report_text(&result, hex, ret, err);
}
