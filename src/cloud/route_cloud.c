/* SPDX-License-Identifier: Apache-2.0 */
/* What anybody may know of this cloud, and its images. */
#include <string.h>

#include "cloud/routes.h"

int route_healthz(struct request *request, struct err *err)
{
	scoped(json_decrefp) json_t *value = NULL;

	if (api_json(json_pack("{s:s, s:s}", "status", "ok", "version", MSE_VERSION), &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

int route_cloud(struct request *request, struct err *err)
{
	const struct cloud *cloud = request->cloud;
	scoped(json_decrefp) json_t *value = NULL;

	if (api_json(json_pack("{s:s, s:I, s:s, s:s?, s:s, s:s, s:s, s:s, s:s}", "base_domain",
			       cloud->config.base_domain, "public_port", (json_int_t)cloud->config.public_port, "ca",
			       cloud->ca_pem, "simulation_root", cloud->sim_root_pem, "simulation_root_sha256",
			       cloud->sim_root_sha256, "tee", "sim", "version", MSE_VERSION, "issuer", cloud->issuer,
			       "auth", cloud->issuer),
		     &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

int route_images(struct request *request, struct err *err)
{
	const struct images *images = request->cloud->images;
	scoped(json_decrefp) json_t *list = json_array();

	if (!list)
		return err_no_memory(err);
	for (size_t i = 0; i < images->count; i++) {
		json_t *item = json_pack("{s:s, s:s, s:b}", "name", images->items[i].name, "bill",
					 images->items[i].digest, "signed", images->items[i].signature.size > 0);

		if (json_array_append_new(list, item) < 0)
			return err_no_memory(err);
	}
	return api_reply_json(request, 200, list, err);
}

int route_image_bill(struct request *request, struct err *err)
{
	static const struct http_header type = {"Content-Type", "application/json"};
	const struct image *image = NULL;

	if (images_find(request->cloud->images, request->params[0], &image, err) < 0)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the image '%s'", request->params[0]);
	return api_reply_full(request, 200, &type, 1, image->bill_text.data, image->bill_text.size, err);
}

int route_image_signature(struct request *request, struct err *err)
{
	static const struct http_header type = {"Content-Type", "application/json"};
	const struct image *image = NULL;

	if (images_find(request->cloud->images, request->params[0], &image, err) < 0)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the image '%s'", request->params[0]);
	if (!image->signature.size)
		return err_set(err, ERR_NOT_FOUND, "The bill of image '%s' is not signed", image->name);
	return api_reply_full(request, 200, &type, 1, image->signature.data, image->signature.size, err);
}
