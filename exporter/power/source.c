/* SPDX-License-Identifier: Apache-2.0 */
#include "power/source.h"

#include <string.h>

/* Adding a source is adding a file and a row here. */
const struct power_source_ops *const power_sources[] = {
    &power_source_powercap, &power_source_perf,   &power_source_msr,     &power_source_hwmon,
    &power_source_model,    &power_source_server, &power_source_model_e,
};
const size_t power_sources_count = ARRAY_LEN(power_sources);

const struct power_source_ops *power_source_find(const char *name)
{
    for (size_t i = 0; i < power_sources_count; i++) {
        if (strcmp(power_sources[i]->name, name) == 0)
            return power_sources[i];
    }
    return NULL;
}
