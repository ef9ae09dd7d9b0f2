/* SPDX-License-Identifier: Apache-2.0 */
/* `msed --data-dir D`: serves until SIGTERM or SIGINT. Apps, mse-sim and haproxy go on without it. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "cloud/authority.h"
#include "cloud/command.h"
#include "cloud/edge.h"
#include "cloud/files.h"
#include "cloud/lock.h"
#include "cloud/reconciler.h"
#include "cloud/routes.h"
#include "net/http_server.h"
#include "net/tls_server.h"

#define DRAIN_MS 3000
#define FIRST_LOOK_MS 5000
#define PEM_MAX 65536
#define HTTP_SERVER_NAME "msed"
#define RENEWAL_LOOK_SECONDS 3600
#define RENEWAL_LOOK_SECONDS_TESTED 1 /* with a clock that tests move */

enum { OPTION_DATA_DIR, OPTION_CLOCK_FILE };

static const struct command_option options[] = {
    [OPTION_DATA_DIR] = {"--data-dir", "DIR", "the directory that msed init made", true, false},
    [OPTION_CLOCK_FILE] = {"--clock-file", "FILE", "seconds that are added to the clock", false, true},
};

/* The identity that is shown; replaced when the certificate is renewed. */
struct shown {
	pthread_mutex_t lock;
	struct tls_identity *identity;
	bool is_behind; /* what was renewed could not be shown yet; the main thread's */
};

static struct tls_identity *choose(const char *sni, void *arg)
{
	struct shown *shown = arg;
	struct tls_identity *identity;

	(void)sni; /* haproxy sends only our own name here */
	(void)pthread_mutex_lock(&shown->lock);
	identity = tls_identity_ref(shown->identity);
	(void)pthread_mutex_unlock(&shown->lock);
	return identity;
}

static int read_identity(const char *data_dir, struct tls_identity **ret, struct err *err)
{
	scoped(secret_done) struct secret key = SECRET_INIT;
	scoped(buf_done) struct buf chain = BUF_INIT(PEM_MAX);
	scoped(freep) char *chain_path = NULL;
	scoped(freep) char *key_path = NULL;

	if (file_path(data_dir, &chain_path, err, FILE_API_CHAIN) < 0 ||
	    file_path(data_dir, &key_path, err, FILE_API_KEY) < 0 || fs_read(chain_path, &chain, err) < 0 ||
	    secret_load(key_path, P256_DER_SIZE_MAX, &key, err) < 0)
		return -1;
	return tls_identity_from_pem(chain.data, chain.size, key.data, key.size, ret, err);
}

/* A crash between writing key and chain leaves a pair that does not fit: made anew, once. */
static int load_identity(struct cloud *cloud, struct tls_identity **ret, struct err *err)
{
	scoped(freep) char *chain_path = NULL;
	bool renewed;

	if (authority_renew(cloud->data_dir, cloud->config.base_domain, cloud_now(cloud), &renewed, err) < 0)
		return -1;
	if (read_identity(cloud->data_dir, ret, err) == 0)
		return 0;
	log_event(LOG_WARNING, "certificate_made_anew", "message", err->text, NULL);
	if (file_path(cloud->data_dir, &chain_path, err, FILE_API_CHAIN) < 0)
		return -1;
	(void)unlink(chain_path);
	if (authority_renew(cloud->data_dir, cloud->config.base_domain, cloud_now(cloud), &renewed, err) < 0)
		return -1;
	return read_identity(cloud->data_dir, ret, err);
}

/* To clients from their next handshake on: ours, and haproxy's, which goes on with running connections. */
static int show_renewed(struct cloud *cloud, struct shown *shown, struct err *err)
{
	struct tls_identity *identity = NULL, *old;

	if (read_identity(cloud->data_dir, &identity, err) < 0)
		return -1;
	(void)pthread_mutex_lock(&shown->lock);
	old = shown->identity;
	shown->identity = identity;
	(void)pthread_mutex_unlock(&shown->lock);
	tls_identity_unref(old);
	return edge_reload(cloud, err);
}

static void renew(struct cloud *cloud, struct shown *shown)
{
	struct err err = ERR_INIT;
	bool renewed;
	int status = authority_renew(cloud->data_dir, cloud->config.base_domain, cloud_now(cloud), &renewed, &err);

	shown->is_behind |= renewed;
	if (status == 0 && shown->is_behind)
		status = show_renewed(cloud, shown, &err);
	if (status < 0) {
		log_event(LOG_WARNING, "certificate_not_renewed", "message", err.text, NULL);
	} else if (shown->is_behind) {
		shown->is_behind = false;
		log_event(LOG_INFO, "certificate_renewed", NULL);
	}
}

static int start_server(struct cloud *cloud, struct tls_server *tls, struct http_server **ret, struct err *err)
{
	scoped(freep) char *socket = NULL;
	struct http_listener listener = {.proxy = HTTP_PROXY_OPTIONAL, .tls = tls};
	const struct http_server_options server_options = {
	    .listeners = &listener,
	    .listener_count = 1,
	    .handler = routes_handle,
	    .arg = cloud,
	    .server_name = HTTP_SERVER_NAME,
	    .threads = (unsigned)cloud->config.threads,
	};

	if (file_path(cloud->data_dir, &socket, err, FILE_API_SOCKET) < 0)
		return -1;
	listener.unix_path = socket;
	return http_server_start(&server_options, ret, err);
}

/* Blocked in every thread; the main thread takes them one by one. */
static void block_signals(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, ret, NULL);
}

static void wait_for_signal(struct cloud *cloud, struct shown *shown, const sigset_t *signals)
{
	const struct timespec period = {.tv_sec =
					    cloud->clock_file ? RENEWAL_LOOK_SECONDS_TESTED : RENEWAL_LOOK_SECONDS};

	while (sigtimedwait(signals, NULL, &period) < 0)
		if (errno == EAGAIN)
			renew(cloud, shown);
}

static int serve(struct cloud *cloud, struct shown *shown, struct tls_server *tls, const sigset_t *signals,
		 struct err *err)
{
	struct http_server *server = NULL;

	if (reconciler_sweep(cloud, err) < 0 || reconciler_start(cloud, &cloud->reconciler, err) < 0)
		return -1;
	reconciler_await_first_look(cloud->reconciler, FIRST_LOOK_MS);
	if (start_server(cloud, tls, &server, err) < 0)
		return -1;
	log_event(LOG_INFO, "serving", "api", cloud->issuer, "version", MSE_VERSION, NULL);
	wait_for_signal(cloud, shown, signals);
	log_event(LOG_INFO, "stopping", NULL);
	/*
	 * Waiters are deferred exchanges: they must be answered before the server can stop. Handlers use everything
	 * else of the cloud until the server has stopped, so that ends last (cloud_close).
	 */
	cloud_stop_notifier(cloud);
	http_server_stop(server, DRAIN_MS);
	return 0;
}

static int run_cloud(struct cloud *cloud, const sigset_t *signals, struct err *err)
{
	struct shown shown = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct tls_server *tls = NULL;
	int status = -1;

	if (cloud_open_services(cloud, err) < 0 || load_identity(cloud, &shown.identity, err) < 0)
		return -1;
	if (tls_server_new(choose, &shown, &tls, err) == 0)
		status = serve(cloud, &shown, tls, signals, err);
	tls_server_free(tls);
	tls_identity_unref(shown.identity);
	return status;
}

static int run(const struct command_line *line, struct err *err)
{
	scoped(cloud_closep) struct cloud *cloud = NULL;
	scoped(fd_closep) int lock = -1;
	sigset_t signals;

	block_signals(&signals);
	if (cloud_open(line->values[OPTION_DATA_DIR], &cloud, err) < 0 ||
	    data_dir_lock(cloud->data_dir, 0, &lock, err) < 0)
		return -1;
	if (line->values[OPTION_CLOCK_FILE]) {
		cloud->clock_file = strdup(line->values[OPTION_CLOCK_FILE]);
		if (!cloud->clock_file)
			return err_no_memory(err);
	}
	return run_cloud(cloud, &signals, err);
}

const struct command command_serve = {
    .words = "",
    .summary = "serve: API, sign-in, collateral; start and watch apps until SIGTERM",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = run,
};
