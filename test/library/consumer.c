/* SPDX-License-Identifier: Apache-2.0 */
/* A program as somebody else would write it: the installed header, the shared library, nothing of ours besides. */
#include <mse/attest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(int holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "not as expected: %s\n", what);
	failures++;
}

int main(void)
{
	static const uint8_t QUOTE[4] = {3, 0, 2, 0};
	static const uint8_t REPORT_DATA[ATTEST_REPORT_DATA_SIZE] = {1};
	const struct attest_collateral_bytes bytes = {0};
	const struct attest_evidence evidence = {{QUOTE, sizeof(QUOTE)}};
	const struct attest_binding binding = {{REPORT_DATA, sizeof(REPORT_DATA)}};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;
	char *text;

	expect(attest_collateral_new(&bytes, &collateral, &why) == 0, "an empty set of collateral is a set");
	expect(attest_verify(&evidence, NULL, collateral, NULL, 1750000000, NULL, &verdict, &why) == -1 && why,
	       "no expected binding, no verdict");
	expect(attest_verify(&evidence, &binding, collateral, NULL, 1750000000, NULL, &verdict, &why) == 0,
	       "a verdict on four bytes");
	expect(verdict && !verdict->accepted && strcmp(verdict->error_text, "truncated") == 0, "four bytes: truncated");
	text = attest_verdict_text(verdict);
	expect(text && strncmp(text, "REFUSED: truncated", 18) == 0, "the text begins with the refusal");
	free(text);
	attest_verdict_free(verdict);
	attest_collateral_free(collateral);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
