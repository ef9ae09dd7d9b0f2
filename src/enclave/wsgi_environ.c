/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environ of PEP 3333. Native strings hold the bytes of the wire as Latin-1. PATH_INFO is percent-decoded, the rest
 * raw. A header whose name has '_' is left out: "X_User" would look like "X-User" to the application.
 */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "enclave/path_decode.h"
#include "enclave/wsgi.h"

#define PORT_HTTPS "443"
#define PORT_HTTP "80"
#define PORT_TEXT_MAX 5

static PyObject *common; /* copied for each request */
static bool is_behind_proxy;

static int set_text(PyObject *dict, const char *key, const char *value)
{
	scoped(py_decrefp) PyObject *text = PyUnicode_DecodeLatin1(value, (Py_ssize_t)strlen(value), NULL);

	return text ? PyDict_SetItemString(dict, key, text) : -1;
}

static int fill_common(PyObject *dict, const struct python_site *site)
{
	scoped(py_decrefp) PyObject *version = Py_BuildValue("(ii)", 1, 0);

	if (!version || PyDict_SetItemString(dict, "wsgi.version", version) < 0 ||
	    PyDict_SetItemString(dict, "wsgi.multithread", site->threads > 1 ? Py_True : Py_False) < 0 ||
	    PyDict_SetItemString(dict, "wsgi.multiprocess", site->is_multiprocess ? Py_True : Py_False) < 0 ||
	    PyDict_SetItemString(dict, "wsgi.run_once", Py_False) < 0 ||
	    PyDict_SetItemString(dict, "wsgi.input_terminated", Py_True) < 0 ||
	    PyDict_SetItemString(dict, "wsgi.file_wrapper", wsgi_file_type()) < 0)
		return -1;
	if (set_text(dict, "wsgi.url_scheme", "https") < 0 || set_text(dict, "SCRIPT_NAME", "") < 0 ||
	    set_text(dict, "HTTPS", "on") < 0)
		return -1;
	return set_text(dict, "SERVER_NAME", site->domain);
}

int wsgi_environ_start(const struct python_site *site, struct err *err)
{
	is_behind_proxy = site->is_behind_proxy;
	common = PyDict_New();
	if (!common || fill_common(common, site) < 0)
		return err_set(err, ERR_NO_MEMORY, "cannot make the environ");
	return 0;
}

void wsgi_environ_stop(void)
{
	Py_CLEAR(common);
}

static PyObject *decode_path(const char *path)
{
	size_t size;
	scoped(freep) char *decoded = path_decode(path, &size);

	return decoded ? PyUnicode_DecodeLatin1(decoded, (Py_ssize_t)size, NULL) : PyErr_NoMemory();
}

static int set_path(PyObject *environment, const char *path)
{
	scoped(py_decrefp) PyObject *text = decode_path(strcmp(path, "*") == 0 ? "" : path);

	return text ? PyDict_SetItemString(environment, "PATH_INFO", text) : -1;
}

/* "X-Real-Ip" → "HTTP_X_REAL_IP"; NULL with an exception. New reference. */
static PyObject *header_key(const char *name)
{
	static const char prefix[] = "HTTP_";
	const size_t prefix_size = sizeof(prefix) - 1;
	const size_t size = strlen(name);
	PyObject *key = PyUnicode_New((Py_ssize_t)(prefix_size + size), 127);
	Py_UCS1 *to;

	if (!key)
		return NULL;
	to = PyUnicode_1BYTE_DATA(key);
	memcpy(to, prefix, prefix_size);
	for (size_t i = 0; i < size; i++) {
		const char c = name[i];

		to[prefix_size + i] = (Py_UCS1)(c == '-' ? '_' : c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	}
	return key;
}

/* A repeated field is joined as RFC 9110 5.2 says; Cookie as RFC 6265 5.4. */
static int add_header(PyObject *environment, const struct http_header *header)
{
	scoped(py_decrefp) PyObject *key = header_key(header->name);
	PyObject *value = PyUnicode_DecodeLatin1(header->value, (Py_ssize_t)strlen(header->value), NULL);
	PyObject *before = key && value ? PyDict_GetItemWithError(environment, key) : NULL; /* borrowed */
	int status = -1;

	if (before) {
		const char *joint = strcasecmp(header->name, "cookie") == 0 ? "; " : ",";

		Py_SETREF(value, PyUnicode_FromFormat("%U%s%U", before, joint, value));
	}
	if (key && value && !PyErr_Occurred())
		status = PyDict_SetItem(environment, key, value);
	Py_XDECREF(value);
	return status;
}

static bool is_left_out(const char *name)
{
	return strchr(name, '_') || strcasecmp(name, "content-type") == 0 || strcasecmp(name, "content-length") == 0;
}

static int set_headers(PyObject *environment, struct http_exchange *exchange)
{
	const struct http_header *headers = http_headers(exchange);
	const char *type = http_header(exchange, "content-type");
	const char *length = http_header(exchange, "content-length");

	for (size_t i = 0; i < http_header_count(exchange); i++) {
		if (!is_left_out(headers[i].name) && add_header(environment, &headers[i]) < 0)
			return -1;
	}
	if (type && set_text(environment, "CONTENT_TYPE", type) < 0)
		return -1;
	return length ? set_text(environment, "CONTENT_LENGTH", length) : 0;
}

/* The public port may be a proxy's: the client's Host names it, if it is not its scheme's own. */
static int set_port(PyObject *environment, const char *host, bool is_https)
{
	const char *colon = strrchr(host, ':');
	const char *port = is_https ? PORT_HTTPS : PORT_HTTP;

	if (colon && colon[1] && strlen(colon + 1) <= PORT_TEXT_MAX &&
	    strspn(colon + 1, "0123456789") == strlen(colon + 1))
		port = colon + 1;
	return set_text(environment, "SERVER_PORT", port);
}

/* What is common says https. */
static int set_scheme(PyObject *environment, bool is_https)
{
	if (is_https)
		return 0;
	return PyDict_DelItemString(environment, "HTTPS") < 0 ? -1 : set_text(environment, "wsgi.url_scheme", "http");
}

static int set_peer(PyObject *environment, const struct proxy_v2_addresses *peer)
{
	char port[PORT_TEXT_MAX + 1];

	if (peer->family != PROXY_V2_INET && peer->family != PROXY_V2_INET6)
		return set_text(environment, "REMOTE_ADDR", "");
	(void)snprintf(port, sizeof(port), "%u", (unsigned)peer->source_port);
	if (set_text(environment, "REMOTE_ADDR", peer->source) < 0)
		return -1;
	return set_text(environment, "REMOTE_PORT", port);
}

static int set_protocol(PyObject *environment, const char *version)
{
	char text[sizeof("HTTP/1.1")];

	(void)snprintf(text, sizeof(text), "HTTP/%s", version);
	return set_text(environment, "SERVER_PROTOCOL", text);
}

static int set_request(PyObject *environment, struct http_exchange *exchange)
{
	const bool is_https = is_behind_proxy || http_is_tls(exchange);
	const char *query = http_query(exchange);

	if (set_text(environment, "REQUEST_METHOD", http_method(exchange)) < 0 ||
	    set_path(environment, http_path(exchange)) < 0 ||
	    set_text(environment, "QUERY_STRING", query ? query : "") < 0 ||
	    set_text(environment, "REQUEST_URI", http_target(exchange)) < 0 ||
	    set_protocol(environment, http_version(exchange)) < 0)
		return -1;
	if (set_scheme(environment, is_https) < 0 || set_port(environment, http_host(exchange), is_https) < 0 ||
	    set_peer(environment, http_peer(exchange)) < 0)
		return -1;
	return set_headers(environment, exchange);
}

PyObject *wsgi_environ_new(struct http_exchange *exchange, PyObject *input)
{
	PyObject *errors = PySys_GetObject("stderr"); /* borrowed */
	scoped(py_decrefp) PyObject *environment = PyDict_Copy(common);

	if (!environment || PyDict_SetItemString(environment, "wsgi.input", input) < 0 ||
	    PyDict_SetItemString(environment, "wsgi.errors", errors ? errors : Py_None) < 0 ||
	    set_request(environment, exchange) < 0)
		return NULL;
	return Py_NewRef(environment);
}
