/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "crypto/secret.h"
#include "enclave/process/operator_log.h"

#define PEM_SIZE_MAX (256u << 10)

/* What stat tells of one file; all zero: it is not there. Behind symbolic links, so a link that moves is a change. */
struct looks {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

struct pair_looks {
	struct looks cert;
	struct looks key;
};

struct plain_tls {
	char *cert_path; /* absolute */
	char *key_path;
	_Atomic int64_t next_look_ns;
	pthread_mutex_t looking; /* one thread looks; guards the two below */
	struct pair_looks seen;
	unsigned reads_left;  /* of this change */
	pthread_mutex_t lock; /* guards the pointer */
	struct tls_identity *identity;
};

static void look_at(const char *path, struct looks *ret)
{
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	if (stat(path, &st) < 0)
		return;
	ret->device = st.st_dev;
	ret->inode = st.st_ino;
	ret->size = st.st_size;
	ret->modified = st.st_mtim;
	ret->changed = st.st_ctim;
}

static void look_at_pair(const struct plain_tls *tls, struct pair_looks *ret)
{
	memset(ret, 0, sizeof(*ret));
	look_at(tls->cert_path, &ret->cert);
	look_at(tls->key_path, &ret->key);
}

static int read_pair(const struct plain_tls *tls, struct tls_identity **ret, struct err *err)
{
	scoped(buf_done) struct buf cert = BUF_INIT(PEM_SIZE_MAX);
	scoped(secret_done) struct secret key = SECRET_INIT;

	if (fs_read(tls->cert_path, &cert, err) < 0 || secret_load(tls->key_path, PEM_SIZE_MAX, &key, err) < 0)
		return -1;
	if (tls_identity_from_pem(cert.data, cert.size, key.data, key.size, ret, err) < 0)
		return err_prefix(err, "'%s' with '%s'", tls->cert_path, tls->key_path);
	return 0;
}

/* It is served all the same: a clock may be wrong, and who asks for a name that is old wants to see that. */
static void tell_validity(const struct plain_tls *tls, const struct tls_identity *identity)
{
	const time_t now = (time_t)clock_now_seconds();
	int64_t from, until;
	char text[32];
	struct tm tm;
	time_t moment;

	tls_identity_validity(identity, &from, &until);
	if (now >= from && now <= until)
		return;
	moment = (time_t)(now < from ? from : until);
	if (!gmtime_r(&moment, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return;
	operator_log("the certificate of '%s' %s %s: clients will refuse it", tls->cert_path,
		     now < from ? "is not valid before" : "has expired on", text);
}

static void show(struct plain_tls *tls, struct tls_identity *identity)
{
	struct tls_identity *old;

	(void)pthread_mutex_lock(&tls->lock);
	old = tls->identity;
	tls->identity = identity;
	(void)pthread_mutex_unlock(&tls->lock);
	tls_identity_unref(old);
}

/* Only the last failure is told: who writes two files, one behind the other, is between them at times. */
static void read_change(struct plain_tls *tls)
{
	struct tls_identity *identity = NULL;
	struct err err = ERR_INIT;

	tls->reads_left--;
	if (read_pair(tls, &identity, &err) == 0) {
		if (tls->reads_left == 0) {
			operator_log("the certificate of '%s' is shown from now on", tls->cert_path);
			tell_validity(tls, identity);
		}
		show(tls, identity);
	} else if (tls->reads_left == 0) {
		operator_log("the certificate stays as it was: %s", err.text);
	}
}

static void look(struct plain_tls *tls)
{
	struct pair_looks seen;

	look_at_pair(tls, &seen);
	if (memcmp(&seen, &tls->seen, sizeof(seen)) != 0) {
		tls->seen = seen;
		tls->reads_left = PLAIN_TLS_READS;
	}
	if (tls->reads_left > 0)
		read_change(tls);
}

/* A relative path would lead elsewhere once the application's directory is entered. Links are kept: they move. */
static int keep_path(const char *path, char **ret, struct err *err)
{
	scoped(freep) char *here = NULL;

	if (path[0] == '/') {
		*ret = strdup(path);
		return *ret ? 0 : err_no_memory(err);
	}
	here = getcwd(NULL, 0);
	if (!here)
		return err_set_errno(err, "cannot find the working directory");
	return fs_join(here, path, ret, err);
}

int plain_tls_new(const char *cert_path, const char *key_path, struct plain_tls **ret, struct err *err)
{
	struct plain_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return err_no_memory(err);
	(void)pthread_mutex_init(&tls->looking, NULL);
	(void)pthread_mutex_init(&tls->lock, NULL);
	if (keep_path(cert_path, &tls->cert_path, err) < 0 || keep_path(key_path, &tls->key_path, err) < 0) {
		plain_tls_free(tls);
		return -1;
	}
	/* Before they are read: a change in between is seen at the first look. */
	look_at_pair(tls, &tls->seen);
	if (read_pair(tls, &tls->identity, err) < 0) {
		plain_tls_free(tls);
		return -1;
	}
	*ret = tls;
	return 0;
}

void plain_tls_tell_validity(const struct plain_tls *tls)
{
	tell_validity(tls, tls->identity);
}

void plain_tls_free(struct plain_tls *tls)
{
	if (!tls)
		return;
	tls_identity_unref(tls->identity);
	(void)pthread_mutex_destroy(&tls->lock);
	(void)pthread_mutex_destroy(&tls->looking);
	free(tls->key_path);
	free(tls->cert_path);
	free(tls);
}

struct tls_identity *plain_tls_identity(struct plain_tls *tls, int64_t now_ns)
{
	struct tls_identity *identity;

	if (now_ns >= atomic_load(&tls->next_look_ns) && pthread_mutex_trylock(&tls->looking) == 0) {
		atomic_store(&tls->next_look_ns, now_ns + PLAIN_TLS_LOOK_NS);
		look(tls);
		(void)pthread_mutex_unlock(&tls->looking);
	}
	(void)pthread_mutex_lock(&tls->lock);
	identity = tls_identity_ref(tls->identity);
	(void)pthread_mutex_unlock(&tls->lock);
	return identity;
}
