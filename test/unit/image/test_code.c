/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "image/image.h"
#include "temp_dir.h"

static int write_buf(void *arg, const void *data, size_t size, struct err *err)
{
	return buf_add(arg, data, size, err);
}

static void make_tar(struct buf *ret)
{
	struct tar_writer writer;
	struct err err = ERR_INIT;

	tar_writer_init(&writer, (struct tar_sink){.write = write_buf, .arg = ret});
	assert_ok(tar_write_file(&writer, "app.py.enc", 5, &err), &err);
	assert_ok(tar_write_data(&writer, "hello", 5, &err), &err);
	assert_ok(tar_write_file(&writer, "pkg/sub/x.enc", 2, &err), &err);
	assert_ok(tar_write_data(&writer, "hi", 2, &err), &err);
	assert_ok(tar_write_end(&writer, &err), &err);
}

static void files_and_directories_are_made(void **state)
{
	scoped(buf_done) struct buf tar = BUF_INIT(1u << 20);
	scoped(buf_done) struct buf content = BUF_INIT(100);
	scoped(freep) char *dest = temp_dir_path(state, "code");
	scoped(freep) char *file = temp_dir_path(state, "code/pkg/sub/x.enc");
	struct tar_memory memory;
	struct stat info;
	struct err err = ERR_INIT;

	make_tar(&tar);
	memory = (struct tar_memory){.data = tar.data, .size = tar.size};
	assert_ok(image_unpack_code(tar_source_memory(&memory), dest, &err), &err);
	assert_ok(fs_read(file, &content, &err), &err);
	assert_string_equal(buf_text(&content), "hi");
	assert_int_equal(stat(file, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0444);
	memory = (struct tar_memory){.data = tar.data, .size = tar.size};
	assert_fails(image_unpack_code(tar_source_memory(&memory), dest, &err), &err, ERR_IO,
		     "cannot create directory");
	assert_true(fs_exists(file));
}

static void a_broken_tar_leaves_nothing(void **state)
{
	scoped(buf_done) struct buf tar = BUF_INIT(1u << 20);
	scoped(freep) char *dest = temp_dir_path(state, "code");
	struct tar_memory memory;
	struct err err = ERR_INIT;

	make_tar(&tar);
	memory = (struct tar_memory){.data = tar.data, .size = tar.size - 1};
	assert_fails(image_unpack_code(tar_source_memory(&memory), dest, &err), &err, ERR_INVALID, "truncated");
	assert_false(fs_exists(dest));
}

static void a_descriptor_is_a_source(void **state)
{
	scoped(buf_done) struct buf tar = BUF_INIT(1u << 20);
	scoped(freep) char *path = temp_dir_path(state, "code.tar");
	scoped(freep) char *dest = temp_dir_path(state, "code");
	struct err err = ERR_INIT;

	make_tar(&tar);
	assert_ok(fs_write_new(path, tar.data, tar.size, 0600, &err), &err);
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_ok(image_unpack_code(image_fd_source(&fd), dest, &err), &err);
	assert_true(fs_is_dir(dest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(files_and_directories_are_made, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(a_broken_tar_leaves_nothing, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(a_descriptor_is_a_source, temp_dir_make, temp_dir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
