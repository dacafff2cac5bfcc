/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a machine's sensors are exported: one figure a zone, no watt twice, all sockets. */
#ifndef HOST_HWMON_CHOICE_H
#define HOST_HWMON_CHOICE_H

#include "base/compiler.h"
#include "base/err.h"
#include "host/cpu.h"
#include "host/energy.h"
#include "host/hwmon_scan.h"

#include <stdbool.h>
#include <stddef.h>

#define HWMON_CANDIDATES_MAX ENERGY_COUNTERS_MAX /* so that what is chosen fits its set */

struct hwmon_candidate {
    enum hwmon_kind kind;
    struct hwmon_meaning meaning;
    struct energy_counter counter;
    char zone[96]; /* Kepler's name of it */
    int code;      /* of a first read: 0 or -errno */
};

struct hwmon_candidates {
    struct hwmon_candidate at[HWMON_CANDIDATES_MAX];
    size_t n;
    bool overflow; /* more than there is room for: no sum of them would be whole */
    bool filtered; /* a person named the sensors: whether they make a whole is his to say */
};

/* Fills @ret zone by zone. A zone whose sensors cannot be read or do not cover all sockets is left
   out, but for the package, or where no other is left: -EACCES or -ENODATA then. @ret may be empty.
 */
MUST_USE int hwmon_choose(const struct hwmon_candidates *all, const struct cpu_facts *cpu,
                          struct energy_set *ret, struct err *err);

#endif
