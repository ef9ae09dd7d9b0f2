/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "cloud/command.h"
#include "cloud/routes.h"

#define LISTING_MAX 65536

static void print_name(const char *name, void *arg)
{
	(void)arg;
	(void)puts(name);
}

static int print_routes(void)
{
	scoped(buf_done) struct buf text = BUF_INIT(LISTING_MAX);
	struct err err = ERR_INIT;

	if (routes_print(&text, &err) < 0)
		return 1;
	return fputs(buf_text(&text), stdout) < 0;
}

static int print_dump(void)
{
	scoped(freep) char *text = command_dump();

	return text ? puts(text) < 0 : 1;
}

/* What is answered without a data directory; -1 if argv asks for none of it. */
static int answer(int argc, char **argv)
{
	if (argc != 2)
		return -1;
	if (strcmp(argv[1], "--version") == 0)
		return printf("msed %s\n", MSE_VERSION) < 0;
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		command_print_help();
		return 0;
	}
	if (strcmp(argv[1], "__dump") == 0)
		return print_dump();
	if (strcmp(argv[1], "--list-routes") == 0)
		return print_routes();
	if (strcmp(argv[1], "--list-fault-points") == 0) {
		fault_list(print_name, NULL);
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	const char *fault = getenv("MSED_FAULT");
	const struct command *command = NULL;
	struct command_line line;
	struct err err = ERR_INIT;
	const int answered = answer(argc, argv);

	if (answered >= 0)
		return answered;
	if ((fault && fault_arm(fault, &err) < 0) || command_parse(argc - 1, argv + 1, &command, &line, &err) < 0 ||
	    command->run(&line, &err) < 0) {
		(void)fprintf(stderr, "msed: %s\n", err.text);
		return 1;
	}
	return 0;
}
