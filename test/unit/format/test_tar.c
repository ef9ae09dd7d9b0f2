/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "format/tar.h"
#include "format/tar_format.h"

#define TEST_TAR_MAX (32u << 20)

static int write_buf(void *arg, const void *data, size_t size, struct err *err)
{
	return buf_add(arg, data, size, err);
}

static struct tar_writer writer_to(struct buf *buf)
{
	struct tar_writer writer;

	tar_writer_init(&writer, (struct tar_sink){.write = write_buf, .arg = buf});
	return writer;
}

static void add_file(struct tar_writer *writer, const char *path, const char *content)
{
	struct err err = ERR_INIT;

	assert_ok(tar_write_file(writer, path, strlen(content), &err), &err);
	assert_ok(tar_write_data(writer, content, strlen(content), &err), &err);
}

/* ---- headers by hand, for what the writer never makes ---- */

static void seal(struct tar_header *header)
{
	char text[8];

	(void)snprintf(text, sizeof(text), "%06o", tar_header_checksum(header));
	memcpy(header->checksum, text, 7);
	header->checksum[7] = ' ';
}

static struct tar_header make_header(const char *name, char type, const char *size_octal)
{
	struct tar_header header = {.type = type};

	memcpy(header.name, name, strnlen(name, sizeof(header.name)));
	memcpy(header.size, size_octal, strnlen(size_octal, sizeof(header.size)));
	memcpy(header.magic, "ustar", 6);
	seal(&header);
	return header;
}

static void add_block(struct buf *buf, const void *data, size_t size)
{
	static const uint8_t zeros[TAR_BLOCK];
	struct err err = ERR_INIT;

	assert_true(size <= TAR_BLOCK);
	assert_ok(buf_add(buf, data, size, &err), &err);
	assert_ok(buf_add(buf, zeros, TAR_BLOCK - size, &err), &err);
}

static void add_end(struct buf *buf)
{
	add_block(buf, "", 0);
	add_block(buf, "", 0);
}

/* Reads all of buf; -1 at the first error. Collects "path=size;" and "path/;" if ret is not NULL. */
static int read_all(const struct buf *buf, struct buf *ret, struct err *err)
{
	struct tar_memory memory = {.data = buf->data, .size = buf->size};
	scoped(tar_reader_freep) struct tar_reader *reader = NULL;
	struct tar_entry entry;
	int status;

	assert_ok(tar_reader_new(tar_source_memory(&memory), &reader, err), err);
	while ((status = tar_next(reader, &entry, err)) > 0) {
		if (!ret)
			continue;
		assert_ok(entry.is_dir ? buf_addf(ret, err, "%s/;", entry.path)
				       : buf_addf(ret, err, "%s=%llu;", entry.path, (unsigned long long)entry.size),
			  err);
	}
	return status;
}

static void assert_refused(const struct buf *buf, enum err_code code, const char *part)
{
	struct err err = ERR_INIT;

	assert_fails(read_all(buf, NULL, &err), &err, code, part);
}

static void assert_one_refused(const struct tar_header *header, const char *part)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);

	add_block(&buf, header, sizeof(*header));
	add_end(&buf);
	assert_refused(&buf, ERR_INVALID, part);
}

static void what_is_written_is_read(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	scoped(buf_done) struct buf list = BUF_INIT(1000);
	struct tar_writer writer = writer_to(&buf);
	struct err err = ERR_INIT;

	(void)state;
	add_file(&writer, "app.py.enc", "hello");
	add_file(&writer, "empty", "");
	add_file(&writer, "pkg/\xc3\xa9t\xc3\xa9.py.enc", "x");
	assert_ok(tar_write_end(&writer, &err), &err);
	assert_int_equal(buf.size, 512 * (2 + 1 + 2 + 2));
	assert_int_equal(writer.total, buf.size);
	assert_ok(read_all(&buf, &list, &err), &err);
	assert_string_equal(buf_text(&list), "app.py.enc=5;empty=0;pkg/\xc3\xa9t\xc3\xa9.py.enc=1;");
}

/* The header of one file, byte for byte as POSIX lays it out: nothing of the writer's surroundings gets in. */
static void header_is_fixed(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	struct tar_writer writer = writer_to(&buf);
	uint8_t wanted[512] = {0};

	(void)state;
	add_file(&writer, "a", "0123456789");
	wanted[0] = 'a';
	memcpy(wanted + 100, "0000644", 7);
	memcpy(wanted + 108, "0000000", 7);
	memcpy(wanted + 116, "0000000", 7);
	memcpy(wanted + 124, "00000000012", 11);
	memcpy(wanted + 136, "00000000000", 11);
	memcpy(wanted + 148, "007341\0 ", 8);
	wanted[156] = '0';
	memcpy(wanted + 257,
	       "ustar\0"
	       "00",
	       8);
	memcpy(wanted + 329, "0000000", 7);
	memcpy(wanted + 337, "0000000", 7);
	assert_memory_equal(buf.data, wanted, sizeof(wanted));
	assert_int_equal(buf.size, 1024);
}

static void long_paths_survive(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	scoped(buf_done) struct buf list = BUF_INIT(10000);
	scoped(buf_done) struct buf wanted = BUF_INIT(10000);
	struct tar_writer writer = writer_to(&buf);
	struct err err = ERR_INIT;
	char paths[5][TAR_PATH_MAX + 2];

	(void)state;
	/* fits the name field; one more byte; splits at 155; does not split; the longest that does not split */
	(void)snprintf(paths[0], sizeof(paths[0]), "a%099d", 0);
	(void)snprintf(paths[1], sizeof(paths[1]), "b%0100d", 0);
	(void)snprintf(paths[2], sizeof(paths[2]), "c%0154d/%099d", 0, 0);
	(void)snprintf(paths[3], sizeof(paths[3]), "d%0155d/%098d", 0, 0);
	(void)snprintf(paths[4], sizeof(paths[4]), "e/%0253d", 0);
	for (size_t i = 0; i < 5; i++) {
		add_file(&writer, paths[i], "x");
		assert_ok(buf_addf(&wanted, &err, "%s=1;", paths[i]), &err);
	}
	assert_int_equal(strlen(paths[4]), TAR_PATH_MAX);
	assert_ok(tar_write_end(&writer, &err), &err);
	assert_int_equal(buf.size, 512 * (5 * 2 + 3 * 2 + 2)); /* three pax headers */
	assert_ok(read_all(&buf, &list, &err), &err);
	assert_string_equal(buf_text(&list), buf_text(&wanted));
	(void)snprintf(paths[4], sizeof(paths[4]), "f/%0254d", 0);
	assert_fails(tar_write_file(&writer, paths[4], 0, &err), &err, ERR_LIMIT, "path of 256 bytes");
}

static void writer_wants_order_and_sizes(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	struct tar_writer writer = writer_to(&buf);
	struct err err = ERR_INIT;

	(void)state;
	add_file(&writer, "b", "x");
	assert_fails(tar_write_file(&writer, "a", 0, &err), &err, ERR_INVALID, "not after 'b'");
	assert_fails(tar_write_file(&writer, "b", 0, &err), &err, ERR_INVALID, "not after 'b'");
	assert_fails(tar_write_file(&writer, "c", TAR_FILE_MAX + 1, &err), &err, ERR_LIMIT, "'c': 2147483649");
	assert_ok(tar_write_file(&writer, "c", 3, &err), &err);
	assert_fails(tar_write_data(&writer, "four", 4, &err), &err, ERR_INTERNAL, "more than the 3");
	assert_ok(tar_write_data(&writer, "tw", 2, &err), &err);
	assert_fails(tar_write_file(&writer, "d", 0, &err), &err, ERR_INTERNAL, "are due");
	assert_fails(tar_write_end(&writer, &err), &err, ERR_INTERNAL, "are due");
}

static void bad_paths_are_refused(void **state)
{
	static const char *const paths[] = {"",
					    "/etc/passwd",
					    "../x",
					    "a/../b",
					    "a/..",
					    "./a",
					    "a/./b",
					    "a//b",
					    "a/",
					    ".",
					    "..",
					    "a\\b",
					    "a\nb",
					    "a\x7f",
					    "\xff",
					    "\xc0\xaf",
					    "a\xc3",
					    "\xed\xa0\x80",
					    "\xf5\x80\x80\x80"};
	struct err err = ERR_INIT;
	char deep[2 * TAR_DEPTH_MAX + 4];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (tar_path_check(paths[i], strlen(paths[i]), &err) == 0)
			fail_msg("accepted: '%s'", paths[i]);
	}
	assert_ok(tar_path_check("..a/b..c/...", 12, &err), &err);
	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = i % 2 ? '/' : 'd';
	assert_ok(tar_path_check(deep, 2 * TAR_DEPTH_MAX - 1, &err), &err);
	assert_fails(tar_path_check(deep, 2 * TAR_DEPTH_MAX + 1, &err), &err, ERR_LIMIT, "more than 64 parts");
}

static void reader_refuses_bad_entries(void **state)
{
	static const struct {
		const char *name;
		char type;
		const char *size;
		const char *part;
	} rows[] = {
	    {"../x", '0', "0", "part '..'"},
	    {"/x", '0', "0", "absolute"},
	    {"x/", '0', "0", "empty part"},
	    {"x", '1', "0", "hard link"},
	    {"x", '2', "0", "'x': is a symbolic link"},
	    {"x", '3', "0", "device"},
	    {"x", '4', "0", "device"},
	    {"x", '6', "0", "named pipe"},
	    {"x", 'g', "0", "global pax"},
	    {"x", 'K', "0", "type 0x4b"},
	    {"x", 'S', "0", "type 0x53"},
	    {"x", '5', "1", "directory with content"},
	    {"x", '0', "", "'size' is not"},
	    {"x", '0', "8", "'size' is not"},
	    {"x", '0', "-1", "'size' is not"},
	    {"x", '0', "0x1", "'size' is not"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct tar_header header = make_header(rows[i].name, rows[i].type, rows[i].size);

		assert_one_refused(&header, rows[i].part);
	}
}

static void damaged_headers_are_refused(void **state)
{
	struct tar_header header = make_header("x", '0', "0");

	(void)state;
	header.mode[0] = '7';
	assert_one_refused(&header, "checksum");
	memset(header.checksum, 0, sizeof(header.checksum));
	assert_one_refused(&header, "'checksum' is not");
	header = make_header("x", '0', "0");
	memcpy(header.magic, "gnutar", 6);
	seal(&header);
	assert_one_refused(&header, "not ustar");
}

static void doubles_and_clashes_are_refused(void **state)
{
	static const struct {
		const char *first, *second;
		char first_type, second_type;
		const char *part;
	} rows[] = {
	    {"a", "a", '0', '0', "'a': is there twice"},          {"a/", "a/", '5', '5', "twice"},
	    {"a", "a/", '0', '5', "both a file and a directory"}, {"a/b", "a", '0', '0', "both"},
	    {"a", "a/b", '0', '0', "'a' is a file already"},      {"a", "a/b/c", '0', '0', "'a' is a file already"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
		const struct tar_header first = make_header(rows[i].first, rows[i].first_type, "0");
		const struct tar_header second = make_header(rows[i].second, rows[i].second_type, "0");

		add_block(&buf, &first, sizeof(first));
		add_block(&buf, &second, sizeof(second));
		add_end(&buf);
		assert_refused(&buf, ERR_INVALID, rows[i].part);
	}
}

/* A directory may come after a file that implies it. */
static void directories_are_taken(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	scoped(buf_done) struct buf list = BUF_INIT(1000);
	const struct tar_header file = make_header("a/b", '\0', "0");
	const struct tar_header dir = make_header("a/", '5', "00000000000");
	struct err err = ERR_INIT;

	(void)state;
	add_block(&buf, &file, sizeof(file));
	add_block(&buf, &dir, sizeof(dir));
	add_end(&buf);
	add_block(&buf, "", 0); /* GNU tar fills its last record */
	assert_ok(read_all(&buf, &list, &err), &err);
	assert_string_equal(buf_text(&list), "a/b=0;a/;");
}

static void add_extended(struct buf *buf, char type, const char *content, size_t size)
{
	char octal[24];
	struct tar_header header;

	(void)snprintf(octal, sizeof(octal), "%zo", size);
	header = make_header("extension", type, octal);
	add_block(buf, &header, sizeof(header));
	for (size_t done = 0; done < size; done += TAR_BLOCK)
		add_block(buf, content + done, size - done < TAR_BLOCK ? size - done : TAR_BLOCK);
}

static void pax_and_gnu_long_names_are_read(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	scoped(buf_done) struct buf list = BUF_INIT(1000);
	const struct tar_header file = make_header("short", '0', "0");
	const char pax[] = "20 mtime=1700000.12\n15 path=long/1\n";
	struct err err = ERR_INIT;

	(void)state;
	add_extended(&buf, 'x', pax, strlen(pax));
	add_block(&buf, &file, sizeof(file));
	add_extended(&buf, 'L', "long/2", 7);
	add_block(&buf, &file, sizeof(file));
	add_block(&buf, &file, sizeof(file));
	add_end(&buf);
	assert_ok(read_all(&buf, &list, &err), &err);
	assert_string_equal(buf_text(&list), "long/1=0;long/2=0;short=0;");
}

static void bad_extensions_are_refused(void **state)
{
	static const struct {
		char type;
		const char *content;
		const char *part;
	} rows[] = {
	    {'x', "11 path=..\n", "part '..'"},
	    {'x', "11 path=/a\n", "absolute"},
	    {'x', "8 path=\n", "path is empty"},
	    {'x', "13 size=1234\n", "not allowed"},
	    {'x', "14 linkpath=a\n", "not allowed"},
	    {'x', "9 path=a\nx", "malformed"},
	    {'x', "9 path=a", "malformed"},
	    {'x', "99 path=a\n", "malformed"},
	    {'x', "0 path=a\n", "malformed"},
	    {'x', "999999999999999999999 path=a\n", "malformed"},
	    {'x', "7 patha\n", "malformed"},
	    {'x', "8 patha\n", "without '='"},

	    {'x', "10 path=a\n10 path=b\n", "two long names"},
	    {'L', "../x", "part '..'"},
	    {'L', "", "path is empty"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
		const struct tar_header file = make_header("short", '0', "0");

		add_extended(&buf, rows[i].type, rows[i].content, strlen(rows[i].content));
		add_block(&buf, &file, sizeof(file));
		add_end(&buf);
		assert_refused(&buf, ERR_INVALID, rows[i].part);
	}
}

static void extensions_have_a_maximum(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	scoped(freep) char *content = malloc((16 << 10) + 1);
	const struct tar_header file = make_header("short", '0', "0");
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(content);
	memset(content, 'c', (16 << 10) + 1);
	memcpy(content, "16384 comment=", 14);
	content[(16 << 10) - 1] = '\n';
	add_extended(&buf, 'x', content, 16 << 10);
	add_block(&buf, &file, sizeof(file));
	add_end(&buf);
	assert_ok(read_all(&buf, NULL, &err), &err);
	buf_clear(&buf);
	add_extended(&buf, 'x', content, (16 << 10) + 1);
	assert_refused(&buf, ERR_LIMIT, "extension header of 16385");
}

static void every_truncation_is_refused(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	struct tar_writer writer = writer_to(&buf);
	struct err err = ERR_INIT;
	char path[200];

	(void)state;
	(void)snprintf(path, sizeof(path), "a%0180d", 0);
	add_file(&writer, path, "hello");
	add_file(&writer, "b", "world");
	assert_ok(tar_write_end(&writer, &err), &err);
	for (size_t size = 0; size < buf.size; size++) {
		struct buf part = {.data = buf.data, .size = size};

		assert_refused(&part, ERR_INVALID, "truncated");
	}
	buf.data[buf.size - 1] = 1;
	assert_refused(&buf, ERR_INVALID, "data after the end");
}

static void entries_have_a_maximum(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	struct tar_writer writer = writer_to(&buf);
	struct err err = ERR_INIT;
	struct tar_header more;
	char path[16];

	(void)state;
	for (size_t i = 0; i < TAR_ENTRIES_MAX; i++) {
		(void)snprintf(path, sizeof(path), "d%02zu/%05zu", i / 100, i);
		add_file(&writer, path, "");
	}
	assert_fails(tar_write_file(&writer, "e", 0, &err), &err, ERR_LIMIT, "more than 10000");
	more = make_header("e", '0', "0");
	add_block(&buf, &more, sizeof(more));
	add_end(&buf);
	assert_refused(&buf, ERR_LIMIT, "more than 10000 entries");
	buf.size -= 3 * TAR_BLOCK;
	add_end(&buf);
	assert_ok(read_all(&buf, NULL, &err), &err);
}

static void directories_have_a_maximum(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	struct err err = ERR_INIT;
	char path[64];

	(void)state;
	for (size_t i = 0; i < TAR_DIRS_MAX / 5; i++) {
		struct tar_header header;

		(void)snprintf(path, sizeof(path), "%05zu/a/b/c/d/file", i);
		header = make_header(path, '0', "0");
		add_block(&buf, &header, sizeof(header));
	}
	add_end(&buf);
	assert_ok(read_all(&buf, NULL, &err), &err);
	buf.size -= 2 * TAR_BLOCK;
	const struct tar_header more = make_header("more/file", '0', "0");
	add_block(&buf, &more, sizeof(more));
	add_end(&buf);
	assert_refused(&buf, ERR_LIMIT, "more than 10000 directories");
}

/* A source that claims one file and then gives zeros for ever. */
struct endless {
	struct tar_header header;
	uint64_t given;
};

static int read_endless(void *arg, void *data, size_t size, size_t *ret_size, struct err *err)
{
	struct endless *endless = arg;

	(void)err;
	memset(data, 0, size);
	if (endless->given == 0)
		memcpy(data, &endless->header, sizeof(endless->header));
	endless->given += size;
	*ret_size = size;
	return 0;
}

static int read_one_of_size(const char *octal, uint64_t *ret_total, struct err *err)
{
	struct endless endless = {.header = make_header("big", '0', octal)};
	scoped(tar_reader_freep) struct tar_reader *reader = NULL;
	struct tar_entry entry;
	static uint8_t piece[1 << 20];
	size_t size;

	*ret_total = 0;
	assert_ok(tar_reader_new((struct tar_source){.read = read_endless, .arg = &endless}, &reader, err), err);
	if (tar_next(reader, &entry, err) < 0)
		return -1;
	do {
		if (tar_read(reader, piece, sizeof(piece), &size, err) < 0)
			return -1;
		*ret_total += size;
	} while (size > 0);
	return tar_next(reader, &entry, err);
}

static void a_file_of_two_gigabytes_is_above_the_total(void **state)
{
	struct err err = ERR_INIT;
	uint64_t total;

	(void)state;
	assert_fails(read_one_of_size("20000000001", &total, &err), &err, ERR_LIMIT, "2147483649 bytes");
	assert_int_equal(total, 0);
	assert_fails(read_one_of_size("20000000000", &total, &err), &err, ERR_LIMIT, "tar is larger");
	assert_true(total <= TAR_TOTAL_MAX);
}

static void contents_come_in_pieces(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEST_TAR_MAX);
	scoped(buf_done) struct buf content = BUF_INIT(1u << 20);
	scoped(tar_reader_freep) struct tar_reader *reader = NULL;
	struct tar_writer writer = writer_to(&buf);
	struct tar_memory memory;
	struct tar_entry entry;
	struct err err = ERR_INIT;
	uint8_t piece[777];
	size_t size;

	(void)state;
	assert_ok(tar_write_file(&writer, "a", 200000, &err), &err);
	for (size_t i = 0; i < 200000; i++) {
		const uint8_t byte = (uint8_t)(i % 251);

		assert_ok(tar_write_data(&writer, &byte, 1, &err), &err);
	}
	add_file(&writer, "b", "skipped");
	add_file(&writer, "c", "seen");
	assert_ok(tar_write_end(&writer, &err), &err);
	memory = (struct tar_memory){.data = buf.data, .size = buf.size};
	assert_ok(tar_reader_new(tar_source_memory(&memory), &reader, &err), &err);
	assert_int_equal(tar_next(reader, &entry, &err), 1);
	do {
		assert_ok(tar_read(reader, piece, sizeof(piece), &size, &err), &err);
		assert_ok(buf_add(&content, piece, size, &err), &err);
	} while (size > 0);
	assert_int_equal(content.size, 200000);
	for (size_t i = 0; i < 200000; i++)
		assert_int_equal(content.data[i], i % 251);
	assert_int_equal(tar_next(reader, &entry, &err), 1);
	assert_int_equal(tar_next(reader, &entry, &err), 1);
	assert_string_equal(entry.path, "c");
	assert_ok(tar_read(reader, piece, sizeof(piece), &size, &err), &err);
	assert_int_equal(size, 4);
	assert_memory_equal(piece, "seen", 4);
	assert_int_equal(tar_next(reader, &entry, &err), 0);
	assert_int_equal(tar_next(reader, &entry, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read),     cmocka_unit_test(header_is_fixed),
	    cmocka_unit_test(long_paths_survive),          cmocka_unit_test(writer_wants_order_and_sizes),
	    cmocka_unit_test(bad_paths_are_refused),       cmocka_unit_test(reader_refuses_bad_entries),
	    cmocka_unit_test(damaged_headers_are_refused), cmocka_unit_test(doubles_and_clashes_are_refused),
	    cmocka_unit_test(directories_are_taken),       cmocka_unit_test(pax_and_gnu_long_names_are_read),
	    cmocka_unit_test(bad_extensions_are_refused),  cmocka_unit_test(extensions_have_a_maximum),
	    cmocka_unit_test(every_truncation_is_refused), cmocka_unit_test(entries_have_a_maximum),
	    cmocka_unit_test(directories_have_a_maximum),  cmocka_unit_test(a_file_of_two_gigabytes_is_above_the_total),
	    cmocka_unit_test(contents_come_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
