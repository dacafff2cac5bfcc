/* SPDX-License-Identifier: Apache-2.0 */
/* A process chooses its own name in /proc/PID/stat. */
#include "base/cleanup.h"
#include "sample/proc_parse.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR text = fuzz_text(data, size);
    struct proc_pid_stat stat;
    if (proc_pid_stat_parse(text, &stat) == 0)
        fuzz_want(memchr(stat.comm, '\0', sizeof(stat.comm)) && stat.pid <= INT32_MAX);
    return 0;
}
