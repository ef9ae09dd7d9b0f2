/* SPDX-License-Identifier: Apache-2.0 */
/* What a deployment can know before it makes anything: most mistakes end here. */
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cli/cut_off.h"
#include "cli/deploy.h"
#include "cli/local_zone.h"
#include "cli/project_key.h"
#include "cli/prompt.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/x509_info.h"
#include "format/hex.h"
#include "format/json.h"
#include "format/uri.h"
#include "net/tls_server.h"

#define ENCLAVE_SIZE_MAX (1 << 20) /* MiB */
#define CHAIN_SIZE_MAX (64u << 10)
#define KEY_SIZE_MAX (64u << 10)

/* The cloud gives names below its own in the other modes, so an app that has the owner's is in owner mode too. */
static bool can_take_over(const struct deploy *deploy, const struct app_view *view)
{
	const struct app_config *config = &deploy->project.config;

	return config->has_ssl && !deploy->operator_tls && !cmd_has(deploy->call, "stop-first") &&
	       strcasecmp(view->domain_name, config->ssl_domain_name) == 0;
}

/* The active app that has the name; those that replace it, or were replaced, have not. */
static int find_replaced(struct deploy *deploy, struct err *err)
{
	scoped(json_decrefp) json_t *apps = NULL;
	const json_t *app;
	size_t i;

	if (app_view_named(&deploy->api, deploy->project_id, deploy->project.config.name, &apps, err) < 0)
		return -1;
	json_array_foreach (apps, i, app) {
		struct app_view view;

		if (app_view_read(app, &view, err) < 0)
			return -1;
		if (view.replaces || view.replaced_by)
			continue;
		free(deploy->replaced);
		deploy->replaced = strdup(view.id);
		if (!deploy->replaced)
			return err_no_memory(err);
		deploy->takes_over = can_take_over(deploy, &view);
	}
	return 0;
}

/* An active app of that name in the project: only one may have it, so it goes first, or hands it over (L2). */
static int check_name(struct deploy *deploy, struct err *err)
{
	const char *name = deploy->project.config.name, *project = deploy->project.config.project;

	if (find_replaced(deploy, err) < 0)
		return -1;
	if (!deploy->replaced || cmd_has(deploy->call, "yes"))
		return 0;
	if (!prompt_is_possible())
		return err_set(err, ERR_CONFLICT, "an app named '%s' is running in project '%s' (%s): use -y to %s it",
			       name, project, deploy->replaced, deploy->takes_over ? "replace" : "stop and replace");
	out_warning(deploy->call->out, "An app named '%s' is running in project '%s' (%s). %s", name, project,
		    deploy->replaced,
		    deploy->takes_over ? "It serves until the new one runs, and is stopped for good then"
				       : "It will be stopped for good");
	return prompt_agree(deploy->call->out, "Replace it?", err);
}

static int check_hardware(struct deploy *deploy, struct err *err)
{
	const char *name = deploy->project.config.hardware;
	scoped(buf_done) struct buf path = BUF_INIT(URI_TEXT_MAX);
	scoped(json_decrefp) json_t *hardware = NULL;

	if (buf_add_text(&path, "/hardwares/", err) < 0 || uri_encode(name, strlen(name), &path, err) < 0 ||
	    api_get(&deploy->api, &hardware, err, "%s", buf_text(&path)) < 0)
		return err_prefix(err, "hardware '%s'", name);
	return json_get_int(hardware, "enclave_size", 1, ENCLAVE_SIZE_MAX, &deploy->enclave_size_mib, err);
}

/* The cloud refuses an unknown image too, but only after the code was sent. */
static int check_image(struct deploy *deploy, struct err *err)
{
	const char *docker = deploy->project.config.docker;
	const char *tag = strrchr(docker, ':');
	scoped(json_decrefp) json_t *answer = NULL;
	const json_t *images, *image;
	size_t i;

	if (!tag || strcmp(tag, ":latest") == 0)
		return err_set(err, ERR_INVALID, "You shouldn't use latest tag for the docker image");
	if (api_get(&deploy->api, &answer, err, "/images") < 0)
		return -1;
	images = json_is_array(answer) ? answer : json_object_get(answer, "items");
	json_array_foreach (images, i, image) {
		const char *name = NULL;

		if (json_get_text(image, "name", APP_VIEW_TEXT_MAX, &name, err) < 0)
			return err_prefix(err, "the cloud's answer");
		if (strcmp(name, docker) == 0)
			return 0;
	}
	return err_set(err, ERR_UNSUPPORTED, "Docker `%s` is not approved or supported yet.", docker);
}

int deploy_check_cloud(struct deploy *deploy, struct err *err)
{
	if (api_need_login(&deploy->api, err) < 0 ||
	    app_view_project(&deploy->api, deploy->project.config.project, &deploy->project_id, err) < 0 ||
	    check_image(deploy, err) < 0 || check_hardware(deploy, err) < 0)
		return -1;
	cut_off_report(deploy->call, &deploy->api, CUT_OFF_STOP_REPLACING);
	return check_name(deploy, err);
}

static int load_keys(struct deploy *deploy, struct err *err)
{
	scoped(secret_done) struct secret log_secret = SECRET_INIT;

	if (project_key_load(deploy->call->settings, deploy->project_id, &deploy->project_key, err) < 0 ||
	    project_key_derive(&deploy->project_key, "mse-owner-1", NULL, 0, &deploy->owner_seed, err) < 0 ||
	    project_key_log(&deploy->project_key, deploy->log_public, &log_secret, err) < 0)
		return -1;
	ed25519_from_seed(deploy->owner_seed.data, deploy->owner_public);
	return 0;
}

/* The owner's chain: for the right name, not expired, and the key fits. */
static int load_certificate(struct deploy *deploy, struct x509_info *ret_info, struct err *err)
{
	const struct project *project = &deploy->project;
	scoped(buf_done) struct buf der = BUF_INIT(CHAIN_SIZE_MAX);
	struct tls_identity *identity = NULL;
	uint8_t hash[SHA256_SIZE];

	deploy->chain_pem = BUF_INIT(CHAIN_SIZE_MAX);
	if (fs_read(project->ssl_certificate_file, &deploy->chain_pem, err) < 0 ||
	    x509_info_read(deploy->chain_pem.data, deploy->chain_pem.size, project->config.ssl_domain_name, ret_info,
			   &der, err) < 0)
		return err_prefix(err, "cloud.ssl.certificate '%s'", project->ssl_certificate_file);
	if (!ret_info->matches)
		return err_set(err, ERR_INVALID, "'%s' is not among the names of the certificate '%s'",
			       project->config.ssl_domain_name, project->ssl_certificate_file);
	if (ret_info->not_after <= deploy->began)
		return err_set(err, ERR_INVALID, "the certificate '%s' has expired", project->ssl_certificate_file);
	if (secret_load(project->ssl_private_key_file, KEY_SIZE_MAX, &deploy->tls_key, err) < 0 ||
	    tls_identity_from_pem(deploy->chain_pem.data, deploy->chain_pem.size, deploy->tls_key.data,
				  deploy->tls_key.size, &identity, err) < 0)
		return err_prefix(err, "cloud.ssl.private_key '%s'", project->ssl_private_key_file);
	tls_identity_unref(identity);
	sha256(der.data, der.size, hash);
	hex_encode(hash, sizeof(hash), deploy->chain_hash);
	return 0;
}

static int check_expiry(struct deploy *deploy, int64_t certificate_end, struct err *err)
{
	const struct config_date *date = &deploy->project.config.expiration_date;
	char end[CLOCK_TEXT_SIZE];

	deploy->expires = certificate_end;
	if (!date->present)
		return 0;
	deploy->expires = local_date_to_unix(&date->date);
	if (deploy->expires <= deploy->began)
		return err_set(err, ERR_INVALID, "%s:%u:%u: 'cloud.expiration_date' is in the past",
			       deploy->project.file, date->line, date->column);
	clock_format_utc(certificate_end, end);
	if (certificate_end && deploy->expires > certificate_end)
		return err_set(err, ERR_INVALID,
			       "%s:%u:%u: 'cloud.expiration_date' is after the end of the certificate (%s)",
			       deploy->project.file, date->line, date->column, end);
	return 0;
}

int deploy_check_project(struct deploy *deploy, struct err *err)
{
	const struct project *project = &deploy->project;
	scoped(freep) char *module = app_config_module(&project->config);
	struct x509_info info = {0};

	if (!module)
		return err_no_memory(err);
	if (code_tree_load(project->code_dir, &deploy->tree, err) < 0 ||
	    code_tree_check_module(&deploy->tree, module, err) < 0)
		return -1;
	if (project_read_secrets(project, &deploy->secrets, err) < 0)
		return -1;
	if (project->config.has_ssl && !deploy->operator_tls && load_certificate(deploy, &info, err) < 0)
		return -1;
	if (check_expiry(deploy, info.not_after, err) < 0)
		return -1;
	return load_keys(deploy, err);
}
