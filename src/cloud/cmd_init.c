/* SPDX-License-Identifier: Apache-2.0 */
/* `msed init`: a data directory from nothing. Made beside and renamed, so it is whole or absent. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/number.h"
#include "cloud/accounts.h"
#include "cloud/authority.h"
#include "cloud/cloud.h"
#include "cloud/command.h"
#include "cloud/files.h"
#include "cloud/image_build.h"
#include "cloud/image_copy.h"
#include "crypto/x509_build.h"
#include "domain/text_rule.h"
#include "domain/user.h"
#include "store/store_hardware.h"
#include "tee/sim_pki.h"

#define ADMIN_DEFAULT "admin@localhost"
#define BASE_DEFAULT "mse.localhost"
#define PORT_DEFAULT 8443

enum { DATA_DIR, BASE_DOMAIN, PUBLIC_PORT, ADMIN, PASSWORD_STDIN, IMAGES_FROM, IMAGE, ENGINE };

static const struct command_option options[] = {
    [DATA_DIR] = {"--data-dir", "DIR", "what is made; must not exist or be empty", true, false},
    [BASE_DOMAIN] = {"--base-domain", "NAME", "apps and API get names below it [mse.localhost]", false, false},
    [PUBLIC_PORT] = {"--public-port", "PORT", "where haproxy listens [8443]", false, false},
    [ADMIN] = {"--admin", "EMAIL", "the first administrator [admin@localhost]", false, false},
    [PASSWORD_STDIN] = {"--password-stdin", NULL, "read the administrator's password from standard input", false,
			false},
    [IMAGES_FROM] = {"--images-from", "DIR", "copy the images of another data directory, after checking each file",
		     false, false},
    [IMAGE] = {"--image", "NAME:TAG", "make or take only this image", false, false},
    [ENGINE] = {"--engine", "NAME", "what runs enclaves", false, true},
};

/* What was asked for, checked. */
struct plan {
	const char *admin;
	const char *images_from, *image;
	struct cloud_config config;
	struct secret password;
	bool password_made;
	int64_t now;
};

static void plan_done(struct plan *plan)
{
	cloud_config_done(&plan->config);
	secret_done(&plan->password);
}

static int set_text(char **target, const char *value, struct err *err)
{
	free(*target);
	*target = strdup(value);
	return *target ? 0 : err_no_memory(err);
}

/* Names of apps are "<16 hex>.BASE" and stand in a commonName, which has at most 64 bytes. */
static int check_base(const char *base, struct err *err)
{
	char subject[CONFIG_BASE_DOMAIN_MAX + 64];

	if (strlen(base) > CONFIG_BASE_DOMAIN_MAX)
		return err_set(err, ERR_INVALID, "'--base-domain' is too long");
	if (text_check_domain("--base-domain", base, err) < 0)
		return -1;
	(void)snprintf(subject, sizeof(subject), "CN=0123456789abcdef.%s", base);
	if (x509_check_name(subject, err) < 0)
		return err_prefix(err, "'--base-domain' is too long for names below it");
	return 0;
}

static int read_plan(const struct command_line *line, struct plan *plan, struct err *err)
{
	const char *base = line->values[BASE_DOMAIN] ? line->values[BASE_DOMAIN] : BASE_DEFAULT;
	uint64_t port = PORT_DEFAULT;
	char email[USER_EMAIL_SIZE];

	plan->now = clock_now_seconds();
	plan->admin = line->values[ADMIN] ? line->values[ADMIN] : ADMIN_DEFAULT;
	plan->images_from = line->values[IMAGES_FROM];
	plan->image = line->values[IMAGE];
	if (cloud_config_defaults(&plan->config, err) < 0 || check_base(base, err) < 0 ||
	    user_normalize_email(plan->admin, email, err) < 0)
		return -1;
	if (line->values[PUBLIC_PORT] && number_parse_u64(line->values[PUBLIC_PORT], 1, 65535, &port, err) < 0)
		return err_prefix(err, "'--public-port'");
	plan->config.public_port = (int64_t)port;
	if (set_text(&plan->config.base_domain, base, err) < 0 ||
	    (line->values[ENGINE] && set_text(&plan->config.engine, line->values[ENGINE], err) < 0))
		return -1;
	return account_password(line->values[PASSWORD_STDIN] != NULL, plan->admin, &plan->password,
				&plan->password_made, err);
}

static int make_dirs(const char *dir, struct err *err)
{
	static const char *const names[] = {"tls", FILE_IMAGES, FILE_APPS, FILE_TMP, FILE_RUN};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		scoped(freep) char *path = NULL;

		if (file_path(dir, &path, err, "%s", names[i]) < 0 || fs_make_dirs(path, 0700, err) < 0)
			return -1;
	}
	return 0;
}

static int add_hardware(struct store *store, int64_t now, struct err *err)
{
	static const struct hardware kinds[] = {
	    {HARDWARE_FREE_NAME, 4096, 1, 4096, HARDWARE_FREE_EXPIRY_SECONDS, true},
	    {"2g-eu-001", 2048, 1, 2048, 0, false},
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (store_hardware_add(store, &kinds[i], now, err) < 0)
			return -1;
	return 0;
}

static int make_store(const char *dir, const struct plan *plan, struct err *err)
{
	scoped(store_closep) struct store *store = NULL;
	scoped(freep) char *path = NULL;

	if (file_path(dir, &path, err, FILE_DB) < 0 || store_open(path, plan->now, &store, err) < 0 ||
	    add_hardware(store, plan->now, err) < 0)
		return -1;
	return account_create(store, plan->admin, &plan->password, true, plan->now, err);
}

static int make_images(const char *dir, const struct plan *plan, struct err *err)
{
	if (strcmp(plan->config.engine, "fake") == 0 && !plan->images_from && !plan->image)
		return 0;
	if (plan->images_from)
		return image_copy_all(plan->images_from, plan->image, dir, err);
	return image_build_all(dir, plan->image, plan->config.enclave_program, err);
}

static int make_all(const char *dir, const struct plan *plan, struct err *err)
{
	scoped(freep) char *sim = NULL;

	if (file_path(dir, &sim, err, FILE_SIM) < 0 || make_dirs(dir, err) < 0 ||
	    authority_create(dir, plan->config.base_domain, plan->now, err) < 0 ||
	    sim_pki_create(sim, plan->now, err) < 0 || make_store(dir, plan, err) < 0 ||
	    make_images(dir, plan, err) < 0)
		return -1;
	return cloud_config_save(&plan->config, dir, err); /* last: its presence means that all is there */
}

static int check_target(const char *dir, struct err *err)
{
	scoped(freep) char *config = NULL;

	if (strlen(dir) > CONFIG_DATA_DIR_MAX)
		return err_set(err, ERR_LIMIT, "'%s' has %zu characters: paths of sockets below it allow at most %d",
			       dir, strlen(dir), CONFIG_DATA_DIR_MAX);
	/* It stands in haproxy's configuration, which has no way to quote everything. */
	if (dir[strspn(dir, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+")])
		return err_set(err, ERR_INVALID, "'%s' may hold letters, digits and /._-+ only", dir);
	if (fs_join(dir, CONFIG_FILE_NAME, &config, err) < 0)
		return -1;
	if (fs_exists(config))
		return err_set(err, ERR_CONFLICT, "'%s' is a data directory of msed already", dir);
	/* An empty directory is taken; rmdir tells whether it is one. */
	if (fs_exists(dir) && rmdir(dir) < 0)
		return err_set(err, ERR_CONFLICT, "'%s' exists and is not empty", dir);
	return 0;
}

static void say_what_next(const char *dir, const struct plan *plan)
{
	const char *base = plan->config.base_domain;
	const long long port = (long long)plan->config.public_port;

	(void)printf("cloud made in %s\n", dir);
	(void)printf("  administrator: %s\n", plan->admin);
	if (plan->password_made)
		(void)printf("  password (shown once): %.*s\n", (int)plan->password.size,
			     (const char *)plan->password.data);
	(void)printf("\nnext:\n  msed --data-dir %s\n  mse cloud trust add https://api.%s:%lld\n  mse cloud login\n",
		     dir, base, port);
}

/* ABSOLUTE.init-XXXXXX beside the target, renamed when it is whole. */
static int make_and_rename(const char *dir, const struct plan *plan, struct err *err)
{
	scoped(freep) char *parent = NULL;
	scoped(freep) char *temp = NULL;
	char *slash;
	int status;

	if (fs_expand(dir, NULL, &parent, err) < 0)
		return -1;
	slash = strrchr(parent, '/');
	*slash = 0;
	if (fs_make_dirs(*parent ? parent : "/", 0755, err) < 0 ||
	    fs_make_temp_dir(*parent ? parent : "/", ".msed-init-", &temp, err) < 0)
		return -1;
	status = make_all(temp, plan, err);
	if (status == 0 && rename(temp, dir) < 0)
		status = err_set_errno(err, "cannot rename '%s' to '%s'", temp, dir);
	if (status < 0) {
		struct err ignored = ERR_INIT;

		IGNORE_RESULT(fs_remove_tree(temp, &ignored) < 0);
	}
	return status;
}

/* Without "." and "..": the parents need not exist yet. */
static int absolute(const char *dir, char **ret, struct err *err)
{
	scoped(freep) char *here = getcwd(NULL, 0);
	char *path = NULL;
	size_t size;

	if (!here)
		return err_set_errno(err, "cannot tell the current directory");
	if (fs_expand(dir, here, &path, err) < 0)
		return -1;
	for (size = strlen(path); size > 1 && path[size - 1] == '/'; size--)
		path[size - 1] = 0;
	*ret = path;
	return 0;
}

static int run(const struct command_line *line, struct err *err)
{
	scoped(plan_done) struct plan plan = {.password = SECRET_INIT};
	scoped(freep) char *dir = NULL;

	if (absolute(line->values[DATA_DIR], &dir, err) < 0 || check_target(dir, err) < 0 ||
	    read_plan(line, &plan, err) < 0 || make_and_rename(dir, &plan, err) < 0)
		return -1;
	say_what_next(dir, &plan);
	return 0;
}

const struct command command_init = {
    .words = "init",
    .summary = "make a data directory: configuration, database, certificates, simulated TEE, images, administrator",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = run,
};
