/* SPDX-License-Identifier: Apache-2.0 */
#include "format/bundle.h"

#include <string.h>

#include "base/clock.h"
#include "format/base64.h"
#include "format/hex.h"
#include "format/json.h"

#define FORMAT_NAME "mse-bundle"
#define VERSION 1
#define DEPTH_MAX 2
#define TIME_SIZE 20
#define KIND_SIZE_MAX 16
#define ROLE_MIN 1
#define ROLE_MAX 2

/* What follows the hashed bytes of a saved exchange, to the byte. */
#define HASH_HEAD ",\n\"sha256\":\""
#define HASH_TAIL "\"\n}\n"
#define HASH_END_SIZE (strlen(HASH_HEAD) + 2 * (size_t)BUNDLE_HASH_SIZE + strlen(HASH_TAIL))

static const char *const KINDS[] = {
#define X(name, text) [BUNDLE_##name] = (text),
    BUNDLE_KINDS(X)
#undef X
};

const char *bundle_kind_text(enum bundle_kind kind)
{
	return KINDS[kind];
}

void bundle_init(struct bundle *bundle)
{
	*bundle = (struct bundle){.evidence = BUF_INIT(BUNDLE_EVIDENCE_SIZE_MAX)};
	collateral_items_init(&bundle->collateral);
}

void bundle_done(struct bundle *bundle)
{
	buf_done(&bundle->evidence);
	collateral_items_done(&bundle->collateral);
}

static int get_time(const json_t *object, const char *name, int64_t *ret, struct err *err)
{
	const char *text;

	if (json_get_text(object, name, TIME_SIZE, &text, err) < 0)
		return -1;
	return clock_parse_utc(text, ret, err) < 0 ? err_prefix(err, "member '%s'", name) : 0;
}

static int take_bytes(const json_t *object, const char *name, struct buf *ret, struct err *err)
{
	const char *text;

	if (json_get_text(object, name, BUNDLE_SIZE_MAX, &text, err) < 0)
		return -1;
	if (base64_decode(text, strlen(text), ret, err) < 0)
		return err_prefix(err, "member '%s'", name);
	return ret->size ? 0 : err_set(err, ERR_INVALID, "member '%s' is empty", name);
}

static int get_kind(const json_t *evidence, enum bundle_kind *ret, struct err *err)
{
	const char *text;

	if (json_get_text(evidence, "kind", KIND_SIZE_MAX, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
		if (strcmp(text, KINDS[i]) == 0) {
			*ret = (enum bundle_kind)i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "member 'kind' is '%s', expected quote, report, ratls or exchange", text);
}

static int get_evidence(const json_t *root, struct bundle *ret, struct err *err)
{
	static const char *const members[] = {"kind", "data", NULL};
	json_t *evidence;

	if (json_get_object(root, "evidence", &evidence, err) < 0)
		return -1;
	if (json_check_members(evidence, members, err) < 0 || get_kind(evidence, &ret->kind, err) < 0 ||
	    take_bytes(evidence, "data", &ret->evidence, err) < 0)
		return err_prefix(err, "evidence");
	return 0;
}

/* A name in lower case or an address, without a port. */
static bool is_host(const char *text)
{
	struct hostport host;
	struct err ignored = ERR_INIT;

	return host_is_address(text) ||
	       (hostport_parse(text, 0, &host, &ignored) == 0 && !host.has_port && strcmp(host.host, text) == 0);
}

/* The names are shown and compared: only what is a host may stand there. */
static int get_names(const json_t *object, struct bundle_exchange *ret, struct err *err)
{
	struct hostport host;
	const char *host_text, *domain_text;

	if (json_get_text(object, "host", sizeof(ret->host) - 1, &host_text, err) < 0 ||
	    json_get_text(object, "domain", sizeof(ret->domain) - 1, &domain_text, err) < 0)
		return -1;
	if (hostport_parse(host_text, 0, &host, err) < 0 || !host.has_port)
		return err_set(err, ERR_INVALID, "member 'host' is not HOST:PORT");
	if (!is_host(domain_text))
		return err_set(err, ERR_INVALID, "member 'domain' is no name of a host");
	memcpy(ret->host, host_text, strlen(host_text) + 1);
	memcpy(ret->domain, domain_text, strlen(domain_text) + 1);
	return 0;
}

static int read_exchange(const json_t *object, struct bundle_exchange *ret, struct err *err)
{
	static const char *const members[] = {"host",    "domain", "role",       "nonce", "exporter",
					      "tls_key", "asked",  "elapsed_ms", NULL};
	int64_t role, elapsed;

	if (json_check_members(object, members, err) < 0 || get_names(object, ret, err) < 0 ||
	    json_get_int(object, "role", ROLE_MIN, ROLE_MAX, &role, err) < 0 ||
	    json_get_hex(object, "nonce", ret->nonce, sizeof(ret->nonce), err) < 0 ||
	    json_get_hex(object, "exporter", ret->exporter, sizeof(ret->exporter), err) < 0 ||
	    json_get_hex(object, "tls_key", ret->tls_key, sizeof(ret->tls_key), err) < 0 ||
	    get_time(object, "asked", &ret->asked, err) < 0 ||
	    json_get_int(object, "elapsed_ms", 0, BUNDLE_ELAPSED_MAX_MS, &elapsed, err) < 0)
		return -1;
	ret->role = (uint8_t)role;
	ret->elapsed_ms = (uint64_t)elapsed;
	return 0;
}

/* The hash stands last, in one form: every byte before it is under it. */
static int get_hash(const json_t *root, const char *text, size_t size, struct bundle *ret, struct err *err)
{
	if (json_get_hex(root, "sha256", ret->sha256, sizeof(ret->sha256), err) < 0)
		return -1;
	if (size <= HASH_END_SIZE || memcmp(text + size - HASH_END_SIZE, HASH_HEAD, strlen(HASH_HEAD)) != 0 ||
	    memcmp(text + size - strlen(HASH_TAIL), HASH_TAIL, strlen(HASH_TAIL)) != 0)
		return err_set(err, ERR_INVALID, "member 'sha256' is not the last, in the form in which it is written");
	ret->hashed_size = size - HASH_END_SIZE;
	return 0;
}

static int get_exchange(const json_t *root, const char *text, size_t size, struct bundle *ret, struct err *err)
{
	const bool wanted = ret->kind == BUNDLE_EXCHANGE;
	json_t *exchange = NULL;
	const int found = json_find_object(root, "exchange", &exchange, err);

	if (found < 0)
		return -1;
	if (!wanted && (found || json_object_get(root, "sha256")))
		return err_set(err, ERR_INVALID, "'exchange' and 'sha256' go with evidence of kind exchange only");
	if (!wanted)
		return 0;
	if (!found)
		return err_set(err, ERR_INVALID, "member 'exchange' is missing");
	if (read_exchange(exchange, &ret->exchange, err) < 0)
		return err_prefix(err, "exchange");
	return get_hash(root, text, size, ret, err);
}

static int get_collateral(const json_t *root, struct collateral_items *ret, struct err *err)
{
	const char *members[COLLATERAL_ITEM_COUNT + 1] = {NULL};
	json_t *object;

	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++)
		members[item] = collateral_item_text(item);
	if (json_get_object(root, "collateral", &object, err) < 0)
		return -1;
	if (json_check_members(object, members, err) < 0)
		return err_prefix(err, "collateral");
	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++) {
		if (json_object_get(object, members[item]) &&
		    take_bytes(object, members[item], &ret->items[item], err) < 0)
			return err_prefix(err, "collateral");
	}
	return 0;
}

static int check_version(const json_t *root, struct err *err)
{
	const char *format;
	int64_t version;

	if (json_get_text(root, "format", strlen(FORMAT_NAME), &format, err) < 0)
		return -1;
	if (strcmp(format, FORMAT_NAME) != 0)
		return err_set(err, ERR_INVALID, "member 'format' is '%s', expected '%s'", format, FORMAT_NAME);
	/* Another version may have other members. */
	if (json_get_int(root, "version", 0, INT64_MAX, &version, err) < 0)
		return -1;
	if (version != VERSION)
		return err_set(err, ERR_UNSUPPORTED, "version %lld, expected %d", (long long)version, VERSION);
	return 0;
}

static int parse(const void *data, size_t size, struct bundle *ret, struct err *err)
{
	static const char *const members[] = {"format",   "version",    "made",   "evidence",
					      "exchange", "collateral", "sha256", NULL};
	scoped(json_decrefp) json_t *root = NULL;

	if (size > BUNDLE_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes, at most %u", size, BUNDLE_SIZE_MAX);
	if (json_parse_strict(data, size, DEPTH_MAX, &root, err) < 0)
		return -1;
	if (!json_is_object(root))
		return err_set(err, ERR_INVALID, "no JSON object");
	if (check_version(root, err) < 0 || json_check_members(root, members, err) < 0 ||
	    get_time(root, "made", &ret->made, err) < 0 || get_evidence(root, ret, err) < 0 ||
	    get_exchange(root, data, size, ret, err) < 0)
		return -1;
	return get_collateral(root, &ret->collateral, err);
}

int bundle_parse(const void *data, size_t size, struct bundle *ret, struct err *err)
{
	scoped(bundle_done) struct bundle bundle;

	bundle_init(&bundle);
	if (parse(data, size, &bundle, err) < 0)
		return err_prefix(err, "bundle");
	bundle_done(ret);
	*ret = bundle;
	bundle_init(&bundle);
	return 0;
}

static int add_bytes(struct buf *ret, const struct buf *bytes, struct err *err)
{
	if (buf_add_byte(ret, '"', err) < 0 || base64_encode(bytes->data, bytes->size, ret, err) < 0)
		return -1;
	return buf_add_byte(ret, '"', err);
}

static int add_exchange(struct buf *ret, const struct bundle_exchange *exchange, struct err *err)
{
	char nonce[HEX_TEXT_SIZE(BUNDLE_NONCE_SIZE)];
	char exporter[HEX_TEXT_SIZE(BUNDLE_NONCE_SIZE)];
	char tls_key[HEX_TEXT_SIZE(BUNDLE_HASH_SIZE)];
	char asked[CLOCK_TEXT_SIZE];

	hex_encode(exchange->nonce, sizeof(exchange->nonce), nonce);
	hex_encode(exchange->exporter, sizeof(exchange->exporter), exporter);
	hex_encode(exchange->tls_key, sizeof(exchange->tls_key), tls_key);
	clock_format_utc(exchange->asked, asked);
	return buf_addf(ret, err,
			",\n\"exchange\":{\"host\":\"%s\",\"domain\":\"%s\",\"role\":%u,\n\"nonce\":\"%s\",\n"
			"\"exporter\":\"%s\",\n\"tls_key\":\"%s\",\n\"asked\":\"%s\",\"elapsed_ms\":%llu}",
			exchange->host, exchange->domain, exchange->role, nonce, exporter, tls_key, asked,
			(unsigned long long)exchange->elapsed_ms);
}

static int add_collateral(struct buf *ret, const struct collateral_items *items, struct err *err)
{
	const char *comma = "";

	if (buf_add_text(ret, ",\n\"collateral\":{", err) < 0)
		return -1;
	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++) {
		if (items->items[item].size == 0)
			continue;
		if (buf_addf(ret, err, "%s\n\"%s\":", comma, collateral_item_text(item)) < 0 ||
		    add_bytes(ret, &items->items[item], err) < 0)
			return -1;
		comma = ",";
	}
	return buf_add_byte(ret, '}', err);
}

int bundle_format(const struct bundle *bundle, struct buf *ret, struct err *err)
{
	const bool is_exchange = bundle->kind == BUNDLE_EXCHANGE;
	char made[CLOCK_TEXT_SIZE];

	clock_format_utc(bundle->made, made);
	if (buf_addf(
		ret, err,
		"{\n\"format\":\"%s\",\n\"version\":%d,\n\"made\":\"%s\",\n\"evidence\":{\"kind\":\"%s\",\"data\":",
		FORMAT_NAME, VERSION, made, KINDS[bundle->kind]) < 0 ||
	    add_bytes(ret, &bundle->evidence, err) < 0 || buf_add_byte(ret, '}', err) < 0 ||
	    (is_exchange && add_exchange(ret, &bundle->exchange, err) < 0) ||
	    add_collateral(ret, &bundle->collateral, err) < 0)
		return -1;
	return is_exchange ? 0 : buf_add_text(ret, "\n}\n", err);
}

int bundle_format_hash(struct buf *ret, const uint8_t sha256[static BUNDLE_HASH_SIZE], struct err *err)
{
	if (buf_add_text(ret, HASH_HEAD, err) < 0 || hex_add(ret, sha256, BUNDLE_HASH_SIZE, err) < 0)
		return -1;
	return buf_add_text(ret, HASH_TAIL, err);
}
