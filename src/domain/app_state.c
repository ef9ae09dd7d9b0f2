/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "domain/app.h"

const struct app_move app_moves[] = {
    {APP_SPAWNING, APP_INITIALIZING, "the enclave answers on its socket: it waits for keys"},
    {APP_INITIALIZING, APP_RUNNING, "the application answers its health check"},
    {APP_SPAWNING, APP_STOPPED, "asked, or expired"},
    {APP_INITIALIZING, APP_STOPPED, "asked, or expired"},
    {APP_RUNNING, APP_STOPPED, "asked, or expired"},
    {APP_SPAWNING, APP_ON_ERROR, "the engine refused it, or the enclave ended"},
    {APP_INITIALIZING, APP_ON_ERROR, "the enclave ended"},
    {APP_RUNNING, APP_ON_ERROR, "the enclave ended"},
    {0, 0, NULL},
};

const char *app_state_text(enum app_state state)
{
	switch (state) {
#define X(name, text, meaning) \
	case APP_##name: \
		return text;
		APP_STATES(X)
#undef X
	}
	return "";
}

const char *app_state_meaning(enum app_state state)
{
	switch (state) {
#define X(name, text, meaning) \
	case APP_##name: \
		return meaning;
		APP_STATES(X)
#undef X
	}
	return "";
}

int app_state_parse(const char *text, enum app_state *ret, struct err *err)
{
	for (int state = 0; state < APP_STATE_COUNT; state++) {
		if (strcmp(text, app_state_text((enum app_state)state)) == 0) {
			*ret = (enum app_state)state;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "'%.40s' is not a status of an app", text);
}

bool app_state_can_move(enum app_state from, enum app_state to)
{
	for (const struct app_move *move = app_moves; move->when; move++)
		if (move->from == from && move->to == to)
			return true;
	return false;
}

bool app_state_is_final(enum app_state state)
{
	for (const struct app_move *move = app_moves; move->when; move++)
		if (move->from == state)
			return false;
	return true;
}

static const char replacing[] =
    "\n## Replacing an app\n\n"
    "Beside the status, `replaces` and `replaced_by` say who has name and domain; of one name at most one active app "
    "has both empty.\n\n"
    "| | name and domain | it ends |\n|---|---|---|\n"
    "| neither | its own | as above |\n"
    "| `replaces` X | still X's: it is reached at its configuration domain alone. When it is `running`, "
    "`POST /apps/{id}/take-over` empties the field and sets X's `replaced_by`, in one step | as above; `on_error` a "
    "day after "
    "its creation, or ten minutes after it became `running`, if nobody let it take over |\n"
    "| `replaced_by` Y | Y's | `stopped` when its connections have ended, at the latest after `drain_seconds` of "
    "`msed.toml` |\n\n"
    "If X ends before the take-over, nobody has them until then; if Y ends before, X has lost nothing.\n";

static int add_diagram(struct buf *ret, struct err *err)
{
	if (buf_add_text(ret, "```mermaid\nstateDiagram-v2\n    [*] --> spawning\n", err) < 0)
		return -1;
	for (const struct app_move *move = app_moves; move->when; move++)
		if (buf_addf(ret, err, "    %s --> %s\n", app_state_text(move->from), app_state_text(move->to)) < 0)
			return -1;
	for (int state = 0; state < APP_STATE_COUNT; state++)
		if (app_state_is_final((enum app_state)state) &&
		    buf_addf(ret, err, "    %s --> [*]\n", app_state_text((enum app_state)state)) < 0)
			return -1;
	return buf_add_text(ret, "```\n", err);
}

int app_states_document(struct buf *ret, struct err *err)
{
	if (buf_add_text(ret,
			 "# States of an app\n\n"
			 "Made from the table `app_moves` in `src/domain/app_state.c`; a test compares the two.\n\n"
			 "| status | means |\n|---|---|\n",
			 err) < 0)
		return -1;
	for (int state = 0; state < APP_STATE_COUNT; state++)
		if (buf_addf(ret, err, "| `%s` | %s |\n", app_state_text((enum app_state)state),
			     app_state_meaning((enum app_state)state)) < 0)
			return -1;
	if (buf_add_text(ret, "\n| from | to | when |\n|---|---|---|\n", err) < 0)
		return -1;
	for (const struct app_move *move = app_moves; move->when; move++)
		if (buf_addf(ret, err, "| `%s` | `%s` | %s |\n", app_state_text(move->from), app_state_text(move->to),
			     move->when) < 0)
			return -1;
	return buf_add_byte(ret, '\n', err) < 0 || add_diagram(ret, err) < 0 ? -1 : buf_add_text(ret, replacing, err);
}
