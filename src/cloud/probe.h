/* SPDX-License-Identifier: Apache-2.0 */
/* Asks an enclave on its socket how far it is. What it answers is not trusted with anything but the status shown. */
#ifndef MSE_CLOUD_PROBE_H
#define MSE_CLOUD_PROBE_H

#include "cloud/cloud.h"
#include "domain/app.h"

enum probe_result {
	PROBE_SILENT,   /* nobody listens yet, or no sense in it */
	PROBE_WAITING,  /* for its keys */
	PROBE_STARTING, /* has its keys, loads the application */
	PROBE_FAILED,   /* the application cannot be loaded */
	PROBE_UNWELL,   /* the application answers 5xx */
	PROBE_SERVING,
};

enum probe_result probe(const struct cloud *cloud, const struct app *app);

#endif
