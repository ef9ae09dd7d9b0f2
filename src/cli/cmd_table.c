/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attest_evidence.h"
#include "cli/attest_expect.h"
#include "cli/attest_options.h"
#include "cli/cmd.h"
#include "cli/watch.h"

#define INFRASTRUCTURE "infrastructure"
#define OPERATIONS "operations"

const struct cmd_option cmd_global_options[] = {
    {"help", 'h', NULL, "show this help", false},
    {"version", 0, NULL, "show the version", false},
    {"color", 0, "auto|never|always", "colour and links: on a terminal only (auto), never or always", false},
};
const size_t cmd_global_option_count = COUNT_OF(cmd_global_options);

#define OPTION_JSON \
	{ \
		"json", 0, NULL, "write the result as JSON (docs/formats/cli-json.md)", false \
	}
#define OPTION_YES \
	{ \
		"yes", 'y', NULL, "answer every question with yes", false \
	}
#define OPTION_PATH \
	{ \
		"path", 0, "FILE", "configuration file (default: mse.toml)", false \
	}
#define OPTION_WORKSPACE \
	{ \
		"workspace", 0, "DIR", "folder for the files made on the way (default: a new one in /tmp)", false \
	}
#define OPTION_SIMULATION \
	{ \
		"allow-simulation", 0, "ROOT.pem", "accept evidence of the simulation that ends in this root", false \
	}
#define OPTION_PCCS \
	{ \
		"pccs", 0, "URL", "where to fetch the collateral from (default: the cloud)", false \
	}

static const struct cmd_option login_options[] = {
    {"whoami", 0, NULL, "only show who is signed in", false},
    {"device", 0, NULL, "sign in with a code typed on another device", false},
    {"token-stdin", 0, NULL, "read an API token from the standard input", false},
    OPTION_JSON,
};
static const struct cmd_option trust_add_options[] = {
    {"fingerprint", 0, "SHA256", "SHA-256 of the cloud's CA certificate: accept that one, ask nothing", false},
    OPTION_YES,
};
static const struct cmd_option json_options[] = {OPTION_JSON};
static const struct cmd_option context_options[] = {
    {"list", 0, NULL, "list the contexts saved on this machine", false},
    {"remove", 0, "UUID", "remove the context of an app", false},
    {"purge", 0, NULL, "remove all contexts", false},
    {"export", 0, "UUID", "write the context of an app to a file for its users", false},
    {"output", 0, "FILE", "name of the exported file (default: context.mse)", false},
    OPTION_JSON,
};
static const struct cmd_option localtest_options[] = {
    OPTION_PATH,
    {"no-tests", 0, NULL, "only check that the app starts", false},
};
static const struct cmd_option deploy_options[] = {
    OPTION_PATH,
    OPTION_YES,
    {"stop-first", 0, NULL,
     "stop a running app of that name before the new one starts; else an owner's domain is taken over", false},
    {"no-verify", 0, NULL, "send code key and secrets to whatever answers (tests only)", false},
    {"untrusted-ssl", 0, NULL, "end TLS at the operator's proxy (tests only)", false},
    OPTION_WORKSPACE,
    {"timeout", 0, "MINUTES", "how long to wait for the app (default: 1440)", false},
    OPTION_SIMULATION,
    OPTION_PCCS,
    OPTION_JSON,
};
static const struct cmd_option list_options[] = {
    {"all", 0, NULL, "also show stopped and failed apps", false},
    OPTION_JSON,
};
static const struct cmd_option stop_options[] = {OPTION_YES};
static const struct cmd_option verify_options[] = {
    {"fingerprint", 0, "HEX", "the fingerprint that the code must have", false},
    {"context", 0, "FILE", "context of the app, as its owner exported it", false},
    {"code", 0, "DIR", "folder of the app's code, to recompute the fingerprint", false},
    {"verbose", 'v', NULL, "show every check", false},
    OPTION_WORKSPACE,
    OPTION_SIMULATION,
    OPTION_PCCS,
    OPTION_JSON,
};
static const struct cmd_option attest_verify_options[] = {
    ATTEST_OPTIONS_EVIDENCE,
    ATTEST_OPTIONS_COLLATERAL,
    ATTEST_OPTION_BUNDLE,
    ATTEST_OPTION_TIME,
    ATTEST_OPTIONS_POLICY,
    {"report-data", 0, "HEX|any", "the 64 bytes that a quote or report must be bound to", false},
    {"max-age", 0, "SECONDS", "refuse an RA-TLS certificate that is older, by its own word", false},
    ATTEST_OPTIONS_TRUST,
    OPTION_JSON,
};
static const struct cmd_option attest_bundle_options[] = {
    ATTEST_OPTIONS_EVIDENCE,
    ATTEST_OPTIONS_COLLATERAL,
    {"output", 0, "FILE", "where to write the bundle", false},
    {"refresh", 0, "FILE", "renew the collateral of this bundle, in place", false},
    ATTEST_OPTIONS_TRUST,
    OPTION_JSON,
};
static const struct cmd_option attest_fresh_options[] = {
    {"host", 0, "HOST[:PORT]", "whom to connect to", false},
    ATTEST_OPTION_SERVERNAME,
    ATTEST_OPTION_ROLE,
    ATTEST_OPTIONS_EXPECT,
    ATTEST_OPTIONS_COLLATERAL,
    ATTEST_OPTIONS_POLICY,
    ATTEST_OPTIONS_TRUST,
    {"save", 0, "FILE", "keep what the verdict was made of", false},
    {"from", 0, "FILE", "judge what --save kept, without network, as of its time", false},
    ATTEST_OPTION_TIME,
    OPTION_JSON,
};
static const struct cmd_option attest_watch_options[] = {
    {"interval", 0, "SECONDS", "between two looks (default: 300); sooner when something is about to end", false},
    {"once", 0, NULL, "look once at each host; exit status as of 'attest fresh'", false},
    {"failures", 0, "N", "an alarm after so many looks without a verdict (default: 2)", false},
    {"exec", 0, "PROGRAM", "run this on an alarm and on recovery: see docs/attest.md", false},
    {"webhook", 0, "URL", "POST each alarm and recovery there, as JSON", false},
    {"webhook-file", 0, "FILE", "the same, with the URL in a file: it may be a secret (default: $MSE_WEBHOOK_FILE)",
     false},
    {"metrics", 0, "ADDRESS", "serve metrics to Prometheus: 127.0.0.1:PORT, or unix:PATH", false},
    {"verbose", 'v', NULL, "print every look, not only what changed", false},
    {"role", 0, "1|2", "what the enclaves must be doing: 1 wait for keys, 2 serve the application (default)", false},
    ATTEST_OPTIONS_EXPECT,
    ATTEST_OPTIONS_COLLATERAL,
    ATTEST_OPTIONS_POLICY,
    ATTEST_OPTIONS_TRUST,
    OPTION_JSON,
};
static const struct cmd_option connect_options[] = {
    {"listen", 0, "ADDRESS", "127.0.0.1:PORT, or unix:PATH (default: a free port of 127.0.0.1)", false},
    {"expose", 0, "NAME", "let others than this machine in: what they call it, where it is not the loopback", false},
    {"tcp", 0, NULL, "pass bytes of any protocol instead of HTTP", false},
    {"speaks", 0, "PROTOCOL", "what clients of --tcp may speak beside binary protocols: http, tls, text or any", false},
    {"fingerprint", 0, "HEX", "the fingerprint that the code must have", false},
    {"context", 0, "FILE", "context of the app (default: the stored one of the domain)", false},
    {"code", 0, "DIR", "folder of the app's code, to recompute the fingerprint", false},
    {"release", 0, "FILE", "manifest of the release that must answer", false},
    {"libpal", 0, "FILE", "Gramine's loader, for a release for hardware (as in 'sgx measure')", false},
    {"connections", 0, "N", "attested connections at once (default: 256); further requests wait", false},
    {"wait", 0, "SECONDS", "how long a request waits for one (default: 30), then 503", false},
    {"max-age", 0, "SECONDS", "attest again after so long (default and maximum: 3600)", false},
    ATTEST_OPTIONS_COLLATERAL,
    ATTEST_OPTIONS_POLICY,
    ATTEST_OPTIONS_TRUST,
    OPTION_JSON,
};
#define OPTION_RUNTIME \
	{ \
		"runtime", 0, "FILE", "the mse-enclave of the image (default: the installed one)", false \
	}
static const struct cmd_option image_bill_options[] = {
    OPTION_RUNTIME,
    {"output", 0, "FILE", "where to write the bill (default: the standard output)", false},
    OPTION_JSON,
};
static const struct cmd_option image_sign_options[] = {
    {"key", 0, "FILE", "the publisher's key, as 'mse image key' made it", false},
    {"output", 0, "FILE", "where to write the signature (default: bill.sig beside the bill)", false},
};
static const struct cmd_option image_verify_options[] = {
    {"signature", 0, "FILE", "a publisher's signature under the bill", false},
    OPTION_RUNTIME,
    OPTION_JSON,
};
static const struct cmd_option sgx_measure_options[] = {
    {"manifest", 0, "FILE", "the manifest that the enclave starts with (X.manifest.sgx)", false},
    {"libpal", 0, "FILE", "Gramine's loader (…/gramine/sgx/libpal.so)", false},
    OPTION_JSON,
};

#define OPTIONS(list) (list), COUNT_OF(list)
#define NO_OPTIONS NULL, 0
#define CLOUD CMD_SPACE_CLOUD
#define IMAGE CMD_SPACE_IMAGE
#define ATTEST CMD_SPACE_ATTEST

const struct cmd_entry cmd_table[] = {
    {CLOUD, "login", INFRASTRUCTURE, "sign in to the cloud", "", 0, 0, OPTIONS(login_options), cmd_login},
    {CLOUD, "logout", INFRASTRUCTURE, "sign out", "", 0, 0, NO_OPTIONS, cmd_logout},
    {CLOUD, "trust add", INFRASTRUCTURE, "trust a cloud's certificate and simulation root", "URL", 1, 1,
     OPTIONS(trust_add_options), cmd_trust_add},
    {CLOUD, "trust list", INFRASTRUCTURE, "list the trusted clouds and publishers", "", 0, 0, OPTIONS(json_options),
     cmd_trust_list},
    {CLOUD, "trust remove", INFRASTRUCTURE, "trust a cloud no longer", "URL", 1, 1, NO_OPTIONS, cmd_trust_remove},
    {CLOUD, "trust add-publisher", INFRASTRUCTURE, "trust a publisher's signatures under bills of images", "FILE", 1, 1,
     NO_OPTIONS, cmd_publisher_add},
    {CLOUD, "trust remove-publisher", INFRASTRUCTURE, "trust a publisher no longer", "KEY", 1, 1, NO_OPTIONS,
     cmd_publisher_remove},
    {CLOUD, "context", INFRASTRUCTURE, "list, export and remove contexts of deployed apps",
     "(--list | --remove UUID | --purge | --export UUID)", 0, 0, OPTIONS(context_options), cmd_context},
    {CLOUD, "init", OPERATIONS, "write an mse.toml by asking questions", "", 0, 0, NO_OPTIONS, cmd_init},
    {CLOUD, "scaffold", OPERATIONS, "make the folder of a new app", "APP_NAME", 1, 1, NO_OPTIONS, cmd_scaffold},
    {CLOUD, "localtest", OPERATIONS, "run the app and its tests on this machine", "", 0, 0, OPTIONS(localtest_options),
     cmd_localtest},
    {CLOUD, "deploy", OPERATIONS, "encrypt, start, attest and provision the app", "", 0, 0, OPTIONS(deploy_options),
     cmd_deploy},
    {CLOUD, "list", OPERATIONS, "list apps", "[PROJECT]", 0, 1, OPTIONS(list_options), cmd_list},
    {CLOUD, "status", OPERATIONS, "show the state of an app", "UUID", 1, 1, OPTIONS(json_options), cmd_status},
    {CLOUD, "logs", OPERATIONS, "show the last output of an app", "UUID", 1, 1, NO_OPTIONS, cmd_logs},
    {CLOUD, "stop", OPERATIONS, "stop apps for good and remove their contexts", "UUID...", 1, CMD_ARGS_MAX,
     OPTIONS(stop_options), cmd_stop},
    {CLOUD, "test", OPERATIONS, "run the app's tests against the deployed app", "UUID", 1, 1, NO_OPTIONS, cmd_test},
    {CLOUD, "verify", OPERATIONS, "check that a domain ends in the expected enclave", "DOMAIN[:PORT]", 1, 1,
     OPTIONS(verify_options), cmd_verify},
    {CLOUD, "connect", OPERATIONS, "be a local address of the app: every connection is attested",
     "DOMAIN[:PORT] [-- COMMAND...]", 1, CMD_ARGS_MAX, OPTIONS(connect_options), cmd_connect},
    {ATTEST, "verify", OPERATIONS, "judge evidence of SGX, TDX or SEV-SNP",
     "(--quote FILE | --report FILE | --ratls PEM | --host HOST[:PORT] | --bundle FILE)", 0, 0,
     OPTIONS(attest_verify_options), cmd_attest_verify},
    {ATTEST, "bundle", OPERATIONS, "gather evidence and its collateral in one file, for a verdict without network",
     "((--quote FILE | --report FILE | --ratls PEM | --host HOST[:PORT]) --output FILE | --refresh FILE)", 0, 0,
     OPTIONS(attest_bundle_options), cmd_attest_bundle},
    {ATTEST, "fresh", OPERATIONS, "attest a live connection to an enclave of MSE",
     "(--host HOST[:PORT] --role 1|2 | --from FILE)", 0, 0, OPTIONS(attest_fresh_options), cmd_attest_fresh},
    {ATTEST, "show", OPERATIONS, "show what evidence, certificates and collateral say, unverified", "FILE...", 1,
     CMD_ARGS_MAX, OPTIONS(json_options), cmd_attest_show},
    {ATTEST, "watch", OPERATIONS, "attest live connections again and again, and raise an alarm", "HOST[:PORT]...", 1,
     WATCH_HOSTS_MAX, OPTIONS(attest_watch_options), cmd_attest_watch},
    {IMAGE, "bill", OPERATIONS, "list every file of a built-in image as this machine's packages make it", "IMAGE", 1, 1,
     OPTIONS(image_bill_options), cmd_image_bill},
    {IMAGE, "key", OPERATIONS, "make a publisher's key in FILE, its public half in FILE.pub", "FILE", 1, 1, NO_OPTIONS,
     cmd_image_key},
    {IMAGE, "sign", OPERATIONS, "sign a bill as its publisher", "BILL", 1, 1, OPTIONS(image_sign_options),
     cmd_image_sign},
    {IMAGE, "verify", OPERATIONS, "tell whether and why a bill would be believed here", "BILL", 1, 1,
     OPTIONS(image_verify_options), cmd_image_verify},
    {CMD_SPACE_SGX, "measure", OPERATIONS, "compute the MRENCLAVE of a Gramine manifest",
     "--manifest FILE --libpal FILE", 0, 0, OPTIONS(sgx_measure_options), cmd_sgx_measure},
};
const size_t cmd_table_count = COUNT_OF(cmd_table);
