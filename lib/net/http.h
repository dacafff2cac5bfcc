/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request, sent and waited for; the only user of libcurl is http.c, which loads it when
 * the first request is made: a program that asks nothing pays neither its 3 MiB nor its start. http
 * and https only; certificates and names are always verified. Proxies come from the environment, as
 * everybody's. Every function may be called by several threads.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct http_request {
    const char *method;        /* "GET", "POST" ...; NULL: GET */
    const char *url;           /* http:// or https:// */
    const char *const *header; /* "Name: value" */
    size_t headers;
    const void *body; /* NULL: none */
    size_t body_len;
    int timeout_ms;            /* for all of it, from the name's look-up to the last byte; > 0 */
    size_t limit;              /* most bytes of the answer's body; > 0 */
    bool follow;               /* up to 5 redirects, never from https to http */
    const char *ca_file;       /* PEM file to trust in place of the system's; NULL: the system's */
    const atomic_bool *cancel; /* set by another thread: the request ends within about a second;
                                  NULL: nobody will */
};

struct http_response {
    int status;      /* 200 ...; an answer of 404 or 500 is no failure of http_send() */
    struct buf body; /* owned */
};

/* @ret may be uninitialised; on success the caller calls http_response_done(). The error names the
   URL (without password and query) and the cause. -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH (no such
      host), -EACCES (certificate not trusted), -EFBIG (@limit), -EINVAL (request makes no sense),
   -ECANCELED, -ELIBACC (libcurl is not installed; the error names the package), -EIO else. */
MUST_USE int http_send(const struct http_request *request, struct http_response *ret,
                       struct err *err);
void http_response_done(struct http_response *response);

/* @url as it may be shown and logged: without password and query. */
void http_url_show(const char *url, char *ret, size_t size);

/* "libcurl/7.88.1 OpenSSL/3.0.17 ...": what runs, which need not be what was built against;
   "libcurl is missing". Loads it. */
const char *http_library_version(void);

#define AUTO_HTTP_RESPONSE CLEANUP(http_response_done) struct http_response

#endif
