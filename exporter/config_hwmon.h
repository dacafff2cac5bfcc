/* SPDX-License-Identifier: Apache-2.0 */
/* Kepler's experimental.hwmon.chipRules: how the volts and amperes of a chip pair up. */
#ifndef EXPORTER_CONFIG_HWMON_H
#define EXPORTER_CONFIG_HWMON_H

#include "config.h"

#define HWMON_RULE_WORDS                                                                   \
 "a list of at most 32 rules with name, useSameIndex (true or false), pairings (voltage: " \
 "current), skipVoltages and skipCurrents (lists); channels are 0 to 15"

/* @below "[0].name", "[0].pairings.1", "[0].skipVoltages[2]" and the like. -EINVAL: no such member,
   or a value that it cannot have. */
MUST_USE int config_hwmon_rule(struct config *c, const char *below, const char *value);

#endif
