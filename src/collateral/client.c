/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/client_priv.h"

#define RETRY_DELAY_MS 300

/* ---- life ---- */

static int init_places(struct collateral_client *client, const struct collateral_options *options, struct err *err)
{
	if (options->pccs_url &&
	    collateral_place_init(COLLATERAL_PCCS, options->pccs_url, &client->places[COLLATERAL_PCCS], err) < 0)
		return -1;
	client->has_pccs = options->pccs_url != NULL;
	if (collateral_place_init(COLLATERAL_PCS, options->pcs_url, &client->places[COLLATERAL_PCS], err) < 0)
		return -1;
	return collateral_place_init(COLLATERAL_KDS, options->kds_url, &client->places[COLLATERAL_KDS], err);
}

static int open_cache(struct collateral_client *client, const struct collateral_options *options, struct err *err)
{
	struct err failed = ERR_INIT;

	if (options->cache_path && collateral_cache_open(options->cache_path, NULL, &client->cache, &failed) < 0) {
		client->cache = NULL;
		if (options->mode == COLLATERAL_OFFLINE) {
			*err = failed;
			return -1;
		}
	}
	if (options->mode == COLLATERAL_OFFLINE && !client->cache)
		return err_set(err, ERR_INVALID, "there is no cache of collateral to be offline with");
	return 0;
}

int collateral_client_new(const struct collateral_options *options, struct collateral_client **ret_client,
			  struct err *err)
{
	scoped(collateral_client_freep) struct collateral_client *client = calloc(1, sizeof(*client));

	if (!client)
		return err_no_memory(err);
	client->mode = options->mode;
	client->time_limit_ms = options->time_limit_ms > 0 ? options->time_limit_ms : COLLATERAL_TIME_LIMIT_MS;
	client->retry_delay_ms = options->retry_delay_ms > 0 ? options->retry_delay_ms : RETRY_DELAY_MS;
	client->keep_going = options->keep_going;
	client->keep_going_arg = options->keep_going_arg;
	client->ca_pem = BUF_INIT(COLLATERAL_CHAIN_MAX);
	if (options->ca_pem && buf_add(&client->ca_pem, options->ca_pem, options->ca_pem_size, err) < 0)
		return -1;
	if (init_places(client, options, err) < 0 || open_cache(client, options, err) < 0)
		return -1;
	*ret_client = TAKE_PTR(client);
	return 0;
}

void collateral_client_free(struct collateral_client *client)
{
	if (!client)
		return;
	collateral_cache_close(client->cache);
	curl_client_free(client->open);
	curl_client_free(client->closed);
	buf_done(&client->ca_pem);
	free(client);
}

/* What the cache has needs no libcurl. */
int collateral_client_curl(struct collateral_client *client, enum collateral_service service, struct curl_client **ret,
			   struct err *err)
{
	const bool is_public = service != COLLATERAL_PCCS;
	struct curl_client **curl = is_public ? &client->closed : &client->open;
	struct curl_client_options options = {.insecure = !is_public, .connect_timeout_ms = 5000};

	if (is_public && client->ca_pem.size) {
		options.ca_pem = client->ca_pem.data;
		options.ca_pem_size = client->ca_pem.size;
	}
	if (!*curl && curl_client_new(&options, curl, err) < 0)
		return -1;
	*ret = *curl;
	return 0;
}
