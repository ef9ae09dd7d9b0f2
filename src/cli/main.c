/* SPDX-License-Identifier: Apache-2.0 */
/* mse: the command line of owners and users of confidential apps. */
#include "cli/cmd.h"

int main(int argc, char **argv)
{
	return cmd_main(argc, argv);
}
