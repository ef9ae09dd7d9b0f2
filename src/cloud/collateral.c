/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/collateral.h"

#include <pthread.h>
#include <string.h>

struct collateral {
	char *dir;
	pthread_rwlock_t lock;
	struct sim_pki *pki;
	int64_t refreshed_at;
};

int collateral_open(const char *sim_dir, int64_t now, struct collateral **ret, struct err *err)
{
	struct collateral *collateral = calloc(1, sizeof(*collateral));

	if (!collateral)
		return err_no_memory(err);
	if (pthread_rwlock_init(&collateral->lock, NULL) != 0) {
		free(collateral);
		return err_set(err, ERR_INTERNAL, "cannot make a lock");
	}
	collateral->dir = strdup(sim_dir);
	if (!collateral->dir) {
		collateral_free(collateral);
		return err_no_memory(err);
	}
	if (collateral_keep_fresh(collateral, now, err) < 0) {
		collateral_free(collateral);
		return -1;
	}
	*ret = collateral;
	return 0;
}

void collateral_free(struct collateral *collateral)
{
	if (!collateral)
		return;
	sim_pki_free(collateral->pki);
	(void)pthread_rwlock_destroy(&collateral->lock);
	free(collateral->dir);
	free(collateral);
}

int collateral_keep_fresh(struct collateral *collateral, int64_t now, struct err *err)
{
	struct sim_pki *pki = NULL;
	bool due;

	(void)pthread_rwlock_rdlock(&collateral->lock);
	due = !collateral->pki || now - collateral->refreshed_at >= COLLATERAL_REFRESH_SECONDS;
	(void)pthread_rwlock_unlock(&collateral->lock);
	if (!due)
		return 0;
	if (sim_pki_refresh_dir(collateral->dir, now, err) < 0 ||
	    sim_pki_load(collateral->dir, SIM_PKI_PUBLIC, &pki, err) < 0)
		return err_prefix(err, "simulated PKI");
	(void)pthread_rwlock_wrlock(&collateral->lock);
	sim_pki_free(collateral->pki);
	collateral->pki = pki;
	collateral->refreshed_at = now;
	(void)pthread_rwlock_unlock(&collateral->lock);
	return 0;
}

int collateral_item(struct collateral *collateral, enum sim_item item, struct buf *ret, struct err *err)
{
	const struct buf *bytes;
	int status;

	(void)pthread_rwlock_rdlock(&collateral->lock);
	bytes = sim_pki_item(collateral->pki, item);
	status = buf_add(ret, bytes->data, bytes->size, err);
	(void)pthread_rwlock_unlock(&collateral->lock);
	return status;
}

int collateral_chain(struct collateral *collateral, enum sim_cert from, struct buf *ret_pem, struct err *err)
{
	int status;

	(void)pthread_rwlock_rdlock(&collateral->lock);
	status = sim_pki_chain_pem(collateral->pki, from, ret_pem, err);
	(void)pthread_rwlock_unlock(&collateral->lock);
	return status;
}

int collateral_root(struct collateral *collateral, struct buf *ret_der, struct err *err)
{
	const struct buf *bytes;
	int status;

	(void)pthread_rwlock_rdlock(&collateral->lock);
	bytes = sim_pki_cert(collateral->pki, SIM_CERT_ROOT);
	status = buf_add(ret_der, bytes->data, bytes->size, err);
	(void)pthread_rwlock_unlock(&collateral->lock);
	return status;
}

void collateral_fmspc(struct collateral *collateral, char ret_text[static SIM_FMSPC_TEXT_SIZE])
{
	(void)pthread_rwlock_rdlock(&collateral->lock);
	sim_pki_fmspc(collateral->pki, ret_text);
	(void)pthread_rwlock_unlock(&collateral->lock);
}
