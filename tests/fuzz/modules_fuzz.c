/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of modules, and the small texts beside them: os-release and lockdown. */
#include "base/cleanup.h"
#include "host/kernel.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR text = fuzz_text(data, size);
    char word[24];
    /* what is listed is written somewhere in the list, with - or _ */
    fuzz_want(!kernel_module_list_has(text, "msr") || strstr(text, "msr.ko"));
    fuzz_want(!kernel_modules_has(text, "msr") || strstr(text, "msr"));
    fuzz_want(!kernel_module_list_has(text, "a_b") || strstr(text, "a_b.ko") ||
              strstr(text, "a-b.ko"));
    fuzz_want(!kernel_lockdown_parse(text, word, sizeof(word)) || strstr(text, word));
    bool found = kernel_os_release_parse(text, "ID", word, sizeof(word));
    fuzz_want(strlen(word) < sizeof(word) && (found || word[0] == '\0'));
    return 0;
}
