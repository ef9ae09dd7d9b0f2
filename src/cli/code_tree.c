/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/code_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/number.h"

#define IGNORE_FILE ".mseignore"
#define IGNORE_SIZE_MAX (256u << 10)
#define COPY_PIECE (256u << 10)

struct pattern {
	char *text;
	bool negated;
	bool folders_only;
	bool anchored;
};

struct walk {
	struct code_tree tree;
	size_t capacity;
	struct pattern *patterns;
	size_t pattern_count;
	char *ignore_text;
	/* while a folder is read */
	const char *prefix;
	int depth;
};

static void read_pattern(char *line, struct pattern *ret)
{
	size_t size = strlen(line);

	*ret = (struct pattern){.negated = line[0] == '!'};
	line += ret->negated;
	size -= ret->negated;
	if (size && line[size - 1] == '/') {
		ret->folders_only = true;
		line[size - 1] = '\0';
	}
	if (strncmp(line, "**/", 3) == 0 && !strchr(line + 3, '/'))
		line += 3;
	ret->anchored = strchr(line, '/') != NULL;
	ret->text = line + (line[0] == '/');
}

static int read_patterns(struct walk *walk, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(IGNORE_SIZE_MAX);
	scoped(freep) char *path = NULL;
	char *rest, *line;

	if (fs_join(walk->tree.root, IGNORE_FILE, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, err) < 0)
		return -1;
	walk->ignore_text = rest = buf_take_text(&text);
	walk->patterns = calloc(CODE_TREE_PATTERNS_MAX, sizeof(*walk->patterns));
	if (!rest || !walk->patterns)
		return err_no_memory(err);
	while ((line = strsep(&rest, "\n"))) {
		size_t size = strlen(line);

		while (size && strchr(" \t\r", line[size - 1]))
			line[--size] = '\0';
		if (size == 0 || line[0] == '#')
			continue;
		if (walk->pattern_count == CODE_TREE_PATTERNS_MAX)
			return err_set(err, ERR_LIMIT, "'%s' has more than %u patterns", path, CODE_TREE_PATTERNS_MAX);
		read_pattern(line, &walk->patterns[walk->pattern_count++]);
	}
	return 0;
}

static bool matches(const struct pattern *pattern, const char *path, bool is_folder)
{
	const char *slash = strrchr(path, '/');
	const int flags = strstr(pattern->text, "**") ? 0 : FNM_PATHNAME;

	if (pattern->folders_only && !is_folder)
		return false;
	if (pattern->anchored)
		return fnmatch(pattern->text, path, flags) == 0;
	return fnmatch(pattern->text, slash ? slash + 1 : path, flags) == 0;
}

/* The last pattern that matches decides. */
static bool is_ignored(const struct walk *walk, const char *path, bool is_folder)
{
	for (size_t i = walk->pattern_count; i > 0; i--) {
		if (matches(&walk->patterns[i - 1], path, is_folder))
			return !walk->patterns[i - 1].negated;
	}
	return false;
}

static int add_file(struct walk *walk, const char *path, uint64_t size, struct err *err)
{
	struct code_tree *tree = &walk->tree;

	if (tree->count == CODE_TREE_FILES_MAX)
		return err_set(err, ERR_LIMIT, "'%s' has more than %u files", tree->root, CODE_TREE_FILES_MAX);
	if (tree->size > CODE_TREE_SIZE_MAX || size > CODE_TREE_SIZE_MAX - tree->size)
		return err_set(err, ERR_LIMIT, "the code in '%s' is larger than 2 GiB (at '%s')", tree->root, path);
	if (tree->count == walk->capacity) {
		const size_t capacity = walk->capacity ? 2 * walk->capacity : 64;
		struct code_file *files = realloc(tree->files, capacity * sizeof(*files));

		if (!files)
			return err_no_memory(err);
		tree->files = files;
		walk->capacity = capacity;
	}
	tree->files[tree->count] = (struct code_file){.path = strdup(path), .size = size};
	if (!tree->files[tree->count].path)
		return err_no_memory(err);
	tree->count++;
	tree->size += size;
	return 0;
}

static int visit(const char *name, void *arg, struct err *err);

static int visit_folder(struct walk *walk, const char *path, const char *full, struct err *err)
{
	const char *prefix = walk->prefix;
	int status;

	if (walk->depth == CODE_TREE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "'%s' lies deeper than %d folders", path, CODE_TREE_DEPTH_MAX);
	walk->depth++;
	walk->prefix = path;
	status = fs_each_entry(full, visit, walk, err);
	walk->prefix = prefix;
	walk->depth--;
	return status;
}

static int visit(const char *name, void *arg, struct err *err)
{
	struct walk *walk = arg;
	scoped(freep) char *path = NULL;
	scoped(freep) char *full = NULL;
	struct stat st;

	if (name[0] == '.')
		return 0;
	if (asprintf(&path, "%s%s%s", walk->prefix, *walk->prefix ? "/" : "", name) < 0)
		return err_no_memory(err);
	if (fs_join(walk->tree.root, path, &full, err) < 0)
		return -1;
	if (lstat(full, &st) < 0)
		return err_set_errno(err, "cannot look at '%s'", full);
	if (is_ignored(walk, path, S_ISDIR(st.st_mode)))
		return 0;
	if (strlen(path) > CODE_TREE_PATH_MAX)
		return err_set(err, ERR_LIMIT, "path '%.80s...' is longer than %u bytes", path, CODE_TREE_PATH_MAX);
	if (S_ISDIR(st.st_mode))
		return visit_folder(walk, path, full, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID,
			       "'%s' is a link or device: only files can be deployed (name it in %s?)", full,
			       IGNORE_FILE);
	return add_file(walk, path, (uint64_t)st.st_size, err);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct code_file *)a)->path, ((const struct code_file *)b)->path);
}

int code_tree_load(const char *root, struct code_tree *ret_tree, struct err *err)
{
	struct walk walk = {.tree.root = strdup(root), .prefix = ""};
	int status = -1;

	if (!walk.tree.root)
		return err_no_memory(err);
	if (!fs_is_dir(root))
		(void)err_set(err, ERR_NOT_FOUND, "the code folder '%s' does not exist", root);
	else if (read_patterns(&walk, err) == 0)
		status = fs_each_entry(root, visit, &walk, err);
	free(walk.ignore_text);
	free(walk.patterns);
	if (status == 0 && walk.tree.count == 0)
		status = err_set(err, ERR_INVALID, "the code folder '%s' has no file", root);
	if (status < 0) {
		code_tree_done(&walk.tree);
		return -1;
	}
	qsort(walk.tree.files, walk.tree.count, sizeof(walk.tree.files[0]), by_path);
	*ret_tree = walk.tree;
	return 0;
}

void code_tree_done(struct code_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free(tree->files[i].path);
	free(tree->files);
	free(tree->root);
	*tree = (struct code_tree){0};
}

static bool has_file(const struct code_tree *tree, const char *path)
{
	const struct code_file key = {.path = (char *)(uintptr_t)path};

	return bsearch(&key, tree->files, tree->count, sizeof(key), by_path) != NULL;
}

int code_tree_check_module(const struct code_tree *tree, const char *module, struct err *err)
{
	scoped(freep) char *file = NULL;
	scoped(freep) char *package = NULL;

	if (asprintf(&file, "%s.py", module) < 0)
		return err_no_memory(err);
	if (asprintf(&package, "%s/__init__.py", module) < 0)
		return err_no_memory(err);
	for (size_t i = 0; module[i]; i++) {
		if (module[i] == '.')
			file[i] = package[i] = '/';
	}
	if (!has_file(tree, file) && !has_file(tree, package))
		return err_set(err, ERR_NOT_FOUND, "Flask module '%s' not found in directory '%s'", module, tree->root);
	return 0;
}

static int copy_one(const char *from, const char *to, struct err *err)
{
	scoped(fd_closep) int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	scoped(fd_closep) int out = -1;
	scoped(freep) char *piece = malloc(COPY_PIECE);
	ssize_t got;

	if (!piece)
		return err_no_memory(err);
	if (in < 0)
		return err_set_errno(err, "cannot open '%s'", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (out < 0)
		return err_set_errno(err, "cannot write '%s'", to);
	while ((got = read(in, piece, COPY_PIECE)) > 0) {
		if (fd_write_all(out, piece, (size_t)got, err) < 0)
			return err_prefix(err, "'%s'", to);
	}
	return got < 0 ? err_set_errno(err, "cannot read '%s'", from) : 0;
}

int code_tree_copy(const struct code_tree *tree, const char *dest, struct err *err)
{
	if (fs_make_dirs(dest, 0700, err) < 0)
		return -1;
	for (size_t i = 0; i < tree->count; i++) {
		scoped(freep) char *from = NULL;
		scoped(freep) char *to = NULL;
		char *slash;

		if (fs_join(tree->root, tree->files[i].path, &from, err) < 0 ||
		    fs_join(dest, tree->files[i].path, &to, err) < 0)
			return -1;
		slash = strrchr(to, '/');
		*slash = '\0';
		if (fs_make_dirs(to, 0700, err) < 0)
			return -1;
		*slash = '/';
		if (copy_one(from, to, err) < 0)
			return -1;
	}
	return 0;
}
