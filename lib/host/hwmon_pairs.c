/* SPDX-License-Identifier: Apache-2.0 */
/* Which amperes go with which volts of a chip that measures no watts. The hwmon ABI numbers volts
   and amperes apart, so that only the chip's driver knows (Documentation/hwmon of each). The
   meaning of the table is Kepler's (internal/device/cpu/hwmon_chip_rules.go), so that its settings
   do. */
#include "host/hwmon_scan.h"

#include <string.h>
#include <strings.h>

/* @volts[i] goes with @amperes[i]; NULL: inN with currN, but not those of @skip, which are volts
   across a shunt, or of something else. */
static const struct {
    const char *chip, *volts, *amperes, *skip_volts, *skip_amperes;
} rows[] = {
    { "ina3221", NULL, NULL, "4567", "" }, /* in4 .. in6: shunts, in7: their sum */
    { "ina226", "1", "1", "", "" },        /* in0: shunt, as of the next three */
    { "ina219", "1", "1", "", "" },
    { "ina209", "1", "1", "", "" },
    { "ina238", "1", "1", "", "" },
    { "ina260", "1", "1", "", "" },
    { "ina233", "1", "1", "", "" },  /* in2: shunt */
    { "ltc2945", "1", "1", "", "" }, /* in2: ADIN, as of the next but one, two */
    { "ltc2947", "0", "1", "", "" },
    { "ltc4260", "1", "1", "", "" },
    { "ltc4261", "1", "1", "", "" },
    { "ltc2992", "02", "12", "", "" }, /* in1, in3: shunts, in4, in5: GPIO */
    { "ltc4282", "1", "1", "", "" },   /* in2 .. in4: VDD, VSOURCE-VDRAIN, GPIO */
    { "adm1275", "1", "1", "", "" },   /* in1: input, in2: output */
    { "adm1276", "1", "1", "", "" },
    { "adm1278", "1", "1", "", "" },
    { "adm1293", "1", "1", "", "" },
    { "max20730", "2", "1", "", "" }, /* curr1 is of the output, in2 */
    { "max20751", "2", "1", "", "" },
    { "max34440", NULL, NULL, "", "78" }, /* curr7, curr8: no volts of their own */
    { "max34451", NULL, NULL, "", "" },
    { "tps40422", NULL, NULL, "", "" },
    { "tps53679", NULL, NULL, "", "" },
    { "tps546d24", NULL, NULL, "", "" },
    { "ir35221", NULL, NULL, "", "" },
    { "xdpe12284", NULL, NULL, "", "" },
    { "mp2975", "1", "1", "", "" }, /* curr2 .. curr8: of a phase each */
    { "pmbus", NULL, NULL, "", "" },
    { "ucd9000", NULL, NULL, "", "" },
    { "ucd90320", NULL, NULL, "", "" },
};

static const struct hwmon_config nothing_configured;
static const struct hwmon_config *configured = &nothing_configured;

void hwmon_configure(const struct hwmon_config *config)
{
    configured = config ? config : &nothing_configured;
}

const struct hwmon_config *hwmon_config_now(void)
{
    return configured;
}

static const struct hwmon_chip_rule *rule_of_person(const char *chip)
{
    for (size_t i = 0; i < configured->rules; i++) {
        if (strcasecmp(configured->rule[i].name, chip) == 0)
            return &configured->rule[i];
    }
    return NULL;
}

static int by_rule(const struct hwmon_chip_rule *rule, unsigned volt)
{
    if (volt >= HWMON_SENSORS_MAX)
        return 0;
    if (!rule->use_same_index)
        return rule->pairing[volt] > 0 ? rule->pairing[volt] : 0;
    return rule->skip_voltage[volt] || rule->skip_current[volt] ? 0 : (int)volt;
}

static bool lists(const char *digits, unsigned channel)
{
    return channel < 10 && strchr(digits, (int)('0' + channel)) != NULL;
}

static int by_row(size_t row, unsigned volt)
{
    bool skipped = lists(rows[row].skip_volts, volt) || lists(rows[row].skip_amperes, volt);
    if (!rows[row].volts)
        return skipped ? 0 : (int)volt;
    for (size_t i = 0; rows[row].volts[i]; i++) {
        if (volt == (unsigned)(rows[row].volts[i] - '0'))
            return rows[row].amperes[i] - '0';
    }
    return 0;
}

int hwmon_ampere_find(const char *chip, unsigned volt)
{
    const struct hwmon_chip_rule *rule = rule_of_person(chip);
    if (rule)
        return by_rule(rule, volt);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcasecmp(rows[i].chip, chip) == 0)
            return by_row(i, volt);
    }
    return -1;
}
