/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define CONF_PATH_DEFAULT "~/.config/mse"

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* A path in the configuration may be relative: it must mean the same after a chdir. */
static int conf_path(char **ret_path, struct err *err)
{
	const char *value = env("MSE_CONF_PATH");
	scoped(freep) char *here = getcwd(NULL, 0);

	if (!value && !env("HOME"))
		return err_set(err, ERR_INVALID, "neither MSE_CONF_PATH nor HOME is set");
	return fs_expand(value ? value : CONF_PATH_DEFAULT, here, ret_path, err);
}

int settings_load(struct settings *ret_settings, struct err *err)
{
	struct settings settings = {
	    .base_url = env("MSE_BASE_URL"),
	    .auth_domain = env("MSE_AUTH0_DOMAIN_NAME"),
	    .auth_client_id = env("MSE_AUTH0_CLIENT_ID"),
	    .auth_audience = env("MSE_AUTH0_AUDIENCE"),
	    .console_url = env("MSE_CONSOLE_URL"),
	    .pccs_url = env("MSE_PCCS_URL"),
	    .pcs_url = env("MSE_PCS_URL"),
	    .kds_url = env("MSE_KDS_URL"),
	    .test_python = env("MSE_PYTHON"),
	};

	if (conf_path(&settings.conf_path, err) < 0)
		return -1;
	*ret_settings = settings;
	return 0;
}

void settings_done(struct settings *settings)
{
	free(settings->conf_path);
	*settings = (struct settings){0};
}

int settings_path(const struct settings *settings, const char *name, char **ret_path, struct err *err)
{
	return fs_join(settings->conf_path, name, ret_path, err);
}

int settings_make_folder(const struct settings *settings, const char *name, char **ret_path, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (fs_join(settings->conf_path, name, &path, err) < 0 || fs_make_dirs(path, 0700, err) < 0)
		return -1;
	*ret_path = TAKE_PTR(path);
	return 0;
}
