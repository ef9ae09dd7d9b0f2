/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deployment under way (mission section 8, attested-channel.md section 6). Each phase is one function; they run in
 * the order in which they stand here. Until deploy_create nothing exists anywhere; after it an app does, which
 * cmd_deploy.c stops again when a later phase fails or the user interrupts.
 */
#ifndef MSE_CLI_DEPLOY_H
#define MSE_CLI_DEPLOY_H

#include "cli/app_view.h"
#include "cli/bill_source.h"
#include "cli/channel.h"
#include "cli/cmd.h"
#include "cli/context_pending.h"
#include "cli/package.h"
#include "cli/project.h"
#include "cli/trust_roots.h"
#include "cli/workspace.h"
#include "format/instance.h"
#include "format/ticket.h"

#define DEPLOY_HASH_SIZE 32
#define DEPLOY_IDENTITY_SIZE 64

#define DEPLOY_PHASES_MAX 11

/* What a phase cost, for --json and the benchmark. */
struct deploy_phase {
	const char *name;
	int64_t ms;
};

struct deploy {
	struct cmd_call *call;
	struct deploy_phase phases[DEPLOY_PHASES_MAX];
	size_t phase_count;
	struct api api;
	struct project project;
	struct workspace workspace;
	bool operator_tls; /* --untrusted-ssl */
	int64_t began;     /* Unix seconds: the ticket's `deployed` */
	int64_t until_ns;  /* --timeout */

	char *project_id;
	char *replaced;  /* uuid of the app of that name that is to be stopped, or NULL */
	bool takes_over; /* …after its domain was taken over, not before the new one is made */
	int64_t enclave_size_mib;
	int64_t expires; /* asked for, Unix seconds; 0: whatever the cloud gives */

	struct secret project_key;
	struct secret owner_seed;
	uint8_t owner_public[DEPLOY_HASH_SIZE];
	uint8_t log_public[DEPLOY_HASH_SIZE];
	struct buf chain_pem; /* owner mode */
	char chain_hash[2 * DEPLOY_HASH_SIZE + 1];
	struct secret tls_key; /* owner mode, PEM */
	struct secret secrets; /* JSON text */

	struct code_tree tree;
	struct package package;
	char *tar_path;
	struct bill *bill;
	struct bill_belief bill_belief;
	struct buf manifest;
	uint8_t fingerprint[DEPLOY_HASH_SIZE];

	bool create_sent;       /* POST /apps left: an app may exist */
	bool created;           /* and was answered: one does */
	bool take_over_sent;    /* it may have the domain */
	bool has_taken_over;    /* it has */
	int64_t interrupted_ns; /* when an interrupt was seen after all of it had left; 0: not */
	struct context_pending pending;
	bool is_stored; /* its context */
	char uuid[INSTANCE_UUID_SIZE + 1];
	uint16_t port;
	struct instance instance; /* as we expect it */
	struct buf document;
	struct trust_roots roots;
	struct collateral_source *collateral;

	uint8_t identity[DEPLOY_IDENTITY_SIZE];
	uint8_t ticket[TICKET_SIZE_MAX];
	size_t ticket_size;
	struct context context;
};

/* deploy_check.c: what can be known before anything is made. */
must_check int deploy_check_cloud(struct deploy *deploy, struct err *err);   /* project, name, hardware */
must_check int deploy_check_project(struct deploy *deploy, struct err *err); /* code, secrets, certificate, expiry */
/* deploy_package.c */
must_check int deploy_package(struct deploy *deploy, struct err *err);
must_check int deploy_measure(struct deploy *deploy, struct err *err);
/* deploy_create.c */
must_check int deploy_create(struct deploy *deploy, struct err *err);
must_check int deploy_wait_status(struct deploy *deploy, const char *wanted, struct err *err);
/* deploy_provision.c */
must_check int deploy_provision(struct deploy *deploy, struct err *err);
must_check int deploy_attest_again(struct deploy *deploy, struct err *err);
/* deploy_context.c */
must_check int deploy_fill_context(struct deploy *deploy, struct err *err);

/* deploy_take_over.c: nothing unless takes_over */
must_check int deploy_take_over(struct deploy *deploy, struct err *err);
/* After a failure for that cause: users may be led to the new app by now, so it goes on. */
bool deploy_may_have_domain(const struct deploy *deploy, const struct err *cause);

/* deploy_log.c: the end of the app's output, opened with the project's key, where there is any. */
void deploy_show_log(struct deploy *deploy);

void deploy_done(struct deploy *deploy);

#endif
