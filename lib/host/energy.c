/* SPDX-License-Identifier: Apache-2.0 */
#include "host/energy.h"

const char *energy_zone_name(enum energy_zone zone)
{
    static const char *const names[ZONE_COUNT] = {
        [ZONE_PACKAGE] = "package", [ZONE_DRAM] = "dram", [ZONE_CORE] = "core",
        [ZONE_UNCORE] = "uncore",   [ZONE_PSYS] = "psys",
    };
    return (unsigned)zone < ZONE_COUNT ? names[zone] : "unknown";
}

const struct energy_driver *const energy_drivers[] = { &energy_powercap, &energy_msr };
const size_t energy_drivers_count = ARRAY_LEN(energy_drivers);
