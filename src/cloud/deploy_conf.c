/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cloud/api.h"
#include "cloud/deploy_priv.h"
#include "format/hex.h"
#include "format/json.h"

#define TEXT_MAX 1024
#define KEY_HEX_SIZE 64

/* The original's client sends null where it has nothing. */
static void drop_nulls(json_t *object)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (object, next, key, value) {
		if (json_is_null(value))
			(void)json_object_del(object, key);
	}
}

static int read_texts(struct deployment *deployment, struct err *err)
{
	struct app_request *request = &deployment->request;
	const struct {
		const char *name;
		size_t max;
		const char **target;
	} rows[] = {{"name", TEXT_MAX, &request->name},
		    {"project", TEXT_MAX, &request->project},
		    {"hardware", TEXT_MAX, &request->hardware},
		    {"docker", TEXT_MAX, &request->docker},
		    {"python_application", TEXT_MAX, &request->python_application},
		    {"healthcheck_endpoint", TEXT_MAX, &request->healthcheck_endpoint},
		    {"domain_name", TEXT_MAX, &request->domain_name},
		    {"ssl_certificate", DEPLOY_CHAIN_MAX, &request->ssl_certificate},
		    {"replaces", TEXT_MAX, &request->replaces}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (json_find_text(deployment->conf, rows[i].name, rows[i].max, rows[i].target, err) < 0)
			return -1;
	return json_find_bool(deployment->conf, "dev_mode", &request->dev_mode, err) < 0 ? -1 : 0;
}

static int read_expiry(struct deployment *deployment, struct err *err)
{
	const char *text = NULL;

	if (json_find_text(deployment->conf, "expires_at", TEXT_MAX, &text, err) < 0)
		return -1;
	if (text && app_parse_time(text, &deployment->request.expires_at, err) < 0)
		return err_prefix(err, "'expires_at'");
	return 0;
}

/* 64 hex digits in lower case, "" or absent. */
static int read_key(const json_t *conf, const char *name, const char **ret_text, uint8_t ret[static 32],
		    struct err *err)
{
	const char *text = NULL;

	if (json_find_text(conf, name, KEY_HEX_SIZE, &text, err) < 0)
		return -1;
	if (!text || !*text)
		return 0;
	if (hex_decode_lower(text, strlen(text), ret, 32, err) < 0)
		return err_prefix(err, "'%s'", name);
	*ret_text = text;
	return 1;
}

static int read_keys(struct deployment *deployment, struct err *err)
{
	struct release *release = deployment->release;
	const char *unused;
	uint8_t log_key[32];
	const int owner = read_key(deployment->conf, "owner_key", &unused, release->owner_key, err);
	const int code = owner < 0 ? -1 : read_key(deployment->conf, "code_key_id", &unused, release->code_key_id, err);

	if (code < 0 || read_key(deployment->conf, "log_key", &deployment->log_key, log_key, err) < 0)
		return -1;
	release->has_owner_key = owner == 1;
	release->has_code_key_id = code == 1;
	return 0;
}

static int read_modes(struct deployment *deployment, struct err *err)
{
	struct release *release = deployment->release;
	const char *restart = NULL, *logs = NULL, *egress = NULL;

	if (json_find_text(deployment->conf, "restart", TEXT_MAX, &restart, err) < 0 ||
	    json_find_text(deployment->conf, "logs", TEXT_MAX, &logs, err) < 0 ||
	    json_find_text(deployment->conf, "egress", TEXT_MAX, &egress, err) < 0)
		return -1;
	/* The original's client knows none of these: plain logs, and the network as it always was. */
	if (!logs)
		logs = deployment->log_key ? "owner" : "operator";
	if ((restart && release_restart_parse(restart, &release->restart, err) < 0) ||
	    release_logs_parse(logs, &release->logs, err) < 0 ||
	    (egress && release_egress_parse(egress, &release->egress, err) < 0))
		return -1;
	if (release->logs == RELEASE_LOGS_OWNER && !deployment->log_key)
		return err_set(err, ERR_INVALID, "'logs' is \"owner\": then 'log_key' is needed");
	return 0;
}

int deploy_read_conf(struct deployment *deployment, struct err *err)
{
	const struct buf *text = &deployment->upload->conf;
	const struct app_request *request = &deployment->request;

	if (json_parse_strict(buf_text(text), text->size, API_JSON_DEPTH, &deployment->conf, err) < 0)
		return err_prefix(err, "part 'conf'");
	if (!json_is_object(deployment->conf))
		return err_set(err, ERR_INVALID, "the part 'conf' must be a JSON object");
	drop_nulls(deployment->conf);
	if (read_texts(deployment, err) < 0 || read_expiry(deployment, err) < 0 ||
	    app_request_check(request, err) < 0 || release_new(&deployment->release, err) < 0 ||
	    read_keys(deployment, err) < 0 || read_modes(deployment, err) < 0)
		return -1;
	deployment->release->tee = RELEASE_TEE_SIM;
	if (release_set_application(deployment->release, request->python_application, err) < 0)
		return -1;
	return release_set_healthcheck(deployment->release, request->healthcheck_endpoint, err);
}
