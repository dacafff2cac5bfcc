/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/cgroup is partly written by whoever may make groups; mountinfo and cpu.stat come along.
 */
#include "base/cleanup.h"
#include "host/cgroup.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR text = fuzz_text(data, size);
    struct cgroup_container got;
    uint64_t usec = 0;
    bool found = cgroup_container_parse(text, &got);
    size_t uid = strlen(got.pod_uid);
    fuzz_want(found == (strlen(got.id) == 64) && found == (got.runtime[0] != '\0'));
    fuzz_want(uid == 0 || (found && !strchr(got.pod_uid, '_')));
    fuzz_want(uid == 0 || uid == 32 || uid == 36);
    (void)cgroup_version_parse(text);
    if (cgroup_cpu_stat_parse(text, &usec) == 0)
        fuzz_want(usec <= UINT64_MAX / 1000);
    return 0;
}
