/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the application writes to stdout and stderr. Descriptors 1 and 2 become one pipe; a thread reads it and writes
 * lines "mse-log-1 BASE64\n", BASE64 being a sealed box to the owner's log key over at most APP_LOG_CHUNK_MAX bytes of
 * output, or the output as it is (MSE_LOGS=operator). Without a log key output is discarded.
 *
 * Chunks end at a line end if there is one, else where the application paused or the chunk is full (then between two
 * characters of UTF-8). Memory is bounded; the application waits only while the host still reads (operator_log.h).
 */
#ifndef MSE_ENCLAVE_APP_LOG_H
#define MSE_ENCLAVE_APP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/scoped.h"

#define APP_LOG_CHUNK_MAX (16u << 10)
#define APP_LOG_PREFIX "mse-log-1 "

enum app_log_mode { APP_LOG_PLAIN, APP_LOG_SEALED, APP_LOG_DISCARD };

/* Redirects 1 and 2 and starts the thread. log_key: 32 bytes, only for SEALED. Once per process. */
must_check int app_log_start(enum app_log_mode mode, const uint8_t *log_key, struct err *err);

/* A descriptor that leads there whatever has become of 1 and 2; -1 before the start. Borrowed. */
int app_log_fd(void);

/*
 * Everything written so far goes out. Afterwards 1 and 2 lead nowhere (PLAIN: to the real stdout again), because
 * threads of the application may live on. Nothing if never started.
 */
void app_log_stop(void);

/*
 * The same for a process that is about to end by other ways: waits for a bounded time until what was written is out.
 * From any thread and from signal handlers. Nothing if never started.
 */
void app_log_drain(void);

/* How many bytes of data (size > 0) make the next chunk, at most APP_LOG_CHUNK_MAX; 0: wait for more. Pure. */
size_t app_log_cut(const uint8_t *data, size_t size, bool is_paused);

#endif
