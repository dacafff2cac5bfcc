/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/number.h"
#include "expose/http.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR text = fuzz_text(data, size);
    struct http_address got;
    struct err err = { 0 };
    uint64_t port = 0;
    if (http_address_parse(text, &got, &err) < 0) {
        fuzz_want(err.text[0] != '\0');
        return 0;
    }
    fuzz_want(number_parse_u64(got.port, 10, &port) == 0 && port <= 65535);
    fuzz_want(!strpbrk(got.host, "[]/ \n") && strstr(text, got.host));
    return 0;
}
