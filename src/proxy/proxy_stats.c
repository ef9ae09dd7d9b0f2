/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "proxy/proxy_priv.h"

#define COLUMNS_MAX 256

/* Names and values of one row; both point into the answer. */
struct stats_row {
	char *names[COLUMNS_MAX];
	size_t name_count;
	char *values[COLUMNS_MAX];
	size_t value_count;
};

static size_t split(char *line, char *ret[static COLUMNS_MAX])
{
	size_t count = 0;
	char *at = line;

	while (at && count < COLUMNS_MAX) {
		char *comma = strchr(at, ',');

		ret[count++] = at;
		if (comma)
			*comma++ = 0;
		at = comma;
	}
	return count;
}

const char *proxy_row_text(const struct stats_row *row, const char *column)
{
	for (size_t i = 0; i < row->name_count && i < row->value_count; i++) {
		if (strcmp(row->names[i], column) == 0)
			return row->values[i];
	}
	return "";
}

uint64_t proxy_row_number(const struct stats_row *row, const char *column)
{
	struct err ignored = ERR_INIT;
	uint64_t number = 0;

	return number_parse_u64(proxy_row_text(row, column), 0, UINT64_MAX, &number, &ignored) < 0 ? 0 : number;
}

static int each_row(char *text, int (*visit)(const struct stats_row *row, void *arg, struct err *err), void *arg,
		    struct err *err)
{
	struct stats_row row = {.name_count = 0};
	char *saved;
	char *line = strtok_r(text, "\n", &saved);

	if (!line || strncmp(line, "# ", 2) != 0)
		return err_set(err, ERR_UNAVAILABLE, "haproxy's statistics are malformed");
	row.name_count = split(line + 2, row.names);
	while ((line = strtok_r(NULL, "\n", &saved))) {
		row.value_count = split(line, row.values);
		if (visit(&row, arg, err) < 0)
			return -1;
	}
	return 0;
}

int proxy_each_server(const struct proxy *proxy, const char *backend,
		      int (*visit)(const struct stats_row *row, void *arg, struct err *err), void *arg, struct err *err)
{
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);
	char command[64];

	(void)snprintf(command, sizeof(command), "show stat %s 4 -1", backend); /* 4: servers */
	if (proxy_command(proxy->socket, command, &answer, err) < 0)
		return -1;
	return each_row((char *)(uintptr_t)buf_text(&answer), visit, arg, err);
}

/* ---- of one name ---- */

struct wanted {
	const char *server;
	struct proxy_stats stats;
	bool found;
};

static int take_stats(const struct stats_row *row, void *arg, struct err *err)
{
	struct wanted *wanted = arg;

	(void)err;
	if (strcmp(proxy_row_text(row, "svname"), wanted->server) != 0)
		return 0;
	wanted->found = true;
	wanted->stats = (struct proxy_stats){
	    .queue_ms = proxy_row_number(row, "qtime"),
	    .connect_ms = proxy_row_number(row, "ctime"),
	    .response_ms = proxy_row_number(row, "rtime"),
	    .total_ms = proxy_row_number(row, "ttime"),
	    .connections = proxy_row_number(row, "scur"),
	    .connections_total = proxy_row_number(row, "stot"),
	    .bytes_in = proxy_row_number(row, "bin"),
	    .bytes_out = proxy_row_number(row, "bout"),
	    .errors = proxy_row_number(row, "econ") + proxy_row_number(row, "eresp"),
	};
	return 0;
}

int proxy_stats(struct proxy *proxy, const char *domain, struct proxy_stats *ret_stats, struct err *err)
{
	char server[PROXY_SERVER_SIZE] = "";
	struct wanted wanted = {.server = server};
	enum proxy_mode mode = PROXY_PASS;
	const struct route *route;

	(void)pthread_mutex_lock(&proxy->lock);
	route = proxy_routes_find(&proxy->routes, domain);
	if (route) {
		memcpy(server, route->server, sizeof(server));
		mode = route->mode;
	}
	(void)pthread_mutex_unlock(&proxy->lock);
	if (!*server)
		return 0;
	if (proxy_each_server(proxy, proxy_backend(mode), take_stats, &wanted, err) < 0)
		return -1;
	if (wanted.found)
		*ret_stats = wanted.stats;
	return wanted.found;
}
