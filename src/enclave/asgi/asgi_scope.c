/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scope of a request ("http" of the ASGI specification). path is decoded (UTF-8, what is none of it replaced),
 * raw_path and query_string are as sent. Header names are in lower case, in the order of the wire, none left out.
 */
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "enclave/asgi/asgi_websocket.h"
#include "enclave/serve/path_decode.h"

#define PORT_HTTPS 443
#define PORT_HTTP 80
#define PORT_MAX 65535

/* Keys and values that are equal in all requests, made once. */
#define KEYS(X) \
	X(type) \
	X(asgi) \
	X(http_version) \
	X(method) \
	X(scheme) \
	X(path) \
	X(raw_path) X(query_string) X(root_path) X(headers) X(client) X(server) X(state) X(extensions) X(subprotocols)

#define X(name) static PyObject *key_##name;
KEYS(X)
#undef X

/* Names of fields that come often. */
static const char *const usual_names[] = {
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-type",
    "content-length",
    "cookie",
    "authorization",
    "referer",
    "x-forwarded-for",
    "x-forwarded-proto",
    "transfer-encoding",
    "origin",
};
static PyObject *usual_bytes[COUNT_OF(usual_names)];
/*
 * Copied for each request, with all its keys: what is put in place of a value costs less than another key, and who
 * looks for a key finds the very object.
 */
static PyObject *http_scope;
static PyObject *websocket_scope;
static PyObject *versions;
static PyObject *extensions;
static PyObject *websocket_extensions;

static PyObject *text_get;
static PyObject *text_https;
static PyObject *text_http;
static PyObject *text_wss;
static PyObject *text_ws;
static PyObject *text_websocket;

/* Of the last request: most have the same. */
static PyObject *last_server;
static int last_port;

static int make_texts(void)
{
#define X(name) \
	key_##name = PyUnicode_InternFromString(#name); \
	if (!key_##name) \
		return -1;
	KEYS(X)
#undef X
	for (size_t i = 0; i < COUNT_OF(usual_names); i++) {
		usual_bytes[i] = PyBytes_FromString(usual_names[i]);
		if (!usual_bytes[i])
			return -1;
	}
	text_get = PyUnicode_InternFromString("GET");
	text_https = PyUnicode_InternFromString("https");
	text_http = PyUnicode_InternFromString("http");
	text_wss = PyUnicode_InternFromString("wss");
	text_ws = PyUnicode_InternFromString("ws");
	text_websocket = PyUnicode_InternFromString("websocket");
	return text_get && text_https && text_http && text_wss && text_ws && text_websocket ? 0 : -1;
}

/* Keys are interned, as literals of the application are. Takes value. */
static int set(PyObject *scope, PyObject *key, PyObject *value)
{
	const int status = value ? PyDict_SetItem(scope, key, value) : -1;

	Py_XDECREF(value);
	return status;
}

/* What is not the same for all is None until it is put there. */
static PyObject *make_scope(PyObject *type, PyObject *own_key)
{
	PyObject *const keys[] = {key_type,   key_asgi,      key_http_version, own_key,          key_scheme,
				  key_path,   key_raw_path,  key_headers,      key_query_string, key_client,
				  key_server, key_root_path, key_extensions};
	const char *root_path = asgi.site->root_path ? asgi.site->root_path : "";
	PyObject *scope = PyDict_New();

	for (size_t i = 0; scope && i < COUNT_OF(keys); i++) {
		if (PyDict_SetItem(scope, keys[i], Py_None) < 0)
			Py_CLEAR(scope);
	}
	if (scope && (PyDict_SetItem(scope, key_type, type) < 0 ||
		      set(scope, key_http_version, PyUnicode_InternFromString("1.1")) < 0 ||
		      set(scope, key_root_path, PyUnicode_FromString(root_path)) < 0))
		Py_CLEAR(scope);
	return scope;
}

static PyObject *make_versions(void)
{
	PyObject *dict = PyDict_New();
	PyObject *version = PyUnicode_InternFromString("version");
	PyObject *spec_version = PyUnicode_InternFromString("spec_version");

	if (!dict || !version || !spec_version || set(dict, version, PyUnicode_FromString("3.0")) < 0 ||
	    set(dict, spec_version, PyUnicode_FromString(ASGI_HTTP_VERSION)) < 0)
		Py_CLEAR(dict);
	return dict;
}

int asgi_scope_start(void)
{
	if (make_texts() < 0)
		return -1;
	http_scope = make_scope(text_http, key_method);
	websocket_scope = make_scope(text_websocket, key_subprotocols);
	versions = make_versions();
	extensions = Py_BuildValue("{s:{}, s:{}, s:{}}", "http.response.trailers", "http.response.early_hint",
				   "http.response.pathsend");
	websocket_extensions = Py_BuildValue("{s:{}}", "websocket.http.response");
	return http_scope && websocket_scope && versions && extensions && websocket_extensions ? 0 : -1;
}

static PyObject *decode_path(const char *path)
{
	size_t size = strlen(path);
	scoped(freep) char *decoded = NULL;

	if (!memchr(path, '%', size))
		return PyUnicode_DecodeUTF8(path, (Py_ssize_t)size, "replace");
	decoded = path_decode(path, &size);
	return decoded ? PyUnicode_DecodeUTF8(decoded, (Py_ssize_t)size, "replace") : PyErr_NoMemory();
}

static PyObject *header_name(const char *name)
{
	PyObject *bytes;
	char *to;

	for (size_t i = 0; i < COUNT_OF(usual_names); i++) {
		/* The first letter spares most of the calls. */
		if ((*usual_names[i] ^ *name) % 32 == 0 && strcasecmp(usual_names[i], name) == 0)
			return Py_NewRef(usual_bytes[i]);
	}
	bytes = PyBytes_FromString(name);
	for (to = bytes ? PyBytes_AS_STRING(bytes) : NULL; to && *to; to++)
		*to = *to >= 'A' && *to <= 'Z' ? (char)(*to + 'a' - 'A') : *to;
	return bytes;
}

static PyObject *header_pair(const struct http_header *header)
{
	PyObject *name = header_name(header->name);
	PyObject *value = PyBytes_FromString(header->value);
	PyObject *pair = name && value ? PyTuple_New(2) : NULL;

	if (!pair) {
		Py_XDECREF(name);
		Py_XDECREF(value);
		return NULL;
	}
	PyTuple_SET_ITEM(pair, 0, name);
	PyTuple_SET_ITEM(pair, 1, value);
	return pair;
}

static PyObject *header_list(const struct http_exchange *exchange)
{
	const struct http_header *headers = http_headers(exchange);
	const size_t count = http_header_count(exchange);
	PyObject *list = PyList_New((Py_ssize_t)count);

	for (size_t i = 0; list && i < count; i++) {
		PyObject *pair = header_pair(&headers[i]);

		if (!pair)
			Py_CLEAR(list);
		else
			PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
	}
	return list;
}

/* Takes host. */
static PyObject *address(PyObject *host, int port)
{
	PyObject *number = PyLong_FromLong(port);
	PyObject *pair = host && number ? PyTuple_New(2) : NULL;

	if (!pair) {
		Py_XDECREF(host);
		Py_XDECREF(number);
		return NULL;
	}
	PyTuple_SET_ITEM(pair, 0, host);
	PyTuple_SET_ITEM(pair, 1, number);
	return pair;
}

static PyObject *client_of(const struct http_exchange *exchange)
{
	const struct proxy_v2_addresses *peer = http_peer(exchange);

	if (peer->family != PROXY_V2_INET && peer->family != PROXY_V2_INET6)
		Py_RETURN_NONE;
	return address(PyUnicode_FromString(peer->source), (int)peer->source_port);
}

/* The public port may be a proxy's: the client's Host names it, if it is not its scheme's own. */
static PyObject *server_of(const struct http_exchange *exchange, bool is_https)
{
	const char *colon = strrchr(http_host(exchange), ':');
	struct err ignored = ERR_INIT;
	uint64_t port;

	if (!colon || number_parse_u64(colon + 1, 1, PORT_MAX, &port, &ignored) < 0)
		port = is_https ? PORT_HTTPS : PORT_HTTP;
	if (!last_server || last_port != (int)port) {
		Py_XSETREF(last_server, address(PyUnicode_FromString(asgi.site->domain), (int)port));
		last_port = (int)port;
	}
	return Py_XNewRef(last_server);
}

static PyObject *method_of(const struct http_exchange *exchange)
{
	const char *method = http_method(exchange);

	return strcmp(method, "GET") == 0 ? Py_NewRef(text_get) : PyUnicode_FromString(method);
}

static int set_request(PyObject *scope, const struct http_exchange *exchange)
{
	const bool is_https = asgi.site->is_behind_proxy || http_is_https(exchange);
	const char *path = http_path(exchange);
	const char *query = http_query(exchange);

	if (set(scope, key_path, decode_path(path)) < 0 || set(scope, key_raw_path, PyBytes_FromString(path)) < 0 ||
	    set(scope, key_query_string, PyBytes_FromString(query ? query : "")) < 0 ||
	    set(scope, key_headers, header_list(exchange)) < 0)
		return -1;
	if (strcmp(http_version(exchange), "1.1") != 0 &&
	    set(scope, key_http_version, PyUnicode_FromString(http_version(exchange))) < 0)
		return -1;
	return set(scope, key_client, client_of(exchange)) < 0 ? -1
							       : set(scope, key_server, server_of(exchange, is_https));
}

/* Names are tokens: websocket_check has looked. */
static PyObject *subprotocols_of(const struct http_exchange *exchange)
{
	struct websocket_offer offer = {0};
	PyObject *list = PyList_New(0);

	while (list && websocket_next_offer(exchange, &offer)) {
		scoped(py_decrefp) PyObject *name = PyUnicode_FromStringAndSize(offer.name, (Py_ssize_t)offer.size);

		if (!name || PyList_Append(list, name) < 0)
			Py_CLEAR(list);
	}
	return list;
}

/* What a request has, or a WebSocket instead. */
static int set_kind(PyObject *scope, const struct http_exchange *exchange, bool is_websocket)
{
	const bool is_https = asgi.site->is_behind_proxy || http_is_https(exchange);

	if (!is_websocket)
		return set(scope, key_method, method_of(exchange)) < 0
			   ? -1
			   : set(scope, key_scheme, Py_NewRef(is_https ? text_https : text_http));
	if (set(scope, key_scheme, Py_NewRef(is_https ? text_wss : text_ws)) < 0)
		return -1;
	return set(scope, key_subprotocols, subprotocols_of(exchange));
}

/* Applications may write into these: each request has its own. The dicts within extensions stay empty for all. */
static int set_own(PyObject *scope, bool is_websocket)
{
	if (set(scope, key_asgi, PyDict_Copy(versions)) < 0 ||
	    set(scope, key_extensions, PyDict_Copy(is_websocket ? websocket_extensions : extensions)) < 0)
		return -1;
	return asgi.state ? set(scope, key_state, PyDict_Copy(asgi.state)) : 0;
}

PyObject *asgi_scope_new(const struct http_exchange *exchange, bool is_websocket)
{
	PyObject *scope = PyDict_Copy(is_websocket ? websocket_scope : http_scope);

	if (scope && (set_own(scope, is_websocket) < 0 || set_kind(scope, exchange, is_websocket) < 0 ||
		      set_request(scope, exchange) < 0))
		Py_CLEAR(scope);
	return scope;
}
