/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud init (C3): asks, then writes mse.toml. Defaults come from the cloud when somebody is signed in. */

#include "base/fs.h"
#include "cli/api.h"
#include "cli/cmd.h"
#include "cli/project.h"
#include "cli/prompt.h"
#include "format/json.h"

#define IMAGE_DEFAULT "mse-flask:20261122"
#define PROJECT_DEFAULT "default"
#define HARDWARE_DEFAULT "4g-eu-001"

struct defaults {
	json_t *answer;
	const char *project, *docker, *hardware;
};

/* Without a cloud the well-known names do. */
static void find_defaults(const struct settings *settings, struct defaults *ret)
{
	struct err ignored = ERR_INIT;
	struct api api;

	*ret = (struct defaults){.project = PROJECT_DEFAULT, .docker = IMAGE_DEFAULT, .hardware = HARDWARE_DEFAULT};
	if (api_open(settings, &api, &ignored) < 0)
		return;
	if (api.is_signed_in && api_get(&api, &ret->answer, &ignored, "/apps/default") == 0) {
		IGNORE_RESULT(json_find_text(ret->answer, "project", APP_PROJECT_MAX, &ret->project, &ignored));
		IGNORE_RESULT(json_find_text(ret->answer, "docker", APP_PATH_MAX, &ret->docker, &ignored));
		IGNORE_RESULT(json_find_text(ret->answer, "hardware", APP_HARDWARE_MAX, &ret->hardware, &ignored));
	}
	api_close(&api);
}

static int ask_all(struct out *out, const struct defaults *defaults, struct app_config *config, struct err *err)
{
	int secrets;

	if (prompt_text(out, "App name", NULL, NULL, &config->name, err) < 0 ||
	    prompt_text(out, "Project name", defaults->project, NULL, &config->project, err) < 0 ||
	    prompt_text(out, "Hardware name", defaults->hardware, NULL, &config->hardware, err) < 0 ||
	    prompt_text(out, "Docker url", defaults->docker, NULL, &config->docker, err) < 0 ||
	    prompt_text(out, "Code path", "mse_src", NULL, &config->code, err) < 0 ||
	    prompt_text(out, "Tests path", "tests", NULL, &config->tests, err) < 0 ||
	    prompt_text(out, "Python application", "app:app", app_config_check_application, &config->python_application,
			err) < 0 ||
	    prompt_text(out, "Health check endpoint", "/", app_config_check_endpoint, &config->healthcheck_endpoint,
			err) < 0 ||
	    prompt_text(out, "Command of the tests", "python3 -m unittest -v", NULL, &config->tests_cmd, err) < 0)
		return -1;
	secrets = prompt_yes(out, "Does the app need secrets?", false, err);
	if (secrets <= 0)
		return secrets;
	return prompt_text(out, "Secrets file", "secrets.json", NULL, &config->secrets, err);
}

/* What was answered must be readable again, before anything is written. */
static int write_config(struct out *out, const struct app_config *config, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(APP_CONFIG_SIZE_MAX);
	scoped(buf_done) struct buf errors = BUF_INIT(APP_CONFIG_ERRORS_SIZE_MAX);
	scoped(app_config_done) struct app_config again = {0};

	if (app_config_format(config, &text, err) < 0 ||
	    app_config_parse(PROJECT_FILE, text.data, text.size, &again, &errors, err) < 0 ||
	    fs_write_new(PROJECT_FILE, text.data, text.size, 0644, err) < 0)
		return -1;
	out_success(out, "Your app configuration has been saved in: %s", PROJECT_FILE);
	return 0;
}

int cmd_init(struct cmd_call *call, struct err *err)
{
	scoped(app_config_done) struct app_config config = {0};
	struct defaults defaults;
	int status;

	if (fs_exists(PROJECT_FILE))
		return err_set(err, ERR_CONFLICT, "'%s' exists already", PROJECT_FILE);
	find_defaults(call->settings, &defaults);
	status = ask_all(call->out, &defaults, &config, err);
	json_decref(defaults.answer);
	return status < 0 ? -1 : write_config(call->out, &config, err);
}
