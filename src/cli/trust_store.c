/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trust_store.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "crypto/hash.h"
#include "format/hex.h"
#include "format/pem.h"
#include "format/toml.h"
#include "format/uri.h"

#define CERTIFICATE_SIZE_MAX (64u << 10)
#define DEFAULT_FILE "default"
#define SUFFIX ".toml"

struct row {
	const char *key;
	size_t offset;
	bool required;
};

#define FIELD(name) offsetof(struct trust, name)

static const struct row rows[] = {
    {"url", FIELD(url), true},
    {"ca", FIELD(ca), true},
    {"ca_sha256", FIELD(ca_sha256), true},
    {"simulation_root", FIELD(simulation_root), false},
    {"simulation_root_sha256", FIELD(simulation_root_sha256), false},
    {"base_domain", FIELD(base_domain), true},
    {"auth", FIELD(auth), false},
};

static char **field(const struct trust *trust, const struct row *row)
{
	return (char **)((uintptr_t)trust + row->offset);
}

void trust_done(struct trust *trust)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		free(*field(trust, &rows[i]));
	*trust = (struct trust){0};
}

static bool is_loopback(const char *host)
{
	return host_is_loopback_name(host) || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

int trust_normalize_url(const char *url, char **ret_url, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(URI_TEXT_MAX);
	scoped(uri_done) struct uri uri = {0};

	if (uri_parse(url, &uri, err) < 0)
		return -1;
	if (strcmp(uri.target, "/") != 0)
		return err_set(err, ERR_INVALID, "'%s' is not the URL of a cloud: expected https://HOST[:PORT]", url);
	if (!uri.is_https && !is_loopback(uri.authority.host))
		return err_set(err, ERR_INVALID, "'%s' is not encrypted: expected https://", url);
	if (buf_add_text(&text, uri.is_https ? "https://" : "http://", err) < 0 ||
	    hostport_format(&uri.authority, uri.is_https ? HTTPS_PORT : HTTP_PORT, &text, err) < 0)
		return -1;
	*ret_url = buf_take_text(&text);
	return *ret_url ? 0 : err_no_memory(err);
}

int trust_fingerprint(const char *pem, char **ret_hex, struct err *err)
{
	scoped(buf_done) struct buf der = BUF_INIT(CERTIFICATE_SIZE_MAX);
	struct pem_reader reader = {.text = pem, .size = strlen(pem), .explanatory_text = true};
	uint8_t hash[TRUST_HASH_SIZE];
	const int found = pem_next(&reader, PEM_CERTIFICATE, &der, err);
	char *hex;

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_INVALID, "there is no certificate");
	sha256(der.data, der.size, hash);
	hex = malloc(HEX_TEXT_SIZE(sizeof(hash)));
	if (!hex)
		return err_no_memory(err);
	hex_encode(hash, sizeof(hash), hex);
	*ret_hex = hex;
	return 0;
}

/* "trust/HOST_PORT.toml": every byte that is no letter, digit, '.' or '-' becomes '_'. */
static int file_of(const struct settings *settings, const char *url, char **ret_path, struct err *err)
{
	scoped(uri_done) struct uri uri = {0};
	scoped(freep) char *name = NULL;

	if (uri_parse(url, &uri, err) < 0)
		return -1;
	if (asprintf(&name, "trust/%s_%u" SUFFIX, uri.authority.host, uri.authority.port) < 0)
		return err_no_memory(err);
	for (char *at = name + strlen("trust/"); *at; at++) {
		if (!isalnum((unsigned char)*at) && !strchr(".-_", *at))
			*at = '_';
	}
	return settings_path(settings, name, ret_path, err);
}

static int load(const char *path, struct trust *ret_trust, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(TRUST_FILE_MAX);
	scoped(toml_freep) struct toml_doc *doc = NULL;
	struct trust trust = {0};

	if (fs_read(path, &text, err) < 0)
		return -1;
	if (toml_parse(text.data, text.size, &doc, err) < 0)
		return err_prefix(err, "'%s'", path);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *value = toml_find_text(toml_root(doc), rows[i].key);

		if (!value && rows[i].required) {
			trust_done(&trust);
			return err_set(err, ERR_INVALID, "'%s' has no '%s'", path, rows[i].key);
		}
		if (value)
			*field(&trust, &rows[i]) = strdup(value);
	}
	*ret_trust = trust;
	return 0;
}

int trust_find_by_url(const struct settings *settings, const char *url, struct trust *ret_trust, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (file_of(settings, url, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	return load(path, ret_trust, err) < 0 ? -1 : 1;
}

int trust_default_url(const struct settings *settings, char **ret_url, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(URI_TEXT_MAX);
	scoped(freep) char *path = NULL;

	if (settings_path(settings, "trust/" DEFAULT_FILE, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, err) < 0)
		return -1;
	*ret_url = strndup(buf_text(&text), strcspn(buf_text(&text), "\n"));
	return *ret_url ? 1 : err_no_memory(err);
}

static int set_default(const struct settings *settings, const char *url, struct err *err)
{
	scoped(freep) char *path = NULL;
	scoped(freep) char *line = NULL;

	if (settings_path(settings, "trust/" DEFAULT_FILE, &path, err) < 0)
		return -1;
	if (asprintf(&line, "%s\n", url) < 0)
		return err_no_memory(err);
	return fs_write_atomic(path, line, strlen(line), 0600, err);
}

int trust_save(const struct settings *settings, const struct trust *trust, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(TRUST_FILE_MAX);
	scoped(freep) char *folder = NULL;
	scoped(freep) char *path = NULL;
	scoped(freep) char *by_default = NULL;
	int found;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *value = *field(trust, &rows[i]);

		if (value && (buf_addf(&text, err, "%s = ", rows[i].key) < 0 || toml_add_text(&text, value, err) < 0 ||
			      buf_add_byte(&text, '\n', err) < 0))
			return -1;
	}
	if (settings_make_folder(settings, "trust", &folder, err) < 0 ||
	    file_of(settings, trust->url, &path, err) < 0 || fs_write_atomic(path, text.data, text.size, 0600, err) < 0)
		return -1;
	found = trust_default_url(settings, &by_default, err);
	return found == 0 ? set_default(settings, trust->url, err) : found < 0 ? -1 : 0;
}

struct first {
	char *url;
};

static int take_first(const struct trust *trust, void *arg, struct err *err)
{
	struct first *first = arg;

	if (!first->url)
		first->url = strdup(trust->url);
	return first->url ? 0 : err_no_memory(err);
}

int trust_remove(const struct settings *settings, const char *url, struct err *err)
{
	scoped(freep) char *path = NULL;
	scoped(freep) char *by_default = NULL;
	scoped(freep) char *default_path = NULL;
	struct first first = {0};
	int status;

	if (file_of(settings, url, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return err_set(err, ERR_NOT_FOUND, "the cloud at %s is not trusted", url);
	if (fs_remove_tree(path, err) < 0 || trust_default_url(settings, &by_default, err) < 0)
		return -1;
	if (!by_default || strcmp(by_default, url) != 0)
		return 0;
	if (settings_path(settings, "trust/" DEFAULT_FILE, &default_path, err) < 0 ||
	    fs_remove_tree(default_path, err) < 0)
		return -1;
	status = trust_each(settings, take_first, &first, err);
	if (status == 0 && first.url)
		status = set_default(settings, first.url, err);
	free(first.url);
	return status;
}

struct visiting {
	const char *folder;
	int (*visit)(const struct trust *trust, void *arg, struct err *err);
	void *arg;
};

static int visit_one(const char *name, void *arg, struct err *err)
{
	const struct visiting *visiting = arg;
	scoped(trust_done) struct trust trust = {0};
	scoped(freep) char *path = NULL;
	const size_t size = strlen(name);

	if (size <= strlen(SUFFIX) || strcmp(name + size - strlen(SUFFIX), SUFFIX) != 0)
		return 0;
	if (fs_join(visiting->folder, name, &path, err) < 0 || load(path, &trust, err) < 0)
		return -1;
	return visiting->visit(&trust, visiting->arg, err);
}

int trust_each(const struct settings *settings, int (*visit)(const struct trust *trust, void *arg, struct err *err),
	       void *arg, struct err *err)
{
	scoped(freep) char *folder = NULL;
	struct visiting visiting = {.visit = visit, .arg = arg};

	if (settings_path(settings, "trust", &folder, err) < 0)
		return -1;
	visiting.folder = folder;
	return fs_is_dir(folder) ? fs_each_entry(folder, visit_one, &visiting, err) : 0;
}

struct by_domain {
	const char *host;
	char *url;
};

static int match_domain(const struct trust *trust, void *arg, struct err *err)
{
	struct by_domain *wanted = arg;
	const size_t host_size = strlen(wanted->host);
	const size_t size = strlen(trust->base_domain);

	if (wanted->url || host_size <= size || wanted->host[host_size - size - 1] != '.' ||
	    strcasecmp(wanted->host + host_size - size, trust->base_domain) != 0)
		return 0;
	wanted->url = strdup(trust->url);
	return wanted->url ? 0 : err_no_memory(err);
}

int trust_find_by_domain(const struct settings *settings, const char *host, struct trust *ret_trust, struct err *err)
{
	struct by_domain wanted = {.host = host};
	int status = trust_each(settings, match_domain, &wanted, err);

	if (status == 0 && wanted.url)
		status = trust_find_by_url(settings, wanted.url, ret_trust, err);
	free(wanted.url);
	return status;
}
