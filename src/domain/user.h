/* SPDX-License-Identifier: Apache-2.0 */
/* A person who signs in (mission A1 /users/me). The password's hash never leaves store and cloud. */
#ifndef MSE_DOMAIN_USER_H
#define MSE_DOMAIN_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/uuid.h"

#define USER_EMAIL_SIZE 255
#define USER_NAME_SIZE 128
#define USER_PASSWORD_MIN 10
#define USER_PASSWORD_MAX 1024

struct user {
	char id[UUID_TEXT_SIZE];
	char email[USER_EMAIL_SIZE];
	char given_name[USER_NAME_SIZE];
	char family_name[USER_NAME_SIZE];
	bool is_admin;
	bool email_verified;
	bool configured;
	int64_t created_at;  /* Unix seconds */
	int64_t disabled_at; /* 0: not */
};

/* Lower-cased form into ret_email: one @, no spaces or controls, a dot-free host is fine (localhost). */
must_check int user_normalize_email(const char *email, char ret_email[static USER_EMAIL_SIZE], struct err *err);

must_check int user_check_password(const char *password, size_t size, struct err *err);

#endif
