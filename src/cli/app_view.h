/* SPDX-License-Identifier: Apache-2.0 */
/* What the API says of apps (A2), read with types checked. Texts are borrowed from the JSON they were read from. */
#ifndef MSE_CLI_APP_VIEW_H
#define MSE_CLI_APP_VIEW_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/api.h"

#define APP_VIEW_TEXT_MAX 4096
#define APP_VIEW_DATE_SIZE 48

struct app_view {
	const char *id;
	const char *name;
	const char *project_id;
	const char *domain_name;
	const char *config_domain_name;
	const char *docker;
	const char *status;
	const char *hardware_name;
	const char *ssl_certificate_origin;
	const char *python_application;
	const char *healthcheck_endpoint;
	const char *created_at;
	const char *ready_at; /* NULL when absent */
	const char *stopped_at;
	const char *expires_at;
	const char *reason;      /* why it is on error */
	const char *replaces;    /* uuid of the app whose domain it is to take over, or NULL */
	const char *replaced_by; /* uuid of the app that has its domain by now, or NULL */
};

must_check int app_view_read(const json_t *app, struct app_view *ret_view, struct err *err);

/* spawning, initializing and running are active; stopped and on_error are the end. */
bool app_view_is_final(const struct app_view *view);

/* Local "YYYY-MM-DD HH:MM:SS" of a date of the API; the text itself when it is no date; "-" for NULL. */
void app_view_date(const char *text, char ret[static APP_VIEW_DATE_SIZE]);
/* Unix seconds; 0 when absent or no date. */
int64_t app_view_seconds(const char *text);

/* GET /apps/ID; the uuid is checked first. "Cannot find the app with id …" is the cloud's sentence. */
must_check int app_view_get(struct api *api, const char *uuid, json_t **ret_app, struct app_view *ret_view,
			    struct err *err);

/* All pages of a list as one array. path has its query already ("…?a=b"). */
must_check int app_view_list(struct api *api, const char *path, json_t **ret_array, struct err *err);

/* The active apps with exactly that name in the project: at most one that neither replaces another nor was replaced. */
must_check int app_view_named(struct api *api, const char *project_id, const char *name, json_t **ret_array,
			      struct err *err);

/* Id of the project of that name: "Project x does not exist". Heap. */
must_check int app_view_project(struct api *api, const char *name, char **ret_id, struct err *err);

/* Asks the cloud to stop the app and waits until it has, at most 60 s. */
must_check int app_view_stop(struct api *api, const char *uuid, struct err *err);

#endif
