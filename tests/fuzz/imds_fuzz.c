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
    if (code == -EAGAIN)
        fuzz_want(!ended && n < IMDS_REPLY_LIMIT); /* else it would wait for ever */
    if (code < 0)
        return 0;
    fuzz_want(reply.body >= bytes && reply.body_len <= n - (size_t)(reply.body - bytes));
    if (imds_word_parse(&reply, word, sizeof(word)) == 0)
        fuzz_want(!strpbrk(word, "\r\n \t\"'<>"));
    return 0;
}
