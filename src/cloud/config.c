/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/config.h"

#include <string.h>

#include "base/fs.h"
#include "cloud/files.h"
#include "domain/text_rule.h"
#include "format/toml.h"

#define ERRORS_MAX 65536
#define THREADS_DEFAULT 16
#define DRAIN_SECONDS_DEFAULT 30
#define DRAIN_SECONDS_MAX 86400

static const char *check_domain(const char *text)
{
	struct err ignored = ERR_INIT;

	return text_check_domain("base_domain", text, &ignored) < 0 ? "is not a domain name in lower case" : NULL;
}

static const char *check_engine(const char *text)
{
#ifdef MSE_TESTS
	if (strcmp(text, "fake") == 0)
		return NULL;
#endif
	return strcmp(text, "process") == 0 ? NULL : "must be \"process\"";
}

static const char *check_log_format(const char *text)
{
	return strcmp(text, "text") == 0 || strcmp(text, "json") == 0 ? NULL : "must be \"text\" or \"json\"";
}

#define AT(member) offsetof(struct cloud_config, member)

static const struct config_key keys[] = {
    {"base_domain", CONFIG_TEXT, AT(base_domain), 3, CONFIG_BASE_DOMAIN_MAX, true, check_domain,
     "Every app and the API (api.BASE) get names below it."},
    {"public_port", CONFIG_INTEGER, AT(public_port), 1, 65535, true, NULL, "The one port that haproxy listens on."},
    {"public_address", CONFIG_TEXT, AT(public_address), 2, 64, false, NULL,
     "Numeric address to listen on; without it both loopbacks."},
    {"engine", CONFIG_TEXT, AT(engine), 1, 16, false, check_engine, "What runs enclaves: \"process\"."},
    {"enclave_program", CONFIG_TEXT, AT(enclave_program), 1, 4096, false, NULL,
     "mse-enclave; without it the one beside msed."},
    {"sim_program", CONFIG_TEXT, AT(sim_program), 1, 4096, false, NULL, "mse-sim; without it the one beside msed."},
    {"haproxy_program", CONFIG_TEXT, AT(haproxy_program), 1, 4096, false, NULL, "haproxy; without it the one in PATH."},
    {"log_format", CONFIG_TEXT, AT(log_format), 1, 8, false, check_log_format, "\"text\" or \"json\"."},
    {"threads", CONFIG_INTEGER, AT(threads), 2, 256, false, NULL, "Threads that answer the API."},
    {"drain_seconds", CONFIG_INTEGER, AT(drain_seconds), 0, DRAIN_SECONDS_MAX, false, NULL,
     "How long connections to an app go on at most after another deployment has taken its domain over."},
    {"egress_allowed", CONFIG_TEXTS, AT(egress_allowed), 0, 64, false, NULL,
     "Private IPv4 addresses (ADDRESS or ADDRESS/BITS) that apps with egress may reach."},
};

const struct config_schema cloud_config_schema = {.keys = keys, .key_count = COUNT_OF(keys)};

int cloud_config_defaults(struct cloud_config *ret, struct err *err)
{
	struct cloud_config config = {.threads = THREADS_DEFAULT, .drain_seconds = DRAIN_SECONDS_DEFAULT};

	config.engine = strdup("process");
	config.log_format = strdup("text");
	if (!config.engine || !config.log_format) {
		cloud_config_done(&config);
		return err_no_memory(err);
	}
	*ret = config;
	return 0;
}

void cloud_config_done(struct cloud_config *config)
{
	config_done(&cloud_config_schema, config);
}

int cloud_config_load(const char *data_dir, struct cloud_config *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONFIG_SIZE_MAX);
	scoped(buf_done) struct buf errors = BUF_INIT(ERRORS_MAX);
	scoped(freep) char *path = NULL;
	struct cloud_config config;

	if (fs_join(data_dir, CONFIG_FILE_NAME, &path, err) < 0)
		return -1;
	if (fs_read(path, &text, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			return err_set(err, ERR_NOT_FOUND, "'%s' is no data directory of msed: run msed init first",
				       data_dir);
		return -1;
	}
	if (cloud_config_defaults(&config, err) < 0)
		return -1;
	if (config_read(&cloud_config_schema, path, text.data, text.size, &config, &errors, err) < 0)
		return -1;
	*ret = config;
	return 0;
}

static int add_value(struct buf *text, const struct config_key *key, const struct cloud_config *config, struct err *err)
{
	const char *base = (const char *)config + key->offset;
	const struct config_texts *texts;
	const char *value;

	switch (key->kind) {
	case CONFIG_TEXT:
		memcpy(&value, base, sizeof(value));
		if (!value)
			return buf_addf(text, err, "# %s =\n\n", key->path);
		if (buf_addf(text, err, "%s = ", key->path) < 0 || toml_add_text(text, value, err) < 0)
			return -1;
		return buf_add_text(text, "\n\n", err);
	case CONFIG_INTEGER:
		return buf_addf(text, err, "%s = %lld\n\n", key->path, (long long)*(const int64_t *)(const void *)base);
	case CONFIG_TEXTS:
		texts = (const void *)base;
		return texts->count == 0 ? buf_addf(text, err, "%s = []\n\n", key->path)
					 : err_set(err, ERR_INTERNAL, "a list cannot be written");
	case CONFIG_TABLE:
	case CONFIG_BOOL:
	case CONFIG_DATE:
		break;
	}
	return err_set(err, ERR_INTERNAL, "no such kind of key");
}

int cloud_config_save(const struct cloud_config *config, const char *data_dir, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONFIG_SIZE_MAX);
	scoped(freep) char *path = NULL;

	if (fs_join(data_dir, CONFIG_FILE_NAME, &path, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (buf_addf(&text, err, "# %s\n", keys[i].doc) < 0 || add_value(&text, &keys[i], config, err) < 0)
			return -1;
	return fs_write_new(path, text.data, text.size, 0600, err);
}
