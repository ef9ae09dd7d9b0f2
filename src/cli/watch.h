/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of `mse attest watch` share: one struct for the run, one for each host. A host belongs to its thread;
 * what is marked so is shared and under the lock, which is held for moments only.
 */
#ifndef MSE_CLI_WATCH_H
#define MSE_CLI_WATCH_H

#include <pthread.h>

#include "cli/attest_expect.h"
#include "cli/attest_report.h"
#include "cli/file_watch.h"
#include "cli/watch_metrics.h"
#include "cli/watch_notify.h"
#include "format/uri.h"
#include "net/http_server.h"

#define WATCH_IDENTITY_SIZE 64
#define WATCH_LABEL_SIZE (URI_HOST_MAX + 16)
#define WATCH_HOSTS_MAX 64

struct watch;

/* What verdicts taught of a host. */
struct watch_learnt {
	unsigned generation; /* the reading of what is expected that the identity counts for */
	uint8_t identity[WATCH_IDENTITY_SIZE];
	bool has_identity;
	/* The newest deployment that was seen, by this owner: another one's may be older. */
	int64_t deployed_seen;
	uint8_t owner_key[32];
	bool has_owner_key;
};

struct watch_host {
	struct watch *watch;
	struct hostport address;
	char label[WATCH_LABEL_SIZE]; /* HOST:PORT */
	struct watch_state state;
	struct watch_notify notify;
	struct watch_learnt learnt;
	pthread_t thread;
	bool is_started;
};

struct watch_cloud {
	char *url; /* NULL: none that is trusted */
	struct collateral_source *collateral;
};

/* What is expected and with what it is judged, as read from the command line and files once; freed by its last user. */
struct watch_belief {
	struct attest_options options;
	struct attest_expect expects[WATCH_HOSTS_MAX];
	size_t expect_count;
	struct collateral_source
	    *collateral[WATCH_HOSTS_MAX]; /* of each host: the one that was named, or its cloud's */
	struct watch_cloud clouds[WATCH_HOSTS_MAX];
	size_t cloud_count;
	unsigned generation;
	unsigned users;
};

struct watch {
	struct cmd_call *call;
	uint8_t role;
	int64_t interval;
	unsigned failures_max;
	bool is_json, is_once;
	char *webhook; /* NULL: none */
	struct watch_host *hosts;
	size_t host_count;
	int stop_fd; /* readable: end */
	struct http_server *server;
	bool is_socket;                /* it listens in the file system */
	pthread_mutex_t lock;          /* all that follows */
	struct watch_metrics *metrics; /* of each host */
	struct file_watch files;       /* without the lock: of the one thread that reads */
	pthread_cond_t has_read;
	uint64_t begun, done;        /* readings; one thread is at it where they differ */
	struct watch_belief *belief; /* NULL: cannot be read, why says why */
	struct err why;
	unsigned generation;
	int64_t renewed;  /* when the services were last asked for newer collateral; Unix seconds */
	size_t running;   /* threads */
	bool was_refused; /* with --once; so is the next */
	bool was_unjudged;
};

/* watch_options.c: everything but the threads; fills a watch whose call is set. */
must_check int watch_options_read(struct watch *watch, struct err *err);
bool watch_goes_on(void *watch); /* false: it is to end */

/* watch_belief.c */
must_check int watch_belief_read(struct watch *watch, struct err *err);
/*
 * The present one, held: of files that were looked at after this call began, and read again if they had changed. NULL:
 * they cannot be read.
 */
struct watch_belief *watch_belief_take(struct watch *watch, struct err *err);
void watch_belief_give_back(struct watch *watch, struct watch_belief *belief);
void watch_belief_forget_collateral(const struct watch_belief *belief); /* as collateral_source_forget */

/* watch_learnt.c: what counts no more by this reading is forgotten; and what an accepted verdict teaches. */
void watch_learnt_begin(struct watch_learnt *learnt, unsigned generation, const struct attest_expect *expect);
void watch_learnt_add(struct watch_learnt *learnt, const struct attest_expect *expect,
		      const struct attest_verdict *verdict);

/* watch_look.c: -1 only when the watch is to end. *ret_verdict stays NULL without a verdict. */
must_check int watch_look_at(struct watch_host *host, struct watch_look *ret, struct attest_verdict **ret_verdict);

/* One thing that happened, for all who hear of it. */
struct watch_happening {
	struct watch_host *host;
	enum watch_event event;
	const struct watch_look *look;
	const struct watch_look *before; /* its values are "" when there was none */
	const struct attest_verdict *verdict;
	int64_t next; /* 0: no further look */
};

/*
 * watch_text.c: one line. JSON: the caller frees; with the whole verdict for those outside; shorter where there is no
 * room for all of it, NULL only when there is none for that either.
 */
char *watch_happening_json(const struct watch_happening *happening, bool with_verdict);
must_check int watch_happening_text(const struct watch_happening *happening, struct buf *ret, struct err *err);

/* watch_tell.c: first those outside, then what is printed; waits for nobody who reads slowly. */
void watch_tell(const struct watch_happening *happening);

/* watch_serve.c: metrics, if they are asked for. */
must_check int watch_serve(struct watch *watch, struct err *err);

#endif
