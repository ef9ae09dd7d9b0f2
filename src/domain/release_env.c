/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "domain/release_priv.h"
#include "format/hex.h"

static int add_application(const struct release *release, struct buf *value, struct err *err)
{
	return buf_add_text(value, release->application, err);
}

static int add_healthcheck(const struct release *release, struct buf *value, struct err *err)
{
	return buf_add_text(value, release->healthcheck, err);
}

static int add_owner_key(const struct release *release, struct buf *value, struct err *err)
{
	return release->has_owner_key ? hex_add(value, release->owner_key, sizeof(release->owner_key), err) : 0;
}

static int add_code_key_id(const struct release *release, struct buf *value, struct err *err)
{
	return release->has_code_key_id ? hex_add(value, release->code_key_id, sizeof(release->code_key_id), err) : 0;
}

static int add_egress(const struct release *release, struct buf *value, struct err *err)
{
	return buf_add_text(value, release_egress_text(release->egress), err);
}

static int add_logs(const struct release *release, struct buf *value, struct err *err)
{
	return buf_add_text(value, release_logs_text(release->logs), err);
}

static int add_restart(const struct release *release, struct buf *value, struct err *err)
{
	return buf_add_text(value, release_restart_text(release->restart), err);
}

static int add_tee(const struct release *release, struct buf *value, struct err *err)
{
	return buf_add_text(value, release_tee_text(release->tee), err);
}

static int add_plain_code(const struct release *release, struct buf *value, struct err *err)
{
	return buf_add_text(value, release->plain_code ? "1" : "0", err);
}

static int add_threads(const struct release *release, struct buf *value, struct err *err)
{
	return buf_addf(value, err, "%u", release->threads);
}

/* Ascending by name. A row has either a fixed value or a function that adds it. */
static const struct {
	const char *name;
	const char *fixed;
	int (*add)(const struct release *release, struct buf *value, struct err *err);
} rows[] = {
    {"HOME", "/root", NULL},
    {"KEY_PATH", "/key", NULL},
    {"LANG", "C.UTF-8", NULL},
    {"MODULE_PATH", "/mse-app", NULL},
    {"MSE_APPLICATION", NULL, add_application},
    {"MSE_CODE_KEY_ID", NULL, add_code_key_id},
    {"MSE_EGRESS", NULL, add_egress},
    {"MSE_HEALTHCHECK", NULL, add_healthcheck},
    {"MSE_LISTEN", "unix:/run/mse/app.sock", NULL},
    {"MSE_LOGS", NULL, add_logs},
    {"MSE_OWNER_KEY", NULL, add_owner_key},
    {"MSE_PLAINCODE", NULL, add_plain_code},
    {"MSE_RELEASE", "1", NULL},
    {"MSE_RESTART", NULL, add_restart},
    {"MSE_TEE", NULL, add_tee},
    {"MSE_THREADS", NULL, add_threads},
    {"PATH", "/usr/bin", NULL},
    {"PYTHONDONTWRITEBYTECODE", "1", NULL},
    {"PYTHONUNBUFFERED", "1", NULL},
    {"SEALED_SECRETS_PATH", "/root/.cache/mse/sealed_secrets.json", NULL},
    {"SECRETS_PATH", "/root/.cache/mse/secrets.json", NULL},
    {"TMPDIR", "/tmp", NULL},
    {"TMP_PATH", "/tmp", NULL},
};
_Static_assert(COUNT_OF(rows) <= RELEASE_ENV_MAX, "struct release_env holds every row");

static int make_entry(const struct release *release, size_t row, char **ret, struct err *err)
{
	scoped(buf_done) struct buf entry = BUF_INIT(RELEASE_VALUE_MAX);

	if (buf_addf(&entry, err, "%s=%s", rows[row].name, rows[row].fixed ? rows[row].fixed : "") < 0)
		return -1;
	if (rows[row].add && rows[row].add(release, &entry, err) < 0)
		return -1;
	*ret = buf_take_text(&entry);
	return *ret ? 0 : err_no_memory(err);
}

int release_env_make(const struct release *release, struct release_env *ret, struct err *err)
{
	struct release_env env = {.count = 0};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (make_entry(release, i, &env.entries[i], err) < 0) {
			release_env_done(&env);
			return -1;
		}
		env.count++;
	}
	*ret = env;
	return 0;
}

void release_env_done(struct release_env *env)
{
	for (size_t i = 0; i < env->count; i++)
		free(env->entries[i]);
	*env = (struct release_env){.count = 0};
}
