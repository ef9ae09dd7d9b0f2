/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API as one const table. To add a route: a row here, a handler in route_<noun>.c, a path in docs/openapi.yaml;
 * a test fails while the table and the document differ.
 */
#ifndef MSE_CLOUD_ROUTES_H
#define MSE_CLOUD_ROUTES_H

#include "cloud/api.h"

enum route_auth {
	ROUTE_OPEN, /* anybody; said in docs/openapi.yaml with `security: []` */
	ROUTE_USER, /* bearer: a JWT of ours or an API token */
};

struct route {
	const char *method;
	const char *pattern; /* "{…}" stands for one segment */
	enum route_auth auth;
	size_t body_max; /* bytes; 0: no body is read */
	int (*handler)(struct request *request, struct err *err);
};

extern const struct route routes[];
extern const size_t route_count;

/* 1 and the route and params for method and raw path; 0: no such path, *ret_other_method says whether another
 * method has it. */
int route_find(const char *method, const char *path, const struct route **ret_route,
	       char ret_params[static API_PARAMS_MAX][API_PARAM_SIZE], bool *ret_other_method);

/* The handler of the HTTP server; arg is the struct cloud. */
enum http_result routes_handle(struct http_exchange *exchange, void *arg);

/* "METHOD PATTERN" lines, for the test that compares them with docs/openapi.yaml. */
must_check int routes_print(struct buf *ret, struct err *err);

/* ---- the handlers ---- */
int route_healthz(struct request *request, struct err *err);
int route_cloud(struct request *request, struct err *err);
int route_images(struct request *request, struct err *err);
int route_image_bill(struct request *request, struct err *err);
int route_image_signature(struct request *request, struct err *err);
int route_users_me(struct request *request, struct err *err);
int route_projects(struct request *request, struct err *err);
int route_project(struct request *request, struct err *err);
int route_hardwares(struct request *request, struct err *err);
int route_hardware(struct request *request, struct err *err);
int route_apps(struct request *request, struct err *err);
int route_apps_default(struct request *request, struct err *err);
int route_app(struct request *request, struct err *err);
int route_app_create(struct request *request, struct err *err);
int route_app_stop(struct request *request, struct err *err);
int route_app_take_over(struct request *request, struct err *err);
int route_app_logs(struct request *request, struct err *err);
int route_app_metrics(struct request *request, struct err *err);
int route_app_manifest(struct request *request, struct err *err);
int route_app_events(struct request *request, struct err *err);
int route_authorize(struct request *request, struct err *err);
int route_authorize_post(struct request *request, struct err *err);
int route_oauth_token(struct request *request, struct err *err);
int route_device_code(struct request *request, struct err *err);
int route_activate(struct request *request, struct err *err);
int route_activate_post(struct request *request, struct err *err);
int route_logout(struct request *request, struct err *err);
int route_userinfo(struct request *request, struct err *err);
int route_openid_configuration(struct request *request, struct err *err);
int route_jwks(struct request *request, struct err *err);
int route_pckcrl(struct request *request, struct err *err);
int route_tcb(struct request *request, struct err *err);
int route_qe_identity(struct request *request, struct err *err);
int route_rootcacrl(struct request *request, struct err *err);

#endif
