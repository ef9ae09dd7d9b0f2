/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse-sim: the simulated TEE of one node. It measures, checks and starts the enclaves in their sandboxes, quotes for
 * them, keeps their sealing keys' root, and is the parent of all of them; msed asks it over a socket and may come and
 * go. It has no hardware behind it and says so in every quote.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/number.h"
#include "base/program.h"
#include "base/spawn.h"
#include "crypto/random.h"
#include "engine/engine_process.h"
#include "sim/control.h"
#include "sim/init_landlock.h"
#include "tee/sim_pki.h"
#include "tee/sim_quote.h"

#define INIT_NAME "mse-sim-init"
#define PKI_NAME "sim"
#define SECRET_NAME "sim/node.secret"
#define DETACH_TIMEOUT_MS 15000
#define DETACH_STEP_MS 5

struct options {
	const char *data_dir;
	const char *init_path;
	unsigned quote_delay_ms;
	bool detach, no_landlock, no_cgroups;
};

static const char usage_text[] =
    "usage: mse-sim --data-dir DIR [--detach] [--quote-delay-ms N] [--no-landlock] [--no-cgroups] [--init FILE]\n"
    "\n"
    "The simulated TEE of one node: starts enclaves in sandboxes and quotes for them. msed starts it.\n"
    "  --data-dir DIR        msed's data directory\n"
    "  --detach              serve in the background; returns when the control socket answers\n"
    "  --quote-delay-ms N    wait before each quote, to imitate a slow TEE\n"
    "  --no-landlock         run where the kernel has no Landlock: files outside the bill are then visible\n"
    "  --no-cgroups          limits by rlimit and affinity only, as for an ordinary user\n"
    "  --init FILE           the helper mse-sim-init, if it is not beside this program\n";

enum {
	OPTION_DATA_DIR = 256,
	OPTION_DETACH,
	OPTION_DELAY,
	OPTION_NO_LANDLOCK,
	OPTION_NO_CGROUPS,
	OPTION_INIT,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option long_options[] = {{"data-dir", required_argument, NULL, OPTION_DATA_DIR},
					     {"detach", no_argument, NULL, OPTION_DETACH},
					     {"quote-delay-ms", required_argument, NULL, OPTION_DELAY},
					     {"no-landlock", no_argument, NULL, OPTION_NO_LANDLOCK},
					     {"no-cgroups", no_argument, NULL, OPTION_NO_CGROUPS},
					     {"init", required_argument, NULL, OPTION_INIT},
					     {"help", no_argument, NULL, OPTION_HELP},
					     {"version", no_argument, NULL, OPTION_VERSION},
					     {NULL, 0, NULL, 0}};

/* 1: go on; 0: done (help, version); -1 */
static int take_option(int which, const char *value, struct options *options, struct err *err)
{
	uint64_t delay;

	switch (which) {
	case OPTION_DATA_DIR:
		options->data_dir = value;
		return 1;
	case OPTION_DETACH:
		options->detach = true;
		return 1;
	case OPTION_DELAY:
		if (number_parse_u64(value, 0, QUOTER_DELAY_MS_MAX, &delay, err) < 0)
			return err_prefix(err, "--quote-delay-ms");
		options->quote_delay_ms = (unsigned)delay;
		return 1;
	case OPTION_NO_LANDLOCK:
		options->no_landlock = true;
		return 1;
	case OPTION_NO_CGROUPS:
		options->no_cgroups = true;
		return 1;
	case OPTION_INIT:
		options->init_path = value;
		return 1;
	case OPTION_HELP:
		(void)fputs(usage_text, stdout);
		return 0;
	case OPTION_VERSION:
		(void)puts("mse-sim " MSE_VERSION);
		return 0;
	}
	return err_set(err, ERR_INVALID, "see mse-sim --help");
}

static int parse_options(int argc, char **argv, struct options *ret, struct err *err)
{
	int which;

	while ((which = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		const int result = take_option(which, optarg, ret, err);

		if (result <= 0)
			return result;
	}
	if (!ret->data_dir || optind != argc)
		return err_set(err, ERR_INVALID, "see mse-sim --help");
	return 1;
}

/* ---- --detach ---- */

static bool answers(struct engine *engine)
{
	scoped(freep) struct engine_status *all = NULL;
	struct err err = ERR_INIT;
	size_t count;

	return engine_list(engine, &all, &count, &err) == 0;
}

/* Waits until the child's socket answers; one that finds another mse-sim there ends, and that one answers. */
static int wait_answer(struct engine *engine, pid_t pid, struct err *err)
{
	const int64_t until = clock_monotonic_ns() + DETACH_TIMEOUT_MS * NS_PER_MS;
	struct err wait_err = ERR_INIT;
	int status;

	while (clock_monotonic_ns() < until) {
		if (answers(engine))
			return 0;
		if (pid > 0 && spawn_wait(pid, DETACH_STEP_MS, &status, &wait_err) == 0)
			return answers(engine) ? 0
					       : err_set(err, ERR_UNAVAILABLE, "mse-sim ended with status %d", status);
	}
	return err_set(err, ERR_TIMEOUT, "no answer within %d s", DETACH_TIMEOUT_MS / 1000);
}

static int open_log(const char *data_dir, int *ret_fd, struct err *err)
{
	scoped(freep) char *run_dir = NULL;
	scoped(freep) char *path = NULL;

	if (fs_join(data_dir, "run", &run_dir, err) < 0 || fs_make_dirs(run_dir, 0700, err) < 0 ||
	    fs_join(data_dir, SIM_LOG_NAME, &path, err) < 0)
		return -1;
	*ret_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? err_set_errno(err, "cannot open '%s'", path) : 0;
}

static int detach(char **argv, const char *data_dir, struct err *err)
{
	scoped(engine_freep) struct engine *engine = NULL;
	struct spawn_options spawn = SPAWN_OPTIONS_INIT;
	scoped(fd_closep) int log = -1;
	scoped(freep) char *self = NULL;
	pid_t pid;
	size_t count = 0;

	for (size_t i = 0; argv[i]; i++) {
		if (strcmp(argv[i], "--detach") != 0)
			argv[count++] = argv[i];
	}
	argv[count] = NULL;
	if (program_own_path(&self, err) < 0 || engine_process_open(data_dir, &engine, err) < 0 ||
	    open_log(data_dir, &log, err) < 0)
		return -1;
	if (answers(engine)) /* one serves already: a child would only find that out and end */
		return 0;
	argv[0] = self;
	spawn.argv = (const char *const *)argv;
	spawn.stdout_fd = log;
	spawn.stderr_fd = log;
	spawn.new_session = true;
	if (spawn_start(&spawn, &pid, err) < 0)
		return -1;
	return wait_answer(engine, pid, err) < 0 ? err_prefix(err, "see '%s/%s'", data_dir, SIM_LOG_NAME) : 0;
}

/* ---- serving ---- */

/* The node's secret is made once. Whoever has it can open everything that enclaves of this node ever sealed. */
static int load_secret(const char *data_dir, struct secret *ret, struct err *err)
{
	scoped(freep) char *path = NULL;
	uint8_t fresh[QUOTER_SECRET_SIZE];
	int made;

	if (fs_join(data_dir, SECRET_NAME, &path, err) < 0)
		return -1;
	if (!fs_exists(path)) {
		random_bytes(fresh, sizeof(fresh));
		made = fs_write_new(path, fresh, sizeof(fresh), 0600, err);
		secret_wipe(fresh, sizeof(fresh));
		if (made < 0)
			return -1;
	}
	if (secret_load(path, QUOTER_SECRET_SIZE, ret, err) < 0)
		return -1;
	if (ret->size != QUOTER_SECRET_SIZE)
		return err_set(err, ERR_INVALID, "'%s' has %zu bytes, expected %d", path, ret->size,
			       QUOTER_SECRET_SIZE);
	return 0;
}

static int make_quote(void *arg, const struct quoter_enclave *enclave,
		      const uint8_t report_data[static QUOTER_REPORT_DATA_SIZE], struct buf *ret, struct err *err)
{
	return sim_quote_make(arg, enclave->measurement, enclave->isv_prod_id, enclave->isv_svn, report_data, ret, err);
}

static int check_landlock(const struct options *options, struct err *err)
{
	if (options->no_landlock || landlock_abi() > 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       "this kernel has no Landlock, which hides files outside the bill: --no-landlock does without");
}

static int serve_with(const struct options *options, const char *data_dir, int listen_fd, struct quoter *quoter,
		      struct err *err)
{
	scoped(freep) char *init_path = NULL;
	scoped(node_freep) struct node *node = NULL;
	struct node_config config = {.data_dir = data_dir,
				     .init_path = options->init_path,
				     .landlock = !options->no_landlock,
				     .cgroups = !options->no_cgroups};

	if (!config.init_path) {
		if (program_find(INIT_NAME, &init_path, err) < 0)
			return -1;
		config.init_path = init_path;
	}
	if (node_open(&config, quoter, &node, err) < 0)
		return -1;
	log_event(LOG_INFO, "sim_serves", "data_dir", data_dir, NULL);
	return control_serve(listen_fd, node, err);
}

static int serve(const struct options *options, const char *data_dir, struct err *err)
{
	scoped(secret_done) struct secret secret = SECRET_INIT;
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	scoped(quoter_stopp) struct quoter *quoter = NULL;
	scoped(freep) char *pki_dir = NULL;
	scoped(fd_closep) int lock = -1;
	scoped(fd_closep) int listen_fd = -1;

	if (check_landlock(options, err) < 0 || control_open(data_dir, &lock, &listen_fd, err) < 0 ||
	    fs_join(data_dir, PKI_NAME, &pki_dir, err) < 0 || sim_pki_load(pki_dir, SIM_PKI_MACHINE, &pki, err) < 0 ||
	    load_secret(data_dir, &secret, err) < 0)
		return -1;
	const struct quoter_config config = {
	    .node_secret = &secret, .make = make_quote, .arg = pki, .delay_ms = options->quote_delay_ms};

	if (quoter_start(&config, &quoter, err) < 0)
		return -1;
	return serve_with(options, data_dir, listen_fd, quoter, err);
}

/* Signals are for the one signalfd, in every thread; nobody may look into this process. */
static void set_up_process(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	if (chdir("/") < 0)
		abort(); /* there is always a root */
	(void)umask(077);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* msed.service hands haproxy the right to low ports in this way; bubblewrap refuses to start with any right. */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int run(int argc, char **argv, struct err *err)
{
	struct options options = {.data_dir = NULL};
	scoped(freep) char *data_dir = NULL;
	scoped(freep) char *init_path = NULL;
	const int go_on = parse_options(argc, argv, &options, err);

	if (go_on <= 0)
		return go_on;
	data_dir = realpath(options.data_dir, NULL);
	if (!data_dir)
		return err_set_errno(err, "data directory '%s'", options.data_dir);
	if (options.init_path && !(init_path = realpath(options.init_path, NULL)))
		return err_set_errno(err, "helper '%s'", options.init_path);
	options.init_path = init_path;
	if (options.detach)
		return detach(argv, data_dir, err);
	set_up_process();
	return serve(&options, data_dir, err);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;

	log_setup(LOG_INFO, LOG_FORMAT_TEXT);
	if (run(argc, argv, &err) == 0)
		return 0;
	(void)fprintf(stderr, "mse-sim: %s\n", err.text);
	return 1;
}
