/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environ of PEP 3333. Native strings hold the bytes of the wire as Latin-1. PATH_INFO is percent-decoded, the rest
 * raw. A header whose name has '_' is left out: "X_User" would look like "X-User" to the application.
 *
 * One dictionary is made at the start, with every key of every request in it; each request copies it and puts its own
 * values over those that are its own, so no table grows and no key is made or hashed twice.
 */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "enclave/serve/path_decode.h"
#include "enclave/wsgi/wsgi.h"

#define PORT_HTTPS "443"
#define PORT_HTTP "80"
#define PORT_TEXT_MAX 5
#define REMEMBERED_MAX 47 /* an address in text */

#define KEYS(X) \
	X(method, "REQUEST_METHOD") \
	X(script, "SCRIPT_NAME") \
	X(path, "PATH_INFO") \
	X(query, "QUERY_STRING") \
	X(uri, "REQUEST_URI") \
	X(name, "SERVER_NAME") \
	X(port, "SERVER_PORT") \
	X(protocol, "SERVER_PROTOCOL") \
	X(remote_addr, "REMOTE_ADDR") \
	X(remote_port, "REMOTE_PORT") \
	X(https, "HTTPS") \
	X(scheme, "wsgi.url_scheme") \
	X(input, "wsgi.input") \
	X(errors, "wsgi.errors") \
	X(version, "wsgi.version") \
	X(multithread, "wsgi.multithread") \
	X(multiprocess, "wsgi.multiprocess") \
	X(run_once, "wsgi.run_once") \
	X(input_terminated, "wsgi.input_terminated") \
	X(file_wrapper, "wsgi.file_wrapper")

#define X(name, text) static PyObject *key_##name;
KEYS(X)
#undef X

/* A text that is mostly the one of the request before. */
struct remembered {
	char text[REMEMBERED_MAX + 1];
	PyObject *object;
};

static struct remembered last_method;
static struct remembered last_port;
static struct remembered last_peer;
static PyObject *common; /* copied for each request: those over TLS */
static PyObject *common_plain;
static struct remembered last_version;
static PyObject *empty;
static PyObject *text_stderr;
static PyObject *sys_dict;
static bool is_behind_proxy;
static const char *root_path = "";
static size_t root_size;

static PyObject *latin1(const char *text)
{
	return PyUnicode_DecodeLatin1(text, (Py_ssize_t)strlen(text), NULL);
}

/* Takes value. */
static int set(PyObject *dict, PyObject *key, PyObject *value)
{
	const int status = value ? PyDict_SetItem(dict, key, value) : -1;

	Py_XDECREF(value);
	return status;
}

/* New reference. */
static PyObject *recall(struct remembered *memory, const char *text)
{
	const size_t size = strlen(text);

	if (memory->object && strcmp(memory->text, text) == 0)
		return Py_NewRef(memory->object);
	if (size > REMEMBERED_MAX)
		return latin1(text);
	Py_XSETREF(memory->object, latin1(text));
	memcpy(memory->text, text, size + 1);
	return Py_XNewRef(memory->object);
}

static void forget(struct remembered *memory)
{
	Py_CLEAR(memory->object);
}

/* ---- what is equal in all requests ---- */

static int make_texts(void)
{
	PyObject *sys = PyImport_ImportModule("sys");

#define X(name, text) \
	key_##name = PyUnicode_InternFromString(text); \
	if (!key_##name) \
		return -1;
	KEYS(X)
#undef X
	text_stderr = PyUnicode_InternFromString("stderr");
	empty = PyUnicode_InternFromString("");
	sys_dict = sys ? Py_NewRef(PyModule_GetDict(sys)) : NULL;
	Py_XDECREF(sys);
	return text_stderr && empty && sys_dict ? 0 : -1;
}

static int fill_common(PyObject *dict, const struct python_site *site)
{
	PyObject *const own[] = {key_method,   key_path,        key_query,       key_uri,   key_port,
				 key_protocol, key_remote_addr, key_remote_port, key_input, key_errors};

	for (size_t i = 0; i < COUNT_OF(own); i++) {
		if (PyDict_SetItem(dict, own[i], Py_None) < 0)
			return -1;
	}
	if (set(dict, key_version, Py_BuildValue("(ii)", 1, 0)) < 0 ||
	    PyDict_SetItem(dict, key_multithread, site->threads > 1 ? Py_True : Py_False) < 0 ||
	    PyDict_SetItem(dict, key_multiprocess, site->is_multiprocess ? Py_True : Py_False) < 0 ||
	    PyDict_SetItem(dict, key_run_once, Py_False) < 0 ||
	    PyDict_SetItem(dict, key_input_terminated, Py_True) < 0 ||
	    PyDict_SetItem(dict, key_file_wrapper, wsgi_file_type()) < 0)
		return -1;
	if (set(dict, key_scheme, latin1("https")) < 0 || set(dict, key_script, latin1(root_path)) < 0)
		return -1;
	return set(dict, key_name, latin1(site->domain));
}

int wsgi_environ_start(const struct python_site *site, struct err *err)
{
	is_behind_proxy = site->is_behind_proxy;
	root_path = site->root_path ? site->root_path : "";
	root_size = strlen(root_path);
	common = make_texts() < 0 ? NULL : PyDict_New();
	if (!common || fill_common(common, site) < 0)
		return err_set(err, ERR_NO_MEMORY, "cannot make the environ");
	common_plain = PyDict_Copy(common);
	if (!common_plain || set(common_plain, key_scheme, latin1("http")) < 0 ||
	    set(common, key_https, latin1("on")) < 0)
		return err_set(err, ERR_NO_MEMORY, "cannot make the environ");
	return wsgi_names_start(err);
}

void wsgi_environ_stop(void)
{
	Py_CLEAR(common);
	Py_CLEAR(common_plain);
	Py_CLEAR(sys_dict);
	forget(&last_method);
	forget(&last_port);
	forget(&last_peer);
	forget(&last_version);
	wsgi_names_stop();
}

/* ---- what is a request's own ---- */

/* SCRIPT_NAME and PATH_INFO together are the path; of a proxy that takes the first off, the rest is what comes. */
static size_t script_size(const char *path, size_t size)
{
	if (root_size == 0 || size < root_size || memcmp(path, root_path, root_size) != 0)
		return 0;
	return size == root_size || path[root_size] == '/' ? root_size : 0;
}

static PyObject *path_info(const char *path, size_t size)
{
	const size_t script = script_size(path, size);

	return PyUnicode_DecodeLatin1(path + script, (Py_ssize_t)(size - script), NULL);
}

static PyObject *decode_path(const char *path)
{
	size_t size;
	scoped(freep) char *decoded = NULL;

	if (strcmp(path, "*") == 0)
		return Py_NewRef(empty);
	if (!strchr(path, '%'))
		return path_info(path, strlen(path));
	decoded = path_decode(path, &size);
	return decoded ? path_info(decoded, size) : PyErr_NoMemory();
}

/* A repeated field is joined as RFC 9110 5.2 says; Cookie as RFC 6265 5.4. Of Content-Type the first counts. */
static int join(PyObject *environment, PyObject *key, PyObject *before, PyObject *value, const char *name)
{
	const char *joint = strcasecmp(name, "cookie") == 0 ? "; " : ",";

	if (strcasecmp(name, "content-type") == 0)
		return 0;
	return set(environment, key, PyUnicode_FromFormat("%U%s%U", before, joint, value));
}

static int add_header(PyObject *environment, const struct http_header *header)
{
	scoped(py_decrefp) PyObject *key = wsgi_name_key(header->name);
	scoped(py_decrefp) PyObject *value = key ? latin1(header->value) : NULL;
	PyObject *there = value ? PyDict_SetDefault(environment, key, value) : NULL; /* borrowed */

	if (!there)
		return -1;
	return there == value ? 0 : join(environment, key, there, value, header->name);
}

static int set_headers(PyObject *environment, struct http_exchange *exchange)
{
	const struct http_header *headers = http_headers(exchange);
	const size_t count = http_header_count(exchange);

	for (size_t i = 0; i < count; i++) {
		if (!strchr(headers[i].name, '_') && add_header(environment, &headers[i]) < 0)
			return -1;
	}
	return 0;
}

/* The public port may be a proxy's: the client's Host names it, if it is not its scheme's own. */
static PyObject *port_of(const char *host, bool is_https)
{
	const char *colon = strrchr(host, ':');
	const char *port = is_https ? PORT_HTTPS : PORT_HTTP;

	if (colon && colon[1] && strlen(colon + 1) <= PORT_TEXT_MAX &&
	    strspn(colon + 1, "0123456789") == strlen(colon + 1))
		port = colon + 1;
	return recall(&last_port, port);
}

/* Without snprintf, which costs more than all the rest of the peer. */
static PyObject *number_text(uint16_t number)
{
	char text[PORT_TEXT_MAX];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return PyUnicode_DecodeLatin1(text + at, (Py_ssize_t)(sizeof(text) - at), NULL);
}

static int set_peer(PyObject *environment, const struct proxy_v2_addresses *peer)
{
	if (peer->family != PROXY_V2_INET && peer->family != PROXY_V2_INET6) {
		if (PyDict_SetItem(environment, key_remote_addr, empty) < 0)
			return -1;
		return PyDict_DelItem(environment, key_remote_port);
	}
	if (set(environment, key_remote_addr, recall(&last_peer, peer->source)) < 0)
		return -1;
	if (peer->source_port == 0) /* a proxy that says the address alone */
		return PyDict_DelItem(environment, key_remote_port);
	return set(environment, key_remote_port, number_text(peer->source_port));
}

static PyObject *protocol_of(const char *version)
{
	if (last_version.object && strcmp(last_version.text, version) == 0)
		return Py_NewRef(last_version.object);
	forget(&last_version);
	(void)snprintf(last_version.text, sizeof(last_version.text), "%s", version);
	/* RFC 3875 4.1.16 wants two digits. */
	last_version.object = PyUnicode_FromFormat("HTTP/%s%s", version, strchr(version, '.') ? "" : ".0");
	return Py_XNewRef(last_version.object);
}

static int set_request(PyObject *environment, struct http_exchange *exchange, bool is_https)
{
	const char *query = http_query(exchange);

	if (set(environment, key_method, recall(&last_method, http_method(exchange))) < 0 ||
	    set(environment, key_path, decode_path(http_path(exchange))) < 0 ||
	    set(environment, key_query, query ? latin1(query) : Py_NewRef(empty)) < 0 ||
	    set(environment, key_uri, latin1(http_target(exchange))) < 0 ||
	    set(environment, key_protocol, protocol_of(http_version(exchange))) < 0)
		return -1;
	if (set(environment, key_port, port_of(http_host(exchange), is_https)) < 0 ||
	    set_peer(environment, http_peer(exchange)) < 0)
		return -1;
	return set_headers(environment, exchange);
}

PyObject *wsgi_environ_new(struct http_exchange *exchange, PyObject *input)
{
	const bool is_https = is_behind_proxy || http_is_https(exchange);
	/* Held: the application may replace sys.stderr while memory is made for the rest. */
	scoped(py_decrefp) PyObject *errors = Py_XNewRef(PyDict_GetItemWithError(sys_dict, text_stderr));
	scoped(py_decrefp) PyObject *environment = PyDict_Copy(is_https ? common : common_plain);

	if (!environment || PyDict_SetItem(environment, key_input, input) < 0 ||
	    PyDict_SetItem(environment, key_errors, errors ? errors : Py_None) < 0 ||
	    set_request(environment, exchange, is_https) < 0)
		return NULL;
	return TAKE_PTR(environment);
}
