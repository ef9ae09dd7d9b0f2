/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_expect.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/context_store.h"
#include "cli/package.h"
#include "cli/release_plan.h"
#include "domain/release.h"
#include "format/hex.h"
#include "measure/measure_manifest.h"

#define DIFFERENCES_MAX 10
#define LINES_MAX 2048

static const char *find_hash(const struct context *context, const char *path)
{
	for (size_t i = 0; i < context->file_count; i++) {
		if (strcmp(context->files[i].path, path) == 0)
			return context->files[i].hex;
	}
	return NULL;
}

/* Contexts of ours have the hash of each file: what differs can be named before anything is asked. */
static int compare_files(const struct context *context, const struct package *package, struct err *err)
{
	scoped(buf_done) struct buf names = BUF_INIT(LINES_MAX);
	size_t count = 0;

	for (size_t i = 0; i < package->count; i++) {
		const struct package_file *file = &package->files[i];
		const char *known = find_hash(context, file->source->path);
		char hex[HEX_TEXT_SIZE(sizeof(file->sha256))];

		hex_encode(file->sha256, sizeof(file->sha256), hex);
		if (known && strcasecmp(known, hex) == 0)
			continue;
		if (++count <= DIFFERENCES_MAX &&
		    buf_addf(&names, err, "%s'%.200s'", count > 1 ? ", " : "", file->source->path) < 0)
			return -1;
	}
	if (count == 0)
		return 0;
	return err_set(err, ERR_UNTRUSTED, "measurement: this is not the deployed code: %s differ%s%s",
		       buf_text(&names), count == 1 ? "s" : "", count > DIFFERENCES_MAX ? " (and more)" : "");
}

/* Which bill: recomputed here, or the one that the context pins. */
static int get_bill(struct app_expect *app, struct bill **ret_bill, struct err *err)
{
	const struct context *context = &app->context;
	uint8_t pinned[32];
	struct bill_wanted wanted = {.image = context->docker};

	if (context->bill_digest) {
		if (hex_decode(context->bill_digest, strlen(context->bill_digest), pinned, sizeof(pinned), err) < 0)
			return -1;
		wanted.pinned = pinned;
		wanted.cloud_url = app->expect.is_trusted ? app->expect.trust.url : context->cloud_url;
	}
	if (bill_source_get(app->settings, app->out, &wanted, ret_bill, &app->bill, err) < 0)
		return -1;
	app->has_bill = true;
	if (app->bill.trust == BILL_TRUST_PINNED)
		out_warning(
		    app->out,
		    "The context chose the image's files, runtime and libraries too: they are not those of this "
		    "machine's packages. The fingerprint proves as much as whoever gave you the context");
	return 0;
}

static int measure(struct app_expect *app, const struct package *package, struct err *err)
{
	const struct context *context = &app->context;
	const struct release_plan plan = {
	    .application = context->python_application,
	    .healthcheck = context->healthcheck_endpoint ? context->healthcheck_endpoint : "/",
	    .restart = context->restart,
	    .logs = context->logs,
	    .egress = context->egress,
	    .enclave_size_mib = context->enclave_size,
	    .owner_key = app->expect.has_owner_key ? app->expect.owner_key : NULL,
	};
	scoped(bill_freep) struct bill *bill = NULL;

	if (get_bill(app, &bill, err) < 0 ||
	    release_plan_make(&plan, package, bill, &app->manifest, app->expect.fingerprint, err) < 0)
		return -1;
	app->expect.has_fingerprint = true;
	app->fingerprint_from = "recomputed";
	return 0;
}

static int recompute(struct app_expect *app, const char *code, struct err *err)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(package_done) struct package package = {.code_key = SECRET_INIT};
	const struct context *context = &app->context;

	if (code_tree_load(code, &tree, err) < 0)
		return -1;
	if (package_plan_from_context(&tree, context, &package, err) < 0)
		return err->code == ERR_NOT_FOUND ? err_prefix(err, "measurement") : -1;
	if (package_write(&tree, &package, NULL, err) < 0 ||
	    (context->files && compare_files(context, &package, err) < 0))
		return -1;
	return measure(app, &package, err);
}

/* ---- what was given ---- */

static int take_fingerprint(struct app_expect *app, const char *given, struct err *err)
{
	struct context_expect *expect = &app->expect;

	if (hex_decode(given, strlen(given), expect->fingerprint, sizeof(expect->fingerprint), err) < 0)
		return err_prefix(err, "--fingerprint");
	expect->has_fingerprint = true;
	app->fingerprint_from = "given";
	return 0;
}

/* As 'mse sgx measure': no loader is pinned for hardware, so it is given. */
static int measure_for_hardware(struct app_expect *app, const struct app_expect_options *options, struct err *err)
{
	scoped(buf_done) struct buf libpal = BUF_INIT(MEASURE_LOADER_MAX);
	const struct buf *manifest = &app->manifest;

	if (!options->libpal)
		return err_set(
		    err, ERR_INVALID,
		    "it is for hardware: give Gramine's loader, with which its fingerprint is computed, with "
		    "--libpal FILE");
	if (fs_read(options->libpal, &libpal, err) < 0 ||
	    measure_enclave(manifest->data, manifest->size, libpal.data, libpal.size, app->expect.fingerprint, err) < 0)
		return err_prefix(err, "--libpal %s", options->libpal);
	return 0;
}

static int measure_for_simulation(struct app_expect *app, const struct app_expect_options *options,
				  const struct release *release, const struct bill *bill, struct err *err)
{
	struct measure_result result;

	if (options->libpal)
		return err_set(err, ERR_INVALID,
			       "it is for the simulation, whose loader is known: --libpal is for "
			       "hardware");
	if (release_fingerprint(release, bill, NULL, &result, err) < 0)
		return -1;
	memcpy(app->expect.fingerprint, result.mrenclave, sizeof(app->expect.fingerprint));
	return 0;
}

static int measure_release(struct app_expect *app, const struct app_expect_options *options,
			   const struct release *release, const struct bill *bill, struct err *err)
{
	switch (release->tee) {
	case RELEASE_TEE_SIM:
		return measure_for_simulation(app, options, release, bill, err);
	case RELEASE_TEE_GRAMINE:
		return measure_for_hardware(app, options, err);
	}
	return err_set(err, ERR_INTERNAL, "no such TEE");
}

/* A release names its code and its owner: who answers then needs the owner's ticket too. */
static int take_release(struct app_expect *app, const struct app_expect_options *options, struct err *err)
{
	scoped(release_freep) struct release *release = NULL;
	scoped(bill_freep) struct bill *bill = NULL;
	struct context_expect *expect = &app->expect;

	if (fs_read(options->release, &app->manifest, err) < 0 ||
	    release_from_manifest(app->manifest.data, app->manifest.size, &release, &bill, err) < 0 ||
	    measure_release(app, options, release, bill, err) < 0)
		return err_prefix(err, "--release %s", options->release);
	expect->has_fingerprint = true;
	app->fingerprint_from = "release";
	return release->has_owner_key ? context_expect_owner(app->settings, release->owner_key, expect, err) : 0;
}

static int find_fingerprint(struct app_expect *app, const struct app_expect_options *options, struct err *err)
{
	const bool is_known = app->expect.has_fingerprint;

	if (options->fingerprint)
		return take_fingerprint(app, options->fingerprint, err);
	if (options->release)
		return take_release(app, options, err);
	if (options->code)
		return recompute(app, options->code, err);
	app->fingerprint_from = is_known ? "context" : options->has_policy ? "policy" : "none";
	if (options->has_policy)
		return 0;
	if (is_known)
		out_advice(app->out, "The fingerprint is that of the context. With --code it is recomputed");
	else if (options->may_be_any)
		out_warning(app->out, "The fingerprint is not checked: this proves only that some enclave answers. Use "
				      "--fingerprint, or --context with --code");
	else
		return err_set(err, ERR_INVALID,
			       "nothing says which code '%s' should run: give --fingerprint, --context, --release or "
			       "a policy with measurements",
			       app->expect.address.host);
	return 0;
}

/* ---- the stored context ---- */

struct stored {
	const char *host;
	char uuid[64];
	char created[64];
};

static int see_context(const struct context_store_item *item, void *arg, struct err *err)
{
	struct stored *stored = arg;
	const struct context *context = item->context;
	const char *domain = context ? context->domain_name : NULL;
	const char *created = context && context->created_at ? context->created_at : "";

	(void)err;
	if (context && !domain)
		domain = context->config_domain_name;
	if (!domain || strcasecmp(domain, stored->host) != 0 || strcmp(created, stored->created) < 0)
		return 0;
	(void)snprintf(stored->uuid, sizeof(stored->uuid), "%s", item->uuid);
	(void)snprintf(stored->created, sizeof(stored->created), "%s", created);
	return 0;
}

static int load_stored(struct app_expect *app, const char *address, struct err *err)
{
	struct hostport named;
	struct stored stored = {.host = named.host};

	if (hostport_parse(address, 0, &named, err) < 0 ||
	    context_store_each(app->settings, see_context, &stored, err) < 0)
		return -1;
	if (!*stored.uuid)
		return 0;
	if (context_store_load(app->settings, stored.uuid, &app->context, err) < 0)
		return -1;
	app->has_context = true;
	out_info(app->out, "Expecting what the stored context %s says", stored.uuid);
	return 0;
}

static int check_options(const struct app_expect_options *options, struct err *err)
{
	if (options->fingerprint && (options->context || options->code))
		return err_set(err, ERR_INVALID, "--fingerprint does not go with --context and --code");
	if (options->release && (options->context || options->fingerprint))
		return err_set(err, ERR_INVALID, "--release does not go with --context and --fingerprint");
	if (options->code && !options->context)
		return err_set(err, ERR_INVALID, "--code goes with --context");
	if (options->libpal && !options->release)
		return err_set(err, ERR_INVALID, "--libpal goes with --release");
	return 0;
}

static int load_context(struct app_expect *app, const struct app_expect_options *options, struct err *err)
{
	if (!options->context && options->may_be_stored && !options->fingerprint && !options->release &&
	    !options->has_policy)
		return load_stored(app, options->address, err);
	if (options->context && context_store_load_file(options->context, &app->context, err) < 0)
		return -1;
	app->has_context = options->context != NULL;
	return 0;
}

int app_expect_init(const struct settings *settings, struct out *out, const struct app_expect_options *options,
		    struct app_expect *ret, struct err *err)
{
	*ret = (struct app_expect){
	    .settings = settings, .out = out, .manifest = BUF_INIT(RELEASE_MANIFEST_MAX), .fingerprint_from = "none"};
	if (check_options(options, err) < 0 || load_context(ret, options, err) < 0)
		return -1;
	const struct context_expect_options expected = {
	    .address = options->address,
	    .context = ret->has_context ? &ret->context : NULL,
	    .simulation_root = options->simulation_root,
	    .pccs = options->pccs,
	    .mode = options->mode,
	};
	if (context_expect_init(settings, &expected, &ret->expect, err) < 0)
		return -1;
	return find_fingerprint(ret, options, err);
}

void app_expect_done(struct app_expect *app)
{
	context_expect_done(&app->expect);
	context_done(&app->context);
	buf_done(&app->manifest);
}
