/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/app.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "domain/project.h"
#include "domain/text_rule.h"

#define FRACTION_DIGITS_MAX 9
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"

const char *app_tls_text(enum app_tls tls)
{
	switch (tls) {
#define X(name, text) \
	case APP_TLS_##name: \
		return text;
		APP_TLS_MODES(X)
#undef X
	}
	return "";
}

int app_tls_parse(const char *text, enum app_tls *ret, struct err *err)
{
#define X(name, wanted) \
	if (strcmp(text, wanted) == 0) { \
		*ret = APP_TLS_##name; \
		return 0; \
	}
	APP_TLS_MODES(X)
#undef X
	return err_set(err, ERR_INVALID, "'%.40s' is not an origin of certificates", text);
}

static size_t identifier_length(const char *text)
{
	return strspn(text, LETTERS) == 0 ? 0 : strspn(text, LETTERS DIGITS);
}

/* module[.module…]:variable */
static bool is_python_application(const char *text)
{
	for (;;) {
		const size_t length = identifier_length(text);

		if (length == 0)
			return false;
		text += length;
		if (*text == ':')
			break;
		if (*text != '.')
			return false;
		text++;
	}
	text++;
	return *text && identifier_length(text) == strlen(text);
}

static int check_python_application(const char *text, struct err *err)
{
	if (text_check_name("python_application", text, APP_PYTHON_SIZE - 1, err) < 0)
		return -1;
	if (!is_python_application(text))
		return err_set(err, ERR_INVALID, "'python_application' must be module:variable, got '%s'", text);
	return 0;
}

static int check_healthcheck(const char *text, struct err *err)
{
	if (text_check_name("healthcheck_endpoint", text, APP_HEALTHCHECK_SIZE - 1, err) < 0)
		return -1;
	if (text[0] != '/')
		return err_set(err, ERR_INVALID, "'healthcheck_endpoint' must start with '/', got '%s'", text);
	for (const char *at = text; *at; at++)
		if (*at <= 0x20 || *at >= 0x7f || strchr("?#\"<>\\^`{|}", *at))
			return err_set(err, ERR_INVALID,
				       "'healthcheck_endpoint' must be a path without parameters, got '%s'", text);
	return 0;
}

int app_check_docker(const char *docker, struct err *err)
{
	const char *tag;

	if (text_check_name("docker", docker, APP_DOCKER_SIZE - 1, err) < 0)
		return -1;
	tag = strrchr(docker, ':');
	/* Without a tag Docker means `latest`; a colon before the last slash is a registry's port. */
	if (!tag || strchr(tag, '/') || strcmp(tag, ":latest") == 0)
		return err_set(err, ERR_INVALID, "You shouldn't use latest tag for the docker image");
	return 0;
}

static int check_ssl(const struct app_request *request, struct err *err)
{
	if (!request->domain_name != !request->ssl_certificate)
		return err_set(err, ERR_INVALID, "'domain_name' and 'ssl_certificate' go together");
	if (!request->domain_name || request->dev_mode)
		return 0;
	return text_check_domain("domain_name", request->domain_name, err);
}

/* Elsewhere the domain is made of the deployment's own label, so there is nothing to take over. */
static int check_replaces(const struct app_request *request, struct err *err)
{
	if (!request->replaces)
		return 0;
	if (!uuid_is_valid(request->replaces))
		return err_set(err, ERR_INVALID, "'replaces' must be the uuid of an app, got '%.60s'",
			       request->replaces);
	if (app_request_tls(request) != APP_TLS_OWNER)
		return err_set(err, ERR_INVALID,
			       "'replaces' is for apps with their owner's domain and certificate: the cloud's names "
			       "belong to one deployment");
	return 0;
}

static int check_present(const struct app_request *request, struct err *err)
{
	const struct {
		const char *name, *value;
	} fields[] = {{"name", request->name},
		      {"project", request->project},
		      {"hardware", request->hardware},
		      {"docker", request->docker},
		      {"python_application", request->python_application},
		      {"healthcheck_endpoint", request->healthcheck_endpoint}};

	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (!fields[i].value)
			return err_set(err, ERR_INVALID, "'%s' is missing", fields[i].name);
	return 0;
}

int app_request_check(const struct app_request *request, struct err *err)
{
	if (check_present(request, err) < 0 || text_check_name("name", request->name, APP_NAME_SIZE - 1, err) < 0 ||
	    project_check_name(request->project, err) < 0 || hardware_check_name(request->hardware, err) < 0 ||
	    app_check_docker(request->docker, err) < 0 ||
	    check_python_application(request->python_application, err) < 0 ||
	    check_healthcheck(request->healthcheck_endpoint, err) < 0)
		return -1;
	return check_ssl(request, err) < 0 ? -1 : check_replaces(request, err);
}

bool app_has_domain(const struct app *app)
{
	return !*app->replaces && !*app->replaced_by;
}

/* Its name and domain must be there to be taken over. */
static int check_replaceable(const struct app *old, struct err *err)
{
	if (app_state_is_final(old->state) || old->stop_wanted)
		return err_set(err, ERR_CONFLICT, "the app %s that is to be replaced is not active any more", old->id);
	if (*old->replaced_by)
		return err_set(err, ERR_CONFLICT, "the app %s that is to be replaced has been replaced by %s already",
			       old->id, old->replaced_by);
	if (*old->replaces)
		return err_set(err, ERR_CONFLICT, "the app %s that is to be replaced has yet to replace %s itself",
			       old->id, old->replaces);
	return 0;
}

int app_check_replaces(const struct app *wanted, const struct app *old, struct err *err)
{
	if (check_replaceable(old, err) < 0)
		return -1;
	if (strcmp(wanted->name, old->name) != 0)
		return err_set(err, ERR_INVALID, "'replaces': the app %s is named `%s`, not `%s`", old->id, old->name,
			       wanted->name);
	if (old->tls != APP_TLS_OWNER || strcmp(wanted->domain_name, old->domain_name) != 0)
		return err_set(err, ERR_INVALID, "'replaces': the domain of the app %s is '%s', not '%s'", old->id,
			       old->domain_name, wanted->domain_name);
	return 0;
}

enum app_tls app_request_tls(const struct app_request *request)
{
	if (request->dev_mode)
		return APP_TLS_OPERATOR;
	return request->domain_name ? APP_TLS_OWNER : APP_TLS_SELF;
}

static int format_domain(char *ret, struct err *err, const char *label, const char *infix, const char *base)
{
	const int length = snprintf(ret, APP_DOMAIN_SIZE, "%s.%s%s", label, infix, base);

	if (length < 0 || length >= APP_DOMAIN_SIZE)
		return err_set(err, ERR_INVALID, "the base domain '%s' is too long", base);
	return 0;
}

/* Ours to give: the API's name, and those of other people's apps, also of apps that are not active just now. */
static int check_not_ours(const char *domain, const char *base, struct err *err)
{
	const size_t length = strlen(domain), base_length = strlen(base);
	const char *end = length >= base_length ? domain + length - base_length : domain;

	if (strcmp(end, base) == 0 && (end == domain || end[-1] == '.'))
		return err_set(err, ERR_INVALID, "'domain_name' must not lie below '%s', which is the cloud's: '%s'",
			       base, domain);
	return 0;
}

int app_set_domains(struct app *app, const char *label, const char *base, const char *owner_domain, struct err *err)
{
	if (format_domain(app->config_domain_name, err, label, "", base) < 0)
		return -1;
	switch (app->tls) {
	case APP_TLS_SELF:
		return format_domain(app->domain_name, err, label, "", base);
	case APP_TLS_OPERATOR:
		return format_domain(app->domain_name, err, label, "op.", base);
	case APP_TLS_OWNER:
		if (text_check_domain("domain_name", owner_domain, err) < 0 ||
		    check_not_ours(owner_domain, base, err) < 0)
			return -1;
		(void)snprintf(app->domain_name, sizeof(app->domain_name), "%s", owner_domain);
		return 0;
	}
	return err_set(err, ERR_INTERNAL, "no such origin of certificates");
}

int app_label_of(const char *config_domain, const char *base, char ret_label[static APP_LABEL_SIZE], struct err *err)
{
	const size_t length = strspn(config_domain, DIGITS "abcdef");

	if (length != APP_LABEL_SIZE - 1 || config_domain[length] != '.' ||
	    strcmp(config_domain + length + 1, base) != 0)
		return err_set(err, ERR_INVALID, "'%s' is not a name of ours under '%s'", config_domain, base);
	memcpy(ret_label, config_domain, length);
	ret_label[length] = 0;
	return 0;
}

int app_parse_time(const char *text, int64_t *ret_seconds, struct err *err)
{
	const size_t whole = strcspn(text, ".");
	char plain[CLOCK_TEXT_SIZE];

	if (text[whole] == '.') {
		const size_t digits = strspn(text + whole + 1, DIGITS);

		if (whole != 19 || digits == 0 || digits > FRACTION_DIGITS_MAX ||
		    strcmp(text + whole + 1 + digits, "Z") != 0)
			return err_set(err, ERR_INVALID, "'%.40s' is not a date in UTC (RFC 3339)", text);
		(void)snprintf(plain, sizeof(plain), "%.19sZ", text);
		return clock_parse_utc(plain, ret_seconds, err);
	}
	return clock_parse_utc(text, ret_seconds, err);
}
