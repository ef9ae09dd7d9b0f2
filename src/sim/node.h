/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mse-sim knows: its settings and every app that runs or ran. One lock guards the table and the apps' fields;
 * one condition tells of every change. Each app that runs has a supervisor thread, which alone starts, watches and
 * reaps its sandbox (bubblewrap dies with the thread that started it), and alone changes the app's status.
 *
 * Records in DATA_DIR/sim/apps/UUID.json outlive mse-sim: what ran when it was killed is reported as gone.
 */
#ifndef MSE_SIM_NODE_H
#define MSE_SIM_NODE_H

#include <pthread.h>
#include <stdbool.h>

#include "engine/sim_protocol.h"
#include "sim/cgroup.h"
#include "sim/quoter.h"

#define NODE_SHUTDOWN_GRACE_MS 3000
#define NODE_LAUNCH_TIMEOUT_MS 120000

struct app {
	struct engine_status status;
	bool busy;           /* a supervisor thread exists */
	unsigned waiters;    /* threads that hold a pointer to it while they wait */
	bool stop_requested; /* by stop, or by the end of mse-sim */
	bool node_ended;     /* the end of mse-sim it was */
	bool refused;        /* exited before the enclave's first instruction, for start_code */
	enum err_code start_code;
	int enclave_pidfd; /* -1 unless it runs; closed by the supervisor */
	int sandbox_pidfd;
	pid_t enclave_pid;
	struct cgroup group;
	char *state_dir;
	struct engine_usage sampled; /* the last answer of usage, to measure the next from */
};

struct node_config {
	const char *data_dir;
	const char *init_path;
	bool landlock;
	bool cgroups;
};

struct node {
	struct node_config config;
	struct cgroup_system cgroups;
	char cgroup_prefix[CGROUP_NAME_MAX];
	struct quoter *quoter;
	char *records_dir;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct app *apps[ENGINE_LIST_MAX]; /* in the order of uuids */
	size_t app_count;
	size_t busy_count;
	bool stopping;
};

/* Reads the records that an earlier mse-sim left, and cleans up behind it. config's texts must outlive the node. */
must_check int node_open(const struct node_config *config, struct quoter *quoter, struct node **ret, struct err *err);
/* Every supervisor must have ended (node_stop_all). */
void node_free(struct node *node);
DEFINE_SCOPED_PTR(struct node, node_free);

/* Each as the control socket's operation of that name. request is the parsed JSON of the launch. */
must_check int node_launch(struct node *node, json_t *request, struct engine_status *ret, struct err *err);
must_check int node_stop(struct node *node, const char *uuid, int grace_ms, struct err *err);
int node_inspect(struct node *node, const char *uuid, struct engine_status *ret);
must_check int node_list(struct node *node, struct engine_status **ret, size_t *ret_count, struct err *err);
must_check int node_usage(struct node *node, const char *uuid, struct engine_usage *ret, struct err *err);

/* No launch succeeds any more; stops all and waits for the end of every supervisor. */
void node_stop_all(struct node *node);

/* For the supervisor, lock held: applies a change of app->status: wakes waiters, writes the record. */
void node_changed(struct node *node, struct app *app);

#endif
