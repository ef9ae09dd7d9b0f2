/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/fetch.h"

#include <poll.h>

#include "base/clock.h"
#include "collateral/answer.h"
#include "crypto/random.h"

#define TRY_MS_MAX 15000
#define DELAY_MS_MAX 8000
#define PIECE_MS 50

static int64_t left_ms(const struct collateral_patience *patience)
{
	const int64_t left = (patience->deadline_ns - clock_monotonic_ns()) / NS_PER_MS;

	return left > 0 ? left : 0;
}

static bool go_on(void *arg, uint64_t sent, uint64_t send_total, uint64_t received, uint64_t receive_total)
{
	const struct collateral_patience *patience = arg;

	(void)sent, (void)send_total, (void)received, (void)receive_total;
	return !patience->keep_going || patience->keep_going(patience->arg);
}

static const struct status_row {
	int first, last;
	enum err_code code;
	bool passes; /* worth more tries */
	const char *text;
} statuses[] = {
    {301, 308, ERR_UNAVAILABLE, false, "redirects, which is not followed"},
    {401, 401, ERR_DENIED, false, "wants a sign-in"},
    {403, 403, ERR_DENIED, false, "refuses"},
    {404, 404, ERR_NOT_FOUND, false, "has no such thing"},
    {408, 408, ERR_UNAVAILABLE, true, "waited too long"},
    {410, 410, ERR_NOT_FOUND, false, "has it no more"},
    {429, 429, ERR_UNAVAILABLE, true, "was asked too often"},
    {500, 599, ERR_UNAVAILABLE, true, "is in trouble"},
    {0, 999, ERR_UNAVAILABLE, false, "does not serve this"},
};

static int judge_status(int status, unsigned *ret_tries_max, struct err *err)
{
	const struct status_row *row = statuses;

	if (status == 200)
		return 0;
	while (status < row->first || status > row->last)
		row++;
	*ret_tries_max = row->passes ? COLLATERAL_TRIES_MAX : 1;
	return err_set(err, row->code, "the server %s (HTTP status %d)", row->text, status);
}

/* ret_tries_max: how many tries in all such a failure is worth. */
static int try_once(struct curl_client *client, const char *url, size_t size_max,
		    const struct collateral_patience *patience, struct curl_response *response, unsigned *ret_tries_max,
		    struct err *err)
{
	const int64_t left = left_ms(patience);
	const struct curl_request request = {
	    .url = url,
	    .response_max = size_max,
	    .timeout_ms = (int)(left < TRY_MS_MAX ? left + 1 : TRY_MS_MAX),
	    .no_retry = true,
	    .progress = go_on,
	    .progress_arg = (void *)patience,
	};

	if (curl_client_request(client, &request, response, err) == 0)
		return judge_status(response->status, ret_tries_max, err);
	*ret_tries_max = err->code == ERR_UNAVAILABLE                      ? COLLATERAL_TRIES_ABSENT
			 : err->code == ERR_TIMEOUT || err->code == ERR_IO ? COLLATERAL_TRIES_MAX
									   : 1;
	return -1;
}

/* Doubled each time, and up to a quarter longer, so that many who failed at once do not come back at once. */
static int64_t pause_before(const struct collateral_patience *patience, unsigned tries,
			    const struct curl_response *response)
{
	const char *wanted = curl_response_header(response, "Retry-After");
	int64_t delay = (int64_t)patience->delay_ms << (tries < 16 ? tries : 16);
	int64_t seconds;
	uint8_t byte;

	if (wanted && collateral_retry_after(wanted, clock_now_seconds(), &seconds) > 0)
		return seconds * 1000;
	random_bytes(&byte, sizeof(byte));
	delay = delay < DELAY_MS_MAX ? delay : DELAY_MS_MAX;
	return delay + delay * byte / 1024;
}

static int wait_ms(const struct collateral_patience *patience, int64_t ms, struct err *err)
{
	const int64_t until_ns = clock_monotonic_ns() + ms * NS_PER_MS;

	while (clock_monotonic_ns() < until_ns) {
		(void)poll(NULL, 0, ms < PIECE_MS ? (int)ms : PIECE_MS);
		if (!go_on((void *)patience, 0, 0, 0, 0))
			return err_set(err, ERR_CANCELLED, "interrupted");
	}
	return 0;
}

/* How often it was tried, and what the server wanted instead. */
static int tell_failure(const struct err *failed, unsigned tries, int64_t pause_ms, int64_t left, struct err *err)
{
	*err = *failed;
	if (pause_ms > DELAY_MS_MAX + DELAY_MS_MAX / 4 && pause_ms >= left)
		return err_prefix(err, "asked to wait %lld s", (long long)(pause_ms / 1000));
	return tries > 1 ? err_prefix(err, "after %u tries", tries) : -1;
}

int collateral_fetch_status(int status, struct err *err)
{
	unsigned ignored;

	return judge_status(status, &ignored, err);
}

static void note_refusal(const struct curl_response *response, struct collateral_refusal *ret)
{
	const char *wanted = curl_response_header(response, "Retry-After");

	/* A last try for which the time was too short does not unsay what the others heard. */
	if (response->status == 0 || response->status == 200)
		return;
	*ret = COLLATERAL_REFUSAL_INIT;
	ret->status = response->status;
	if (wanted && collateral_retry_after(wanted, clock_now_seconds(), &ret->retry_after) <= 0)
		ret->retry_after = -1;
}

int collateral_fetch(struct curl_client *client, const char *url, size_t size_max,
		     const struct collateral_patience *patience, struct curl_response *ret_response,
		     struct collateral_refusal *ret_refusal, struct err *err)
{
	for (unsigned tries = 1;; tries++) {
		struct err failed = ERR_INIT;
		unsigned tries_max = 1;
		int64_t pause_ms, left;

		if (try_once(client, url, size_max, patience, ret_response, &tries_max, &failed) == 0)
			return 0;
		note_refusal(ret_response, ret_refusal);
		pause_ms = pause_before(patience, tries - 1, ret_response);
		left = left_ms(patience);
		if (tries >= tries_max || tries >= patience->tries_max || pause_ms >= left)
			return tell_failure(&failed, tries, tries_max > 1 ? pause_ms : 0, left, err);
		if (wait_ms(patience, pause_ms, err) < 0)
			return -1;
	}
}
