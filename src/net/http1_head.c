/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http1_head.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <llhttp.h>

#include "base/number.h"
#include "net/http1_target.h"

#define START_LINE_MAX (HTTP_METHOD_MAX + 1 + HTTP_TARGET_MAX + sizeof(" HTTP/1.1"))
#define VERSION_SIZE (sizeof("HTTP/1.1") - 1)

static int refuse(int status, int *ret_status)
{
	*ret_status = status;
	return -1;
}

/* A line ended at scan->seen (behind its LF). 1 if it was the empty one. */
static int line_ended(struct http1_scan *scan, const uint8_t *data, int *ret_status)
{
	const size_t size = scan->seen - scan->line_start - 2;

	if (size == 0 && scan->lines > 0)
		return 1;
	if (size == 0 && scan->has_blank)
		return refuse(400, ret_status);
	if (size == 0) {
		scan->has_blank = true;
		scan->line_start = scan->seen;
		return 0;
	}
	/* RFC 9112 5.2: a folded field is refused by a server. */
	if (scan->lines > 0 && (data[scan->line_start] == ' ' || data[scan->line_start] == '\t'))
		return refuse(400, ret_status);
	if (scan->lines > HTTP_HEADERS_MAX)
		return refuse(431, ret_status);
	scan->lines++;
	scan->line_start = scan->seen;
	return 0;
}

static int line_too_long(const struct http1_scan *scan, int *ret_status)
{
	if (scan->lines == 0 && scan->seen - scan->line_start > START_LINE_MAX)
		return refuse(414, ret_status);
	if (scan->seen > HTTP_HEADER_BYTES_MAX)
		return refuse(431, ret_status);
	return 0;
}

int http1_scan(struct http1_scan *scan, const uint8_t *data, size_t size, int *ret_status)
{
	while (scan->seen < size) {
		uint8_t byte = data[scan->seen];
		int ended;

		/* Most are none of those that mean something here. */
		while (!scan->cr && byte > '\r' && scan->seen + 1 < size)
			byte = data[++scan->seen];
		if (scan->cr != (byte == '\n') || byte == 0)
			return refuse(400, ret_status); /* bare CR or bare LF */
		scan->cr = byte == '\r';
		scan->seen++;
		if (line_too_long(scan, ret_status) < 0)
			return -1;
		if (byte != '\n')
			continue;
		ended = line_ended(scan, data, ret_status);
		if (ended != 0)
			return ended;
	}
	return 0;
}

/* ---- llhttp ---- */

/* Spans arrive in pieces only when the input does; ours is whole, so each arrives once. */
struct parse {
	struct http1_head *head;
	uint8_t *data;
	bool complete;
};

static char *cut(struct parse *parse, const char *at, size_t length)
{
	const size_t offset = (size_t)(at - (const char *)parse->data);

	parse->data[offset + length] = 0;
	return (char *)parse->data + offset;
}

static int on_field(llhttp_t *llhttp, const char *at, size_t length)
{
	struct parse *parse = llhttp->data;
	struct http1_head *head = parse->head;

	(void)length;
	if (head->header_count >= HTTP_HEADERS_MAX)
		return -1;
	/* Ended later, in cut_field: the colon is still to be parsed. */
	head->headers[head->header_count].name = (char *)parse->data + (at - (const char *)parse->data);
	head->headers[head->header_count].value = "";
	head->header_count++;
	return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
	struct parse *parse = llhttp->data;

	parse->complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_field,
    .on_headers_complete = on_headers_complete,
};

/* Behind llhttp, which has accepted the line: name, colon, blanks, value, blanks, CR LF. false: it is none. */
static bool cut_field(struct parse *parse, const uint8_t *end, struct http_header *header)
{
	const char *name = header->name;
	const char *line_end = memchr(name, '\r', (size_t)((const char *)end - name));
	const char *colon = line_end ? memchr(name, ':', (size_t)(line_end - name)) : NULL;
	const char *value;

	if (!colon)
		return false;
	value = colon + 1;
	while (value < line_end && (*value == ' ' || *value == '\t'))
		value++;
	while (line_end > value && (line_end[-1] == ' ' || line_end[-1] == '\t'))
		line_end--;
	(void)cut(parse, name, (size_t)(colon - name));
	header->value = cut(parse, value, (size_t)(line_end - value));
	return http_header_is_valid(header->name, header->value);
}

/* Runs llhttp over the fields and cuts them. false: malformed. */
static bool parse_fields(uint8_t *data, size_t size, llhttp_type_t type, struct http1_head *head)
{
	struct parse parse = {.head = head, .data = data};
	llhttp_t llhttp;
	llhttp_errno_t result;

	llhttp_init(&llhttp, type, &settings);
	llhttp.data = &parse;
	result = llhttp_execute(&llhttp, (const char *)data, size);
	if (result != HPE_PAUSED || !parse.complete)
		return false;
	for (size_t i = 0; i < head->header_count; i++) {
		if (!cut_field(&parse, data + size, &head->headers[i]))
			return false;
	}
	return true;
}

/* The table of fields is left as it is: to clear it costs as much as to parse a head. */
static void begin_head(struct http1_head *ret)
{
	memset(ret, 0, offsetof(struct http1_head, headers));
	ret->host = "";
}

/* ---- what the fields mean ---- */

static int fail(struct http1_head *head, int status, const char *problem, int *ret_status)
{
	head->problem = problem;
	return refuse(status, ret_status);
}

/* Number of fields called name; *ret_value is the first one's. */
static size_t count_fields(const struct http1_head *head, const char *name, const char **ret_value)
{
	size_t count = 0;

	for (size_t i = 0; i < head->header_count; i++) {
		if (!http_name_is(head->headers[i].name, name))
			continue;
		if (count++ == 0)
			*ret_value = head->headers[i].value;
	}
	return count;
}

bool http1_head_lists(const struct http1_head *head, const char *name, const char *token)
{
	for (size_t i = 0; i < head->header_count; i++) {
		if (http_name_is(head->headers[i].name, name) && http_list_has(head->headers[i].value, token))
			return true;
	}
	return false;
}

static void find_keep_alive(struct http1_head *head)
{
	if (head->minor_version == 0)
		head->keep_alive = http1_head_lists(head, "connection", "keep-alive") &&
				   !http1_head_lists(head, "connection", "close");
	else
		head->keep_alive = !http1_head_lists(head, "connection", "close");
}

/* Content-Length and Transfer-Encoding (RFC 9112 6.3), for both directions. */
static int find_framing(struct http1_head *head, int *ret_status)
{
	const char *length = NULL;
	const char *coding = NULL;
	const size_t lengths = count_fields(head, "content-length", &length);
	const size_t codings = count_fields(head, "transfer-encoding", &coding);
	struct err err = ERR_INIT;

	if (lengths > 1)
		return fail(head, 400, "more than one Content-Length", ret_status);
	if (lengths > 0 && codings > 0)
		return fail(head, 400, "Content-Length and Transfer-Encoding", ret_status);
	if (lengths > 0) {
		if (number_parse_u64(length, 0, INT64_MAX, &head->body_size, &err) < 0)
			return fail(head, 400, "Content-Length is not a number", ret_status);
		head->framing = head->body_size > 0 ? HTTP1_SIZED : HTTP1_NO_BODY;
	}
	if (codings > 0) {
		if (head->minor_version == 0 || codings > 1)
			return fail(head, 400, "Transfer-Encoding twice, or in HTTP/1.0", ret_status);
		if (strcasecmp(coding, "chunked") != 0)
			return fail(head, 501, "a transfer coding but chunked", ret_status);
		head->framing = HTTP1_CHUNKED;
	}
	return 0;
}

/* ---- requests ---- */

/* The version at the line's end: 0 known, -1 status set. */
static int parse_version(const uint8_t *at, size_t size, struct http1_head *head, int *ret_status)
{
	if (size != VERSION_SIZE || memcmp(at, "HTTP/", 5) != 0 || at[6] != '.' || at[5] < '0' || at[5] > '9' ||
	    at[7] < '0' || at[7] > '9')
		return fail(head, 400, "malformed version", ret_status);
	if (at[5] != '1' || at[7] > '1')
		return fail(head, 505, "neither HTTP/1.1 nor HTTP/1.0", ret_status);
	head->minor_version = at[7] - '0';
	return 0;
}

struct request_line {
	size_t method_size;
	size_t target_size;
};

static int parse_request_line(const uint8_t *data, size_t size, struct http1_head *head, struct request_line *ret,
			      int *ret_status)
{
	size_t at = 0;

	while (at < size && http_is_token_byte(data[at]))
		at++;
	ret->method_size = at;
	if (at == 0 || at >= size || data[at] != ' ')
		return fail(head, 400, "malformed method", ret_status);
	if (ret->method_size > HTTP_METHOD_MAX)
		return fail(head, 501, "unknown method", ret_status);
	at++;
	while (at < size && http1_is_target_byte(data[at]))
		at++;
	ret->target_size = at - ret->method_size - 1;
	if (ret->target_size == 0 || at >= size || data[at] != ' ')
		return fail(head, 400, "malformed target", ret_status);
	if (ret->target_size > HTTP_TARGET_MAX)
		return fail(head, 414, "target too long", ret_status);
	at++;
	return parse_version(data + at, size - at, head, ret_status);
}

/* The methods of RFC 9110 and 5789, and those that WebDAV applications know: what llhttp knows too. */
static int check_host(struct http1_head *head, int *ret_status)
{
	const char *host = NULL;
	const size_t hosts = count_fields(head, "host", &host);

	if (hosts > 1)
		return fail(head, 400, "more than one Host", ret_status);
	if (hosts == 0 && head->minor_version > 0)
		return fail(head, 400, "no Host", ret_status);
	head->host = hosts > 0 ? host : "";
	if (!http1_host_is_valid(head->host))
		return fail(head, 400, "malformed Host", ret_status);
	return 0;
}

static int check_expect(struct http1_head *head, int *ret_status)
{
	if (head->minor_version == 0)
		return 0;
	for (size_t i = 0; i < head->header_count; i++) {
		if (!http_name_is(head->headers[i].name, "expect"))
			continue;
		if (strcasecmp(head->headers[i].value, "100-continue") != 0)
			return fail(head, 417, "an Expect but 100-continue", ret_status);
		head->expects_continue = head->framing != HTTP1_NO_BODY;
	}
	return 0;
}

/*
 * RFC 9112 3.2.2: what Host says does not count beside an absolute target. Both have to say the same, so that nobody
 * between us and the client has routed by the other one. HTTP/1.0 knows no Host: there the authority stands alone.
 */
static bool authority_is_host(const struct http1_head *head)
{
	const char *scheme_end = strstr(head->target, "://");
	const char *authority;
	size_t size;

	if (*head->target == '/' || *head->target == '*' || !scheme_end)
		return true;
	authority = scheme_end + 3;
	size = strcspn(authority, "/?");
	if (head->minor_version == 0 && !*head->host)
		return size > 0 && http1_host_size(authority) == size;
	return size > 0 && size == strlen(head->host) && strncasecmp(authority, head->host, size) == 0;
}

static int check_target(struct http1_head *head, bool is_tunnel, int *ret_status)
{
	const bool is_valid =
	    is_tunnel ? http1_authority_is_valid(head->target) : http1_target_is_valid(head->method, head->target);

	return is_valid ? 0 : fail(head, 400, "malformed target", ret_status);
}

/* For who answers himself: a proxy goes by the target alone. */
static int check_authority(struct http1_head *head, int *ret_status)
{
	return authority_is_host(head) ? 0 : fail(head, 400, "Host is not the target's", ret_status);
}

/* An empty line before the start line. */
static size_t blank_size(const uint8_t *data, size_t size)
{
	return size > 2 && data[0] == '\r' && data[1] == '\n' ? 2 : 0;
}

static int request_parse(uint8_t *data, size_t size, bool takes_connect, struct http1_head *ret, int *ret_status)
{
	const uint8_t *line_end = memchr(data, '\r', size);
	struct request_line line;
	bool is_tunnel;

	begin_head(ret);
	if (!line_end)
		return fail(ret, 400, "no request line", ret_status);
	if (parse_request_line(data, (size_t)(line_end - data), ret, &line, ret_status) < 0)
		return -1;
	/* llhttp has a list of methods; what is not in ours has an answer of its own. */
	data[line.method_size] = 0;
	is_tunnel = takes_connect && strcmp((const char *)data, "CONNECT") == 0;
	if (!is_tunnel && !http1_method_is_known((const char *)data))
		return fail(ret, 501, "unknown method", ret_status);
	data[line.method_size] = ' ';
	if (!parse_fields(data, size, HTTP_REQUEST, ret))
		return fail(ret, 400, "malformed request", ret_status);
	data[line.method_size] = 0;
	data[line.method_size + 1 + line.target_size] = 0;
	ret->method = (const char *)data;
	ret->target = (const char *)data + line.method_size + 1;
	find_keep_alive(ret);
	if (check_target(ret, is_tunnel, ret_status) < 0 || check_host(ret, ret_status) < 0 ||
	    find_framing(ret, ret_status) < 0)
		return -1;
	if (!takes_connect && check_authority(ret, ret_status) < 0)
		return -1;
	if (is_tunnel && ret->framing != HTTP1_NO_BODY)
		return fail(ret, 400, "CONNECT with a body", ret_status);
	return check_expect(ret, ret_status);
}

int http1_request_parse(uint8_t *data, size_t size, struct http1_head *ret, int *ret_status)
{
	const size_t blank = blank_size(data, size);

	return request_parse(data + blank, size - blank, false, ret, ret_status);
}

int http1_proxy_request_parse(uint8_t *data, size_t size, struct http1_head *ret, int *ret_status)
{
	const size_t blank = blank_size(data, size);

	return request_parse(data + blank, size - blank, true, ret, ret_status);
}

/* ---- responses ---- */

static bool has_no_body(const struct http1_head *head, const char *request_method)
{
	return strcmp(request_method, "HEAD") == 0 || head->status < 200 || head->status == 204 || head->status == 304;
}

static bool parse_status_line(const uint8_t *data, size_t size, struct http1_head *head)
{
	int ignored;
	int status = 0;

	if (size < VERSION_SIZE + 4 || data[VERSION_SIZE] != ' ' ||
	    parse_version(data, VERSION_SIZE, head, &ignored) < 0)
		return false;
	for (size_t i = VERSION_SIZE + 1; i < VERSION_SIZE + 4; i++) {
		if (data[i] < '0' || data[i] > '9')
			return false;
		status = status * 10 + (data[i] - '0');
	}
	head->status = status;
	return status >= 100 && status <= 599 && (size == VERSION_SIZE + 4 || data[VERSION_SIZE + 4] == ' ');
}

int http1_response_parse(uint8_t *data, size_t size, const char *request_method, struct http1_head *ret)
{
	const uint8_t *line_end = memchr(data, '\r', size);
	const char *ignored_value;
	int ignored;

	begin_head(ret);
	ret->problem = "malformed status line";
	if (!line_end || !parse_status_line(data, (size_t)(line_end - data), ret))
		return -1;
	ret->problem = "malformed response";
	if (!parse_fields(data, size, HTTP_RESPONSE, ret) || find_framing(ret, &ignored) < 0)
		return -1;
	find_keep_alive(ret);
	if (has_no_body(ret, request_method)) {
		ret->framing = HTTP1_NO_BODY;
	} else if (ret->framing == HTTP1_NO_BODY && count_fields(ret, "content-length", &ignored_value) == 0) {
		ret->framing = HTTP1_UNTIL_CLOSE;
		ret->keep_alive = false;
	}
	ret->problem = NULL;
	return 0;
}
