/* SPDX-License-Identifier: Apache-2.0 */
/* mse-test (E6): the original's way to try an application without an enclave, as other words for the plain server. */
#include <stdio.h>
#include <string.h>

#include "enclave/plain/plain.h"
#include "enclave/process/operator_log.h"

#define ARGUMENTS_MAX 128
#define ADDED_MAX 8
#define BIND "0.0.0.0:5000" /* as in the original's images: a container's port, published by who runs it */
#define APP_DIR "/mse-app"

struct words {
	char *argv[ARGUMENTS_MAX + ADDED_MAX];
	size_t count;
	char *application;
	bool has_bind;
	bool has_app_dir;
};

static void add(struct words *words, const char *word)
{
	words->argv[words->count++] = (char *)(uintptr_t)word;
}

/* The value of an option that is at *argv, in one word or two; NULL if it is another. Moves to its last word. */
static char *value_of(char *const **argv, const char *option)
{
	const size_t size = strlen(option);

	if (strncmp(**argv, option, size) != 0)
		return NULL;
	if ((**argv)[size] == '=')
		return **argv + size + 1;
	return (**argv)[size] == 0 && (*argv)[1] ? *++*argv : NULL;
}

static bool begins(const char *word, const char *option)
{
	const size_t size = strlen(option);

	return strncmp(word, option, size) == 0 && (word[size] == 0 || word[size] == '=');
}

/* What is not the original's is the plain server's. */
static int take(char *const *argv, struct words *words, struct err *err)
{
	for (; *argv; argv++) {
		char *application = value_of(&argv, "--application");

		if (application && words->application)
			return err_set(err, ERR_INVALID, "'--application' is given twice");
		if (application) {
			words->application = application;
			continue;
		}
		if (begins(*argv, "--application"))
			return err_set(err, ERR_INVALID, "'--application' wants a value: MODULE:APP");
		if (words->count >= ARGUMENTS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d arguments", ARGUMENTS_MAX);
		words->has_bind = words->has_bind || begins(*argv, "--bind");
		words->has_app_dir = words->has_app_dir || begins(*argv, "--app-dir");
		add(words, strcmp(*argv, "--debug") == 0 ? "--access-log=common" : *argv);
	}
	return 0;
}

enum exit_code plain_test_run(char *const *argv)
{
	const char *module_path = getenv("MODULE_PATH");
	static struct words words;
	struct err err = ERR_INIT;

	if (take(argv, &words, &err) < 0) {
		operator_log_set_fd(2);
		return plain_fail(EXIT_CODE_SETTINGS, &err);
	}
	if (words.application)
		add(&words, words.application);
	if (!words.has_bind) {
		add(&words, "--bind");
		add(&words, BIND);
	}
	if (!words.has_app_dir) {
		add(&words, "--app-dir");
		add(&words, module_path ? module_path : APP_DIR);
	}
	words.argv[words.count] = NULL;
	return plain_run(words.argv);
}
