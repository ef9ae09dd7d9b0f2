/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs enclaves. One vtable; drivers: process (mse-sim and its sandboxes), fake (for tests of the cloud).
 *
 * Every launch is named by the app's uuid, and every call is idempotent by it: starting what runs, and stopping what
 * does not, is success. The engine, not the caller, is the truth about what runs: after a crash of the caller, list
 * and inspect tell it. Texts and paths given to a call are borrowed for that call. An engine may be used from several
 * threads at once. Nothing here is trusted by app owners or users: it may refuse to run an app, never read it.
 */
#ifndef MSE_ENGINE_ENGINE_H
#define MSE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define ENGINE_UUID_SIZE 37                 /* text with its zero byte */
#define ENGINE_LIST_MAX 4096                /* statuses that list returns at most */
#define ENGINE_ALLOWED_MAX 64               /* addresses in engine_launch.allowed */
#define ENGINE_LOG_MAX ((size_t)2 << 20)    /* bytes of log that are kept for an app */
#define ENGINE_MEMORY_MB_MIN 16             /* below it nothing starts */
#define ENGINE_MEMORY_MB_MAX (16384 * 1024) /* 16 TiB */
#define ENGINE_CORES_MAX 4096

enum engine_egress {
	ENGINE_EGRESS_NONE,     /* no network but the sandbox's own loopback */
	ENGINE_EGRESS_INTERNET, /* out to public addresses, and to those of allowed */
};

/* All paths are absolute. Files are as the image and store made them; only instance, state and run are this app's. */
struct engine_launch {
	const char *uuid;          /* lower case, 8-4-4-4-12 */
	const char *manifest_path; /* canonical release manifest: measured, and the only source of argv, env, bill */
	const char *image_dir;     /* image root, read-only at / */
	const char *code_dir;      /* encrypted code files, read-only at /code */
	const char *instance_dir;  /* instance.json and fullchain.pem if any, read-only at /instance */
	const char *state_dir;     /* sealed state, at /state */
	const char *run_dir;       /* the enclave binds app.sock here, at /run/mse; made if missing */
	const char *log_path;      /* stdout and stderr; rotated to log_path ".1" */
	uint64_t memory_mb;
	unsigned cores;
	enum engine_egress egress;
	const char *const
	    *allowed; /* IPv4 address or ADDRESS/BITS that egress may reach though it is private; or NULL */
	size_t allowed_count;
};

/* Stable texts: on the control socket and in tests. */
#define ENGINE_STATES(X) \
	X(STARTING, "starting") /* files are being hashed, nothing runs yet */ \
	X(RUNNING, "running")   /* the process exists; whether it serves is for the caller to probe */ \
	X(EXITED, "exited")     /* it ended or was refused: reason says why */

enum engine_state {
#define X(name, text) ENGINE_##name,
	ENGINE_STATES(X)
#undef X
};

#define ENGINE_REASON_SIZE ERR_TEXT_SIZE
#define ENGINE_LIMITS_SIZE 128
#define ENGINE_MEASUREMENT_SIZE 97 /* hex of at most 48 bytes */

struct engine_status {
	char uuid[ENGINE_UUID_SIZE];
	enum engine_state state;
	bool stopped;        /* exited because stop was called */
	int exit_status;     /* exit code or 128 + signal; -1: never started, unknown, or ended with the node */
	int64_t started_at;  /* Unix seconds; 0 while starting */
	int64_t exited_at;   /* Unix seconds; 0 unless exited */
	unsigned core_count; /* as launched */
	uint64_t memory_mb;
	char measurement[ENGINE_MEASUREMENT_SIZE]; /* what the loader measured, hex; "" when it never got so far */
	char reason[ENGINE_REASON_SIZE]; /* of the exit: one sentence, and the last operator line of the enclave */
	char limits[ENGINE_LIMITS_SIZE]; /* how limits are held, e.g. "memory=cgroup1 cores=cgroup1 landlock=7" */
};

struct engine_usage {
	int64_t sampled_at_ns; /* clock_now_ns() */
	uint64_t cpu_ns;       /* used since start, all cores */
	double cpu_percent;    /* of one core, over the last second or so; 100 = one full core */
	uint64_t memory_bytes; /* without the page cache of read-only files where the system can tell */
	uint64_t memory_max_bytes;
	uint64_t disk_bytes; /* state, and what the temporary file systems hold where the system can tell */
};

struct engine;

struct engine_ops {
	const char *kind; /* "process", "fake" */
	int (*start)(struct engine *engine, const struct engine_launch *launch, struct engine_status *ret,
		     struct err *err);
	int (*stop)(struct engine *engine, const char *uuid, int grace_ms, struct err *err);
	int (*inspect)(struct engine *engine, const char *uuid, struct engine_status *ret, struct err *err);
	int (*list)(struct engine *engine, struct engine_status **ret, size_t *ret_count, struct err *err);
	int (*logs)(struct engine *engine, const char *uuid, size_t max, struct buf *ret, struct err *err);
	int (*usage)(struct engine *engine, const char *uuid, struct engine_usage *ret, struct err *err);
	void (*free)(struct engine *engine);
};

/* First member of every driver's own struct. */
struct engine {
	const struct engine_ops *ops;
};

/*
 * Starts and returns once the process exists (or was found running: then nothing is changed). An app that exited
 * before is started anew. ERR_UNTRUSTED: a trusted file differs from the manifest, the text names it.
 * ERR_UNAVAILABLE: the engine does not answer; nothing is known. Blocks for the hashing: below a second as a rule,
 * 120 s at most.
 */
must_check int engine_start(struct engine *engine, const struct engine_launch *launch, struct engine_status *ret,
			    struct err *err);

/*
 * SIGTERM, after grace_ms SIGKILL, then waits for the end. 0 also when it does not run or was never known. What it
 * was is still inspected afterwards, with stopped set.
 */
must_check int engine_stop(struct engine *engine, const char *uuid, int grace_ms, struct err *err);

/* 1 found, 0 unknown. Exits are remembered for ENGINE_HISTORY_DAYS, restarts of the engine included. */
#define ENGINE_HISTORY_DAYS 4
must_check int engine_inspect(struct engine *engine, const char *uuid, struct engine_status *ret, struct err *err);

/* Everything known, exited ones too, in the order of uuids. The caller frees *ret. */
must_check int engine_list(struct engine *engine, struct engine_status **ret, size_t *ret_count, struct err *err);

/* The last max bytes of the log, whole lines if it had to be cut. ERR_NOT_FOUND when there is none. */
must_check int engine_logs(struct engine *engine, const char *uuid, size_t max, struct buf *ret, struct err *err);

/* ERR_NOT_FOUND unless it runs. */
must_check int engine_usage(struct engine *engine, const char *uuid, struct engine_usage *ret, struct err *err);

void engine_free(struct engine *engine); /* what runs goes on */
DEFINE_SCOPED_PTR(struct engine, engine_free);

const char *engine_state_text(enum engine_state state);
must_check int engine_state_parse(const char *text, enum engine_state *ret, struct err *err);
/* True for 8-4-4-4-12 lower-case hex: uuids become file names, so nothing else passes. */
bool engine_uuid_is_valid(const char *text);

#endif
