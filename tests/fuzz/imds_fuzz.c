/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: whether the connection has ended. The rest: what was answered. */
#include "host/imds_reply.h"

#include "fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct imds_reply reply;
    char word[48];
    if (size == 0)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t n = size - 1;
    bool ended = (data[0] & 1) != 0;

    int code = imds_reply_parse(bytes, n, ended, &reply);
    if (code == -EAGAIN && (ended || n > IMDS_REPLY_LIMIT * 2))
        abort(); /* it would wait for ever */
    if (code < 0)
        return 0;
    if (reply.body < bytes || reply.body_len > n - (size_t)(reply.body - bytes))
        abort();
    if (imds_word_parse(&reply, word, sizeof(word)) == 0 && strpbrk(word, "\r\n \t\"'<>"))
        abort();
    return 0;
}
