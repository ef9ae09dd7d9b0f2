/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/deploy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "cloud/deploy_priv.h"
#include "cloud/files.h"
#include "crypto/random.h"
#include "format/hex.h"
#include "format/instance.h"
#include "image/image.h"
#include "store/store_app.h"
#include "store/store_hardware.h"
#include "store/store_project.h"

static int no_hardware(const struct deployment *deployment, struct err *err)
{
	const struct app_request *request = &deployment->request;

	return err_set(err, ERR_CONFLICT,
		       "Project `%s` has not enough hardware available `%s` to spawn app named `%s`%s",
		       request->project, request->hardware, request->name,
		       request->replaces ? " beside the one that it replaces" : "");
}

/* Project, hardware kind, image, and when the app ends: what does not change under us. */
static int find_nouns(struct deployment *deployment, struct err *err)
{
	const struct app_request *request = &deployment->request;
	struct store *store = deployment->cloud->store;
	int found =
	    store_project_find_by_name(store, deployment->user->id, request->project, &deployment->project, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Project %s does not exist", request->project);
	if (images_find(deployment->cloud->images, request->docker, &deployment->image, err) < 0)
		return -1;
	found = store_hardware_find(store, request->hardware, &deployment->hardware, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return no_hardware(deployment, err);
	return hardware_expiry(&deployment->hardware, request->expires_at, deployment->chain_end, deployment->now,
			       &deployment->app.expires_at, err);
}

/* Reads the tar twice: once into the release, once onto disk, both with every check of format/tar.h. */
static int take_code(struct deployment *deployment, struct err *err)
{
	struct upload *upload = deployment->upload;
	scoped(freep) char *code_dir = NULL;

	if (fs_join(upload->dir, "code", &code_dir, err) < 0)
		return -1;
	if (lseek(upload->tar_fd, 0, SEEK_SET) < 0)
		return err_set_errno(err, "cannot rewind the code tar");
	if (release_add_code(deployment->release, image_fd_source(&upload->tar_fd), err) < 0)
		return err_prefix(err, "code tar");
	if (deployment->release->file_count == 0)
		return err_set(err, ERR_INVALID, "code tar: there is no file in it");
	if (lseek(upload->tar_fd, 0, SEEK_SET) < 0)
		return err_set_errno(err, "cannot rewind the code tar");
	if (image_unpack_code(image_fd_source(&upload->tar_fd), code_dir, err) < 0)
		return err_prefix(err, "code tar");
	return deploy_check_requirements(deployment, code_dir, err);
}

static int make_manifest(struct deployment *deployment, struct err *err)
{
	struct measure_result result;

	deployment->release->enclave_size = (uint64_t)deployment->hardware.enclave_size_mib << 20;
	if (release_fingerprint(deployment->release, deployment->image->bill, &deployment->manifest, &result, err) < 0)
		return -1;
	hex_encode(result.mrenclave, sizeof(result.mrenclave), deployment->app.fingerprint);
	return 0;
}

/* The label of the same app's last deployment if its SSL mode was the same (L2), else a new one. */
static int choose_label(struct deployment *deployment, char ret[static APP_LABEL_SIZE], struct err *err)
{
	uint8_t random[(APP_LABEL_SIZE - 1) / 2];
	struct err ignored = ERR_INIT;
	struct app last;
	const int found =
	    store_app_find_last(deployment->cloud->store, deployment->project.id, deployment->request.name, &last, err);

	if (found < 0)
		return -1;
	if (found == 1 && last.tls == deployment->app.tls && app_state_is_final(last.state) &&
	    app_label_of(last.config_domain_name, deployment->cloud->config.base_domain, ret, &ignored) == 0)
		return 0;
	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), ret);
	return 0;
}

static void copy_request(struct deployment *deployment)
{
	const struct app_request *request = &deployment->request;
	struct app *app = &deployment->app;
	uint8_t random[16];

	random_bytes(random, sizeof(random));
	uuid_format(random, app->id);
	(void)snprintf(app->name, sizeof(app->name), "%s", request->name);
	(void)snprintf(app->project_id, sizeof(app->project_id), "%s", deployment->project.id);
	(void)snprintf(app->owner_id, sizeof(app->owner_id), "%s", deployment->user->id);
	(void)snprintf(app->docker, sizeof(app->docker), "%s", request->docker);
	(void)snprintf(app->hardware_name, sizeof(app->hardware_name), "%s", request->hardware);
	(void)snprintf(app->python_application, sizeof(app->python_application), "%s", request->python_application);
	(void)snprintf(app->healthcheck_endpoint, sizeof(app->healthcheck_endpoint), "%s",
		       request->healthcheck_endpoint);
	(void)snprintf(app->egress, sizeof(app->egress), "%s", release_egress_text(deployment->release->egress));
	(void)snprintf(app->logs, sizeof(app->logs), "%s", release_logs_text(deployment->release->logs));
	(void)snprintf(app->reason, sizeof(app->reason), "deployed");
	(void)snprintf(app->replaces, sizeof(app->replaces), "%s", request->replaces ? request->replaces : "");
	app->state = APP_SPAWNING;
	app->tls = app_request_tls(request);
	app->memory_mib = deployment->hardware.memory_mib;
	app->cores = deployment->hardware.cores;
	app->created_at = deployment->now;
}

static enum instance_tls instance_tls_of(enum app_tls tls)
{
	switch (tls) {
	case APP_TLS_SELF:
		return INSTANCE_TLS_SELF;
	case APP_TLS_OWNER:
		return INSTANCE_TLS_OWNER;
	case APP_TLS_OPERATOR:
		return INSTANCE_TLS_OPERATOR;
	}
	return INSTANCE_TLS_SELF;
}

int deploy_make_instance(struct deployment *deployment, struct err *err)
{
	struct app *app = &deployment->app;
	scoped(buf_done) struct buf text = BUF_INIT(INSTANCE_SIZE_MAX);
	struct instance instance = {.tls = instance_tls_of(app->tls)};
	char expires[CLOCK_TEXT_SIZE];

	clock_format_utc(app->expires_at, expires);
	(void)snprintf(instance.expires, sizeof(instance.expires), "%.*s", INSTANCE_EXPIRES_SIZE, expires);
	(void)snprintf(instance.certificate, sizeof(instance.certificate), "%s", deployment->chain_hash);
	(void)snprintf(instance.config_domain, sizeof(instance.config_domain), "%s", app->config_domain_name);
	(void)snprintf(instance.domain, sizeof(instance.domain), "%s", app->domain_name);
	(void)snprintf(instance.log_key, sizeof(instance.log_key), "%s",
		       deployment->log_key ? deployment->log_key : "");
	(void)snprintf(instance.subject, sizeof(instance.subject), "CN=%s", app->config_domain_name);
	(void)snprintf(instance.uuid, sizeof(instance.uuid), "%s", app->id);
	if (instance_format(&instance, &text, err) < 0)
		return -1;
	(void)snprintf(app->instance, sizeof(app->instance), "%s", buf_text(&text));
	return 0;
}

static int make_subdir(const char *dir, const char *name, struct err *err)
{
	scoped(freep) char *path = NULL;

	return fs_join(dir, name, &path, err) < 0 ? -1 : fs_make_dirs(path, 0700, err);
}

static int write_one(const char *dir, const char *name, const void *data, size_t size, struct err *err)
{
	scoped(freep) char *path = NULL;

	return fs_join(dir, name, &path, err) < 0 ? -1 : fs_write_new(path, data, size, 0600, err);
}

static int write_files(struct deployment *deployment, struct err *err)
{
	const char *dir = deployment->upload->dir, *chain = deployment->request.ssl_certificate;
	const struct app *app = &deployment->app;

	if (make_subdir(dir, "instance", err) < 0 || make_subdir(dir, "state", err) < 0 ||
	    write_one(dir, "manifest.toml", deployment->manifest.data, deployment->manifest.size, err) < 0 ||
	    image_of_app_save(dir, deployment->image->digest, err) < 0 ||
	    write_one(dir, "instance/instance.json", app->instance, strlen(app->instance), err) < 0)
		return -1;
	if (app->tls != APP_TLS_OWNER)
		return 0;
	return write_one(dir, "instance/fullchain.pem", chain, strlen(chain), err);
}

/* tmp/deploy-XXXXXX becomes apps/UUID. */
static int move_files(struct deployment *deployment, struct err *err)
{
	struct upload *upload = deployment->upload;
	scoped(freep) char *apps = NULL;
	scoped(freep) char *target = NULL;

	if (file_path(deployment->cloud->data_dir, &apps, err, FILE_APPS) < 0 ||
	    fs_join(apps, deployment->app.id, &target, err) < 0)
		return -1;
	fault_point("deploy-rename:before");
	if (rename(upload->dir, target) < 0)
		return err_set_errno(err, "cannot rename '%s' to '%s'", upload->dir, target);
	fault_point("deploy-rename:after");
	free(upload->dir);
	upload->dir = TAKE_PTR(target); /* still removed by upload_done, until the row is there */
	return fs_sync_dir(apps, err);
}

static int check_slot(struct deployment *deployment, struct err *err)
{
	int64_t booked, used;

	if (store_booking_slots(deployment->cloud->store, deployment->project.id, deployment->hardware.name, &booked,
				&used, err) < 0)
		return -1;
	return used < booked ? 0 : no_hardware(deployment, err);
}

/* Somebody else's app is as absent as one that never was. */
static int find_replaced(struct deployment *deployment, struct app *ret, struct err *err)
{
	const char *id = deployment->request.replaces;
	const int found = store_app_find(deployment->cloud->store, id, ret, err);

	if (found < 0)
		return -1;
	if (found == 0 || strcmp(ret->project_id, deployment->project.id) != 0)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the app with id %s that is to be replaced", id);
	return 0;
}

static int check_replaced(struct deployment *deployment, struct err *err)
{
	struct app old, other;
	int found;

	if (!deployment->request.replaces)
		return 0;
	if (find_replaced(deployment, &old, err) < 0 || app_check_replaces(&deployment->app, &old, err) < 0)
		return -1;
	found = store_app_find_replacement(deployment->cloud->store, old.id, &other, err);
	if (found == 1)
		return err_set(err, ERR_CONFLICT,
			       "the app %s is being replaced by %s already: stop that one to try another", old.id,
			       other.id);
	return found;
}

/* In the store's transaction: what other requests could change. */
static int settle(struct deployment *deployment, struct err *err)
{
	char label[APP_LABEL_SIZE];

	if (choose_label(deployment, label, err) < 0 ||
	    app_set_domains(&deployment->app, label, deployment->cloud->config.base_domain,
			    deployment->request.domain_name, err) < 0 ||
	    check_replaced(deployment, err) < 0 || check_slot(deployment, err) < 0 ||
	    deploy_make_instance(deployment, err) < 0 || write_files(deployment, err) < 0 ||
	    store_app_add(deployment->cloud->store, &deployment->app, err) < 0)
		return -1;
	return move_files(deployment, err);
}

static int store_it(struct deployment *deployment, struct err *err)
{
	struct store *store = deployment->cloud->store;

	if (store_begin(store, err) < 0)
		return -1;
	if (settle(deployment, err) < 0) {
		store_rollback(store);
		return -1;
	}
	if (store_commit(store, "deploy", err) < 0)
		return -1;
	free(deployment->upload->dir);
	deployment->upload->dir = NULL;
	return 0;
}

static int run(struct deployment *deployment, struct err *err)
{
	if (deploy_read_conf(deployment, err) < 0 || deploy_read_chain(deployment, err) < 0 ||
	    find_nouns(deployment, err) < 0 || take_code(deployment, err) < 0 || make_manifest(deployment, err) < 0)
		return -1;
	copy_request(deployment);
	return store_it(deployment, err);
}

int deploy(struct cloud *cloud, const struct user *user, struct upload *upload, int64_t now, struct app *ret_app,
	   struct err *err)
{
	struct deployment deployment = {
	    .cloud = cloud, .user = user, .upload = upload, .now = now, .manifest = BUF_INIT(RELEASE_MANIFEST_MAX)};
	const int status = run(&deployment, err);

	if (status == 0)
		*ret_app = deployment.app;
	json_decref(deployment.conf);
	release_free(deployment.release);
	buf_done(&deployment.manifest);
	return status;
}
