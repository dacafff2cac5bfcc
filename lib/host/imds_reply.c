/* SPDX-License-Identifier: Apache-2.0 */
#include "host/imds_reply.h"

#include "base/number.h"
#include "host/span.h"

#include <errno.h>

#define NO_LENGTH SIZE_MAX

/* "HTTP/1.1 200 OK" */
static int status_of(struct span line, int *ret)
{
    struct span code;
    char digits[4];
    uint64_t status = 0;
    if (!span_drop_prefix(&line, "HTTP/1.1 ") && !span_drop_prefix(&line, "HTTP/1.0 "))
        return -EPROTO;
    if (!span_cut(&line, " ", &code) || !span_copy(code, digits, sizeof(digits)) ||
        number_parse_u64(digits, 10, &status) < 0 || status < 100 || status > 599)
        return -EPROTO;
    *ret = (int)status;
    return 0;
}

static bool name_is(struct span name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.at, wanted, name.len) == 0;
}

/* Two lengths that differ are the classic way to smuggle: refused (RFC 9112, 6.3). */
static int length_of(struct span value, size_t *length)
{
    char digits[16];
    uint64_t n = 0;
    if (!span_copy(span_trim(value), digits, sizeof(digits)) ||
        number_parse_u64(digits, 10, &n) < 0 || n > IMDS_REPLY_LIMIT)
        return -EPROTO;
    if (*length != NO_LENGTH && *length != n)
        return -EPROTO;
    *length = (size_t)n;
    return 0;
}

static int headers_parse(struct span head, int *status, size_t *length)
{
    struct span line;
    if (!span_cut(&head, "\n", &line) || status_of(span_trim(line), status) < 0)
        return -EPROTO;
    while (span_cut(&head, "\n", &line)) {
        struct span name;
        if (!memchr(line.at, ':', line.len) || !span_cut(&line, ":", &name))
            return -EPROTO;
        if (name_is(name, "transfer-encoding"))
            return -EPROTO;
        if (name_is(name, "content-length") && length_of(line, length) < 0)
            return -EPROTO;
    }
    return 0;
}

int imds_reply_parse(const char *bytes, size_t n, bool ended, struct imds_reply *ret)
{
    struct imds_reply reply = { 0 };
    size_t length = NO_LENGTH;
    int if_cut = ended || n >= IMDS_REPLY_LIMIT ? -EPROTO : -EAGAIN;
    const char *end = memmem(bytes, n, "\r\n\r\n", 4);
    if (!end)
        return if_cut;

    size_t head_len = (size_t)(end - bytes);
    size_t rest = n - head_len - 4;
    if (headers_parse((struct span){ bytes, head_len }, &reply.status, &length) < 0)
        return -EPROTO;
    if (length == NO_LENGTH && ended)
        length = rest;
    if (length > rest)
        return if_cut;
    reply.body = end + 4;
    reply.body_len = length; /* what comes after is not of this answer */
    *ret = reply;
    return 0;
}

static bool is_word_char(char c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool digit = c >= '0' && c <= '9';
    return letter || digit || (c != '\0' && strchr("._-=+/:", c));
}

int imds_word_parse(const struct imds_reply *reply, char *ret, size_t size)
{
    struct span word = span_trim((struct span){ reply->body, reply->body_len });
    if (word.len == 0 || word.len >= size)
        return -EPROTO;
    for (size_t i = 0; i < word.len; i++) {
        if (!is_word_char(word.at[i]))
            return -EPROTO;
    }
    (void)span_copy(word, ret, size);
    return 0;
}
