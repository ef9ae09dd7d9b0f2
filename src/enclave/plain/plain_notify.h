/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells systemd how the plain server does (sd_notify(3), Type=notify or notify-reload), if NOTIFY_SOCKET is set: of
 * several processes the parent does, which is the unit's main process. Main thread.
 */
#ifndef MSE_ENCLAVE_PLAIN_NOTIFY_H
#define MSE_ENCLAVE_PLAIN_NOTIFY_H

enum plain_notice {
	PLAIN_NOTIFY_READY,     /* the application is served, also after RELOADING */
	PLAIN_NOTIFY_RELOADING, /* it is started anew */
	PLAIN_NOTIFY_STOPPING,
};

/* Remembers where to: the application may change the environment later. Without it nothing is told. */
void plain_notify_setup(void);

/* Never waits. What cannot be told is said on stderr, once. */
void plain_notify(enum plain_notice notice);

#endif
