/* SPDX-License-Identifier: Apache-2.0 */
/* What is parsed prints as text that parses to the same print; what is not has a place. */
#include "base/json.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    AUTO_JSON value = json_parse((const char *)data, size, &err);
    if (!value) {
        fuzz_want(err.code < 0 && strncmp(err.text, "line ", 5) == 0);
        return 0;
    }
    char *plain = json_print(value, false);
    char *pretty = json_print(value, true);
    AUTO_JSON again = json_parse(pretty, strlen(pretty), &err);
    fuzz_want(again != NULL);
    char *plain_again = json_print(again, false);
    fuzz_want(strcmp(plain, plain_again) == 0);
    AUTO_JSON copy = json_copy(value);
    fuzz_want(json_kind_of(copy) == json_kind_of(value) && json_count(copy) == json_count(value));
    (void)json_get(value, "a.b.c");
    free(plain);
    free(pretty);
    free(plain_again);
    return 0;
}
