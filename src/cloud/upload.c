/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/upload.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "cloud/files.h"
#include "format/multipart.h"

#define PIECE_SIZE 65536

enum target { TARGET_NONE, TARGET_CODE, TARGET_CONF };

struct receiver {
	struct upload *upload;
	enum target target;
};

static int begin_part(void *arg, const struct multipart_part *part, struct err *err)
{
	struct receiver *receiver = arg;
	struct upload *upload = receiver->upload;

	receiver->target = TARGET_NONE;
	if (strcmp(part->name, "code") == 0)
		receiver->target = TARGET_CODE;
	if (strcmp(part->name, "conf") == 0)
		receiver->target = TARGET_CONF;
	if ((receiver->target == TARGET_CODE && upload->has_code) ||
	    (receiver->target == TARGET_CONF && upload->has_conf))
		return err_set(err, ERR_INVALID, "the part '%s' is there twice", part->name);
	upload->has_code |= receiver->target == TARGET_CODE;
	upload->has_conf |= receiver->target == TARGET_CONF;
	return 0;
}

static int add_code(struct upload *upload, const void *data, size_t size, struct err *err)
{
	if (size > TAR_TOTAL_MAX - upload->tar_size)
		return err_set(err, ERR_LIMIT, "the code tar has more than %llu bytes",
			       (unsigned long long)TAR_TOTAL_MAX);
	upload->tar_size += size;
	return fd_write_all(upload->tar_fd, data, size, err);
}

static int add_data(void *arg, const void *data, size_t size, struct err *err)
{
	struct receiver *receiver = arg;

	switch (receiver->target) {
	case TARGET_NONE:
		return 0;
	case TARGET_CODE:
		return add_code(receiver->upload, data, size, err);
	case TARGET_CONF:
		return buf_add(&receiver->upload->conf, data, size, err) < 0 ? err_prefix(err, "part 'conf'") : 0;
	}
	return 0;
}

static int end_part(void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	return 0;
}

static int read_parts(struct request *request, struct upload *upload, struct err *err)
{
	struct receiver receiver = {.upload = upload};
	const struct multipart_handler handler = {
	    .begin = begin_part, .data = add_data, .end = end_part, .arg = &receiver};
	const char *type = http_header(request->exchange, "Content-Type");
	scoped(multipart_freep) struct multipart *multipart = NULL;
	scoped(freep) uint8_t *piece = malloc(PIECE_SIZE);
	size_t got;

	if (!piece)
		return err_no_memory(err);
	if (multipart_new(type ? type : "", &handler, &multipart, err) < 0)
		return -1;
	do {
		if (http_read_body(request->exchange, piece, PIECE_SIZE, &got, err) < 0 ||
		    multipart_feed(multipart, piece, got, err) < 0)
			return -1;
	} while (got > 0);
	if (multipart_finish(multipart, err) < 0)
		return -1;
	if (!upload->has_code || !upload->has_conf)
		return err_set(err, ERR_INVALID, "the parts 'code' and 'conf' are both needed");
	return 0;
}

static int open_tar(struct request *request, struct upload *upload, struct err *err)
{
	scoped(freep) char *tmp = NULL;
	scoped(freep) char *path = NULL;

	if (file_path(request->cloud->data_dir, &tmp, err, FILE_TMP) < 0 ||
	    fs_make_temp_dir(tmp, "deploy-", &upload->dir, err) < 0 ||
	    fs_join(upload->dir, UPLOAD_CODE_NAME, &path, err) < 0)
		return -1;
	upload->tar_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return upload->tar_fd < 0 ? err_set_errno(err, "cannot create '%s'", path) : 0;
}

/* ---- how many at once ---- */

static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static char slots[UPLOAD_AT_ONCE_MAX][UUID_TEXT_SIZE]; /* ids of users; "" is free */

static int take_slot(const char *user_id, size_t *ret_slot, struct err *err)
{
	size_t mine = 0, slot = UPLOAD_AT_ONCE_MAX;

	(void)pthread_mutex_lock(&slots_lock);
	for (size_t i = 0; i < UPLOAD_AT_ONCE_MAX; i++) {
		mine += strcmp(slots[i], user_id) == 0;
		if (!slots[i][0])
			slot = i;
	}
	if (slot < UPLOAD_AT_ONCE_MAX && mine < UPLOAD_AT_ONCE_USER_MAX)
		(void)snprintf(slots[slot], sizeof(slots[slot]), "%s", user_id);
	else
		slot = UPLOAD_AT_ONCE_MAX;
	(void)pthread_mutex_unlock(&slots_lock);
	if (slot == UPLOAD_AT_ONCE_MAX)
		return err_set(err, ERR_UNAVAILABLE, "too many uploads at once: try again");
	*ret_slot = slot;
	return 0;
}

static void give_slot_back(size_t slot)
{
	(void)pthread_mutex_lock(&slots_lock);
	slots[slot][0] = 0;
	(void)pthread_mutex_unlock(&slots_lock);
}

int upload_receive(struct request *request, struct upload *ret, struct err *err)
{
	struct upload upload = {.tar_fd = -1, .conf = BUF_INIT(UPLOAD_CONF_MAX)};
	size_t slot = 0;
	int status;

	if (take_slot(request->user.id, &slot, err) < 0)
		return -1;
	status = open_tar(request, &upload, err) < 0 || read_parts(request, &upload, err) < 0 ? -1 : 0;
	give_slot_back(slot);
	if (status < 0) {
		upload_done(&upload);
		return -1;
	}
	if (fsync(upload.tar_fd) < 0) {
		(void)err_set_errno(err, "cannot sync the code tar");
		upload_done(&upload);
		return -1;
	}
	*ret = upload;
	return 0;
}

void upload_done(struct upload *upload)
{
	struct err err = ERR_INIT;

	fd_closep(&upload->tar_fd);
	buf_done(&upload->conf);
	if (upload->dir && fs_remove_tree(upload->dir, &err) < 0)
		log_event(LOG_WARNING, "upload_not_removed", "message", err.text, NULL);
	free(upload->dir);
	upload->dir = NULL;
}
