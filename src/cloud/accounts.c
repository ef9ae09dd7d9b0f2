/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "crypto/password.h"
#include "crypto/random.h"
#include "domain/user.h"
#include "store/store_hardware.h"
#include "store/store_project.h"
#include "store/store_user.h"

#define MADE_PASSWORD_SIZE 20
#define BOOKABLE_NAME "2g-eu-001"
#define BOOKABLE_SLOTS 4

/* One line without its end, byte by byte: nothing of it lingers in a stream's buffer. */
static int read_line(struct secret *ret, struct err *err)
{
	char line[USER_PASSWORD_MAX + 2];
	size_t size = 0;
	int status;

	while (size < sizeof(line)) {
		const ssize_t got = read(STDIN_FILENO, line + size, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || line[size] == '\n')
			break;
		size++;
	}
	status = user_check_password(line, size, err) < 0 ? -1 : secret_init(ret, line, size, err);
	secret_wipe(line, sizeof(line));
	return status;
}

static int ask_once(const char *question, struct secret *ret, struct err *err)
{
	struct termios old, quiet;
	int status;

	(void)fprintf(stderr, "%s: ", question);
	if (tcgetattr(STDIN_FILENO, &old) < 0)
		return err_set_errno(err, "cannot read the terminal's mode");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	status = read_line(ret, err);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	(void)fprintf(stderr, "\n");
	return status;
}

static int ask_twice(const char *email, struct secret *ret, struct err *err)
{
	scoped(secret_done) struct secret first = SECRET_INIT;
	scoped(secret_done) struct secret second = SECRET_INIT;
	char question[USER_EMAIL_SIZE + 32];

	(void)snprintf(question, sizeof(question), "password for %s", email);
	if (ask_once(question, &first, err) < 0 || ask_once("once more", &second, err) < 0)
		return -1;
	if (first.size != second.size || !secret_equal(first.data, second.data, first.size))
		return err_set(err, ERR_INVALID, "the two passwords differ");
	return secret_init(ret, first.data, first.size, err);
}

/* 20 of 32 letters and digits that are not mistaken for each other: 100 bits. */
static int make_password(struct secret *ret, struct err *err)
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789z";
	uint8_t random[MADE_PASSWORD_SIZE];

	if (secret_new(ret, MADE_PASSWORD_SIZE, err) < 0)
		return -1;
	random_bytes(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		ret->data[i] = (uint8_t)letters[random[i] % 32];
	secret_wipe(random, sizeof(random));
	return 0;
}

int account_password(bool from_stdin, const char *email, struct secret *ret, bool *ret_made, struct err *err)
{
	*ret_made = false;
	if (from_stdin)
		return read_line(ret, err);
	if (isatty(STDIN_FILENO))
		return ask_twice(email, ret, err);
	*ret_made = true;
	return make_password(ret, err);
}

static void make_id(char ret[static UUID_TEXT_SIZE])
{
	uint8_t random[16];

	random_bytes(random, sizeof(random));
	uuid_format(random, ret);
}

/* Free hardware is every user's; slots of the other kind are the first administrator's, until they are for sale. */
static int book(struct store *store, const struct project *project, bool is_admin, int64_t now, struct err *err)
{
	char id[UUID_TEXT_SIZE];

	make_id(id);
	if (store_booking_add(store, id, project->id, HARDWARE_FREE_NAME, 1, now, err) < 0)
		return -1;
	if (!is_admin)
		return 0;
	make_id(id);
	return store_booking_add(store, id, project->id, BOOKABLE_NAME, BOOKABLE_SLOTS, now, err);
}

static int add_all(struct store *store, struct user *user, const char *hash, struct err *err)
{
	struct project project = {.is_default = true, .created_at = user->created_at};

	make_id(user->id);
	make_id(project.id);
	(void)snprintf(project.name, sizeof(project.name), "%s", PROJECT_DEFAULT_NAME);
	(void)snprintf(project.description, sizeof(project.description), "Default project");
	(void)snprintf(project.owner_id, sizeof(project.owner_id), "%s", user->id);
	if (store_user_add(store, user, hash, err) < 0 || store_project_add(store, &project, err) < 0)
		return -1;
	return book(store, &project, user->is_admin, user->created_at, err);
}

int account_create(struct store *store, const char *email, const struct secret *password, bool is_admin, int64_t now,
		   struct err *err)
{
	struct user user = {.is_admin = is_admin, .email_verified = true, .configured = true, .created_at = now};
	char hash[PASSWORD_HASH_SIZE];

	if (user_normalize_email(email, user.email, err) < 0 ||
	    password_hash(password->data, password->size, hash, err) < 0 || store_begin(store, err) < 0)
		return -1;
	if (add_all(store, &user, hash, err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, "user-add", err);
}
