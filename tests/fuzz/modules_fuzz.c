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
    if (kernel_module_list_has(text, "msr") && !strstr(text, "msr.ko"))
        abort();
    if (kernel_modules_has(text, "msr") && !strstr(text, "msr"))
        abort();
    if (kernel_module_list_has(text, "a_b") && !strstr(text, "a_b.ko") && !strstr(text, "a-b.ko"))
        abort();
    if (kernel_lockdown_parse(text, word, sizeof(word)) && !strstr(text, word))
        abort();
    bool found = kernel_os_release_parse(text, "ID", word, sizeof(word));
    if (strlen(word) >= sizeof(word) || (!found && word[0] != '\0'))
        abort();
    return 0;
}
