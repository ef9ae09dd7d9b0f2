/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/requirement.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SEGMENTS_MAX 16
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
#define SEGMENT_DIGITS_MAX 9

/* Order of what may follow the release number: dev < a < b < rc < (nothing) < post. */
enum suffix { SUFFIX_DEV, SUFFIX_A, SUFFIX_B, SUFFIX_RC, SUFFIX_NONE, SUFFIX_POST };

struct version {
	uint32_t segments[SEGMENTS_MAX];
	size_t count;
	enum suffix suffix;
	uint32_t suffix_number;
	bool wildcard; /* ended in ".*" */
};

static bool take_number(const char **at, uint32_t *ret)
{
	uint32_t value = 0;
	size_t digits = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++, digits++) {
		if (digits == SEGMENT_DIGITS_MAX)
			return false;
		value = value * 10 + (uint32_t)(**at - '0');
	}
	*ret = value;
	return digits > 0;
}

static bool take_word(const char **at, const char *word)
{
	const size_t size = strlen(word);

	if (strncmp(*at, word, size) != 0)
		return false;
	*at += size;
	return true;
}

static void take_suffix(const char **at, struct version *ret)
{
	static const struct {
		const char *word;
		enum suffix suffix;
	} words[] = {{".dev", SUFFIX_DEV}, {"dev", SUFFIX_DEV}, {".post", SUFFIX_POST}, {"post", SUFFIX_POST},
		     {"rc", SUFFIX_RC},    {"alpha", SUFFIX_A}, {"beta", SUFFIX_B},     {"a", SUFFIX_A},
		     {"b", SUFFIX_B},      {"c", SUFFIX_RC}};

	ret->suffix = SUFFIX_NONE;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (take_word(at, words[i].word)) {
			ret->suffix = words[i].suffix;
			(void)take_number(at, &ret->suffix_number);
			return;
		}
	}
}

static int parse_version(const char *text, size_t size, struct version *ret, struct err *err)
{
	char copy[REQUIREMENT_SPECIFIERS_SIZE];
	struct version version = {0};
	const char *at = copy;
	bool good = size < sizeof(copy);

	(void)snprintf(copy, sizeof(copy), "%.*s", (int)size, text);
	do {
		good = good && version.count < SEGMENTS_MAX && take_number(&at, &version.segments[version.count]);
		version.count++;
	} while (good && at[0] == '.' && at[1] >= '0' && at[1] <= '9' && at++);
	version.wildcard = good && take_word(&at, ".*");
	if (good && !version.wildcard)
		take_suffix(&at, &version);
	else
		version.suffix = SUFFIX_NONE;
	/* A local version ("+deb12u1") does not take part. */
	if (!good || (*at && *at != '+'))
		return err_set(err, ERR_INVALID, "'%.*s' is no version that can be compared", (int)size, text);
	*ret = version;
	return 0;
}

static int compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_versions(const struct version *a, const struct version *b)
{
	for (size_t i = 0; i < SEGMENTS_MAX; i++) {
		const int order = compare(i < a->count ? a->segments[i] : 0, i < b->count ? b->segments[i] : 0);

		if (order)
			return order;
	}
	if (a->suffix != b->suffix)
		return compare(a->suffix, b->suffix);
	return compare(a->suffix_number, b->suffix_number);
}

static bool has_prefix(const struct version *version, const struct version *prefix, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if ((i < version->count ? version->segments[i] : 0) != prefix->segments[i])
			return false;
	return true;
}

static int one_is_met(const char *specifier, size_t size, const struct version *have, struct err *err)
{
	static const char *const operators[] = {"===", "==", ">=", "<=", "!=", "~=", ">", "<"};
	struct version want;
	size_t which = 0;

	while (which < COUNT_OF(operators) && strncmp(specifier, operators[which], strlen(operators[which])) != 0)
		which++;
	if (which == COUNT_OF(operators))
		return err_set(err, ERR_INVALID, "'%.*s' is no version specifier", (int)size, specifier);
	if (parse_version(specifier + strlen(operators[which]), size - strlen(operators[which]), &want, err) < 0)
		return -1;
	if (want.wildcard && which != 1 && which != 4)
		return err_set(err, ERR_INVALID, "'%.*s': '.*' goes with == and != only", (int)size, specifier);
	switch (which) {
	case 0:
	case 1:
		return want.wildcard ? has_prefix(have, &want, want.count) : compare_versions(have, &want) == 0;
	case 2:
		return compare_versions(have, &want) >= 0;
	case 3:
		return compare_versions(have, &want) <= 0;
	case 4:
		return want.wildcard ? !has_prefix(have, &want, want.count) : compare_versions(have, &want) != 0;
	case 5:
		if (want.count < 2)
			return err_set(err, ERR_INVALID, "'%.*s': '~=' needs two numbers", (int)size, specifier);
		return compare_versions(have, &want) >= 0 && has_prefix(have, &want, want.count - 1);
	case 6:
		return compare_versions(have, &want) > 0;
	default:
		return compare_versions(have, &want) < 0;
	}
}

int requirement_is_met(const struct requirement *requirement, const char *version, struct err *err)
{
	struct version have;

	if (parse_version(version, strlen(version), &have, err) < 0)
		return -1;
	for (const char *at = requirement->specifiers; *at;) {
		const size_t size = strcspn(at, ",");
		const int met = one_is_met(at, size, &have, err);

		if (met != 1)
			return met;
		at += size + (at[size] == ',');
	}
	return 1;
}

/* Everything but blanks, up to a comment. */
static int squeeze(const char *line, char ret[static REQUIREMENT_LINE_MAX + 1], struct err *err)
{
	size_t used = 0;

	for (const char *at = line; *at && *at != '\n' && *at != '\r'; at++) {
		if (*at == '#' && (at == line || at[-1] == ' ' || at[-1] == '\t'))
			break;
		if (used == REQUIREMENT_LINE_MAX)
			return err_set(err, ERR_LIMIT, "a line of more than %d bytes", REQUIREMENT_LINE_MAX);
		if (*at != ' ' && *at != '\t')
			ret[used++] = *at;
	}
	ret[used] = 0;
	return 0;
}

int requirement_parse(const char *line, struct requirement *ret, struct err *err)
{
	char text[REQUIREMENT_LINE_MAX + 1];
	const char *at = text;
	size_t size;

	if (squeeze(line, text, err) < 0)
		return -1;
	if (!text[0])
		return 0;
	size = strspn(text, NAME_CHARS);
	if (text[0] == '-' || strchr(text, ';') || strchr(text, '@') || strstr(text, "://"))
		return err_set(err, ERR_UNSUPPORTED,
			       "'%.100s': options, addresses and environment markers are not taken", text);
	if (size == 0 || size >= sizeof(ret->name))
		return err_set(err, ERR_INVALID, "'%.100s' names no distribution", text);
	(void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)size, text);
	at += size;
	if (*at == '[') {
		at += strcspn(at, "]");
		if (*at != ']')
			return err_set(err, ERR_INVALID, "'%.100s' has no closing bracket", text);
		at++;
	}
	if (*at && !strchr("=<>!~", *at))
		return err_set(err, ERR_INVALID, "'%.100s' has something that is no version specifier", text);
	if (strlen(at) >= sizeof(ret->specifiers))
		return err_set(err, ERR_LIMIT, "'%.100s' has too many specifiers", text);
	(void)snprintf(ret->specifiers, sizeof(ret->specifiers), "%s", at);
	return 1;
}
