/* SPDX-License-Identifier: Apache-2.0 */
/* The doors of the public interface: arguments are checked here, everything behind trusts them. */
#include "mse/attest.h"

#include <string.h>

#include "attest/api.h"
#include "attest/evidence.h"
#include "attest/fresh.h"
#include "attest/policy.h"
#include "attest/ratls.h"
#include "attest/trust.h"

#define AGE_MAX_S (100LL * 366 * 24 * 3600)

static const struct attest_policy STRICT_POLICY = {0};
static const char OUT_OF_MEMORY[] = "out of memory";

struct call {
	const struct attest_collateral *collateral;
	const struct attest_roots *roots;
	int64_t time;
	const struct attest_policy *policy;
};

static int refuse(const char **ret_why, const char *why)
{
	if (ret_why)
		*ret_why = why;
	return -1;
}

static int check_call(const struct call *call, struct attest_verdict **ret_verdict, const char **ret_why)
{
	const char *fault;

	if (!ret_why || !ret_verdict)
		return refuse(ret_why, "no place for the verdict");
	if (!call->collateral)
		return refuse(ret_why, "the collateral is missing");
	if (call->time <= 0)
		return refuse(ret_why, "the time is missing");
	if (call->roots && call->roots->hardware_count > 0 && !call->roots->hardware)
		return refuse(ret_why, "the roots are missing");
	fault = call->policy ? policy_find_fault(call->policy) : NULL;
	return fault ? refuse(ret_why, fault) : 0;
}

static int check_instance(const struct attest_instance_expected *instance, const char **ret_why)
{
	if (!instance || !instance->domain || !instance->domain[0])
		return refuse(ret_why, "the expected domain is missing");
	return 0;
}

static const char *name_root_fault(const struct err *err)
{
	if (err->code == ERR_NO_MEMORY)
		return OUT_OF_MEMORY;
	if (err->code == ERR_LIMIT)
		return "more than 64 roots, of hardware with the vendors' or of simulations";
	return err->code == ERR_UNTRUSTED ? "a root given as hardware carries the simulation's marker"
					  : "a root certificate cannot be read";
}

/* A judge with an empty verdict. trust is filled in. */
static int open_judge(const struct call *call, struct trust *trust, struct judge *ret, const char **ret_why)
{
	struct err err = ERR_INIT;

	*ret = (struct judge){
	    .prefix = "",
	    .collateral = call->collateral,
	    .trust = trust,
	    .policy = call->policy ? call->policy : &STRICT_POLICY,
	    .time = call->time,
	};
	if (trust_init(trust, call->roots, ret->policy, &err) < 0)
		return refuse(ret_why, name_root_fault(&err));
	ret->verdict = verdict_new(call->time);
	if (!ret->verdict)
		return refuse(ret_why, OUT_OF_MEMORY);
	ret->facts = &ret->verdict->facts;
	policy_list_loosenings(ret, call->roots);
	return 0;
}

static int close_judge(struct judge *judge, struct attest_verdict **ret_verdict, const char **ret_why)
{
	if (judge->no_memory || judge->limit) {
		attest_verdict_free(judge->verdict);
		return refuse(ret_why, judge->no_memory ? OUT_OF_MEMORY : judge->limit);
	}
	verdict_finish(judge->verdict);
	*ret_verdict = judge->verdict;
	return 0;
}

static const char *find_binding_fault(const struct attest_binding *binding)
{
	if (!binding || (!binding->any && !binding->report_data.data))
		return "the expected REPORTDATA is missing";
	if (binding->any && binding->report_data.data)
		return "an expected REPORTDATA is given, and any is asked for";
	if (!binding->any && binding->report_data.size != ATTEST_REPORT_DATA_SIZE)
		return "the expected REPORTDATA has not 64 bytes";
	return NULL;
}

ATTEST_API int attest_verify(const struct attest_evidence *evidence, const struct attest_binding *binding,
			     const struct attest_collateral *collateral, const struct attest_roots *roots, int64_t time,
			     const struct attest_policy *policy, struct attest_verdict **ret_verdict,
			     const char **ret_why)
{
	const struct call call = {collateral, roots, time, policy};
	struct trust trust;
	struct judge judge;
	const char *fault;

	if (check_call(&call, ret_verdict, ret_why) < 0)
		return -1;
	fault = evidence_find_fault(evidence);
	if (!fault)
		fault = find_binding_fault(binding);
	if (fault)
		return refuse(ret_why, fault);
	if (open_judge(&call, &trust, &judge, ret_why) < 0)
		return -1;
	if (binding->any)
		verdict_loosened(&judge, "report-data-any", "REPORTDATA may be anything: nothing says whose this is");
	if (evidence_judge(&judge, evidence) && binding->any)
		evidence_skip_binding(&judge);
	else if (judge.facts->parsed)
		evidence_judge_binding(&judge, binding->report_data.data, ATTEST_REPORT_DATA_SIZE);
	return close_judge(&judge, ret_verdict, ret_why);
}

ATTEST_API int attest_verify_ratls(const struct attest_ratls *ratls, const struct attest_collateral *collateral,
				   const struct attest_roots *roots, int64_t time, const struct attest_policy *policy,
				   struct attest_verdict **ret_verdict, const char **ret_why)
{
	const struct call call = {collateral, roots, time, policy};
	struct trust trust;
	struct judge judge;

	if (check_call(&call, ret_verdict, ret_why) < 0)
		return -1;
	if (!ratls || !ratls->certificate.data || ratls->certificate.size == 0)
		return refuse(ret_why, "the certificate is missing");
	if (ratls->role != ATTEST_ROLE_CONFIGURATION && ratls->role != ATTEST_ROLE_APPLICATION)
		return refuse(ret_why, "the role is neither 1 nor 2");
	if (check_instance(ratls->instance, ret_why) < 0 || open_judge(&call, &trust, &judge, ret_why) < 0)
		return -1;
	judge.verdict->role = ratls->role;
	ratls_judge(&judge, &(struct ratls_question){ratls->certificate, ratls->instance, ratls->role, ratls->tls_key});
	return close_judge(&judge, ret_verdict, ret_why);
}

static const char *find_certificate_fault(const struct attest_certificate *certificate)
{
	if (!certificate || !certificate->certificate.data || certificate->certificate.size == 0)
		return "the certificate is missing";
	if (certificate->extra.data && certificate->any_extra)
		return "an expected second half of REPORTDATA is given, and any is asked for";
	if (certificate->extra.size != 0 && (!certificate->extra.data || certificate->extra.size != 32))
		return "the expected second half of REPORTDATA has not 32 bytes";
	if (certificate->extra.data && certificate->extra.size == 0)
		return "the expected second half of REPORTDATA has not 32 bytes";
	if (certificate->age_max_s < 0 || certificate->age_max_s > AGE_MAX_S)
		return "the age is not 0 to 100 years";
	return NULL;
}

ATTEST_API int attest_verify_certificate(const struct attest_certificate *certificate,
					 const struct attest_collateral *collateral, const struct attest_roots *roots,
					 int64_t time, const struct attest_policy *policy,
					 struct attest_verdict **ret_verdict, const char **ret_why)
{
	const struct call call = {collateral, roots, time, policy};
	struct trust trust;
	struct judge judge;
	const char *fault;

	if (check_call(&call, ret_verdict, ret_why) < 0)
		return -1;
	fault = find_certificate_fault(certificate);
	if (fault)
		return refuse(ret_why, fault);
	if (open_judge(&call, &trust, &judge, ret_why) < 0)
		return -1;
	if (certificate->any_extra)
		verdict_loosened(&judge, "report-data-extra", "bytes 32 to 63 of REPORTDATA may be anything");
	ratls_judge_any(&judge, certificate);
	return close_judge(&judge, ret_verdict, ret_why);
}

ATTEST_API int attest_verify_fresh(const struct attest_fresh *fresh, const struct attest_collateral *collateral,
				   const struct attest_roots *roots, int64_t time, const struct attest_policy *policy,
				   struct attest_verdict **ret_verdict, const char **ret_why)
{
	const struct call call = {collateral, roots, time, policy};
	struct trust trust;
	struct judge judge;

	if (check_call(&call, ret_verdict, ret_why) < 0)
		return -1;
	if (!fresh || !fresh->answer.data || fresh->answer.size == 0)
		return refuse(ret_why, "the answer is missing");
	if (!fresh->nonce || !fresh->exporter || !fresh->tls_key)
		return refuse(ret_why, "nonce, exporter or TLS key is missing");
	if (fresh->role != ATTEST_ROLE_CONFIGURATION && fresh->role != ATTEST_ROLE_APPLICATION)
		return refuse(ret_why, "the role is neither 1 nor 2");
	if (check_instance(fresh->instance, ret_why) < 0 || open_judge(&call, &trust, &judge, ret_why) < 0)
		return -1;
	fresh_judge(&judge, fresh);
	return close_judge(&judge, ret_verdict, ret_why);
}
