/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse cloud verify (C12): does the domain end in the expected enclave, now? Needs no sign-in. The fingerprint is
 * given, recomputed from the context and the plain code, or taken from the context; without any of them the check
 * says little, and says so.
 */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/bill_source.h"
#include "cli/cmd.h"
#include "cli/context_expect.h"
#include "cli/context_store.h"
#include "cli/package.h"
#include "cli/release_plan.h"
#include "cli/workspace.h"
#include "format/hex.h"

#define CERTIFICATE_FILE "cert.pem"
#define CERTIFICATE_MAX (256u << 10)
#define DIFFERENCES_MAX 10
#define LINES_MAX 2048

struct verify {
	struct cmd_call *call;
	struct context context;
	bool has_context;
	struct context_expect expect;
	struct buf manifest;          /* recomputed; empty otherwise */
	const char *fingerprint_from; /* "given", "recomputed", "context", "none" */
	bool has_bill;                /* recomputed with that bill: */
	struct bill_belief bill;
};

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
static int get_bill(struct verify *verify, struct bill **ret_bill, struct err *err)
{
	const struct context *context = &verify->context;
	uint8_t pinned[32];
	struct bill_wanted wanted = {.image = context->docker};

	if (context->bill_digest) {
		if (hex_decode(context->bill_digest, strlen(context->bill_digest), pinned, sizeof(pinned), err) < 0)
			return -1;
		wanted.pinned = pinned;
		wanted.cloud_url = verify->expect.is_trusted ? verify->expect.trust.url : context->cloud_url;
	}
	if (bill_source_get(verify->call->settings, verify->call->out, &wanted, ret_bill, &verify->bill, err) < 0)
		return -1;
	verify->has_bill = true;
	if (verify->bill.trust == BILL_TRUST_PINNED)
		out_warning(
		    verify->call->out,
		    "The context chose the image's files, runtime and libraries too: they are not those of this "
		    "machine's packages. The fingerprint proves as much as whoever gave you the context");
	return 0;
}

static int measure(struct verify *verify, const struct package *package, struct err *err)
{
	const struct context *context = &verify->context;
	const struct release_plan plan = {
	    .application = context->python_application,
	    .healthcheck = context->healthcheck_endpoint ? context->healthcheck_endpoint : "/",
	    .restart = context->restart,
	    .logs = context->logs,
	    .egress = context->egress,
	    .enclave_size_mib = context->enclave_size,
	    .owner_key = verify->expect.has_owner_key ? verify->expect.owner_key : NULL,
	};
	scoped(bill_freep) struct bill *bill = NULL;

	if (get_bill(verify, &bill, err) < 0 ||
	    release_plan_make(&plan, package, bill, &verify->manifest, verify->expect.fingerprint, err) < 0)
		return -1;
	verify->expect.has_fingerprint = true;
	verify->fingerprint_from = "recomputed";
	return 0;
}

static int recompute(struct verify *verify, const char *code, struct err *err)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(package_done) struct package package = {.code_key = SECRET_INIT};
	const struct context *context = &verify->context;

	if (code_tree_load(code, &tree, err) < 0)
		return -1;
	if (package_plan_from_context(&tree, context, &package, err) < 0)
		return err->code == ERR_NOT_FOUND ? err_prefix(err, "measurement") : -1;
	if (package_write(&tree, &package, NULL, err) < 0 ||
	    (context->files && compare_files(context, &package, err) < 0))
		return -1;
	return measure(verify, &package, err);
}

static int find_fingerprint(struct verify *verify, struct err *err)
{
	struct cmd_call *call = verify->call;
	const char *given = cmd_value(call, "fingerprint");
	struct context_expect *expect = &verify->expect;

	if (given) {
		if (hex_decode(given, strlen(given), expect->fingerprint, sizeof(expect->fingerprint), err) < 0)
			return err_prefix(err, "--fingerprint");
		expect->has_fingerprint = true;
		verify->fingerprint_from = "given";
		return 0;
	}
	if (cmd_has(call, "code"))
		return recompute(verify, cmd_value(call, "code"), err);
	verify->fingerprint_from = expect->has_fingerprint ? "context" : "none";
	if (expect->has_fingerprint)
		out_advice(call->out, "The fingerprint is that of the context. With --code it is recomputed");
	else
		out_warning(call->out,
			    "The fingerprint is not checked: this proves only that some enclave answers. Use "
			    "--fingerprint, or --context with --code");
	return 0;
}

/* The cloud's copy of what it started: not believed, but it may tell what differs. */
static void explain(struct verify *verify, const struct attest_verdict *verdict)
{
	const struct curl_client_options options = {.insecure = true};
	scoped(curl_client_freep) struct curl_client *client = NULL;
	scoped(buf_done) struct buf lines = BUF_INIT(LINES_MAX);
	struct curl_response response = CURL_RESPONSE_INIT;
	struct err ignored = ERR_INIT;
	char url[1024];

	if (verdict->error != ATTEST_ERROR_MEASUREMENT || verify->manifest.size == 0 || !verify->context.cloud_url)
		return;
	(void)snprintf(url, sizeof(url), "%.700s/apps/%s/manifest", verify->context.cloud_url, verify->context.id);
	if (curl_client_new(&options, &client, &ignored) == 0 &&
	    curl_client_request(
		client, &(struct curl_request){.url = url, .response_max = RELEASE_MANIFEST_MAX, .no_retry = true},
		&response, &ignored) == 0 &&
	    response.status == 200 &&
	    release_diff(verify->manifest.data, verify->manifest.size, response.body.data, response.body.size,
			 DIFFERENCES_MAX, &lines, &ignored) > 0)
		out_error(verify->call->out, "What the cloud says it runs differs:\n%s", buf_text(&lines));
	curl_response_done(&response);
}

/* The head of the verdict and what failed; every check with --verbose. */
static void print_text(struct out *out, char *text, bool verbose)
{
	static const char *const details[] = {"passed  ", "  -  ", "until  "};
	char *line;

	while ((line = strsep(&text, "\n"))) {
		bool is_detail = *line == '\0';

		for (size_t i = 0; i < COUNT_OF(details) && !is_detail; i++)
			is_detail = strncmp(line, details[i], strlen(details[i])) == 0;
		if (!is_detail || (verbose && *line))
			out_print(out, "%s\n", line);
	}
}

static int print_verdict(struct verify *verify, const struct attest_verdict *verdict, struct err *err)
{
	struct out *out = verify->call->out;
	char belief[BILL_BELIEF_TEXT_SIZE];
	scoped(freep) char *text = NULL;
	json_t *object;

	if (!cmd_has(verify->call, "json")) {
		text = attest_verdict_text(verdict);
		if (!text)
			return err_no_memory(err);
		print_text(out, text, cmd_has(verify->call, "verbose"));
		if (verify->has_bill) {
			bill_belief_text(&verify->bill, belief);
			out_print(out, "  %-14s%s\n", "image bill", belief);
		}
		return 0;
	}
	text = attest_verdict_json(verdict);
	object = text ? json_loads(text, 0, NULL) : NULL;
	if (!object)
		return err_no_memory(err);
	(void)json_object_set_new(object, "domain", json_string(verify->expect.address.host));
	(void)json_object_set_new(object, "fingerprint_from", json_string(verify->fingerprint_from));
	(void)json_object_set_new(object, "bill", json_null());
	if (verify->has_bill)
		bill_belief_json(&verify->bill, object);
	out_json(out, object);
	return 0;
}

/* In owner mode users meet the owner's certificate, else the enclave's own. */
static int write_certificate(struct verify *verify, const struct channel *channel, struct err *err)
{
	scoped(buf_done) struct buf pem = BUF_INIT(CERTIFICATE_MAX);
	scoped(workspace_done) struct workspace workspace = {0};
	scoped(freep) char *path = NULL;
	const char *folder = cmd_value(verify->call, "workspace");

	if (channel_leaf_pem(channel, &pem, err) < 0 ||
	    fs_write_atomic(CERTIFICATE_FILE, pem.data, pem.size, 0644, err) < 0)
		return -1;
	out_info(verify->call->out, "The verified certificate has been saved at: ./%s", CERTIFICATE_FILE);
	if (!folder)
		return 0;
	buf_clear(&pem);
	if (workspace_open(folder, &workspace, err) < 0 || fs_join(workspace.path, "ratls.pem", &path, err) < 0 ||
	    channel_certificate_pem(channel, &pem, err) < 0)
		return -1;
	return fs_write_atomic(path, pem.data, pem.size, 0644, err);
}

static bool ends_at_operator(const struct attest_verdict *verdict)
{
	struct instance instance;
	struct err ignored = ERR_INIT;

	return verdict->has_instance && strcmp(verdict->error_text, "instance-field:tls") == 0 &&
	       instance_parse(verdict->instance_document, strlen(verdict->instance_document), &instance, &ignored) ==
		   0 &&
	       instance.tls == INSTANCE_TLS_OPERATOR;
}

static int connect_and_judge(struct verify *verify, struct err *err)
{
	scoped(channel_closep) struct channel *channel = NULL;
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct err ignored = ERR_INIT;
	const int status = context_expect_open(&verify->expect, &channel, &verdict, err);

	if (verdict && print_verdict(verify, verdict, status < 0 ? &ignored : err) < 0)
		return -1;
	if (status < 0) {
		if (verdict)
			explain(verify, verdict);
		if (verdict && verdict->error == ATTEST_ERROR_INSTANCE_FIELD && ends_at_operator(verdict))
			(void)err_set(err, ERR_UNSUPPORTED, "not-attestable: TLS ends at the operator's proxy");
		return err_prefix(err, "'%s' is not verified", verify->expect.address.host);
	}
	if (write_certificate(verify, channel, err) < 0)
		return -1;
	out_success(verify->call->out, "Verification success");
	return 0;
}

static int check_options(struct cmd_call *call, struct err *err)
{
	if (cmd_has(call, "fingerprint") && (cmd_has(call, "context") || cmd_has(call, "code")))
		return err_set(err, ERR_INVALID, "--fingerprint does not go with --context and --code");
	if (cmd_has(call, "code") && !cmd_has(call, "context"))
		return err_set(err, ERR_INVALID, "--code goes with --context");
	return 0;
}

static int run(struct verify *verify, struct err *err)
{
	struct cmd_call *call = verify->call;

	if (check_options(call, err) < 0 ||
	    (cmd_has(call, "context") &&
	     context_store_load_file(cmd_value(call, "context"), &verify->context, err) < 0))
		return -1;
	verify->has_context = cmd_has(call, "context");
	const struct context_expect_options options = {
	    .address = call->args[0],
	    .context = verify->has_context ? &verify->context : NULL,
	    .simulation_root = cmd_value(call, "allow-simulation"),
	    .pccs = cmd_value(call, "pccs"),
	};
	if (context_expect_init(call->settings, &options, &verify->expect, err) < 0 ||
	    find_fingerprint(verify, err) < 0)
		return -1;
	return connect_and_judge(verify, err);
}

int cmd_verify(struct cmd_call *call, struct err *err)
{
	struct verify verify = {.call = call, .manifest = BUF_INIT(RELEASE_MANIFEST_MAX), .fingerprint_from = "none"};
	const int status = run(&verify, err);

	context_expect_done(&verify.expect);
	context_done(&verify.context);
	buf_done(&verify.manifest);
	return status;
}
