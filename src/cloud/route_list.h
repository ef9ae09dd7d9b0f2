/* SPDX-License-Identifier: Apache-2.0 */
/* What lists have in common: ?page= from 1, ?per_page= up to 100, which is the default too. */
#ifndef MSE_CLOUD_ROUTE_LIST_H
#define MSE_CLOUD_ROUTE_LIST_H

#include "cloud/api.h"

static inline int route_page(const struct request *request, struct store_page *ret, struct err *err)
{
	struct store_page page;

	if (api_query_int(request, "page", 1, STORE_PAGE_NUMBER_MAX, 1, &page.page, err) < 0 ||
	    api_query_int(request, "per_page", 1, STORE_PAGE_MAX, STORE_PAGE_MAX, &page.per_page, err) < 0)
		return -1;
	*ret = page;
	return 0;
}

#endif
