/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attest_evidence.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cli/interrupt.h"
#include "net/dial.h"
#include "net/tls_client.h"

static const struct {
	const char *option;
	enum evidence_kind kind;
} FILE_OPTIONS[] = {
    {"quote", EVIDENCE_QUOTE},
    {"report", EVIDENCE_REPORT},
    {"ratls", EVIDENCE_RATLS},
};

/* What a shell makes of <(COMMAND). */
static bool is_pipe(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

static int read_pipe(const char *path, struct buf *ret, struct err *err)
{
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	return buf_read_fd(ret, fd, err) < 0 ? err_prefix(err, "'%s'", path) : 0;
}

int evidence_read_file(const char *path, struct buf *ret, struct err *err)
{
	if (strcmp(path, "-") == 0)
		return buf_read_fd(ret, STDIN_FILENO, err) < 0 ? err_prefix(err, "standard input") : 0;
	return is_pipe(path) ? read_pipe(path, ret, err) : fs_read(path, ret, err);
}

int evidence_domain(const struct cmd_call *call, const struct hostport *host, char ret[static URI_HOST_MAX + 1],
		    struct err *err)
{
	const char *name = cmd_find_value(call, "servername");
	struct hostport wanted = *host;

	if (name && hostport_parse(name, 0, &wanted, err) < 0)
		return err_prefix(err, "--servername");
	if (name && wanted.has_port)
		return err_set(err, ERR_INVALID, "--servername is '%s', expected a name without a port", name);
	memcpy(ret, wanted.host, sizeof(wanted.host));
	return 0;
}

/* The certificate's key is that of this handshake; nobody is believed because of the connection. */
static int read_host(const struct cmd_call *call, const char *text, struct evidence *evidence, struct err *err)
{
	struct hostport address;
	scoped(tls_client_closep) struct tls_client *tls = NULL;
	const uint8_t *leaf;
	size_t size;
	int status;

	if (hostport_parse(text, HTTPS_PORT, &address, err) < 0)
		return err_prefix(err, "--host");
	if (evidence_domain(call, &address, evidence->domain, err) < 0)
		return -1;
	const struct tls_client_options options = {
	    .host = address.host,
	    .port = address.port,
	    .sni = cmd_find_value(call, "servername") ? evidence->domain : NULL,
	    .verify = TLS_VERIFY_NONE,
	};

	dial_set_cancel(interrupt_fd());
	status = tls_client_open(&options, &tls, err);
	dial_set_cancel(-1);
	if (status < 0)
		interrupt_explain(err);
	if (status < 0)
		return err->code == ERR_UNSUPPORTED ? err_prefix(err, "tls-version") : -1;
	if (tls_client_is_resumed(tls))
		return err_set(err, ERR_UNTRUSTED, "tls-resumed: the connection was resumed");
	leaf = tls_client_leaf(tls, &size);
	if (buf_add(&evidence->data, leaf, size, err) < 0)
		return -1;
	tls_client_spki_sha256(tls, evidence->tls_key);
	evidence->is_live = true;
	return 0;
}

static int count_options(const struct cmd_call *call)
{
	int count = cmd_find_value(call, "host") != NULL;

	for (size_t i = 0; i < COUNT_OF(FILE_OPTIONS); i++)
		count += cmd_find_value(call, FILE_OPTIONS[i].option) != NULL;
	return count;
}

static int read_one(const struct cmd_call *call, struct evidence *evidence, struct err *err)
{
	evidence->from = cmd_find_value(call, "host");
	evidence->kind = EVIDENCE_RATLS;
	if (evidence->from)
		return read_host(call, evidence->from, evidence, err);
	for (size_t i = 0; i < COUNT_OF(FILE_OPTIONS); i++) {
		const char *path = cmd_find_value(call, FILE_OPTIONS[i].option);

		if (!path)
			continue;
		evidence->from = path;
		evidence->kind = FILE_OPTIONS[i].kind;
		if (evidence_read_file(path, &evidence->data, err) < 0)
			return -1;
		if (evidence->kind == EVIDENCE_RATLS && evidence->data.size == 0)
			return err_set(err, ERR_INVALID, "--ratls: '%s' is empty", path);
		return 0;
	}
	return -1;
}

int evidence_load(const struct cmd_call *call, struct evidence *ret, struct err *err)
{
	const int count = count_options(call);

	*ret = (struct evidence){.data = BUF_INIT(EVIDENCE_SIZE_MAX)};
	if (count > 1)
		return err_set(err, ERR_INVALID, "--quote, --report, --ratls and --host do not go together");
	if (cmd_find_value(call, "servername") && !cmd_find_value(call, "host"))
		return err_set(err, ERR_INVALID, "--servername goes with --host");
	if (count == 0)
		return 0;
	return read_one(call, ret, err) < 0 ? -1 : 1;
}

void evidence_done(struct evidence *evidence)
{
	buf_done(&evidence->data);
}

static bool all_are(const struct buf *data, int (*is)(int), const char *others)
{
	for (size_t i = 0; i < data->size; i++) {
		if (!is(data->data[i]) && (data->data[i] == 0 || !strchr(others, data->data[i])))
			return false;
	}
	return data->size > 0;
}

const char *evidence_text_kind(const struct evidence *evidence)
{
	static const char pem[] = "-----BEGIN ";
	const struct buf *data = &evidence->data;

	if (evidence->kind == EVIDENCE_RATLS)
		return NULL;
	if (data->size >= strlen(pem) && memcmp(data->data, pem, strlen(pem)) == 0)
		return "PEM";
	if (data->size && data->data[0] == '{')
		return "JSON";
	if (all_are(data, isxdigit, " \t\r\n"))
		return "hexadecimal text";
	return all_are(data, isalnum, "+/=-_ \t\r\n") ? "base64 text" : NULL;
}
