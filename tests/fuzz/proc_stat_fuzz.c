/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/stat, and the CPU list of /sys beside it. */
#include "base/cleanup.h"
#include "sample/proc_parse.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR text = fuzz_text(data, size);
    struct proc_stat stat;
    unsigned cpus = 0;
    if (proc_stat_parse(text, &stat) == 0)
        fuzz_want(strncmp(text, "cpu ", 4) == 0);
    if (cpu_list_count(text, &cpus) == 0)
        fuzz_want(cpus > 0 && cpus <= 65536);
    return 0;
}
