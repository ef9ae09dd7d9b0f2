/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "certs.h"
#include "enclave/plain/plain_tls.h"
#include "enclave/process/operator_log.h"
#include "temp_dir.h"

static struct certs first, second;
static int log_fds[2];
static char said[8192];

static int make_certs(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	if (pipe2(log_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	operator_log_set_fd(log_fds[1]);
	return certs_make(&first, &err) < 0 || certs_make(&second, &err) < 0 ? -1 : 0;
}

static int drop_certs(void **state)
{
	(void)state;
	certs_done(&first);
	certs_done(&second);
	fd_close(log_fds[0]);
	fd_close(log_fds[1]);
	return 0;
}

/* What was logged since the last call. */
static const char *log_text(void)
{
	const ssize_t got = read(log_fds[0], said, sizeof(said) - 1);

	said[got > 0 ? got : 0] = 0;
	return said;
}

struct files {
	char *cert;
	char *key;
	struct plain_tls *tls;
};

static void put(const char *path, const struct buf *content, size_t size)
{
	struct err err = ERR_INIT;

	assert_ok(fs_write_atomic(path, content->data, size, 0600, &err), &err);
}

static void put_pair(const struct files *files, const struct certs *cert, const struct certs *key)
{
	put(files->cert, &cert->cert_pem, cert->cert_pem.size);
	put(files->key, &key->key_pem, key->key_pem.size);
}

static void begin(void **state, struct files *ret)
{
	struct err err = ERR_INIT;

	*ret = (struct files){temp_dir_path(state, "cert.pem"), temp_dir_path(state, "key.pem"), NULL};
	put_pair(ret, &first, &first);
	assert_ok(plain_tls_new(ret->cert, ret->key, &ret->tls, &err), &err);
	assert_string_equal(log_text(), "");
}

static void finish(struct files *files)
{
	plain_tls_free(files->tls);
	free(files->cert);
	free(files->key);
}

/* In tenths of the time between two looks. */
static void assert_shown(const struct files *files, int64_t tenths, const struct certs *wanted)
{
	struct tls_identity *identity = plain_tls_identity(files->tls, tenths * (PLAIN_TLS_LOOK_NS / 10));
	uint8_t seen[TLS_KEY_HASH_SIZE], expected[TLS_KEY_HASH_SIZE];

	tls_identity_spki_sha256(identity, seen);
	tls_identity_spki_sha256(wanted->identity, expected);
	assert_memory_equal(seen, expected, sizeof(seen));
	tls_identity_unref(identity);
}

static void a_changed_pair_is_shown_at_the_next_look(void **state)
{
	struct files files;

	begin(state, &files);
	assert_shown(&files, 10, &first);
	put_pair(&files, &second, &second);
	assert_shown(&files, 19, &first);
	assert_string_equal(log_text(), "");
	assert_shown(&files, 20, &second);
	assert_shown(&files, 30, &second);
	assert_non_null(strstr(log_text(), "is shown from now on\n"));
	assert_shown(&files, 40, &second);
	assert_string_equal(log_text(), "");
	finish(&files);
}

static void a_pair_that_does_not_fit_is_told_once(void **state)
{
	struct files files;

	begin(state, &files);
	put_pair(&files, &second, &first);
	assert_shown(&files, 10, &first);
	assert_string_equal(log_text(), "");
	assert_shown(&files, 20, &first);
	assert_non_null(strstr(log_text(), files.cert));
	assert_non_null(strstr(said, "the certificate stays as it was: "));
	assert_non_null(strstr(said, "the private key does not fit the certificate"));
	assert_shown(&files, 30, &first);
	assert_string_equal(log_text(), "");
	put_pair(&files, &second, &second);
	assert_shown(&files, 40, &second);
	finish(&files);
}

static void a_file_that_is_cut_or_gone_changes_nothing(void **state)
{
	struct files files;

	begin(state, &files);
	for (size_t size = 0; size < first.cert_pem.size; size += 97) {
		put(files.cert, &second.cert_pem, size);
		assert_shown(&files, 100 + 20 * (int64_t)size, &first);
		assert_shown(&files, 110 + 20 * (int64_t)size, &first);
		assert_non_null(strstr(log_text(), "the certificate stays as it was: "));
		assert_true(size > 0 || strstr(said, "no certificate in the chain"));
	}
	assert_int_equal(unlink(files.key), 0);
	assert_shown(&files, 1000000, &first);
	assert_shown(&files, 1000010, &first);
	assert_non_null(strstr(log_text(), files.key));
	put_pair(&files, &second, &second);
	assert_shown(&files, 1000020, &second);
	finish(&files);
}

/* The same size, and a time that is put back: what a coarse clock does to who writes twice in one tick. */
static void what_is_written_behind_a_look_is_read_at_the_next(void **state)
{
	struct files files;
	struct buf half = BUF_INIT(CERTS_PEM_MAX);
	struct err err = ERR_INIT;
	int fd;

	begin(state, &files);
	assert_ok(buf_add(&half, second.cert_pem.data, second.cert_pem.size, &err), &err);
	memset(half.data + half.size / 2, 0, half.size / 2);
	put(files.key, &second.key_pem, second.key_pem.size);
	put(files.cert, &half, half.size);
	assert_shown(&files, 10, &first);
	fd = open(files.cert, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, second.cert_pem.data, second.cert_pem.size), (ssize_t)second.cert_pem.size);
	fd_close(fd);
	assert_shown(&files, 20, &second);
	buf_done(&half);
	finish(&files);
}

/* certbot: the files are links into its archive, which are made anew one after the other. */
static void links_that_move_are_followed(void **state)
{
	struct files files;
	char *old_cert = temp_dir_path(state, "cert1.pem"), *new_cert = temp_dir_path(state, "cert2.pem");
	char *old_key = temp_dir_path(state, "key1.pem"), *new_key = temp_dir_path(state, "key2.pem");
	struct err err = ERR_INIT;

	files = (struct files){temp_dir_path(state, "cert.pem"), temp_dir_path(state, "key.pem"), NULL};
	put(old_cert, &first.cert_pem, first.cert_pem.size);
	put(old_key, &first.key_pem, first.key_pem.size);
	put(new_cert, &second.cert_pem, second.cert_pem.size);
	put(new_key, &second.key_pem, second.key_pem.size);
	assert_int_equal(symlink("cert1.pem", files.cert), 0);
	assert_int_equal(symlink("key1.pem", files.key), 0);
	assert_ok(plain_tls_new(files.cert, files.key, &files.tls, &err), &err);
	assert_int_equal(unlink(files.key), 0);
	assert_int_equal(symlink("key2.pem", files.key), 0);
	assert_shown(&files, 10, &first);
	assert_int_equal(unlink(files.cert), 0);
	assert_int_equal(symlink("cert2.pem", files.cert), 0);
	assert_shown(&files, 20, &second);
	assert_null(strstr(log_text(), "stays"));
	finish(&files);
	free(old_cert);
	free(old_key);
	free(new_cert);
	free(new_key);
}

static void relative_paths_outlive_a_change_of_directory(void **state)
{
	char *here = getcwd(NULL, 0);
	struct err err = ERR_INIT;
	struct files files;

	begin(state, &files);
	plain_tls_free(files.tls);
	assert_int_equal(chdir(*state), 0);
	assert_ok(plain_tls_new("cert.pem", "key.pem", &files.tls, &err), &err);
	assert_int_equal(chdir("/"), 0);
	put_pair(&files, &second, &second);
	assert_shown(&files, 10, &second);
	assert_int_equal(chdir(here), 0);
	free(here);
	finish(&files);
}

static void a_start_without_a_pair_fails(void **state)
{
	char *path = temp_dir_path(state, "none.pem");
	struct plain_tls *tls = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(plain_tls_new(path, path, &tls, &err), -1);
	assert_non_null(strstr(err.text, path));
	assert_null(tls);
	free(path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, temp_dir_make, temp_dir_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_changed_pair_is_shown_at_the_next_look),
	    CASE(a_pair_that_does_not_fit_is_told_once),
	    CASE(a_file_that_is_cut_or_gone_changes_nothing),
	    CASE(what_is_written_behind_a_look_is_read_at_the_next),
	    CASE(links_that_move_are_followed),
	    CASE(relative_paths_outlive_a_change_of_directory),
	    CASE(a_start_without_a_pair_fails),
	};

	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
