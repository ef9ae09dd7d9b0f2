/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of OpenID Connect ask first: discovery and keys. */
#include <stdio.h>

#include "cloud/jwt.h"
#include "cloud/routes.h"

static json_t *below(const struct cloud *cloud, const char *path)
{
	return json_sprintf("%s%s", cloud->issuer, path);
}

int route_openid_configuration(struct request *request, struct err *err)
{
	const struct cloud *cloud = request->cloud;
	scoped(json_decrefp) json_t *value = NULL;

	if (api_json(
		json_pack(
		    "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:[s], s:[s], s:[s], s:[s], s:[s], s:[s,s,s], s:[s,s,s,s]}",
		    "issuer", cloud->issuer, "authorization_endpoint", below(cloud, "authorize"), "token_endpoint",
		    below(cloud, "oauth/token"), "device_authorization_endpoint", below(cloud, "oauth/device/code"),
		    "userinfo_endpoint", below(cloud, "userinfo"), "jwks_uri", below(cloud, ".well-known/jwks.json"),
		    "end_session_endpoint", below(cloud, "logout"), "response_types_supported", "code",
		    "code_challenge_methods_supported", "S256", "id_token_signing_alg_values_supported", "ES256",
		    "token_endpoint_auth_methods_supported", "none", "subject_types_supported", "public",
		    "grant_types_supported", "authorization_code", "refresh_token",
		    "urn:ietf:params:oauth:grant-type:device_code", "scopes_supported", "openid", "profile", "email",
		    "offline_access"),
		&value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

int route_jwks(struct request *request, struct err *err)
{
	scoped(json_decrefp) json_t *value = NULL;
	json_t *key = NULL;

	if (jwt_jwk(request->cloud->token_key, &key, err) < 0 ||
	    api_json(json_pack("{s:[o]}", "keys", key), &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}
