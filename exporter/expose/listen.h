/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a listening socket ourselves, since only so the reason of a failure is known. */
#ifndef EXPOSE_LISTEN_H
#define EXPOSE_LISTEN_H

#include "base/compiler.h"
#include "base/err.h"
#include "expose/http.h"

#include <stddef.h>

/* A listening socket that the caller owns, and where it listens. No host: all addresses, IPv6 and
   IPv4, or IPv4 alone where there is no IPv6. */
MUST_USE int listen_open(const struct http_address *address, int *ret_fd, char *ret_where,
                         size_t where_size, struct err *err);

#endif
