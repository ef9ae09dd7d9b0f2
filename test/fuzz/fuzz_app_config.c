/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/app_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf errors = BUF_INIT(APP_CONFIG_ERRORS_SIZE_MAX);
	scoped(app_config_done) struct app_config config = {0};
	struct err err = ERR_INIT;

	if (app_config_parse("mse.toml", data, size, &config, &errors, &err) == 0) {
		scoped(buf_done) struct buf text = BUF_INIT(8u * APP_CONFIG_SIZE_MAX);
		scoped(app_config_done) struct app_config again = {0};

		if (app_config_format(&config, &text, &err) == 0 &&
		    app_config_parse("again", text.data, text.size, &again, &errors, &err) < 0)
			__builtin_trap();
	}
	return 0;
}
