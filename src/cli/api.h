/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cloud's API (mission A1 to A4) as the commands use it: base URL, pinned authority, bearer token with its
 * refresh, errors as the cloud words them. One thread. Everything the cloud answers is untrusted: sizes are bounded,
 * types checked, and nothing of it decides what is accepted as an enclave.
 */
#ifndef MSE_CLI_API_H
#define MSE_CLI_API_H

#include <jansson.h>

#include "cli/login_store.h"
#include "cli/settings.h"
#include "cli/trust_store.h"
#include "net/curl_client.h"

#define API_ANSWER_MAX (16u << 20)
#define API_DEPTH_MAX 16

struct api {
	const struct settings *settings;
	char *url;
	struct trust trust; /* empty for a cloud that the system's roots vouch for */
	bool is_trusted;    /* trust holds an entry */
	struct login login;
	bool is_signed_in;
	struct curl_client *client;
};

/* Finds the cloud (MSE_BASE_URL, else the default of the trust store) and who is signed in; asks nobody. */
must_check int api_open(const struct settings *settings, struct api *ret_api, struct err *err);
void api_close(struct api *api);

/* ERR_UNAUTHENTICATED with the sentence that says what to do. */
must_check int api_need_login(const struct api *api, struct err *err);

struct api_request {
	const char *method; /* NULL: GET */
	const char *path;   /* from /, query included */
	json_t *body;       /* borrowed, sent as JSON; NULL: none */
	const struct curl_part *parts;
	size_t part_count;
	bool anonymous; /* without a token */
	int timeout_ms; /* 0: 30 s */
	bool (*progress)(void *arg, uint64_t sent, uint64_t send_total, uint64_t received, uint64_t receive_total);
	void *progress_arg;
};

/* *ret_answer (owned by the caller; NULL for an empty body) only for 2xx; else the cloud's own message with the code
 * that its status means. ret_answer may be NULL. */
must_check int api_call(struct api *api, const struct api_request *request, json_t **ret_answer, struct err *err);
must_check int api_get(struct api *api, json_t **ret_answer, struct err *err, const char *path, ...) format_like(4, 5);
/* A text answer. */
must_check int api_get_text(struct api *api, const char *path, struct buf *ret, struct err *err);

/* Form-encoded POST to the sign-in (/oauth/token and its like), pairs of name and value ended by NULL. *ret_status
 * and *ret_answer are given for every JSON answer, be it an error. */
must_check int api_post_form(struct api *api, const char *path, int *ret_status, json_t **ret_answer, struct err *err,
			     ...) __attribute__((sentinel));

/* The base URL of the sign-in and the client's id there (MSE_AUTH0_…). */
must_check int api_auth_url(const struct api *api, char **ret_url, struct err *err);
const char *api_client_id(const struct api *api);

/* Takes the tokens of an /oauth/token answer into api->login and saves it. */
must_check int api_take_tokens(struct api *api, const json_t *answer, struct err *err);

#endif
