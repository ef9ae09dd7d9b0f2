/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/number.h"
#include "cloud/collateral.h"
#include "cloud/edge.h"
#include "cloud/files.h"
#include "cloud/notifier.h"
#include "cloud/reconciler.h"
#include "crypto/hash.h"
#include "engine/engine_fake.h"
#include "engine/engine_process.h"
#include "format/hex.h"
#include "format/pem.h"

#define PEM_MAX 65536
#define CLOCK_OFFSET_MAX (100LL * 365 * 86400)

int64_t cloud_now(const struct cloud *cloud)
{
	int64_t offset = cloud->clock_offset;
#ifdef MSE_TESTS
	scoped(buf_done) struct buf text = BUF_INIT(64);
	struct err ignored = ERR_INIT;

	if (cloud->clock_file && fs_read(cloud->clock_file, &text, &ignored) == 0)
		IGNORE_RESULT(
		    number_parse_i64(buf_text(&text), -CLOCK_OFFSET_MAX, CLOCK_OFFSET_MAX, &offset, &ignored) < 0);
#endif
	return clock_now_seconds() + offset;
}

static int make_issuer(struct cloud *cloud, struct err *err)
{
	char port[16] = "";

	if (cloud->config.public_port != 443)
		(void)snprintf(port, sizeof(port), ":%lld", (long long)cloud->config.public_port);
	if (asprintf(&cloud->issuer, "https://api.%s%s/", cloud->config.base_domain, port) < 0) {
		cloud->issuer = NULL;
		return err_no_memory(err);
	}
	return 0;
}

int cloud_open(const char *data_dir, struct cloud **ret, struct err *err)
{
	scoped(cloud_closep) struct cloud *cloud = calloc(1, sizeof(*cloud));
	scoped(freep) char *db_path = NULL;

	if (!cloud)
		return err_no_memory(err);
	if (cloud_config_load(data_dir, &cloud->config, err) < 0)
		return -1;
	cloud->data_dir = realpath(data_dir, NULL);
	if (!cloud->data_dir)
		return err_set_errno(err, "cannot resolve '%s'", data_dir);
	log_setup(LOG_INFO, strcmp(cloud->config.log_format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
	if (make_issuer(cloud, err) < 0 || file_path(cloud->data_dir, &db_path, err, FILE_DB) < 0 ||
	    store_open(db_path, clock_now_seconds(), &cloud->store, err) < 0)
		return -1;
	*ret = TAKE_PTR(cloud);
	return 0;
}

static int load_token_key(struct cloud *cloud, struct err *err)
{
	scoped(secret_done) struct secret pem = SECRET_INIT;
	scoped(freep) char *path = NULL;

	if (file_path(cloud->data_dir, &path, err, FILE_TOKEN_KEY) < 0 ||
	    secret_load(path, P256_DER_SIZE_MAX, &pem, err) < 0)
		return -1;
	return p256_load_pem(pem.data, pem.size, &cloud->token_key, err);
}

static int load_ca(struct cloud *cloud, struct err *err)
{
	scoped(buf_done) struct buf pem = BUF_INIT(PEM_MAX);
	scoped(freep) char *path = NULL;

	if (file_path(cloud->data_dir, &path, err, FILE_CA_CERT) < 0 || fs_read(path, &pem, err) < 0)
		return -1;
	cloud->ca_pem = buf_take_text(&pem);
	return cloud->ca_pem ? 0 : err_no_memory(err);
}

static int open_collateral(struct cloud *cloud, struct err *err)
{
	scoped(buf_done) struct buf der = BUF_INIT(PEM_MAX);
	scoped(buf_done) struct buf pem = BUF_INIT(PEM_MAX);
	scoped(freep) char *dir = NULL;
	uint8_t digest[SHA256_SIZE];

	if (file_path(cloud->data_dir, &dir, err, FILE_SIM) < 0)
		return -1;
	if (!fs_is_dir(dir))
		return 0;
	if (collateral_open(dir, cloud_now(cloud), &cloud->collateral, err) < 0 ||
	    collateral_root(cloud->collateral, &der, err) < 0 ||
	    pem_format("CERTIFICATE", der.data, der.size, &pem, err) < 0)
		return -1;
	sha256(der.data, der.size, digest);
	hex_encode(digest, sizeof(digest), cloud->sim_root_sha256);
	cloud->sim_root_pem = buf_take_text(&pem);
	return cloud->sim_root_pem ? 0 : err_no_memory(err);
}

static bool has_real_engine(const struct cloud *cloud)
{
	return strcmp(cloud->config.engine, "process") == 0;
}

int cloud_ensure_engine(struct cloud *cloud, struct err *err)
{
	scoped(freep) char *program = NULL;

	if (!has_real_engine(cloud))
		return 0;
	if (file_program(cloud->config.sim_program, "mse-sim", &program, err) < 0)
		return -1;
	return engine_process_ensure(cloud->engine, program, NULL, err);
}

static int open_engine(struct cloud *cloud, struct err *err)
{
#ifdef MSE_TESTS
	if (!has_real_engine(cloud))
		return engine_fake_new(&cloud->engine, err);
#endif
	if (engine_process_open(cloud->data_dir, &cloud->engine, err) < 0)
		return -1;
	return cloud_ensure_engine(cloud, err);
}

int cloud_open_services(struct cloud *cloud, struct err *err)
{
	if (load_token_key(cloud, err) < 0 || load_ca(cloud, err) < 0 ||
	    images_load(cloud->data_dir, &cloud->images, err) < 0 || open_collateral(cloud, err) < 0 ||
	    open_engine(cloud, err) < 0)
		return -1;
	if (has_real_engine(cloud) && edge_open(cloud, err) < 0)
		return -1;
	return notifier_start(cloud, &cloud->notifier, err);
}

void cloud_stop_notifier(struct cloud *cloud)
{
	notifier_close(cloud->notifier);
}

void cloud_close(struct cloud *cloud)
{
	if (!cloud)
		return;
	reconciler_stop(cloud->reconciler);
	notifier_free(cloud->notifier);
	edge_close(cloud);
	engine_free(cloud->engine);
	collateral_free(cloud->collateral);
	images_free(cloud->images);
	p256_free(cloud->token_key);
	store_close(cloud->store);
	cloud_config_done(&cloud->config);
	free(cloud->data_dir);
	free(cloud->issuer);
	free(cloud->ca_pem);
	free(cloud->sim_root_pem);
	free(cloud->clock_file);
	free(cloud);
}
