/* SPDX-License-Identifier: Apache-2.0 */
/* The real haproxy in front of real TLS servers on unix sockets. */
#include "unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "certs.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "proxy/proxy_priv.h"

#define SERVERS 3
#define API "api.a.localhost"

/* Each server answers with its own name. */
struct backend {
	char name[8];
	char *path;
	struct http_server *server;
};

struct world {
	struct certs certs;
	struct tls_server *tls;
	char *dir;
	char *haproxy_dir;
	char *operator_pem;
	uint16_t port;
	struct backend backends[SERVERS];
};

static struct world world;

static struct tls_identity *choose(const char *sni, void *arg)
{
	(void)sni;
	(void)arg;
	return tls_identity_ref(world.certs.identity);
}

static enum http_result serve(struct http_exchange *exchange, void *arg)
{
	const struct backend *backend = arg;
	struct err ignored = ERR_INIT;
	char text[200];

	if (strcmp(http_path(exchange), "/slow") == 0)
		(void)poll(NULL, 0, 300);
	(void)snprintf(text, sizeof(text), "%s %s %s", backend->name, http_peer(exchange)->source, http_sni(exchange));
	IGNORE_RESULT(http_reply(exchange, 200, NULL, 0, text, strlen(text), &ignored));
	return HTTP_HANDLED;
}

static void start_backend(struct backend *backend)
{
	const struct http_listener listener = {
	    .unix_path = backend->path, .proxy = HTTP_PROXY_REQUIRED, .tls = world.tls};
	const struct http_server_options options = {
	    .listeners = &listener, .listener_count = 1, .handler = serve, .arg = backend, .threads = 4};
	struct err err = ERR_INIT;

	assert_ok(http_server_start(&options, &backend->server, &err), &err);
}

static void stop_backend(struct backend *backend)
{
	http_server_stop(backend->server, 0);
	backend->server = NULL;
}

static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	scoped(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static void write_operator_pem(void)
{
	scoped(buf_done) struct buf pem = BUF_INIT(2 * CERTS_PEM_MAX);
	struct err err = ERR_INIT;

	assert_ok(buf_add(&pem, world.certs.cert_pem.data, world.certs.cert_pem.size, &err), &err);
	assert_ok(buf_add(&pem, world.certs.key_pem.data, world.certs.key_pem.size, &err), &err);
	assert_ok(fs_join(world.dir, "operator.pem", &world.operator_pem, &err), &err);
	assert_ok(fs_write_atomic(world.operator_pem, pem.data, pem.size, 0600, &err), &err);
}

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(certs_make(&world.certs, &err), &err);
	assert_ok(tls_server_new(choose, NULL, &world.tls, &err), &err);
	assert_ok(fs_make_temp_dir("/tmp", "net-proxy-", &world.dir, &err), &err);
	assert_ok(fs_join(world.dir, "haproxy", &world.haproxy_dir, &err), &err);
	write_operator_pem();
	world.port = free_port();
	for (int i = 0; i < SERVERS; i++) {
		struct backend *backend = &world.backends[i];

		(void)snprintf(backend->name, sizeof(backend->name), "b%d", i);
		assert_true(asprintf(&backend->path, "%s/b%d.sock", world.dir, i) > 0);
		start_backend(backend);
	}
	return 0;
}

static int tear_down(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(proxy_shutdown(world.dir, &err), &err);
	for (int i = 0; i < SERVERS; i++) {
		stop_backend(&world.backends[i]);
		free(world.backends[i].path);
	}
	tls_server_free(world.tls);
	certs_done(&world.certs);
	assert_ok(fs_remove_tree(world.dir, &err), &err);
	free(world.dir);
	free(world.haproxy_dir);
	free(world.operator_pem);
	return 0;
}

static struct proxy_options options_of_test(void)
{
	return (struct proxy_options){
	    .dir = world.haproxy_dir,
	    .run_dir = world.dir,
	    .port = world.port,
	    .api_name = API,
	    .api_socket = world.backends[0].path,
	    .operator_pem = world.operator_pem,
	};
}

static struct proxy *open_proxy(void)
{
	const struct proxy_options options = options_of_test();
	struct proxy *proxy = NULL;
	struct err err = ERR_INIT;

	assert_ok(proxy_open(&options, &proxy, &err), &err);
	return proxy;
}

static struct http_client *connect_to(const char *name)
{
	const struct tls_client_options options = {
	    .host = name, .port = world.port, .timeout_ms = 3000, .verify = TLS_VERIFY_NONE};
	struct tls_client *tls = NULL;
	struct http_client *client = NULL;
	struct err err = ERR_INIT;

	if (tls_client_open(&options, &tls, &err) < 0)
		return NULL;
	assert_ok(http_client_new(tls, name, &client, &err), &err);
	return client;
}

/* Who answers at name: "b1", or "-" if the connection is closed. The peer must be the loopback, seen through PROXY v2.
 */
static const char *answer_on(struct http_client *client, const char *target)
{
	static _Thread_local char answer[3];
	struct http_response response = HTTP_RESPONSE_INIT;
	const struct http_request request = {.target = target};
	struct err err = ERR_INIT;

	if (!client || http_client_request(client, &request, &response, &err) < 0)
		return "-";
	assert_int_equal(response.status, 200);
	assert_non_null(strstr(buf_text(&response.body), " 127.0.0.1 "));
	memcpy(answer, buf_text(&response.body), 2);
	http_response_done(&response);
	return answer;
}

static const char *answer_at(const char *name)
{
	scoped(http_client_freep) struct http_client *client = connect_to(name);

	return answer_on(client, "/");
}

static void set(struct proxy *proxy, const char *name, int backend)
{
	struct err err = ERR_INIT;

	assert_ok(proxy_set(proxy, name, world.backends[backend].path, PROXY_PASS, &err), &err);
}

static void test_names_lead_to_their_servers(void **state)
{
	scoped(proxy_closep) struct proxy *proxy = open_proxy();
	struct err err = ERR_INIT;

	(void)state;
	assert_string_equal(answer_at(API), "b0");
	assert_string_equal(answer_at("one.a.localhost"), "-");
	set(proxy, "one.a.localhost", 1);
	set(proxy, "two.a.localhost", 2);
	set(proxy, "two-again.a.localhost", 2);
	assert_string_equal(answer_at("one.a.localhost"), "b1");
	assert_string_equal(answer_at("two.a.localhost"), "b2");
	assert_string_equal(answer_at("two-again.a.localhost"), "b2");
	assert_string_equal(answer_at("ONE.A.localhost"), "b1");
	assert_string_equal(answer_at("three.a.localhost"), "-");
	assert_string_equal(answer_at("one.a.localhost.evil"), "-");
	/* Moved, and removed. */
	set(proxy, "one.a.localhost", 2);
	assert_string_equal(answer_at("one.a.localhost"), "b2");
	assert_ok(proxy_remove(proxy, "one.a.localhost", &err), &err);
	assert_string_equal(answer_at("one.a.localhost"), "-");
	assert_string_equal(answer_at("two.a.localhost"), "b2");
	assert_ok(proxy_remove(proxy, "one.a.localhost", &err), &err);
}

static void test_removal_cuts_connections(void **state)
{
	scoped(proxy_closep) struct proxy *proxy = open_proxy();
	struct err err = ERR_INIT;

	(void)state;
	set(proxy, "cut.a.localhost", 1);
	scoped(http_client_freep) struct http_client *client = connect_to("cut.a.localhost");
	assert_string_equal(answer_on(client, "/"), "b1");
	assert_ok(proxy_remove(proxy, "cut.a.localhost", &err), &err);
	assert_string_equal(answer_on(client, "/"), "-");
}

static void test_nobody_listens(void **state)
{
	scoped(proxy_closep) struct proxy *proxy = open_proxy();
	const int64_t began = clock_monotonic_ns();

	(void)state;
	set(proxy, "gone.a.localhost", 1);
	stop_backend(&world.backends[1]);
	assert_string_equal(answer_at("gone.a.localhost"), "-");
	assert_true(clock_monotonic_ns() - began < 2000000000);
	start_backend(&world.backends[1]);
	assert_string_equal(answer_at("gone.a.localhost"), "b1");
}

static void test_tls_is_untouched_or_ended(void **state)
{
	scoped(proxy_closep) struct proxy *proxy = open_proxy();
	scoped(http_client_freep) struct http_client *through = NULL;
	scoped(http_client_freep) struct http_client *ended = NULL;
	struct proxy_stats stats = {0};
	struct certs other;
	struct err err = ERR_INIT;
	uint8_t key[32];
	uint8_t own[32];

	(void)state;
	/* The operator gets a key of its own, which the next change of any name brings. */
	assert_ok(certs_make(&other, &err), &err);
	tls_identity_spki_sha256(world.certs.identity, own);
	scoped(buf_done) struct buf pem = BUF_INIT(2 * CERTS_PEM_MAX);
	assert_ok(buf_add(&pem, other.cert_pem.data, other.cert_pem.size, &err), &err);
	assert_ok(buf_add(&pem, other.key_pem.data, other.key_pem.size, &err), &err);
	assert_ok(fs_write_atomic(world.operator_pem, pem.data, pem.size, 0600, &err), &err);
	set(proxy, "self.a.localhost", 1);
	assert_ok(proxy_set(proxy, "op.a.localhost", world.backends[2].path, PROXY_END_TLS, &err), &err);
	through = connect_to("self.a.localhost");
	assert_string_equal(answer_on(through, "/"), "b1");
	tls_client_spki_sha256(http_client_tls(through), key);
	assert_memory_equal(key, own, sizeof(key));
	ended = connect_to("op.a.localhost");
	assert_string_equal(answer_on(ended, "/"), "b2");
	tls_client_spki_sha256(http_client_tls(ended), key);
	tls_identity_spki_sha256(other.identity, own);
	assert_memory_equal(key, own, sizeof(key));
	/* What is there is found there: the next change of any name is no second addition. */
	set(proxy, "other.a.localhost", 1);
	assert_int_equal(proxy_stats(proxy, "op.a.localhost", &stats, &err), 1);
	assert_int_equal(stats.connections_total, 1);
	assert_ok(proxy_remove(proxy, "op.a.localhost", &err), &err);
	assert_string_equal(answer_at("op.a.localhost"), "-");
	certs_done(&other);
}

struct named {
	const char *dir;
	int count;
};

static int count_process(const char *name, void *arg, struct err *err)
{
	struct named *named = arg;
	scoped(buf_done) struct buf line = BUF_INIT(1 << 20);
	char path[300];

	(void)snprintf(path, sizeof(path), "/proc/%.200s/cmdline", name);
	if (name[0] < '0' || name[0] > '9' || fs_read(path, &line, err) < 0)
		return 0;
	if (line.size > 0 && memmem(line.data, line.size, named->dir, strlen(named->dir)))
		named->count++;
	return 0;
}

/* How many processes name dir on their command line. */
static int processes_of(const char *dir)
{
	struct named named = {.dir = dir};
	struct err err = ERR_INIT;

	assert_ok(fs_each_entry("/proc", count_process, &named, &err), &err);
	return named.count;
}

static void test_state_survives_on_either_side(void **state)
{
	struct proxy *proxy = open_proxy();
	struct err err = ERR_INIT;

	(void)state;
	set(proxy, "stays.a.localhost", 1);
	/* We go and come: haproxy serves on, and is known again. */
	proxy_close(proxy);
	assert_string_equal(answer_at("stays.a.localhost"), "b1");
	proxy = open_proxy();
	assert_string_equal(answer_at("stays.a.localhost"), "b1");
	assert_true(processes_of(world.dir) >= 2);
	/* haproxy goes: the next reconcile brings it back with what is wanted. */
	assert_ok(proxy_shutdown(world.dir, &err), &err);
	assert_string_equal(answer_at("stays.a.localhost"), "-");
	assert_int_equal(processes_of(world.dir), 0);
	const struct proxy_route routes[] = {
	    {"stays.a.localhost", world.backends[2].path, PROXY_PASS},
	    {"new.a.localhost", world.backends[1].path, PROXY_PASS},
	};
	assert_ok(proxy_reconcile(proxy, routes, 2, &err), &err);
	assert_string_equal(answer_at("stays.a.localhost"), "b2");
	assert_string_equal(answer_at("new.a.localhost"), "b1");
	assert_string_equal(answer_at("two.a.localhost"), "-");
	assert_ok(proxy_reconcile(proxy, routes, 1, &err), &err);
	assert_string_equal(answer_at("new.a.localhost"), "-");
	assert_string_equal(answer_at("stays.a.localhost"), "b2");
	proxy_close(proxy);
}

/* The controlling process dies by SIGKILL in the midst of changes; the next one finds haproxy and repairs. */
static void test_kill_of_the_controller(void **state)
{
	const char *const argv[] = {"/proc/self/exe", "controller", world.dir, world.haproxy_dir, NULL};
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	struct err err = ERR_INIT;
	struct proxy *proxy;
	pid_t pid;
	int status;

	(void)state;
	proxy = open_proxy();
	set(proxy, "stays.a.localhost", 1);
	proxy_close(proxy);
	for (int i = 0; i < 5; i++) {
		char port[8];
		const char *const with_port[] = {argv[0], argv[1], argv[2], argv[3], port, world.operator_pem, NULL};

		(void)snprintf(port, sizeof(port), "%u", world.port);
		options.argv = with_port;
		options.stderr_fd = SPAWN_INHERIT;
		assert_ok(spawn_start(&options, &pid, &err), &err);
		(void)poll(NULL, 0, 60 + 17 * i);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_ok(spawn_wait(pid, 5000, &status, &err), &err);
		assert_int_equal(status, 128 + SIGKILL);
		assert_string_equal(answer_at("stays.a.localhost"), "b1");
	}
	proxy = open_proxy();
	const struct proxy_route routes[] = {{"stays.a.localhost", world.backends[1].path, PROXY_PASS}};
	assert_ok(proxy_reconcile(proxy, routes, 1, &err), &err);
	assert_string_equal(answer_at("stays.a.localhost"), "b1");
	assert_string_equal(answer_at("n0.a.localhost"), "-");
	proxy_close(proxy);
}

/* A server that was added but not enabled when its maker was killed, and a map that lost a name or has a wrong one. */
static void test_half_done_changes_are_finished(void **state)
{
	scoped(proxy_closep) struct proxy *proxy = open_proxy();
	const struct proxy_route routes[] = {{"half.a.localhost", world.backends[1].path, PROXY_PASS}};
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);
	struct err err = ERR_INIT;
	char text[500];

	(void)state;
	assert_ok(proxy_reconcile(proxy, routes, 1, &err), &err);
	(void)snprintf(text, sizeof(text), "set server apps/%s state maint", proxy->routes.rows[0].server);
	assert_ok(proxy_command(proxy->socket, text, &answer, &err), &err);
	assert_string_equal(answer_at("half.a.localhost"), "-");
	assert_ok(proxy_reconcile(proxy, routes, 1, &err), &err);
	assert_string_equal(answer_at("half.a.localhost"), "b1");
	(void)snprintf(text, sizeof(text), "del map %s half.a.localhost", proxy->apps_map);
	assert_ok(proxy_command(proxy->socket, text, &answer, &err), &err);
	(void)snprintf(text, sizeof(text), "add map %s stray.a.localhost %s", proxy->apps_map,
		       proxy->routes.rows[0].server);
	assert_ok(proxy_command(proxy->socket, text, &answer, &err), &err);
	assert_string_equal(answer_at("half.a.localhost"), "-");
	assert_string_equal(answer_at("stray.a.localhost"), "b1");
	assert_ok(proxy_reconcile(proxy, routes, 1, &err), &err);
	assert_string_equal(answer_at("half.a.localhost"), "b1");
	assert_string_equal(answer_at("stray.a.localhost"), "-");
}

static atomic_bool load_stops;
static atomic_uint load_done;
static atomic_uint load_failed;

static void *make_load(void *arg)
{
	while (!atomic_load(&load_stops)) {
		if (strcmp(answer_at(arg), "b1") == 0)
			(void)atomic_fetch_add(&load_done, 1);
		else
			(void)atomic_fetch_add(&load_failed, 1);
	}
	return NULL;
}

static void test_reload_and_changes_under_load_drop_nothing(void **state)
{
	static char name[] = "load.a.localhost";
	scoped(proxy_closep) struct proxy *proxy = open_proxy();
	struct err err = ERR_INIT;
	pthread_t threads[2];

	(void)state;
	set(proxy, name, 1);
	scoped(http_client_freep) struct http_client *kept = connect_to(name);
	assert_string_equal(answer_on(kept, "/"), "b1");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_load, name), 0);
	for (int i = 0; i < 4; i++) {
		assert_ok(proxy_reload(proxy, &err), &err);
		set(proxy, "other.a.localhost", 2);
		(void)poll(NULL, 0, 50);
		assert_ok(proxy_remove(proxy, "other.a.localhost", &err), &err);
	}
	atomic_store(&load_stops, true);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&load_failed), 0);
	assert_true(atomic_load(&load_done) > 20);
	/* The connection from before the first reload is still there. */
	assert_string_equal(answer_on(kept, "/"), "b1");
}

static void test_statistics(void **state)
{
	scoped(proxy_closep) struct proxy *proxy = open_proxy();
	struct proxy_stats stats = {0};
	struct err err = ERR_INIT;

	(void)state;
	set(proxy, "stats.a.localhost", 2);
	assert_ok(proxy_reload(proxy, &err), &err);
	assert_string_equal(answer_at("stats.a.localhost"), "b2");
	scoped(http_client_freep) struct http_client *open = connect_to("stats.a.localhost");
	assert_string_equal(answer_on(open, "/slow"), "b2");
	(void)poll(NULL, 0, 50); /* haproxy counts when it has seen the end of the first one */
	assert_int_equal(proxy_stats(proxy, "stats.a.localhost", &stats, &err), 1);
	assert_int_equal(stats.connections_total, 2);
	assert_int_equal(stats.connections, 1);
	assert_true(stats.bytes_in > 500 && stats.bytes_out > 500);
	assert_int_equal(proxy_stats(proxy, "no.a.localhost", &stats, &err), 0);
}

static void test_bad_arguments(void **state)
{
	scoped(proxy_closep) struct proxy *proxy = open_proxy();
	struct proxy_options options = options_of_test();
	struct proxy *second = NULL;
	struct err err = ERR_INIT;
	char path[PROXY_SOCKET_PATH_MAX + 40];

	(void)state;
	assert_fails(proxy_set(proxy, "a b", "/tmp/x", PROXY_PASS, &err), &err, ERR_INVALID, "host name");
	assert_fails(proxy_set(proxy, "a.b\nserver x", "/tmp/x", PROXY_PASS, &err), &err, ERR_INVALID, "host name");
	assert_fails(proxy_set(proxy, "a.b", "/tmp/x y", PROXY_PASS, &err), &err, ERR_INVALID, "letters");
	assert_fails(proxy_set(proxy, "a.b", "x", PROXY_PASS, &err), &err, ERR_INVALID, "absolute");
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[98] = 0;
	assert_fails(proxy_set(proxy, "a.b", path, PROXY_PASS, &err), &err, ERR_LIMIT, "97");
	path[97] = 0;
	assert_ok(proxy_set(proxy, "a.b", path, PROXY_PASS, &err), &err);
	options.run_dir = path;
	assert_fails(proxy_open(&options, &second, &err), &err, ERR_LIMIT, "longer");
	/* Another cloud on the same port is told so. */
	options = options_of_test();
	char *other_dir = NULL;
	assert_ok(fs_make_temp_dir("/tmp", "net-proxy-", &other_dir, &err), &err);
	options.dir = options.run_dir = other_dir;
	assert_fails(proxy_open(&options, &second, &err), &err, ERR_CONFLICT, "in use");
	assert_ok(fs_remove_tree(other_dir, &err), &err);
	free(other_dir);
}

/* Changes routes until it is killed: "controller RUN_DIR HAPROXY_DIR PORT OPERATOR_PEM". */
static int run_controller(char **argv)
{
	scoped(freep) char *api = NULL;
	scoped(freep) char *stays = NULL;
	struct proxy_options options = {.dir = argv[3], .run_dir = argv[2], .api_name = API, .operator_pem = argv[5]};
	struct proxy *proxy = NULL;
	struct err err = ERR_INIT;
	unsigned port;

	if (sscanf(argv[4], "%u", &port) != 1 || asprintf(&api, "%s/b0.sock", argv[2]) < 0 ||
	    asprintf(&stays, "%s/b1.sock", argv[2]) < 0)
		return 1;
	options.port = (uint16_t)port;
	options.api_socket = api;
	if (proxy_open(&options, &proxy, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (unsigned i = 0;; i++) {
		char name[32];
		char path[120];

		(void)snprintf(name, sizeof(name), "n%u.a.localhost", i % 20);
		(void)snprintf(path, sizeof(path), "%s/n%u.sock", argv[2], i % 33);
		if (proxy_set(proxy, name, path, PROXY_PASS, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.text);
			return 1;
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_lead_to_their_servers),
	    cmocka_unit_test(test_removal_cuts_connections),
	    cmocka_unit_test(test_nobody_listens),
	    cmocka_unit_test(test_tls_is_untouched_or_ended),
	    cmocka_unit_test(test_state_survives_on_either_side),
	    cmocka_unit_test(test_kill_of_the_controller),
	    cmocka_unit_test(test_half_done_changes_are_finished),
	    cmocka_unit_test(test_reload_and_changes_under_load_drop_nothing),
	    cmocka_unit_test(test_statistics),
	    cmocka_unit_test(test_bad_arguments),
	};

	if (argc == 6 && strcmp(argv[1], "controller") == 0)
		return run_controller(argv);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
