/* SPDX-License-Identifier: Apache-2.0 */
/* What is read is written back as findings that read the same. */
#include "contract/findings.h"

#include "fuzz.h"

static char *print(const struct findings *f)
{
    AUTO_JSON document = findings_to_json(f);
    return json_print(document, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    struct findings first;
    struct findings second;
    if (findings_parse((const char *)data, size, &first, &err) < 0) {
        fuzz_want(err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    char *text = print(&first);
    if (strlen(text) <= FINDINGS_LIMIT) { /* escapes may have made it longer than what was read */
        fuzz_want(findings_parse(text, strlen(text), &second, &err) == 0);
        char *again = print(&second);
        fuzz_want(strcmp(text, again) == 0);
        free(again);
        findings_done(&second);
    }
    free(text);
    findings_done(&first);
    return 0;
}
