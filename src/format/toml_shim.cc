/* SPDX-License-Identifier: Apache-2.0 */
/* The one C++ file: walks what tomlplusplus parsed and hands it to C. No exception leaves it. */
#include "format/toml_shim.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace
{

struct walk {
	toml_shim_take take;
	void *arg;
};

bool walk_node(const walk &to, void *parent, const toml::key *key, const toml::node &node);

toml_shim_value value_at(const toml::key *key, const toml::node &node)
{
	toml_shim_value value = {};

	value.line = node.source().begin.line;
	value.column = node.source().begin.column;
	if (key) {
		value.key = key->data();
		value.key_size = key->length();
		value.key_line = key->source().begin.line;
		value.key_column = key->source().begin.column;
	}
	return value;
}

void set_day(toml_shim_value &value, const toml::date &day)
{
	value.year = day.year;
	value.month = day.month;
	value.day = day.day;
}

void set_time(toml_shim_value &value, const toml::time &time)
{
	value.hour = time.hour;
	value.minute = time.minute;
	value.second = time.second;
	value.nanosecond = static_cast<int>(time.nanosecond);
}

void set_moment(toml_shim_value &value, const toml::date_time &moment)
{
	set_day(value, moment.date);
	set_time(value, moment.time);
	value.zoned = moment.offset.has_value();
	if (value.zoned)
		value.offset_minutes = moment.offset->minutes;
}

void set_scalar(toml_shim_value &value, const toml::node &node)
{
	if (const auto *text = node.as_string()) {
		value.kind = TOML_SHIM_TEXT;
		value.text = text->get().data();
		value.text_size = text->get().size();
	} else if (const auto *integer = node.as_integer()) {
		value.kind = TOML_SHIM_INTEGER;
		value.integer = integer->get();
	} else if (const auto *number = node.as_floating_point()) {
		value.kind = TOML_SHIM_FLOAT;
		value.number = number->get();
	} else if (const auto *boolean = node.as_boolean()) {
		value.kind = TOML_SHIM_BOOL;
		value.boolean = boolean->get();
	} else if (const auto *day = node.as_date()) {
		value.kind = TOML_SHIM_DATE;
		set_day(value, day->get());
	} else if (const auto *moment = node.as_date_time()) {
		value.kind = TOML_SHIM_DATE;
		set_moment(value, moment->get());
	} else if (const auto *time = node.as_time()) {
		value.kind = TOML_SHIM_TIME;
		set_time(value, time->get());
	}
}

/* tomlplusplus sorts by name; people read in the order of the file. */
bool walk_table(const walk &to, void *self, const toml::table &table)
{
	std::vector<std::pair<const toml::key *, const toml::node *>> members;

	for (const auto &[key, node] : table)
		members.emplace_back(&key, &node);
	std::stable_sort(members.begin(), members.end(), [](const auto &a, const auto &b) {
		const auto &x = a.first->source().begin;
		const auto &y = b.first->source().begin;
		return x.line != y.line ? x.line < y.line : x.column < y.column;
	});
	for (const auto &member : members) {
		if (!walk_node(to, self, member.first, *member.second))
			return false;
	}
	return true;
}

bool walk_node(const walk &to, void *parent, const toml::key *key, const toml::node &node)
{
	toml_shim_value value = value_at(key, node);
	void *self;

	if (const auto *table = node.as_table()) {
		value.kind = TOML_SHIM_TABLE;
		self = to.take(to.arg, parent, &value);
		return self && walk_table(to, self, *table);
	}
	if (const auto *array = node.as_array()) {
		value.kind = TOML_SHIM_ARRAY;
		self = to.take(to.arg, parent, &value);
		if (!self)
			return false;
		for (const auto &item : *array) {
			if (!walk_node(to, self, nullptr, item))
				return false;
		}
		return true;
	}
	set_scalar(value, node);
	return to.take(to.arg, parent, &value) != nullptr;
}

} // namespace

int toml_shim_parse(const char *data, size_t size, toml_shim_take take, void *arg, toml_shim_failure *failure)
{
	try {
		const toml::table root = toml::parse(std::string_view(data, size));

		return walk_node(walk{take, arg}, nullptr, nullptr, root) ? 0 : -2;
	} catch (const toml::parse_error &error) {
		failure->line = error.source().begin.line;
		failure->column = error.source().begin.column;
		(void)std::snprintf(failure->text, sizeof(failure->text), "%s", error.what());
	} catch (const std::exception &error) {
		failure->line = failure->column = 0;
		(void)std::snprintf(failure->text, sizeof(failure->text), "%s", error.what());
	}
	return -1;
}
