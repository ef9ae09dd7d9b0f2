/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse-enclave: the runtime in the TEE. Without arguments all it is told is its measured environment. It has further
 * names, told by argv[0] or the first argument: see rows.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enclave/attested/bootstrap.h"
#include "enclave/plain/plain.h"
#include "enclave/process/operator_log.h"
#include "enclave/runtime.h"

extern char **environ;

static enum exit_code print(const struct buf *text)
{
	return fwrite(buf_text(text), 1, text->size, stdout) == text->size && fflush(stdout) == 0 ? EXIT_CODE_STOPPED
												  : EXIT_CODE_INTERNAL;
}

static enum exit_code say_version(void)
{
	return printf("mse-enclave " MSE_VERSION "\n") > 0 ? EXIT_CODE_STOPPED : EXIT_CODE_INTERNAL;
}

static enum exit_code say_help(void)
{
	scoped(buf_done) struct buf text = BUF_INIT(16 << 10);
	struct err err = ERR_INIT;

	if (bootstrap_help(&text, &err) < 0)
		return runtime_fail(EXIT_CODE_INTERNAL, &err);
	return print(&text);
}

static enum exit_code run_bootstrap(char *const *argv)
{
	scoped(bootstrap_done) struct bootstrap bootstrap = BOOTSTRAP_INIT;
	struct runtime_options options;
	struct err err = ERR_INIT;

	if (bootstrap_parse(argv, environ, &bootstrap, &err) < 0)
		return runtime_fail(EXIT_CODE_SETTINGS, &err);
	if (bootstrap.wants_help)
		return say_help();
	if (bootstrap.wants_version)
		return say_version();
	options = (struct runtime_options){
	    .env = bootstrap.env,
	    .input = &bootstrap.input,
	    .is_plain_allowed = bootstrap.is_plain_allowed,
	};
	return runtime_run(&options);
}

static enum exit_code run_enclave(char *const *argv)
{
	const struct runtime_options options = {.env = environ};
	struct err err = ERR_INIT;

	if (!*argv)
		return runtime_run(&options);
	(void)err_set(&err, ERR_INVALID,
		      "'%s': mse-enclave takes no arguments; a server without an enclave is 'mse-enclave --plain', see "
		      "'mse-enclave --help'",
		      *argv);
	return runtime_fail(EXIT_CODE_SETTINGS, &err);
}

/*
 * What a measured release runs is measured: no argument of the host's may make another program of it. Whoever serves
 * without an enclave has none of these.
 */
static enum exit_code run_outside(const char *what, enum exit_code (*run)(char *const *argv), char *const *argv)
{
	static const char *const SIGNS[] = {"MSE_RELEASE", "MSE_TEE", "MSE_ARGV"};
	const char *sign = access("/dev/attestation", F_OK) == 0 ? "/dev/attestation" : NULL;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < COUNT_OF(SIGNS); i++)
		if (getenv(SIGNS[i]))
			sign = SIGNS[i];
	if (!sign)
		return run(argv);
	(void)err_set(&err, ERR_DENIED, "%s is refused where %s is: that is an enclave", what, sign);
	return runtime_fail(EXIT_CODE_SETTINGS, &err);
}

static enum exit_code run_plain(char *const *argv)
{
	return run_outside("--plain", plain_run, argv);
}

static enum exit_code run_test(char *const *argv)
{
	return run_outside("mse-test", plain_test_run, argv);
}

static enum exit_code say_names(char *const *argv)
{
	static const char TEXT[] =
	    "usage: mse-enclave                              the runtime, told by its measured environment\n"
	    "       mse-enclave bootstrap [OPTIONS] MODULE:APP   the same by the original's options (mse-bootstrap)\n"
	    "       mse-enclave --plain MODULE:APP [OPTIONS]     an application server without an enclave (mse-serve)\n"
	    "       mse-enclave test --application MODULE:APP    the same by the original's options (mse-test)\n"
	    "       mse-enclave --version\n\n"
	    "'bootstrap --help' and '--plain --help' list the options.\n";

	(void)argv;
	return fputs(TEXT, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CODE_STOPPED : EXIT_CODE_INTERNAL;
}

static enum exit_code run_version(char *const *argv)
{
	(void)argv;
	return say_version();
}

/* In the order of asking. */
static const struct {
	const char *name;                         /* of the program; NULL: none */
	const char *word;                         /* or the first argument */
	enum exit_code (*run)(char *const *argv); /* what follows the name and the word */
	bool speaks_for_itself;                   /* by its name; what hosts of enclaves read has one name */
} rows[] = {
    {BOOTSTRAP_NAME, "bootstrap", run_bootstrap, false},
    {"mse-serve", "--plain", run_plain, true},
    {"mse-test", "test", run_test, true},
    {NULL, "--help", say_names, false},
    {NULL, "-h", say_names, false},
    {NULL, "--version", run_version, false},
};

/* Whoever starts us without them: nothing else may get their numbers, and be written to as if it were they. */
static void fill_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			IGNORE_RESULT(open("/dev/null", O_RDWR)); /* the lowest that is free */
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";

	fill_standard_fds();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].name && strcmp(name, rows[i].name) == 0) {
			if (rows[i].speaks_for_itself)
				operator_log_set_name(name);
			return (int)rows[i].run(argv + 1);
		}
		if (argc > 1 && strcmp(argv[1], rows[i].word) == 0)
			return (int)rows[i].run(argv + 2);
	}
	return (int)run_enclave(argc > 0 ? argv + 1 : argv);
}
