/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse connect (attested-channel.md section 8): a local address whose every byte ends in the expected enclave, for
 * clients that know nothing of attestation. docs/connect.md.
 */
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/number.h"
#include "base/spawn.h"
#include "cli/child.h"
#include "cli/cmd.h"
#include "cli/connect_belief.h"
#include "cli/connect_listen.h"
#include "cli/connect_proxy.h"
#include "cli/interrupt.h"

#define DRAIN_MS 5000
#define MS_PER_SECOND 1000
#define WAIT_SECONDS_MAX 600
#define DESCRIPTORS (2 * (CONNECT_CLIENTS_MAX + CONNECT_CONNECTIONS_DEFAULT))
#define ADDRESS_MAX 300
#define WORD_MAX 8192
#define LAST_LINES_MS 500 /* for who reads slowly, at the end */

struct connect {
	struct cmd_call *call;
	struct connect_beliefs *beliefs;
	struct connect_site site;
	struct connect_listen where;
	int listen_fd;
	char address[ADDRESS_MAX]; /* where it listens: "127.0.0.1:8080", "unix:PATH" */
	const char *own;           /* by which this machine asks; the same unless it is 0.0.0.0 */
	const char *told;          /* by which others ask */
	struct connect_proxy_options options;
	/* The command behind "--". */
	pid_t child;
	int child_fd; /* pidfd */
	int child_status;
	char reported[ATTEST_NAME_SIZE]; /* the last event, which is not told again */
};

/* ---- telling ---- */

static void print_line(struct connect *connect, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text)
		out_print(connect->call->out, "%s\n", text);
	out_flush(connect->call->out);
	free(text);
	json_decref(object);
}

static void report_json(struct connect *connect, const char *event, const char *name, const char *text,
			const struct attest_verdict *verdict)
{
	json_t *object = json_pack("{s:s, s:s, s:o}", "event", event, "error", name, "message", out_text_json(text));
	char *dumped = object && verdict ? attest_verdict_json(verdict) : NULL;

	if (dumped)
		(void)json_object_set_new(object, "verdict", json_loads(dumped, 0, NULL));
	free(dumped);
	print_line(connect, object);
}

static void report_text(struct connect *connect, enum connect_event event, const char *text,
			const struct attest_verdict *verdict)
{
	struct out *out = connect->call->out;
	const char *domain = connect_beliefs_address(connect->beliefs)->host;

	switch (event) {
	case CONNECT_EVENT_ATTESTED:
		attest_report_warn(out, NULL, verdict);
		out_success(out, "'%s' is verified: connections to it are attested", domain);
		return;
	case CONNECT_EVENT_REFUSED:
		out_error(out, "'%s' is not verified, nothing was sent: %s", domain, text);
		return;
	case CONNECT_EVENT_TLS_INSIDE:
		out_warning(out, "A client speaks TLS inside CONNECT, which would end in nothing: ask for http://%s",
			    domain);
		return;
	case CONNECT_EVENT_RAW_REFUSED:
		out_warning(out, "A client was refused: %s", text);
		return;
	}
}

/* Each kind of news once, until other news came between. */
static void report(void *arg, enum connect_event event, const char *name, const char *text,
		   const struct attest_verdict *verdict)
{
	static const char *const events[] = {[CONNECT_EVENT_ATTESTED] = "attested",
					     [CONNECT_EVENT_REFUSED] = "refused",
					     [CONNECT_EVENT_TLS_INSIDE] = "tls-inside",
					     [CONNECT_EVENT_RAW_REFUSED] = "client-refused"};
	struct connect *connect = arg;

	if (strcmp(connect->reported, name) == 0)
		return;
	(void)snprintf(connect->reported, sizeof(connect->reported), "%s", name);
	if (cmd_has(connect->call, "json"))
		report_json(connect, events[event], name, text, verdict);
	else
		report_text(connect, event, text, verdict);
}

static void announce(struct connect *connect)
{
	struct out *out = connect->call->out;
	const char *scheme = connect->options.is_tcp || *connect->where.path ? "" : "http://";
	char url[sizeof("http://") + ADDRESS_MAX];

	if (connect->where.is_open)
		out_warning(out, "%s is not the loopback: whoever reaches it uses this attested connection",
			    connect->address);
	(void)snprintf(url, sizeof(url), "%s%s", scheme, connect->told);
	if (cmd_has(connect->call, "json")) {
		print_line(connect, json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s}", "event", "ready", "domain",
					      connect_beliefs_address(connect->beliefs)->host, "mode",
					      connect->options.is_tcp ? "tcp" : "http", "address", connect->address,
					      "port", (int)connect->where.port, "url", *scheme ? url : "",
					      "fingerprint_from", connect_beliefs_source(connect->beliefs)));
	} else if (connect->child <= 0) {
		out_print(out, "%s\n", url);
		out_flush(out);
	}
}

/* ---- the command behind "--" ---- */

/* "{url}" and the like, anywhere in a word. */
static int fill_word(const struct connect *connect, const char *word, struct buf *ret, struct err *err)
{
	const char *colon = strrchr(connect->own, ':');
	const struct {
		const char *mark, *before, *value;
	} rows[] = {{"{url}", "http://", connect->own},
		    {"{address}", "", connect->own},
		    {"{port}", "", colon ? colon + 1 : ""}};

	while (*word) {
		size_t i = 0;

		while (i < COUNT_OF(rows) && strncmp(word, rows[i].mark, strlen(rows[i].mark)) != 0)
			i++;
		if (i == COUNT_OF(rows)) {
			if (buf_add_byte(ret, (uint8_t)*word++, err) < 0)
				return -1;
			continue;
		}
		if (buf_addf(ret, err, "%s%s", rows[i].before, rows[i].value) < 0)
			return -1;
		word += strlen(rows[i].mark);
	}
	return buf_add_byte(ret, '\0', err);
}

static int set_environment(const struct connect *connect, struct child_env *env, struct err *err)
{
	scoped(buf_done) struct buf url = BUF_INIT(WORD_MAX), port = BUF_INIT(WORD_MAX);

	if (child_env_inherit(env, err) < 0 || fill_word(connect, "{url}", &url, err) < 0 ||
	    fill_word(connect, "{port}", &port, err) < 0 ||
	    child_env_set(env, "MSE_CONNECT_ADDRESS", connect->own, err) < 0)
		return -1;
	if (*connect->where.path)
		return 0;
	if (child_env_set(env, "MSE_CONNECT_PORT", buf_text(&port), err) < 0)
		return -1;
	return connect->options.is_tcp ? 0 : child_env_set(env, "MSE_CONNECT_URL", buf_text(&url), err);
}

static int start_words(struct connect *connect, const char *const *argv, struct err *err)
{
	scoped(child_env_done) struct child_env env = {0};
	struct spawn_options options = SPAWN_OPTIONS_INIT;

	if (set_environment(connect, &env, err) < 0)
		return -1;
	options.argv = argv;
	options.env = (const char *const *)env.items;
	options.stdin_fd = 0;
	options.stdout_fd = options.stderr_fd = SPAWN_INHERIT;
	options.die_with_parent = true;
	if (spawn_start(&options, &connect->child, err) < 0)
		return -1;
	connect->child_fd = pidfd_open(connect->child, 0);
	return connect->child_fd < 0 ? err_set_errno(err, "cannot watch '%s'", argv[0]) : 0;
}

static int start_command(struct connect *connect, struct err *err)
{
	const struct cmd_call *call = connect->call;
	const char *argv[CMD_ARGS_MAX + 1] = {NULL};
	struct buf words[CMD_ARGS_MAX];
	size_t count = 0;
	int status = 0;

	for (size_t i = 1; i < call->arg_count && status == 0; i++, count++) {
		words[count] = BUF_INIT(WORD_MAX);
		status = fill_word(connect, call->args[i], &words[count], err);
		argv[count] = buf_text(&words[count]);
	}
	if (status == 0 && count > 0)
		status = start_words(connect, argv, err);
	for (size_t i = 0; i < count; i++)
		buf_done(&words[i]);
	return status;
}

/* What is expected was read again because its files changed. */
static void tell_of_files(struct connect *connect)
{
	struct err err = ERR_INIT;
	const int found = connect_beliefs_news(connect->beliefs, &err);

	if (found == 0)
		return;
	*connect->reported = '\0';
	if (cmd_has(connect->call, "json"))
		report_json(connect, "changed", found < 0 ? "unreadable" : "none", err.text, NULL);
	else if (found < 0)
		out_error(connect->call->out, "What is expected of the app cannot be read, nothing is sent: %s",
			  err.text);
	else
		out_info(connect->call->out, "What is expected of the app has changed: connections are attested anew");
}

static bool should_stop(void *arg)
{
	struct connect *connect = arg;
	struct err ignored = ERR_INIT;

	tell_of_files(connect);
	if (interrupt_seen()) {
		/* The ordinary end, unless a command was to say how it ends. */
		connect->child_status = connect->child > 0 ? CMD_EXIT_INTERRUPTED : CMD_EXIT_OK;
		return true;
	}
	if (connect->child <= 0 || spawn_wait(connect->child, 0, &connect->child_status, &ignored) < 0)
		return false;
	connect->child = -1;
	return true;
}

/* ---- options ---- */

static int read_number(const struct cmd_call *call, const char *name, unsigned max, unsigned by_default, unsigned *ret,
		       struct err *err)
{
	const char *text = cmd_value(call, name);
	uint64_t value = by_default;

	if (text && number_parse_u64(text, 1, max, &value, err) < 0)
		return err_prefix(err, "--%s", name);
	*ret = (unsigned)value;
	return 0;
}

static int read_options(struct connect *connect, struct err *err)
{
	const struct cmd_call *call = connect->call;
	struct connect_proxy_options *options = &connect->options;
	const char *listen = cmd_value(call, "listen"), *speaks = cmd_value(call, "speaks");
	unsigned wait_seconds;

	if (read_number(call, "connections", CONNECT_CONNECTIONS_MAX, CONNECT_CONNECTIONS_DEFAULT,
			&options->connections_max, err) < 0 ||
	    read_number(call, "wait", WAIT_SECONDS_MAX, CONNECT_WAIT_MS_DEFAULT / MS_PER_SECOND, &wait_seconds, err) <
		0 ||
	    read_number(call, "max-age", CONNECT_AGE_SECONDS_MAX, CONNECT_AGE_SECONDS_MAX, &options->age_seconds, err) <
		0)
		return -1;
	options->wait_ms = wait_seconds * MS_PER_SECOND;
	options->is_tcp = cmd_has(call, "tcp");
	if (speaks && !options->is_tcp)
		return err_set(err, ERR_INVALID, "--speaks goes with --tcp");
	if (speaks && connect_speech_parse(speaks, &options->speech, err) < 0)
		return err_prefix(err, "--speaks");
	return connect_listen_parse(listen ? listen : "127.0.0.1:0", cmd_value(call, "expose"), &connect->where, err) <
		       0
		   ? err_prefix(err, "--listen")
		   : 0;
}

/* Two descriptors for each client. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- running ---- */

static int serve(struct connect *connect, struct err *err)
{
	struct connect_proxy_options *options = &connect->options;
	scoped(buf_done) struct buf address = BUF_INIT(ADDRESS_MAX);

	connect->site.app = *connect_beliefs_address(connect->beliefs);
	if (connect_listen_open(&connect->where, cmd_value(connect->call, "expose"), &connect->site,
				&connect->listen_fd, err) < 0 ||
	    connect_listen_text(&connect->where, &address, err) < 0)
		return -1;
	(void)snprintf(connect->address, sizeof(connect->address), "%s", buf_text(&address));
	connect->own = connect->where.is_open ? connect->site.names[0] : connect->address;
	connect->told = connect->where.is_open ? connect->site.names[connect->site.name_count - 1] : connect->address;
	options->site = &connect->site;
	options->listen_fd = connect->listen_fd;
	options->open = connect_beliefs_open;
	options->generation = connect_beliefs_generation;
	options->open_arg = connect->beliefs;
	options->report = report;
	options->should_stop = should_stop;
	options->report_arg = options->stop_arg = connect;
	if (connect_beliefs_watch(connect->beliefs, err) < 0 || start_command(connect, err) < 0)
		return -1;
	options->wake_fd = connect->child_fd;
	announce(connect);
	return connect_proxy_run(options, DRAIN_MS, err);
}

static int run(struct connect *connect, struct err *err)
{
	struct err late = ERR_INIT;
	int status;

	if (read_options(connect, err) < 0 || connect_beliefs_new(connect->call, &connect->beliefs, err) < 0)
		return -1;
	raise_limit();
	if (out_begin_queues(connect->call->out, err) < 0)
		return -1;
	status = serve(connect, err);
	if (out_end_queues(connect->call->out, LAST_LINES_MS, status < 0 ? &late : err) < 0)
		status = -1;
	connect_listen_close(&connect->where, connect->listen_fd);
	child_end(connect->child);
	fd_close(connect->child_fd);
	connect->call->exit = (enum cmd_exit)connect->child_status;
	return status;
}

int cmd_connect(struct cmd_call *call, struct err *err)
{
	struct connect connect = {.call = call, .listen_fd = -1, .child_fd = -1};
	const int status = run(&connect, err);

	connect_beliefs_free(connect.beliefs);
	return status;
}
