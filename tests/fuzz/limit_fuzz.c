/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a cpu.max, all of it a /proc/self/cgroup of a machine that has such a group. */
#include "calibrate/limit.h"

#include "fuzz_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tree *t = fuzz_tree();
    AUTO_STR all = fuzz_text(data, size);
    AUTO_STR first = fuzz_text(data, fuzz_line_length(data, size));
    first[strcspn(first, "\n")] = '\0';
    fuzz_want(limit_parse(first) >= 0);
    tree_put(t, "/proc/self/cgroup", all);
    tree_put(t, "/sys/fs/cgroup/cpu.max", first);
    fuzz_want(limit_cpus(&t->fs) >= 0);
    return 0;
}
