/* SPDX-License-Identifier: Apache-2.0 */
/* What a metadata service may answer: pure parsers, as whoever answers on a link-local address need
   not be one. */
#ifndef HOST_IMDS_REPLY_H
#define HOST_IMDS_REPLY_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

#define IMDS_REPLY_LIMIT 8192U /* bytes of one answer; real ones stay below 400 */

struct imds_reply {
    int status;       /* 100 .. 599 */
    const char *body; /* borrowed from the bytes */
    size_t body_len;
};

/* HTTP/1.x with Content-Length, or without it up to the end of the connection. @ended: no more
   bytes will come. -EAGAIN: more are needed; -EPROTO: this is no such answer, or is cut off, or has
   a Transfer-Encoding. */
MUST_USE int imds_reply_parse(const char *bytes, size_t n, bool ended, struct imds_reply *ret);

/* The body as one word (letters, digits and "._-=+/:", a newline at its end is cut), so that
   nothing of it can become a second header, a path or a control sequence. -EPROTO if it is empty,
   something else, or does not fit. */
MUST_USE int imds_word_parse(const struct imds_reply *reply, char *ret, size_t size);

#endif
