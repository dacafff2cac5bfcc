/* SPDX-License-Identifier: Apache-2.0 */
#include "host/energy.h"

#include "base/cleanup.h"

const char *energy_zone_name(enum energy_zone zone)
{
    static const char *const names[ZONE_COUNT] = {
        [ZONE_PACKAGE] = "package", [ZONE_DRAM] = "dram", [ZONE_CORE] = "core",
        [ZONE_UNCORE] = "uncore",   [ZONE_PSYS] = "psys",
    };
    return (unsigned)zone < ZONE_COUNT ? names[zone] : "unknown";
}

const struct energy_driver *const energy_drivers[] = { &energy_powercap, &energy_perf, &energy_msr,
                                                       &energy_hwmon };
const size_t energy_drivers_count = ARRAY_LEN(energy_drivers);

void energy_set_done(struct energy_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        close_fd(&set->counter[i].fd);
    set->n = 0;
}
