/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners and what they answer; the only user of libmicrohttpd is http.c. A scrape never starts a
   refresh and never waits for one: it gets the text of the last snapshot, rendered once. */
#ifndef EXPOSE_HTTP_H
#define EXPOSE_HTTP_H

#include "base/clock.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;

/* @address "[http://]ADDR:PORT", ":28282", "[::1]:9100". A taken port, an unknown address or https
   (not in this version) is an error that says what to do. @n listeners, all or none. */
MUST_USE int http_open(const char *const *address, size_t n, struct http_server **ret,
                       struct err *err);
void http_close(struct http_server *s);

/* Takes @text (freed by the server once nobody reads it) as what /metrics answers from now on. */
void http_publish(struct http_server *s, char *text, size_t len);

/* Where listener @i of http_open really listens ("127.0.0.1:28282"): port 0 is a free one. */
const char *http_listening(const struct http_server *s, size_t i);

/* True once if /metrics was read since the last call, as it is since the last http_publish. */
bool http_was_scraped(struct http_server *s);

/* Once a second or so: ends connections without an answer for HTTP_DEADLINE_NS at @now_ns (of
   CLOCK_MONOTONIC), as those of slow senders and readers, of whom 128 would keep everybody out. */
#define HTTP_DEADLINE_NS (30 * NS_PER_SEC)
void http_expire(struct http_server *s, uint64_t now_ns);

/* @healthy false: /healthz and /probe/livez answer 503 with @why (copied). */
void http_set_health(struct http_server *s, bool healthy, const char *why);

/* Pure: host ("" for all addresses), port (0 .. 65535), TLS wanted. */
struct http_address {
    char host[64];
    char port[6];
    bool tls;
};
MUST_USE int http_address_parse(const char *text, struct http_address *ret, struct err *err);

#endif
