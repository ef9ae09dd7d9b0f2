/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mse-sim tells mse-sim-init, the first program in a sandbox, in a memory file: which files the enclave may open,
 * which networks it may reach, the system calls, argv and environment. Both are of one build, so native layout is
 * fine; the reader checks bounds all the same.
 *
 * A record is a type byte, a native uint32_t size, and that many bytes. Texts end with a zero byte.
 */
#ifndef MSE_SIM_POLICY_H
#define MSE_SIM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define POLICY_SIZE_MAX ((size_t)16 << 20)

/* The descriptors of mse-sim-init inside the sandbox; only the first is still open when the enclave starts. */
#define POLICY_TEE_FD 3     /* SOCK_SEQPACKET to the quoting thread */
#define POLICY_CONTROL_FD 4 /* SOCK_SEQPACKET to the supervisor: 'R' when up, then waits for 'G' (go) */
#define POLICY_FILE_FD 5    /* the memory file */

#define POLICY_READY 'R'
#define POLICY_GO 'G'
#define POLICY_FAILED 'F' /* followed by a text: what went wrong before the enclave's first instruction */
#define POLICY_MESSAGE_MAX 1200

enum policy_type {
	POLICY_PATH = 'P',     /* uint8_t policy_access, path */
	POLICY_NETWORK = 'N',  /* struct policy_network */
	POLICY_FILTER = 'F',   /* struct sock_filter[] */
	POLICY_LANDLOCK = 'L', /* uint8_t: 0 leaves Landlock out */
	POLICY_PROGRAM = 'X',  /* path to execute */
	POLICY_ARGUMENT = 'A',
	POLICY_VARIABLE = 'E', /* "NAME=value" */
};

enum policy_access {
	POLICY_ACCESS_FILE,   /* read and execute one file; it must exist */
	POLICY_ACCESS_LIST,   /* names in a directory and below, no content */
	POLICY_ACCESS_READ,   /* read everything below, or one file */
	POLICY_ACCESS_WRITE,  /* everything below, but execute and make devices */
	POLICY_ACCESS_STATE,  /* plain files and sockets directly in a directory of the host's disk: no directories */
	POLICY_ACCESS_DEVICE, /* read and write one device */
};

struct policy_network {
	uint32_t address;  /* IPv4, network byte order */
	uint8_t bits;      /* 0..32 */
	uint8_t reachable; /* 0: refused with EACCES; 1: through the gateway, though a wider network is refused */
};

must_check int policy_add(struct buf *policy, enum policy_type type, const void *data, size_t size, struct err *err);
must_check int policy_add_text(struct buf *policy, enum policy_type type, const char *text, struct err *err);
must_check int policy_add_path(struct buf *policy, enum policy_access access, const char *path, struct err *err);

struct policy_record {
	enum policy_type type;
	const uint8_t *data;
	uint32_t size;
};

/* 1 and the next record, or 0 at the end. *at starts at 0. */
must_check int policy_next(const uint8_t *policy, size_t size, size_t *at, struct policy_record *ret, struct err *err);

#endif
