/* SPDX-License-Identifier: Apache-2.0 */
/* What is due now and then: fresh collateral, certificates of the API, old grants. Called every few seconds. */
#ifndef MSE_CLOUD_HOUSEKEEPING_H
#define MSE_CLOUD_HOUSEKEEPING_H

#include "cloud/cloud.h"

void housekeeping(struct cloud *cloud);

#endif
