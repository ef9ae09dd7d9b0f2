/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of mse-enclave that its host reads (docs/formats/enclave-exit.md). Up to ENCLAVE_LINE_LOADING nothing of the
 * application has run, so every line is the runtime's. After it the application, which shares the process and its
 * descriptors, may have written whatever is there: nobody may take such a line for the runtime's.
 */
#ifndef MSE_FORMAT_ENCLAVE_LINES_H
#define MSE_FORMAT_ENCLAVE_LINES_H

#define ENCLAVE_LINE_PREFIX "mse-enclave: "
#define ENCLAVE_TEXT_LOADING "loading the application"
#define ENCLAVE_LINE_LOADING ENCLAVE_LINE_PREFIX ENCLAVE_TEXT_LOADING

/* The exit code of an application that failed to load. It may choose this one itself: then it says so of itself. */
#define ENCLAVE_EXIT_APPLICATION 3
#define ENCLAVE_EXIT_APPLICATION_NAME "application-failed"

#endif
