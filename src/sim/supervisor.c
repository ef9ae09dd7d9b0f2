/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "format/enclave_lines.h"
#include "format/hex.h"
#include "sim/applog.h"
#include "sim/egress.h"
#include "sim/plan.h"
#include "sim/sandbox.h"
#include "sim/usage.h"

#define STAGE_TIMEOUT_MS 20000
#define SOCKET_NAME "app.sock"
#define PATH_SIZE 1200
#define PIECE_SIZE 16384
#define STATE_CHECK_MS 1000
#define STATE_BYTES_MAX (UINT64_C(256) << 20) /* sealed state has kilobytes: this is somebody filling the disk */
#define MIB (UINT64_C(1) << 20)
#define SIGNAL_STATUS 128

struct run {
	struct node *node;
	struct app *app;
	json_t *request; /* texts of launch */
	struct sim_request parsed;
	const struct engine_launch *launch;
	struct plan *plan;
	struct cgroup group; /* the app has a copy while it runs */
	struct egress_networks networks;
	struct egress egress;
	struct applog log;
	struct sandbox sandbox;
	int tee[2], control[2], output[2]; /* ours is [0] */
	int policy_fd;
	pid_t sandbox_pid;
	int sandbox_pidfd, enclave_pidfd;
	pid_t enclave_pid;
	int exit_status;
	bool started;
	bool filled_disk;
};

static int pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool stop_requested(struct run *run)
{
	bool requested;

	pthread_mutex_lock(&run->node->lock);
	requested = run->app->stop_requested;
	pthread_mutex_unlock(&run->node->lock);
	return requested;
}

/* ---- before anything runs ---- */

static int prepare_dirs(const struct engine_launch *launch, struct err *err)
{
	char path[PATH_SIZE];

	if (fs_make_dirs(launch->run_dir, 0700, err) < 0 || fs_make_dirs(launch->state_dir, 0700, err) < 0)
		return -1;
	if (snprintf(path, sizeof(path), "%s/" SOCKET_NAME, launch->run_dir) < (int)sizeof(path))
		(void)unlink(path); /* of an earlier run */
	return 0;
}

static int prepare_egress(struct run *run, struct err *err)
{
	if (run->launch->egress == ENGINE_EGRESS_NONE)
		return 0;
	return egress_check(err) < 0 ? -1 : egress_networks_detect(run->launch, &run->networks, err);
}

static void describe_sandbox(struct run *run)
{
	run->sandbox = (struct sandbox){.launch = run->launch,
					.plan = run->plan,
					.init_path = run->node->config.init_path,
					.group = &run->group,
					.landlock = run->node->config.landlock,
					.networks = run->networks.items,
					.network_count = run->networks.count};
	pthread_mutex_lock(&run->node->lock);
	hex_encode(run->plan->measurement, sizeof(run->plan->measurement), run->app->status.measurement);
	sandbox_limits_text(&run->sandbox, run->app->status.limits);
	pthread_mutex_unlock(&run->node->lock);
}

static int prepare(struct run *run, struct err *err)
{
	char name[CGROUP_NAME_MAX * 2];

	if (sim_request_parse(run->request, &run->parsed, err) < 0)
		return -1;
	run->launch = &run->parsed.launch;
	if (applog_open(&run->log, run->launch->log_path, err) < 0 || plan_load(run->launch, &run->plan, err) < 0 ||
	    plan_check_files(run->plan, err) < 0 || prepare_dirs(run->launch, err) < 0 || prepare_egress(run, err) < 0)
		return -1;
	(void)snprintf(name, sizeof(name), "%s%s", run->node->cgroup_prefix, run->launch->uuid);
	cgroup_make(&run->node->cgroups, name, run->launch->memory_mb * MIB, run->launch->cores, &run->group);
	describe_sandbox(run);
	return sandbox_policy_make(&run->sandbox, &run->policy_fd, err);
}

/* ---- starting ---- */

static int make_channels(struct run *run, struct err *err)
{
	const int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, run->tee) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, run->control) < 0 ||
	    setsockopt(run->control[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    pipe2(run->output, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot make the sandbox's descriptors");
	return fd_set_nonblocking(run->output[0], true, err);
}

static int spawn_sandbox(struct run *run, struct err *err)
{
	static const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", NULL};
	scoped(sandbox_argv_done) struct sandbox_argv argv = {.count = 0};
	struct spawn_options options = SPAWN_OPTIONS_INIT;

	if (make_channels(run, err) < 0 || sandbox_argv_make(&run->sandbox, &argv, err) < 0)
		return -1;
	options.argv = (const char *const *)argv.items;
	options.env = env;
	options.stdout_fd = run->output[1];
	options.stderr_fd = run->output[1];
	options.keep[0] = (struct spawn_keep){.fd = run->tee[1], .target = POLICY_TEE_FD};
	options.keep[1] = (struct spawn_keep){.fd = run->control[1], .target = POLICY_CONTROL_FD};
	options.keep[2] = (struct spawn_keep){.fd = run->policy_fd, .target = POLICY_FILE_FD};
	options.keep_count = 3;
	options.die_with_parent = true;
	if (spawn_start(&options, &run->sandbox_pid, err) < 0)
		return -1;
	run->sandbox_pidfd = pidfd_of(run->sandbox_pid);
	if (run->sandbox_pidfd < 0)
		return err_set_errno(err, "cannot watch process %d", (int)run->sandbox_pid);
	fd_closep(&run->tee[1]);
	fd_closep(&run->control[1]);
	fd_closep(&run->output[1]);
	fd_closep(&run->policy_fd);
	return 0;
}

/* What the enclave and bubblewrap said, without waiting. False at the end of the output. */
static bool take_output(struct run *run)
{
	uint8_t piece[PIECE_SIZE];
	ssize_t got;

	do {
		got = read(run->output[0], piece, sizeof(piece));
		if (got > 0)
			applog_add(&run->log, piece, (size_t)got);
	} while (got == (ssize_t)sizeof(piece) || (got < 0 && errno == EINTR));
	return got > 0 || (got < 0 && errno == EAGAIN);
}

/* One message of mse-sim-init, with the sender's process id as this side sees it. */
static ssize_t receive(int fd, char *ret, size_t size, pid_t *ret_pid)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control = {.room = ""};
	struct iovec part = {.iov_base = ret, .iov_len = size};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
	const ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *head = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
	struct ucred sender;

	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS) {
		memcpy(&sender, CMSG_DATA(head), sizeof(sender));
		*ret_pid = sender.pid;
	}
	return got;
}

/*
 * Waits for the next message of mse-sim-init, taking output meanwhile. 1: *ret_type is its first byte, its text is in
 * err for POLICY_FAILED; 0: it closed its end, which it does by becoming the enclave or by dying.
 */
static int wait_message(struct run *run, char *ret_type, struct err *err)
{
	const int64_t until = clock_monotonic_ns() + STAGE_TIMEOUT_MS * NS_PER_MS;
	struct pollfd polls[] = {{.fd = run->control[0], .events = POLLIN},
				 {.fd = run->output[0], .events = POLLIN},
				 {.fd = run->sandbox_pidfd, .events = POLLIN}};
	char message[POLICY_MESSAGE_MAX + 1];
	ssize_t got;

	for (;;) {
		if (clock_monotonic_ns() > until)
			return err_set(err, ERR_TIMEOUT, "the sandbox did not start within %d s",
				       STAGE_TIMEOUT_MS / 1000);
		if (poll(polls, COUNT_OF(polls), 100) < 0 && errno != EINTR)
			return err_set_errno(err, "cannot wait for the sandbox");
		if (polls[1].revents != 0 && !take_output(run))
			polls[1].fd = -1;
		got = receive(run->control[0], message, sizeof(message) - 1, &run->enclave_pid);
		if (got >= 0)
			break;
		if (polls[2].revents != 0)
			return 0;
	}
	*ret_type = got > 0 ? message[0] : '\0';
	message[got] = '\0';
	if (got > 0 && message[0] == POLICY_FAILED)
		return err_set(err, ERR_UNSUPPORTED, "the sandbox could not be closed: %s", message + 1);
	return got > 0 ? 1 : 0;
}

/* bubblewrap or mse-sim-init ended without a word on the control socket: it is in the log. */
static int sandbox_failed(struct run *run, struct err *err)
{
	int status;

	if (spawn_wait(run->sandbox_pid, STAGE_TIMEOUT_MS, &status, err) < 0)
		return -1;
	run->sandbox_pid = 0;
	(void)take_output(run);
	return err_set(err, ERR_UNSUPPORTED, "the sandbox did not start (status %d): %s", status,
		       applog_last(&run->log));
}

/* mse-sim-init is up, inside, and waits. */
static int wait_ready(struct run *run, struct err *err)
{
	char type = '\0';
	const int found = wait_message(run, &type, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return sandbox_failed(run, err);
	run->enclave_pidfd = pidfd_of(run->enclave_pid);
	if (type != POLICY_READY || run->enclave_pidfd < 0)
		return err_set(err, ERR_INTERNAL, "mse-sim-init is not what it should be");
	return 0;
}

static int let_go(struct run *run, struct err *err)
{
	const char go = POLICY_GO;
	const int tee = TAKE_FD(run->tee[0]);
	struct quoter_enclave enclave = {.isv_prod_id = run->plan->release->isv_prod_id,
					 .isv_svn = run->plan->release->isv_svn};
	char type = '\0';

	memcpy(enclave.measurement, run->plan->measurement, sizeof(enclave.measurement));
	if (quoter_add(run->node->quoter, tee, &enclave, err) < 0)
		return -1;
	if (send(run->control[0], &go, 1, MSG_NOSIGNAL) != 1)
		return err_set_errno(err, "cannot let the sandbox go");
	if (wait_message(run, &type, err) < 0)
		return -1;
	fd_closep(&run->control[0]);
	return 0;
}

static int start(struct run *run, struct err *err)
{
	if (spawn_sandbox(run, err) < 0 || wait_ready(run, err) < 0)
		return -1;
	if (run->launch->egress == ENGINE_EGRESS_INTERNET && egress_start(run->enclave_pid, &run->egress, err) < 0)
		return -1;
	return let_go(run, err);
}

/* ---- running ---- */

/* Makes the app visible as running, unless a stop came first. */
static int announce(struct run *run, struct err *err)
{
	struct app *app = run->app;
	bool go_on;

	pthread_mutex_lock(&run->node->lock);
	go_on = !app->stop_requested;
	if (go_on) {
		app->enclave_pidfd = run->enclave_pidfd;
		app->sandbox_pidfd = run->sandbox_pidfd;
		app->enclave_pid = run->enclave_pid;
		app->group = run->group;
		app->status.started_at = clock_now_seconds();
		app->status.state = ENGINE_RUNNING;
		node_changed(run->node, app);
	}
	pthread_mutex_unlock(&run->node->lock);
	if (!go_on)
		return err_set(err, ERR_CANCELLED, "stopped while starting");
	run->started = true;
	log_event(LOG_INFO, "app_started", "uuid", run->launch->uuid, NULL);
	return 0;
}

/* What the enclave keeps on the host's disk is not in any memory limit. */
static void check_state(struct run *run)
{
	if (usage_state_bytes(run->launch->state_dir) <= STATE_BYTES_MAX &&
	    usage_state_bytes(run->launch->run_dir) <= STATE_BYTES_MAX)
		return;
	run->filled_disk = true;
	(void)syscall(SYS_pidfd_send_signal, run->sandbox_pidfd, SIGKILL, NULL, 0);
}

static void watch(struct run *run)
{
	struct pollfd polls[] = {{.fd = run->sandbox_pidfd, .events = POLLIN},
				 {.fd = run->output[0], .events = POLLIN}};
	int64_t checked_at = clock_monotonic_ns();

	while (polls[0].revents == 0) {
		if (poll(polls, COUNT_OF(polls), STATE_CHECK_MS) < 0)
			continue;
		if (polls[1].revents != 0 && !take_output(run))
			polls[1].fd = -1;
		if (clock_monotonic_ns() - checked_at < STATE_CHECK_MS * NS_PER_MS)
			continue;
		check_state(run);
		checked_at = clock_monotonic_ns();
	}
	(void)take_output(run);
}

/* ---- the end ---- */

/* A killed bubblewrap is gone before what it started is, so both ends are waited for. */
static void reap(struct run *run)
{
	struct pollfd enclave = {.fd = run->enclave_pidfd, .events = POLLIN};
	struct err err = ERR_INIT;

	if (run->sandbox_pid <= 0)
		return;
	if (!run->started)
		(void)kill(run->sandbox_pid, SIGKILL);
	if (spawn_wait(run->sandbox_pid, -1, &run->exit_status, &err) < 0)
		run->exit_status = -1;
	run->sandbox_pid = 0;
	if (enclave.fd >= 0)
		(void)poll(&enclave, 1, STAGE_TIMEOUT_MS);
}

static void exit_reason(struct run *run, char *ret, size_t size)
{
	const char *last = applog_last(&run->log);
	const struct app *app = run->app;
	int length;

	if (app->stop_requested)
		length = snprintf(ret, size, "%s", app->node_ended ? "mse-sim was ended" : "stopped");
	else if (run->filled_disk)
		length = snprintf(ret, size, "killed because its state is more than %llu MB or %d files",
				  (unsigned long long)(STATE_BYTES_MAX / MIB), USAGE_STATE_FILES_MAX);
	else if (cgroup_oom_kills(&run->group) > 0)
		length = snprintf(ret, size, "killed at its memory limit of %llu MB",
				  (unsigned long long)run->launch->memory_mb);
	else if (run->exit_status > SIGNAL_STATUS)
		length = snprintf(ret, size, "killed by signal %d (%s)", run->exit_status - SIGNAL_STATUS,
				  strsignal(run->exit_status - SIGNAL_STATUS));
	else
		length = snprintf(ret, size, "ended with status %d%s", run->exit_status,
				  run->log.is_application && run->exit_status == ENCLAVE_EXIT_APPLICATION
				      ? " (" ENCLAVE_EXIT_APPLICATION_NAME ")"
				      : "");
	if (last[0] && length > 0 && length < (int)size)
		(void)snprintf(ret + length, size - (size_t)length, "; its last message: %s", last);
}

static void clean_up(struct run *run)
{
	char path[PATH_SIZE];

	if (run->launch && snprintf(path, sizeof(path), "%s/" SOCKET_NAME, run->launch->run_dir) < (int)sizeof(path))
		(void)unlink(path);
	cgroup_remove(&run->group);
	applog_done(&run->log);
	for (int i = 0; i < 2; i++) {
		fd_close(run->tee[i]);
		fd_close(run->control[i]);
		fd_close(run->output[i]);
	}
	fd_close(run->policy_fd);
	fd_close(run->sandbox_pidfd);
	fd_close(run->enclave_pidfd);
	plan_free(run->plan);
	json_decref(run->request);
}

/* What the app's status will be; before clean_up takes the log and the groups away. */
static void conclude(struct run *run, const struct err *err, struct engine_status *ret)
{
	struct app *app = run->app;

	pthread_mutex_lock(&run->node->lock);
	app->enclave_pidfd = -1; /* clean_up closes them */
	app->sandbox_pidfd = -1;
	app->refused = !run->started;
	app->start_code = err->code;
	*ret = app->status;
	ret->state = ENGINE_EXITED;
	ret->exit_status = app->node_ended ? -1 : run->exit_status;
	ret->exited_at = clock_now_seconds();
	ret->stopped = app->stop_requested && !app->node_ended;
	if (run->started)
		exit_reason(run, ret->reason, sizeof(ret->reason));
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s", err->text);
	pthread_mutex_unlock(&run->node->lock);
}

/* Who sees the exit finds nothing left of the sandbox, and the record written. */
static void finish(struct run *run, const struct err *err)
{
	struct node *node = run->node;
	struct app *app = run->app;
	struct engine_status last;

	reap(run);
	egress_stop(&run->egress);
	conclude(run, err, &last);
	log_event(LOG_INFO, run->started ? "app_ended" : "app_refused", "uuid", last.uuid, "reason", last.reason, NULL);
	clean_up(run);
	free(run);
	pthread_mutex_lock(&node->lock);
	app->status = last;
	app->busy = false;
	node->busy_count--;
	node_changed(node, app);
	pthread_mutex_unlock(&node->lock);
}

static void *supervise(void *arg)
{
	struct run *run = arg;
	struct err err = ERR_INIT;
	int result = prepare(run, &err);

	if (result == 0 && stop_requested(run))
		result = err_set(&err, ERR_CANCELLED, "stopped while starting");
	if (result == 0)
		result = start(run, &err);
	if (result == 0)
		result = announce(run, &err);
	if (result == 0)
		watch(run);
	finish(run, &err);
	return NULL;
}

int supervisor_start(struct node *node, struct app *app, json_t *request, struct err *err)
{
	struct run *run = calloc(1, sizeof(*run));
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	if (!run)
		return err_no_memory(err);
	*run = (struct run){.node = node,
			    .app = app,
			    .request = json_deep_copy(request), /* counts of one object are for one thread */
			    .egress = EGRESS_INIT,
			    .log = APPLOG_INIT,
			    .tee = {-1, -1},
			    .control = {-1, -1},
			    .output = {-1, -1},
			    .policy_fd = -1,
			    .sandbox_pidfd = -1,
			    .enclave_pidfd = -1,
			    .exit_status = -1};
	if (!run->request) {
		free(run);
		return err_no_memory(err);
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	failed = pthread_create(&thread, &attr, supervise, run);
	pthread_attr_destroy(&attr);
	if (failed == 0)
		return 0;
	json_decref(run->request);
	free(run);
	errno = failed;
	return err_set_errno(err, "cannot start a thread for app '%s'", app->status.uuid);
}
