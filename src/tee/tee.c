/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tee.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tee/tee_driver.h"

struct tee {
	const struct tee_ops *ops;
	void *device;
	pthread_mutex_t lock;
	struct tee_measurement measurement;
};

static const struct tee_ops *const drivers[] = {
    [TEE_KIND_SIM] = &tee_sim_ops,
    [TEE_KIND_GRAMINE] = &tee_gramine_ops,
};

int tee_kind_parse(const char *text, enum tee_kind *ret_kind, struct err *err)
{
#define X(name, kind_text, evidence) \
	if (strcmp(text, kind_text) == 0) { \
		*ret_kind = TEE_KIND_##name; \
		return 0; \
	}
	TEE_KINDS(X)
#undef X
	return err_set(err, ERR_INVALID, "unknown TEE '%s'", text);
}

const char *tee_kind_evidence(enum tee_kind kind)
{
	switch (kind) {
#define X(name, text, evidence) \
	case TEE_KIND_##name: \
		return evidence;
		TEE_KINDS(X)
#undef X
	}
	return "";
}

int tee_open(enum tee_kind kind, struct tee **ret_tee, struct err *err)
{
	scoped(tee_closep) struct tee *tee = calloc(1, sizeof(*tee));

	if (!tee)
		return err_no_memory(err);
	(void)pthread_mutex_init(&tee->lock, NULL);
	tee->ops = drivers[kind];
	if (tee->ops->open(&tee->device, err) < 0 || tee->ops->measurement(tee->device, &tee->measurement, err) < 0)
		return err_prefix(err, "TEE '%s'", tee_kind_evidence(kind));
	*ret_tee = TAKE_PTR(tee);
	return 0;
}

void tee_close(struct tee *tee)
{
	if (!tee)
		return;
	if (tee->device)
		tee->ops->close(tee->device);
	(void)pthread_mutex_destroy(&tee->lock);
	free(tee);
}

int tee_quote(struct tee *tee, const uint8_t report_data[static TEE_REPORT_DATA_SIZE], struct buf *ret, struct err *err)
{
	int status;

	(void)pthread_mutex_lock(&tee->lock);
	status = tee->ops->quote(tee->device, report_data, ret, err);
	(void)pthread_mutex_unlock(&tee->lock);
	return status < 0 ? err_prefix(err, "cannot get a quote") : 0;
}

int tee_seal_key(struct tee *tee, const uint8_t key_id[static TEE_KEY_ID_SIZE], struct secret *ret_key, struct err *err)
{
	int status;

	(void)pthread_mutex_lock(&tee->lock);
	status = tee->ops->seal_key(tee->device, key_id, ret_key, err);
	(void)pthread_mutex_unlock(&tee->lock);
	return status < 0 ? err_prefix(err, "cannot get the sealing key") : 0;
}

void tee_measurement(const struct tee *tee, uint8_t ret[static TEE_MEASUREMENT_SIZE_MAX], size_t *ret_size)
{
	memcpy(ret, tee->measurement.data, tee->measurement.size);
	*ret_size = tee->measurement.size;
}
