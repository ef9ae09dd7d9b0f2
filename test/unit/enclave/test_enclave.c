/* SPDX-License-Identifier: Apache-2.0 */
/* The handler of the listening socket over real TLS: fresh attestation and provisioning, without Python. */
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#include "attest/ticket_verify.h"
#include "base/clock.h"
#include "base/fs.h"
#include "crypto/ed25519.h"
#include "enclave/attested/code.h"
#include "enclave/attested/enclave.h"
#include "enclave/attested/sealed_state.h"
#include "fake_tee.h"
#include "format/attest_message.h"
#include "format/base64.h"
#include "format/hex.h"
#include "net/http_client.h"

#define DOMAIN "0123456789abcdef.mse.localhost"
#define UUID "3f1d7a52-0000-4000-8000-0123456789ab"

static const uint8_t owner_seed[32] = {5};

static struct {
	char *dir;
	struct enclave enclave;
	struct tls_server *tls;
	struct http_server *server;
	atomic_int accepted;
} world;

static char *path_of(const char *name)
{
	struct err err = ERR_INIT;
	char *path;

	assert_ok(fs_join(world.dir, name, &path, &err), &err);
	return path;
}

static void write_instance(void)
{
	struct instance instance = {.config_domain = DOMAIN, .domain = DOMAIN, .subject = "CN=" DOMAIN, .uuid = UUID};
	scoped(buf_done) struct buf document = BUF_INIT(INSTANCE_SIZE_MAX);
	scoped(freep) char *path = path_of("instance.json");
	struct err err = ERR_INIT;

	assert_ok(instance_format(&instance, &document, &err), &err);
	assert_ok(fs_write_new(path, document.data, document.size, 0600, &err), &err);
}

static void set_settings(void)
{
	uint8_t owner[32];
	char owner_text[HEX_TEXT_SIZE(32)];
	char listen[150];
	char owner_env[100];
	char state_env[150];
	char code_env[150];
	char release_env[] = "MSE_RELEASE=1";
	char tee_env[] = "MSE_TEE=sim";
	char app_env[] = "MSE_APPLICATION=app:app";
	char plain_env[] = "MSE_PLAINCODE=1";
	char *env[] = {release_env, tee_env, app_env, plain_env, listen, owner_env, state_env, code_env, NULL};
	struct err err = ERR_INIT;

	ed25519_from_seed(owner_seed, owner);
	hex_encode(owner, sizeof(owner), owner_text);
	(void)snprintf(listen, sizeof(listen), "MSE_LISTEN=unix:%s/app.sock", world.dir);
	(void)snprintf(owner_env, sizeof(owner_env), "MSE_OWNER_KEY=%s", owner_text);
	(void)snprintf(state_env, sizeof(state_env), "STATE_PATH=%s", world.dir);
	(void)snprintf(code_env, sizeof(code_env), "CODE_PATH=%s", world.dir);
	assert_ok(settings_load(env, &world.enclave.settings, &err), &err);
}

static int quote_for_quoter(void *arg, const uint8_t *report_data, struct buf *ret, struct err *err)
{
	return tee_quote(arg, report_data, ret, err);
}

static void count_accepted(void *arg)
{
	(void)arg;
	atomic_fetch_add(&world.accepted, 1);
}

static void start_server(void)
{
	struct http_listener listener = {.unix_path = world.enclave.settings.listen_path, .proxy = HTTP_PROXY_OPTIONAL};
	struct http_server_options options = {
	    .listeners = &listener,
	    .listener_count = 1,
	    .handler = enclave_serve,
	    .arg = &world.enclave,
	    .threads = 4,
	};
	struct err err = ERR_INIT;

	assert_ok(tls_server_new(enclave_choose_identity, &world.enclave, &world.tls, &err), &err);
	listener.tls = world.tls;
	assert_ok(http_server_start(&options, &world.server, &err), &err);
}

static int setup(void **state)
{
	struct quoter_options quoting = {.quote = quote_for_quoter, .quote_size_max = TEE_QUOTE_SIZE_MAX};
	struct enclave *enclave = &world.enclave;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(fs_make_temp_dir("/tmp", "mse-test-enclave-", &world.dir, &err), &err);
	memset(enclave, 0, sizeof(*enclave));
	enclave->input = INSTANCE_INPUT_INIT;
	enclave->identity = IDENTITY_INIT;
	enclave->on_accepted = count_accepted;
	atomic_store(&world.accepted, 0);
	(void)pthread_mutex_init(&enclave->provisioning, NULL);
	life_init(&enclave->life);
	write_instance();
	set_settings();
	fake_tee_start();
	assert_ok(tee_open(TEE_KIND_SIM, &enclave->tee, &err), &err);
	tee_measurement(enclave->tee, enclave->fingerprint, &enclave->fingerprint_size);
	assert_ok(instance_input_load(world.dir, &enclave->input, &err), &err);
	assert_ok(identity_make(enclave->tee, RATLS_OID_QUOTE_SGX, &enclave->input, clock_now_seconds(),
				&enclave->identity, &err),
		  &err);
	quoting.quote_arg = enclave->tee;
	assert_ok(quoter_start(&quoting, &enclave->quoter, &err), &err);
	life_set(&enclave->life, LIFE_START, LIFE_WAITING);
	start_server();
	return 0;
}

static int teardown(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	http_server_stop(world.server, 1000);
	tls_server_free(world.tls);
	quoter_stop(world.enclave.quoter);
	life_done(&world.enclave.life);
	identity_done(&world.enclave.identity);
	tee_close(world.enclave.tee);
	fake_tee_stop();
	atomic_store(&fake_tee.refuses, false);
	instance_input_done(&world.enclave.input);
	settings_done(&world.enclave.settings);
	assert_ok(fs_remove_tree(world.dir, &err), &err);
	free(world.dir);
	return 0;
}

/* ---- a client ---- */

static struct http_client *dial(void)
{
	const struct tls_client_options options = {
	    .unix_path = world.enclave.settings.listen_path,
	    .sni = DOMAIN,
	    .verify = TLS_VERIFY_NONE,
	};
	struct tls_client *tls = NULL;
	struct http_client *client = NULL;
	struct err err = ERR_INIT;

	assert_ok(tls_client_open(&options, &tls, &err), &err);
	assert_ok(http_client_new(tls, DOMAIN, &client, &err), &err);
	return client;
}

static void post(struct http_client *client, const char *target, const void *body, size_t size,
		 const struct http_header *headers, size_t header_count, struct http_response *ret)
{
	const struct http_request request = {
	    .method = "POST",
	    .target = target,
	    .headers = headers,
	    .header_count = header_count,
	    .body = body,
	    .body_size = size,
	};
	struct err err = ERR_INIT;

	assert_ok(http_client_request(client, &request, ret, &err), &err);
}

static void ask(struct http_client *client, const uint8_t *nonce, struct http_response *ret)
{
	struct attest_request request;
	scoped(buf_done) struct buf body = BUF_INIT(ATTEST_REQUEST_SIZE_MAX);
	struct err err = ERR_INIT;

	memcpy(request.nonce, nonce, sizeof(request.nonce));
	assert_ok(attest_request_format(&request, &body, &err), &err);
	post(client, ATTEST_PATH, body.data, body.size, NULL, 0, ret);
}

static int ask_status(struct http_client *client, const uint8_t *nonce)
{
	scoped(http_response_done) struct http_response response = HTTP_RESPONSE_INIT;

	ask(client, nonce, &response);
	return response.status;
}

/* The verifier's own values for this connection. */
static struct fresh_claim claim_of(struct http_client *client, const uint8_t *nonce, uint8_t role, const void *ticket,
				   size_t ticket_size)
{
	struct tls_client *tls = http_client_tls(client);
	struct fresh_claim claim = {.role = role};
	struct err err = ERR_INIT;

	memcpy(claim.nonce, nonce, 32);
	assert_ok(tls_client_exporter(tls, FRESH_EXPORTER_LABEL, nonce, 32, claim.exporter, &err), &err);
	tls_client_spki_sha256(tls, claim.tls_key);
	memcpy(claim.identity, world.enclave.identity.report_data, sizeof(claim.identity));
	memcpy(claim.instance, world.enclave.input.hash, sizeof(claim.instance));
	if (ticket_size > 0)
		sha256(ticket, ticket_size, claim.ticket_hash);
	return claim;
}

static enum fresh_result judge(const struct fresh_claim *claim, const struct attest_answer *answer)
{
	const struct fresh_proof proof = {
	    .depth = answer->depth,
	    .index = answer->index,
	    .path = (const uint8_t(*)[FRESH_HASH_SIZE])answer->path,
	    .path_count = answer->path_count,
	};

	assert_int_equal(answer->quote.size, FAKE_QUOTE_SIZE);
	return fresh_proof_verify(claim, &proof, answer->quote.data + FAKE_QUOTE_REPORT_DATA);
}

static void attest(struct http_client *client, const uint8_t *nonce, struct attest_answer *ret)
{
	scoped(http_response_done) struct http_response response = HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;

	ask(client, nonce, &response);
	assert_int_equal(response.status, 200);
	assert_string_equal(http_response_header(&response, "Cache-Control"), "no-store");
	assert_ok(attest_answer_parse(response.body.data, response.body.size, ret, &err), &err);
}

static size_t make_ticket(uint8_t ret[static TICKET_SIZE_MAX])
{
	struct ticket ticket = {.fingerprint_size = 32, .deployed = 1700000000};

	memcpy(ticket.identity, world.enclave.identity.report_data, sizeof(ticket.identity));
	memcpy(ticket.instance, world.enclave.input.hash, sizeof(ticket.instance));
	memcpy(ticket.fingerprint, fake_tee.mrenclave, 32);
	ticket_sign(&ticket, owner_seed);
	return ticket_format(&ticket, ret);
}

static int provision(struct http_client *client, const uint8_t *ticket, size_t ticket_size)
{
	static const char body[] = "{\"uuid\":\"" UUID "\"}";
	scoped(http_response_done) struct http_response response = HTTP_RESPONSE_INIT;
	scoped(buf_done) struct buf text = BUF_INIT(1024);
	struct http_header header = {"Mse-Ticket", NULL};
	struct err err = ERR_INIT;

	assert_ok(base64_encode(ticket, ticket_size, &text, &err), &err);
	header.value = buf_text(&text);
	post(client, "/", body, strlen(body), &header, 1, &response);
	return response.status;
}

/* The news goes out after the reply. */
static void assert_accepted_once(void)
{
	for (int tries = 0; atomic_load(&world.accepted) == 0 && tries < 1000; tries++)
		(void)usleep(1000);
	assert_int_equal(atomic_load(&world.accepted), 1);
}

/* ---- tests ---- */

static void role_one_before_role_two_after(void **state)
{
	const uint8_t nonce[32] = {1, 2, 3};
	scoped(http_client_freep) struct http_client *first = dial();
	scoped(attest_answer_done) struct attest_answer before = ATTEST_ANSWER_INIT;
	scoped(attest_answer_done) struct attest_answer after = ATTEST_ANSWER_INIT;
	struct fresh_claim claim = claim_of(first, nonce, ATTEST_ROLE_CONFIGURATION, NULL, 0);
	uint8_t ticket[TICKET_SIZE_MAX];
	const size_t ticket_size = make_ticket(ticket);

	(void)state;
	attest(first, nonce, &before);
	assert_int_equal(before.role, ATTEST_ROLE_CONFIGURATION);
	assert_int_equal(before.tee, MESSAGE_TEE_SIM);
	assert_int_equal(before.depth, 0);
	assert_int_equal(before.ticket.size, 0);
	assert_int_equal(before.certificate.size, world.enclave.identity.certificate.size);
	assert_memory_equal(before.certificate.data, world.enclave.identity.certificate.data, before.certificate.size);
	assert_int_equal(judge(&claim, &before), FRESH_OK);

	/* Same connection, as section 6 step 5 says. */
	assert_int_equal(provision(first, ticket, ticket_size), 200);
	assert_accepted_once();

	scoped(http_client_freep) struct http_client *second = dial();
	claim = claim_of(second, nonce, ATTEST_ROLE_APPLICATION, ticket, ticket_size);
	attest(second, nonce, &after);
	assert_int_equal(after.role, ATTEST_ROLE_APPLICATION);
	assert_int_equal(after.ticket.size, ticket_size);
	assert_memory_equal(after.ticket.data, ticket, ticket_size);
	assert_int_equal(judge(&claim, &after), FRESH_OK);
	/* Without the ticket, or in the other role, it is no evidence. */
	claim = claim_of(second, nonce, ATTEST_ROLE_APPLICATION, NULL, 0);
	assert_int_equal(judge(&claim, &after), FRESH_BINDING);
	claim = claim_of(second, nonce, ATTEST_ROLE_CONFIGURATION, ticket, ticket_size);
	assert_int_equal(judge(&claim, &after), FRESH_BINDING);
}

/* Section 11, 1 and 2: evidence is for one connection and one nonce. */
static void evidence_is_for_one_connection_and_nonce(void **state)
{
	const uint8_t nonce[32] = {7};
	const uint8_t other[32] = {8};
	scoped(http_client_freep) struct http_client *first = dial();
	scoped(http_client_freep) struct http_client *second = dial();
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;
	struct fresh_claim claim;

	(void)state;
	attest(first, nonce, &answer);
	claim = claim_of(first, nonce, 1, NULL, 0);
	assert_int_equal(judge(&claim, &answer), FRESH_OK);
	claim = claim_of(second, nonce, 1, NULL, 0);
	assert_int_equal(judge(&claim, &answer), FRESH_BINDING);
	claim = claim_of(first, other, 1, NULL, 0);
	assert_int_equal(judge(&claim, &answer), FRESH_BINDING);
}

/* Section 11, 15: the certificate's quote is none of a fresh answer. */
static void identity_is_no_fresh_evidence(void **state)
{
	(void)state;
	assert_false(fresh_has_tag(world.enclave.identity.report_data));
	assert_false(fresh_is_reserved(world.enclave.identity.report_data));
}

static void twelve_a_minute(void **state)
{
	const uint8_t nonce[32] = {1};
	scoped(http_client_freep) struct http_client *client = dial();
	scoped(http_client_freep) struct http_client *other = dial();

	(void)state;
	for (int i = 0; i < 12; i++)
		assert_int_equal(ask_status(client, nonce), 200);
	assert_int_equal(ask_status(client, nonce), 429);
	assert_int_equal(ask_status(client, nonce), 429);
	assert_int_equal(ask_status(other, nonce), 200);
}

static int post_status(const void *body, size_t size)
{
	scoped(http_client_freep) struct http_client *client = dial();
	scoped(http_response_done) struct http_response response = HTTP_RESPONSE_INIT;

	post(client, ATTEST_PATH, body, size, NULL, 0, &response);
	return response.status;
}

static void malformed_requests_get_no_quote(void **state)
{
	const unsigned before = atomic_load(&fake_tee.quotes);
	char body[ATTEST_REQUEST_SIZE_MAX + 1] = "{\"version\":1,\"nonce\":\"00\"}";

	(void)state;
	assert_int_equal(post_status("", 0), 400);
	assert_int_equal(post_status("{}", 2), 400);
	assert_int_equal(post_status(body, strlen(body)), 400);
	(void)snprintf(body, sizeof(body), "{\"version\":1,\"nonce\":\"%064d\"}", 0);
	memset(body + strlen(body), ' ', sizeof(body) - strlen(body));
	assert_int_equal(post_status(body, ATTEST_REQUEST_SIZE_MAX), 200);
	assert_int_equal(post_status(body, ATTEST_REQUEST_SIZE_MAX + 1), 400);
	assert_int_equal(atomic_load(&fake_tee.quotes), before + 1);
}

static void no_quote_is_503(void **state)
{
	const uint8_t nonce[32] = {1};
	scoped(http_client_freep) struct http_client *client = dial();
	scoped(http_response_done) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	atomic_store(&fake_tee.refuses, true);
	ask(client, nonce, &response);
	assert_int_equal(response.status, 503);
	assert_string_equal(http_response_header(&response, "Retry-After"), "1");
	atomic_store(&fake_tee.refuses, false);
	assert_int_equal(ask_status(client, nonce), 200);
}

/* A connection that is closed while its leaf waits harms nobody. */
static void a_client_may_leave(void **state)
{
	static const char body[] = "{\"version\":1,\"nonce\":"
				   "\"0000000000000000000000000000000000000000000000000000000000000000\"}";
	const uint8_t nonce[32] = {1};
	const struct tls_client_options options = {
	    .unix_path = world.enclave.settings.listen_path,
	    .sni = DOMAIN,
	    .verify = TLS_VERIFY_NONE,
	};
	struct err err = ERR_INIT;
	char text[300];

	(void)state;
	atomic_store(&fake_tee.delay_ms, 200);
	for (int i = 0; i < 5; i++) {
		struct tls_client *tls = NULL;

		assert_ok(tls_client_open(&options, &tls, &err), &err);
		(void)snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
			       ATTEST_PATH, strlen(body), body);
		assert_ok(tls_client_write(tls, text, strlen(text), clock_monotonic_ns() + 1000000000LL, &err), &err);
		tls_client_close(tls);
	}
	atomic_store(&fake_tee.delay_ms, 0);
	scoped(http_client_freep) struct http_client *client = dial();
	assert_int_equal(ask_status(client, nonce), 200);
}

#define SLOW_BODY_MS 300

/* So many pieces of a body, one each 20 ms; the answer's status, and when it came. 0: none before the last piece. */
static int drip(int pieces, unsigned *ret_ms)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
	scoped(http_client_freep) struct http_client *client = dial();
	struct tls_client *tls = http_client_tls(client);
	const int64_t began_ns = clock_monotonic_ns();
	const int64_t until_ns = began_ns + 20000000000LL;
	struct err err = ERR_INIT;
	char answer[13] = "";
	size_t got = 0;

	assert_ok(tls_client_write(tls, head, strlen(head), until_ns, &err), &err);
	for (int i = 0; i < pieces && !tls_client_is_readable(tls); i++) {
		assert_ok(tls_client_write(tls, "1\r\n \r\n", 6, until_ns, &err), &err);
		(void)poll(NULL, 0, 20);
	}
	*ret_ms = (unsigned)((clock_monotonic_ns() - began_ns) / 1000000);
	if (tls_client_is_readable(tls))
		assert_ok(tls_client_read(tls, answer, sizeof(answer) - 1, &got, until_ns, &err), &err);
	return got == sizeof(answer) - 1 && strncmp(answer, "HTTP/1.1 401", got) == 0 ? 401 : 0;
}

/* Where anybody may send secrets, a body that goes on and on holds its thread for so long, and no longer. */
static void slow_bodies_have_a_limit(void **state)
{
	unsigned took_ms;

	(void)state;
	world.enclave.settings.has_owner_key = false;
	world.enclave.slow_body_ms = SLOW_BODY_MS;
	assert_int_equal(drip(3, &took_ms), 0);
	assert_int_equal(drip(1000, &took_ms), 401);
	assert_in_range(took_ms, SLOW_BODY_MS, 10000);
	while (atomic_load(&world.enclave.slow_bodies) > 0)
		(void)poll(NULL, 0, 1);
	assert_int_equal(life_state(&world.enclave.life), LIFE_WAITING);
}

struct racer {
	pthread_t thread;
	int status;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	uint8_t ticket[TICKET_SIZE_MAX];
	const size_t size = make_ticket(ticket);
	scoped(http_client_freep) struct http_client *client = dial();

	racer->status = provision(client, ticket, size);
	return NULL;
}

static void of_many_at_once_one_succeeds(void **state)
{
	struct racer racers[4];
	int won = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(racers); i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	for (size_t i = 0; i < COUNT_OF(racers); i++) {
		(void)pthread_join(racers[i].thread, NULL);
		won += racers[i].status == 200;
		assert_true(racers[i].status == 200 || racers[i].status == 401 || racers[i].status == 503);
	}
	assert_int_equal(won, 1);
	assert_accepted_once();
	assert_true(sealed_state_exists(world.dir));
}

static void a_ticket_of_another_owner_is_401(void **state)
{
	uint8_t ticket[TICKET_SIZE_MAX];
	const size_t size = make_ticket(ticket);
	scoped(http_client_freep) struct http_client *client = dial();

	(void)state;
	ticket[size - 1] ^= 1;
	assert_int_equal(provision(client, ticket, size), 401);
	assert_int_equal(life_state(&world.enclave.life), LIFE_WAITING);
	assert_false(sealed_state_exists(world.dir));
	assert_int_equal(atomic_load(&world.accepted), 0);
	ticket[size - 1] ^= 1;
	assert_int_equal(provision(client, ticket, size), 200);
	assert_int_equal(life_state(&world.enclave.life), LIFE_ACCEPTED);
}

/* Either it hears 200 and is served, or it hears 401: never 200 from an enclave that ends for want of an owner. */
static void who_comes_too_late_is_refused(void **state)
{
	scoped(http_client_freep) struct http_client *client = dial();
	uint8_t ticket[TICKET_SIZE_MAX];
	const size_t ticket_size = make_ticket(ticket);

	(void)state;
	assert_true(enclave_end_waiting(&world.enclave));
	assert_int_equal(provision(client, ticket, ticket_size), 401);
	assert_int_equal(life_state(&world.enclave.life), LIFE_ENDED);
	assert_int_equal(atomic_load(&world.accepted), 0);
	assert_false(enclave_end_waiting(&world.enclave));
}

static void who_came_before_the_end_stays(void **state)
{
	scoped(http_client_freep) struct http_client *client = dial();
	uint8_t ticket[TICKET_SIZE_MAX];
	const size_t ticket_size = make_ticket(ticket);

	(void)state;
	assert_int_equal(provision(client, ticket, ticket_size), 200);
	assert_false(enclave_end_waiting(&world.enclave));
	assert_int_equal(life_state(&world.enclave.life), LIFE_ACCEPTED);
	assert_accepted_once();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(role_one_before_role_two_after, setup, teardown),
	    cmocka_unit_test_setup_teardown(evidence_is_for_one_connection_and_nonce, setup, teardown),
	    cmocka_unit_test_setup_teardown(identity_is_no_fresh_evidence, setup, teardown),
	    cmocka_unit_test_setup_teardown(twelve_a_minute, setup, teardown),
	    cmocka_unit_test_setup_teardown(malformed_requests_get_no_quote, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_quote_is_503, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_client_may_leave, setup, teardown),
	    cmocka_unit_test_setup_teardown(slow_bodies_have_a_limit, setup, teardown),
	    cmocka_unit_test_setup_teardown(of_many_at_once_one_succeeds, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_ticket_of_another_owner_is_401, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_comes_too_late_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_came_before_the_end_stays, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
