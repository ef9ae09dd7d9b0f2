/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/collateral for test/e2e/test_collateral_*.py. Arguments are NAME=VALUE:
 *   pccs, pcs, kds, cache, mode (cached, renew, offline, fresh), ca (file), limit_ms, delay_ms, now, times
 *   root (file: trusted as hardware), sim_root (file: trusted as the simulation)
 *   tee (sgx, tdx, sev-snp), fmspc, ca_name, product, chip, tcb, vlek, simulated
 * One line of JSON each time: {"text", "origins": […], "items": {NAME: SHA-256}, "ms"} or {"error", "message", "ms"}.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/number.h"
#include "collateral/client.h"
#include "crypto/hash.h"
#include "format/hex.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static bool keep_going(void *arg)
{
	(void)arg;
	return !interrupted;
}

static const char *value(char **argv, const char *name)
{
	const size_t size = strlen(name);

	for (; *argv; argv++) {
		if (strncmp(*argv, name, size) == 0 && (*argv)[size] == '=')
			return *argv + size + 1;
	}
	return NULL;
}

static int64_t number(char **argv, const char *name, int64_t otherwise)
{
	struct err err = ERR_INIT;
	const char *text = value(argv, name);
	int64_t found = otherwise;

	if (text && number_parse_i64(text, INT64_MIN, INT64_MAX, &found, &err) < 0)
		abort();
	return found;
}

static size_t choice(char **argv, const char *name, const char *const *words)
{
	const char *text = value(argv, name);
	size_t i = 0;

	while (text && strcmp(words[i], text) != 0)
		i++;
	return i;
}

static void read_bytes(char **argv, const char *name, uint8_t *ret, size_t size)
{
	const char *text = value(argv, name);
	struct err err = ERR_INIT;

	if (text && (strlen(text) > 2 * size || hex_decode(text, strlen(text), ret, strlen(text) / 2, &err) < 0))
		abort();
}

static struct attest_needs read_needs(char **argv)
{
	static const char *const tees[] = {"sgx", "tdx", "sev-snp"};
	struct attest_needs needs = {
	    .tee = (enum attest_tee)choice(argv, "tee", tees),
	    .simulated = value(argv, "simulated") != NULL,
	    .ca = value(argv, "ca_name") ? value(argv, "ca_name") : "platform",
	    .vlek = value(argv, "vlek") != NULL,
	    .product = value(argv, "product"),
	};

	(void)snprintf(needs.fmspc, sizeof(needs.fmspc), "%s", value(argv, "fmspc") ? value(argv, "fmspc") : "");
	read_bytes(argv, "chip", needs.chip_id, sizeof(needs.chip_id));
	read_bytes(argv, "tcb", needs.reported_tcb, sizeof(needs.reported_tcb));
	return needs;
}

static json_t *items_json(const struct collateral_set *set)
{
	json_t *object = json_object();

	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++) {
		const struct buf *bytes = &set->items.items[item];
		char hex[HEX_TEXT_SIZE(SHA256_SIZE)];
		uint8_t hash[SHA256_SIZE];

		if (bytes->size == 0)
			continue;
		sha256(bytes->data, bytes->size, hash);
		hex_encode(hash, sizeof(hash), hex);
		(void)json_object_set_new(object, collateral_item_text(item), json_string(hex));
	}
	return object;
}

static json_t *set_json(const struct collateral_set *set)
{
	scoped(buf_done) struct buf text = BUF_INIT(65536);
	struct err err = ERR_INIT;
	json_t *origins = json_array();

	for (size_t i = 0; i < set->origin_count; i++) {
		const struct collateral_origin *origin = &set->origins[i];

		(void)json_array_append_new(origins,
					    json_pack("{s:s, s:b, s:s, s:I, s:I, s:I, s:s}", "kind",
						      collateral_kind_text(origin->kind), "cached", origin->from_cache,
						      "source", origin->source, "fetched", (json_int_t)origin->fetched,
						      "from", (json_int_t)origin->from, "until",
						      (json_int_t)origin->until, "failure", origin->failure));
	}
	if (collateral_set_text(set, &text, &err) < 0)
		abort();
	return json_pack("{s:s, s:o, s:o}", "text", buf_text(&text), "origins", origins, "items", items_json(set));
}

static struct attest_bytes read_root(char **argv, const char *name, struct buf *file)
{
	struct err err = ERR_INIT;

	if (value(argv, name) && fs_read(value(argv, name), file, &err) < 0)
		abort();
	return (struct attest_bytes){file->data, file->size};
}

static int get(struct collateral_client *client, char **argv, struct collateral_set **ret, struct err *err)
{
	scoped(buf_done) struct buf hardware_file = BUF_INIT(65536);
	scoped(buf_done) struct buf simulation_file = BUF_INIT(65536);
	const struct attest_bytes hardware = read_root(argv, "root", &hardware_file);
	const struct attest_bytes simulation = read_root(argv, "sim_root", &simulation_file);
	const struct attest_roots roots = {.hardware = &hardware, .hardware_count = hardware.size > 0};
	const struct attest_policy policy = {.simulation_roots = &simulation,
					     .simulation_root_count = simulation.size > 0};
	const struct collateral_trust trust = {&roots, &policy};
	const struct attest_needs needs = read_needs(argv);

	return collateral_get(client, &needs, &trust, COLLATERAL_CACHED, number(argv, "now", clock_now_seconds()), ret,
			      err);
}

static int run_once(struct collateral_client *client, char **argv)
{
	const int64_t began = clock_monotonic_ns();
	scoped(collateral_set_freep) struct collateral_set *set = NULL;
	struct err err = ERR_INIT;
	const int status = get(client, argv, &set, &err);
	json_t *object = status == 0 ? set_json(set)
				     : json_pack("{s:s, s:s}", "error", err_code_text(err.code), "message", err.text);

	(void)json_object_set_new(object, "ms", json_integer((clock_monotonic_ns() - began) / 1000000));
	(void)json_dumpf(object, stdout, JSON_COMPACT);
	(void)printf("\n");
	(void)fflush(stdout);
	json_decref(object);
	return status;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = {"cached", "renew", "offline", "fresh"};
	scoped(buf_done) struct buf ca = BUF_INIT(65536);
	scoped(collateral_client_freep) struct collateral_client *client = NULL;
	struct collateral_options options = {
	    .pccs_url = value(argv, "pccs"),
	    .pcs_url = value(argv, "pcs"),
	    .kds_url = value(argv, "kds"),
	    .cache_path = value(argv, "cache"),
	    .mode = (enum collateral_mode)choice(argv, "mode", modes),
	    .time_limit_ms = (int)number(argv, "limit_ms", 0),
	    .retry_delay_ms = (int)number(argv, "delay_ms", 0),
	    .keep_going = keep_going,
	};
	const struct sigaction action = {.sa_handler = on_signal};
	struct err err = ERR_INIT;
	int status = 0;

	(void)argc;
	(void)sigaction(SIGTERM, &action, NULL);
	if (value(argv, "ca") && fs_read(value(argv, "ca"), &ca, &err) == 0) {
		options.ca_pem = ca.data;
		options.ca_pem_size = ca.size;
	}
	if (collateral_client_new(&options, &client, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	for (int64_t i = 0; i < number(argv, "times", 1); i++)
		status |= run_once(client, argv);
	return status < 0 ? 1 : 0;
}
