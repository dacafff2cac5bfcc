/* SPDX-License-Identifier: Apache-2.0 */
/* Every leaf has texts and a place within the text; a refusal has a place. */
#include "base/yaml.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    AUTO_YAML doc = { 0 };
    if (yaml_parse((const char *)data, size, &doc, &err) < 0) {
        fuzz_want(err.code < 0 && strncmp(err.text, "line ", 5) == 0);
        return 0;
    }
    fuzz_want(doc.n <= 4096);
    for (size_t i = 0; i < doc.n; i++) {
        const struct yaml_item *item = &doc.item[i];
        fuzz_want(item->path && item->value && item->line > 0 && item->column > 0);
        fuzz_want(item->line <= size + 1);
    }
    return 0;
}
