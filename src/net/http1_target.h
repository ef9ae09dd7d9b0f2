/* SPDX-License-Identifier: Apache-2.0 */
/* What a request may ask for, in every version of HTTP: methods, hosts, paths and targets (RFC 9110, RFC 9112). Pure.
 */
#ifndef MSE_NET_HTTP1_TARGET_H
#define MSE_NET_HTTP1_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool http1_method_is_known(const char *method);

/* Of the host at the beginning of text, with its port. 0: none. User information is no part of it. */
size_t http1_host_size(const char *text);

/* A host and a port. Empty is fine: who has no authority says so (RFC 9112 3.2). */
bool http1_host_is_valid(const char *host);

/* "/…"; "*" for OPTIONS. */
bool http1_path_is_valid(const char *method, const char *path);

/* Origin form, absolute form of http(s), or "*" for OPTIONS (RFC 9112 3.2). */
bool http1_target_is_valid(const char *method, const char *target);

/* "HOST:PORT" (RFC 9112 3.2.3): a Host with a colon in it. */
bool http1_authority_is_valid(const char *target);

bool http1_is_target_byte(uint8_t byte);

#endif
