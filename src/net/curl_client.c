/* SPDX-License-Identifier: Apache-2.0 */
#include "net/curl_client.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Only types and constants: the functions are found at run time. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

#include "base/number.h"
#include "format/uri.h"

#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MS 30000
#define RETRY_DELAY_MS 500
#define RETRY_DELAY_MAX_MS 30000
#define RESPONSE_MAX (16u << 20)
#define HEADER_MEMORY_MAX (HTTP_HEADER_BYTES_MAX + 2 * HTTP_HEADERS_MAX)

struct curl_client {
	CURL *curl;
	struct buf ca_pem;
	char *unix_path;
	char *user_agent;
	int connect_timeout_ms;
	int retry_delay_ms;
	bool insecure;
};

/* One try. */
struct attempt {
	const struct curl_request *request;
	struct curl_response *response;
	size_t offsets[HTTP_HEADERS_MAX][2]; /* of name and value in memory, which may still move */
	bool over_limit;
	bool cancelled;
	bool out_of_memory;
	char error_text[CURL_ERROR_SIZE];
};

/* ---- libcurl, loaded when the first client is made: its 30 libraries would cost every start of mse 8 ms ---- */

#define LIBCURL "libcurl.so.4"

#define LIBCURL_FUNCTIONS(X) \
	X(global_init) \
	X(easy_init) \
	X(easy_cleanup) \
	X(easy_reset) \
	X(easy_setopt) \
	X(easy_getinfo) \
	X(easy_perform) \
	X(easy_strerror) \
	X(slist_append) \
	X(slist_free_all) \
	X(mime_init) \
	X(mime_free) \
	X(mime_addpart) \
	X(mime_name) \
	X(mime_type) \
	X(mime_data) \
	X(mime_filedata) \
	X(mime_filename)

struct libcurl {
#define X(name) __typeof__(curl_##name) *name;
	LIBCURL_FUNCTIONS(X)
#undef X
};

static pthread_once_t libcurl_once = PTHREAD_ONCE_INIT;
static struct libcurl libcurl;
static bool libcurl_is_loaded;

static bool find_functions(void *handle)
{
#define X(name) \
	*(void **)&libcurl.name = dlsym(handle, "curl_" #name); \
	if (!libcurl.name) \
		return false;
	LIBCURL_FUNCTIONS(X)
#undef X
	return true;
}

static void load_libcurl(void)
{
	void *handle = dlopen(LIBCURL, RTLD_NOW | RTLD_LOCAL);

	libcurl_is_loaded = handle && find_functions(handle) && libcurl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* ---- life ---- */

int curl_client_new(const struct curl_client_options *options, struct curl_client **ret_client, struct err *err)
{
	scoped(curl_client_freep) struct curl_client *client = calloc(1, sizeof(*client));

	if (!client)
		return err_no_memory(err);
	(void)pthread_once(&libcurl_once, load_libcurl);
	if (!libcurl_is_loaded)
		return err_set(err, ERR_UNSUPPORTED, "cannot load " LIBCURL " (package libcurl4)");
	client->ca_pem = BUF_INIT(SIZE_MAX / 2);
	client->curl = libcurl.easy_init();
	client->user_agent = strdup(options->user_agent ? options->user_agent : "mse/" MSE_VERSION);
	client->unix_path = options->unix_path ? strdup(options->unix_path) : NULL;
	if (!client->curl || !client->user_agent || (options->unix_path && !client->unix_path))
		return err_no_memory(err);
	if (options->ca_pem && buf_add(&client->ca_pem, options->ca_pem, options->ca_pem_size, err) < 0)
		return -1;
	client->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	client->retry_delay_ms = options->retry_delay_ms > 0 ? options->retry_delay_ms : RETRY_DELAY_MS;
	client->insecure = options->insecure;
	*ret_client = TAKE_PTR(client);
	return 0;
}

void curl_client_free(struct curl_client *client)
{
	if (!client)
		return;
	if (client->curl)
		libcurl.easy_cleanup(client->curl);
	buf_done(&client->ca_pem);
	free(client->unix_path);
	free(client->user_agent);
	free(client);
}

void curl_response_done(struct curl_response *response)
{
	buf_done(&response->body);
	buf_done(&response->memory);
	response->status = 0;
	response->header_count = 0;
}

const char *curl_response_header(const struct curl_response *response, const char *name)
{
	return http_headers_find(response->headers, response->header_count, name);
}

/* ---- what libcurl calls ---- */

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
	struct attempt *attempt = arg;
	struct err err = ERR_INIT;

	(void)one;
	if (buf_add(&attempt->response->body, data, size, &err) == 0)
		return size;
	attempt->over_limit = err.code == ERR_LIMIT;
	attempt->out_of_memory = err.code == ERR_NO_MEMORY;
	return CURL_WRITEFUNC_ERROR;
}

static int keep_header(struct attempt *attempt, const char *name, size_t name_size, const char *value,
		       size_t value_size)
{
	struct curl_response *response = attempt->response;
	struct err ignored = ERR_INIT;
	size_t *offsets = attempt->offsets[response->header_count];

	offsets[0] = response->memory.size;
	if (buf_add(&response->memory, name, name_size, &ignored) < 0 ||
	    buf_add_byte(&response->memory, 0, &ignored) < 0)
		return -1;
	offsets[1] = response->memory.size;
	if (buf_add(&response->memory, value, value_size, &ignored) < 0 ||
	    buf_add_byte(&response->memory, 0, &ignored) < 0)
		return -1;
	response->header_count++;
	return 0;
}

static size_t on_header(char *data, size_t one, size_t size, void *arg)
{
	struct attempt *attempt = arg;
	const char *end = data + size;
	const char *colon = memchr(data, ':', size);
	const char *value;

	(void)one;
	/* A status line: 100 Continue comes before the final response, whose fields are the ones that count. */
	if (size >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		attempt->response->header_count = 0;
		buf_clear(&attempt->response->memory);
		return size;
	}
	if (!colon || attempt->response->header_count >= HTTP_HEADERS_MAX)
		return size;
	value = colon + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", end[-1]))
		end--;
	if (keep_header(attempt, data, (size_t)(colon - data), value, (size_t)(end - value)) < 0) {
		attempt->over_limit = true;
		return 0;
	}
	return size;
}

static int on_progress(void *arg, curl_off_t receive_total, curl_off_t received, curl_off_t send_total, curl_off_t sent)
{
	struct attempt *attempt = arg;
	const struct curl_request *request = attempt->request;

	if (request->progress(request->progress_arg, (uint64_t)sent, (uint64_t)send_total, (uint64_t)received,
			      (uint64_t)receive_total))
		return 0;
	attempt->cancelled = true;
	return 1;
}

/* ---- one try ---- */

struct lists {
	struct curl_slist *headers;
	struct curl_slist *resolve;
	curl_mime *mime;
};

static void lists_done(struct lists *lists)
{
	libcurl.slist_free_all(lists->headers);
	libcurl.slist_free_all(lists->resolve);
	libcurl.mime_free(lists->mime);
}

static int add_to_list(struct curl_slist **list, const char *text, struct err *err)
{
	struct curl_slist *longer = libcurl.slist_append(*list, text);

	if (!longer)
		return err_no_memory(err);
	*list = longer;
	return 0;
}

static int add_headers(const struct curl_request *request, struct lists *lists, struct err *err)
{
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];
		scoped(freep) char *line = NULL;

		if (!http_header_is_valid(header->name, header->value))
			return err_set(err, ERR_INVALID, "header '%.64s' cannot be sent", header->name);
		/* libcurl wants "Name;" for an empty value: "Name:" would remove the field. */
		if (asprintf(&line, *header->value ? "%s: %s" : "%s;", header->name, header->value) < 0)
			return err_no_memory(err);
		if (add_to_list(&lists->headers, line, err) < 0)
			return -1;
	}
	/* No 100-continue: its wait of a second buys nothing here. */
	return add_to_list(&lists->headers, "Expect:", err);
}

/* Loopback names: addresses given, and no proxy asked, which would resolve them at its own place. */
static int add_resolve(CURL *curl, const char *url, struct lists *lists, struct err *err)
{
	scoped(uri_done) struct uri uri = {0};
	scoped(freep) char *line = NULL;

	if (uri_parse(url, &uri, err) < 0)
		return -1;
	if (!host_is_loopback_name(uri.authority.host))
		return 0;
	(void)libcurl.easy_setopt(curl, CURLOPT_PROXY, "");
	if (asprintf(&line, "%s:%u:127.0.0.1,[::1]", uri.authority.host, uri.authority.port) < 0)
		return err_no_memory(err);
	return add_to_list(&lists->resolve, line, err);
}

static int add_part(curl_mime *mime, const struct curl_part *part, struct err *err)
{
	curl_mimepart *mime_part = libcurl.mime_addpart(mime);
	CURLcode done;

	if (!mime_part || libcurl.mime_name(mime_part, part->name) != CURLE_OK)
		return err_no_memory(err);
	if (part->path)
		done = libcurl.mime_filedata(mime_part, part->path);
	else
		done = libcurl.mime_data(mime_part, part->data_size ? part->data : "", part->data_size);
	if (done != CURLE_OK)
		return err_set(err, part->path ? ERR_IO : ERR_NO_MEMORY, "cannot send '%s'",
			       part->path ? part->path : part->name);
	/* After filedata, which sets a name of its own. */
	if ((part->path || part->file_name) && libcurl.mime_filename(mime_part, part->file_name) != CURLE_OK)
		return err_no_memory(err);
	if (part->content_type && libcurl.mime_type(mime_part, part->content_type) != CURLE_OK)
		return err_no_memory(err);
	return 0;
}

static int add_parts(CURL *curl, const struct curl_request *request, struct lists *lists, struct err *err)
{
	lists->mime = libcurl.mime_init(curl);
	if (!lists->mime)
		return err_no_memory(err);
	for (size_t i = 0; i < request->part_count; i++) {
		if (add_part(lists->mime, &request->parts[i], err) < 0)
			return -1;
	}
	(void)libcurl.easy_setopt(curl, CURLOPT_MIMEPOST, lists->mime);
	return 0;
}

static void set_trust(struct curl_client *client)
{
	CURL *curl = client->curl;
	struct curl_blob blob = {.data = client->ca_pem.data, .len = client->ca_pem.size, .flags = CURL_BLOB_NOCOPY};

	if (client->insecure) {
		(void)libcurl.easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)libcurl.easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (client->ca_pem.size == 0)
		return;
	(void)libcurl.easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
	/* Else the system's folder of roots would count beside the pin. */
	(void)libcurl.easy_setopt(curl, CURLOPT_CAPATH, NULL);
}

static void set_fixed(struct curl_client *client, struct attempt *attempt)
{
	const struct curl_request *request = attempt->request;
	CURL *curl = client->curl;

	libcurl.easy_reset(curl);
	(void)libcurl.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)libcurl.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)libcurl.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	(void)libcurl.easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)libcurl.easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)libcurl.easy_setopt(curl, CURLOPT_USERAGENT, client->user_agent);
	(void)libcurl.easy_setopt(curl, CURLOPT_ERRORBUFFER, attempt->error_text);
	(void)libcurl.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_timeout_ms);
	(void)libcurl.easy_setopt(curl, CURLOPT_TIMEOUT_MS,
				  (long)(request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS));
	(void)libcurl.easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	(void)libcurl.easy_setopt(curl, CURLOPT_WRITEDATA, attempt);
	(void)libcurl.easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)libcurl.easy_setopt(curl, CURLOPT_HEADERDATA, attempt);
	if (client->unix_path)
		(void)libcurl.easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->unix_path);
	if (client->unix_path)
		(void)libcurl.easy_setopt(curl, CURLOPT_PROXY, "");
	if (request->progress) {
		(void)libcurl.easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		(void)libcurl.easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
		(void)libcurl.easy_setopt(curl, CURLOPT_XFERINFODATA, attempt);
	}
	set_trust(client);
}

static void set_method_and_body(CURL *curl, const struct curl_request *request)
{
	const char *method = request->method ? request->method : "GET";

	if (request->parts)
		return;
	if (request->body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	    strcmp(method, "PATCH") == 0) {
		(void)libcurl.easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
		(void)libcurl.easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
	if (strcmp(method, "HEAD") == 0)
		(void)libcurl.easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else
		(void)libcurl.easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static int fail(const struct attempt *attempt, CURLcode code, struct err *err)
{
	const char *text = *attempt->error_text ? attempt->error_text : libcurl.easy_strerror(code);

	if (attempt->cancelled)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (attempt->out_of_memory || code == CURLE_OUT_OF_MEMORY)
		return err_no_memory(err);
	if (attempt->over_limit)
		return err_set(err, ERR_LIMIT, "the response is larger than %zu bytes", attempt->response->body.max);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, ERR_TIMEOUT, "%s", text);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
	    code == CURLE_SSL_ISSUER_ERROR)
		return err_set(err, ERR_UNTRUSTED, "%s", text);
	if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_PROXY)
		return err_set(err, ERR_UNAVAILABLE, "%s", text);
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		return err_set(err, ERR_INVALID, "%s", text);
	return err_set(err, ERR_IO, "%s", text);
}

static void place_headers(const struct attempt *attempt)
{
	struct curl_response *response = attempt->response;

	for (size_t i = 0; i < response->header_count; i++) {
		response->headers[i].name = (const char *)response->memory.data + attempt->offsets[i][0];
		response->headers[i].value = (const char *)response->memory.data + attempt->offsets[i][1];
	}
}

static int try_once(struct curl_client *client, const struct curl_request *request, struct curl_response *response,
		    struct err *err)
{
	scoped(lists_done) struct lists lists = {0};
	struct attempt attempt = {.request = request, .response = response};
	long status = 0;
	CURLcode code;

	curl_response_done(response);
	response->body.max = request->response_max ? request->response_max : RESPONSE_MAX;
	response->memory.max = HEADER_MEMORY_MAX;
	set_fixed(client, &attempt);
	set_method_and_body(client->curl, request);
	if (add_headers(request, &lists, err) < 0 || add_resolve(client->curl, request->url, &lists, err) < 0 ||
	    (request->parts && add_parts(client->curl, request, &lists, err) < 0))
		return -1;
	(void)libcurl.easy_setopt(client->curl, CURLOPT_URL, request->url);
	(void)libcurl.easy_setopt(client->curl, CURLOPT_HTTPHEADER, lists.headers);
	(void)libcurl.easy_setopt(client->curl, CURLOPT_RESOLVE, lists.resolve);
	code = libcurl.easy_perform(client->curl);
	/* The lists and the attempt go out of scope before the handle is used again. */
	(void)libcurl.easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK)
		return fail(&attempt, code, err);
	response->status = (int)status;
	place_headers(&attempt);
	return 0;
}

/* ---- retries ---- */

static bool is_worth_retrying(int done, const struct curl_response *response)
{
	return done == 0 && (response->status == 502 || response->status == 503);
}

static int delay_before(const struct curl_client *client, int tries, const struct curl_response *response)
{
	const char *wanted = curl_response_header(response, "retry-after");
	const int64_t doubled = (int64_t)client->retry_delay_ms << tries;
	struct err ignored = ERR_INIT;
	uint64_t seconds;

	if (wanted && number_parse_u64(wanted, 0, RETRY_DELAY_MAX_MS / 1000, &seconds, &ignored) == 0)
		return (int)seconds * 1000;
	return doubled > RETRY_DELAY_MAX_MS ? RETRY_DELAY_MAX_MS : (int)doubled;
}

/* Waits, and lets the user stop meanwhile. false: cancelled. */
static bool wait_ms(const struct curl_request *request, int delay_ms)
{
	while (delay_ms > 0) {
		const int piece_ms = delay_ms < 100 ? delay_ms : 100;

		(void)poll(NULL, 0, piece_ms);
		delay_ms -= piece_ms;
		if (request->progress && !request->progress(request->progress_arg, 0, 0, 0, 0))
			return false;
	}
	return true;
}

int curl_client_request(struct curl_client *client, const struct curl_request *request,
			struct curl_response *ret_response, struct err *err)
{
	const int tries_max = request->no_retry ? 1 : CURL_CLIENT_TRIES_MAX;

	for (int tries = 1;; tries++) {
		const int done = try_once(client, request, ret_response, err);

		if (tries == tries_max || !is_worth_retrying(done, ret_response)) {
			if (done < 0)
				curl_response_done(ret_response);
			return done;
		}
		if (!wait_ms(request, delay_before(client, tries - 1, ret_response))) {
			curl_response_done(ret_response);
			return err_set(err, ERR_CANCELLED, "cancelled");
		}
	}
}
