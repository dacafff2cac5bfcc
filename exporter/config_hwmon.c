/* SPDX-License-Identifier: Apache-2.0 */
#include "config_hwmon.h"

#include "base/number.h"

#include <errno.h>

static int parse_channel(const char *text, int *ret)
{
    uint64_t n;
    if (number_parse_u64(text, 10, &n) < 0 || n >= HWMON_SENSORS_MAX)
        return -EINVAL;
    *ret = (int)n;
    return 0;
}

static int set_name(struct hwmon_chip_rule *r, const char *rest, const char *value)
{
    if (*rest || !value[0] || strlen(value) >= sizeof(r->name))
        return -EINVAL;
    (void)snprintf(r->name, sizeof(r->name), "%s", value);
    return 0;
}

static int set_same_index(struct hwmon_chip_rule *r, const char *rest, const char *value)
{
    bool is_true = strcmp(value, "true") == 0;
    if (*rest || (!is_true && strcmp(value, "false") != 0))
        return -EINVAL;
    r->use_same_index = is_true;
    return 0;
}

/* @rest ".1": the voltage's channel; @value the current's. */
static int set_pairing(struct hwmon_chip_rule *r, const char *rest, const char *value)
{
    int voltage = 0;
    int current = 0;
    if (*rest == '\0' && value[0] == '\0') /* "pairings: {}" */
        return 0;
    if (*rest != '.' || parse_channel(rest + 1, &voltage) < 0 || parse_channel(value, &current) < 0)
        return -EINVAL;
    r->pairing[voltage] = (signed char)current;
    return 0;
}

static int skip(bool channel[HWMON_SENSORS_MAX], const char *rest, const char *value)
{
    int n = 0;
    if (*rest == '\0' && value[0] == '\0') /* "skipVoltages: []" */
        return 0;
    if (*rest != '[' || parse_channel(value, &n) < 0)
        return -EINVAL;
    channel[n] = true;
    return 0;
}

static int skip_voltage(struct hwmon_chip_rule *r, const char *rest, const char *value)
{
    return skip(r->skip_voltage, rest, value);
}

static int skip_current(struct hwmon_chip_rule *r, const char *rest, const char *value)
{
    return skip(r->skip_current, rest, value);
}

static const struct {
    const char *name;
    int (*set)(struct hwmon_chip_rule *r, const char *rest, const char *value);
} members[] = {
    { "name", set_name },
    { "useSameIndex", set_same_index },
    { "pairings", set_pairing },
    { "skipVoltages", skip_voltage },
    { "skipCurrents", skip_current },
};

/* The rule of "[0].name", made if it is the next one; *ret_rest is "name". */
static struct hwmon_chip_rule *rule_of(struct hwmon_config *h, const char *below,
                                       const char **ret_rest)
{
    char digits[8] = "";
    uint64_t index = 0;
    const char *end = *below == '[' ? strchr(below, ']') : NULL;
    if (!end || end[1] != '.')
        return NULL;
    (void)snprintf(digits, sizeof(digits), "%.*s", (int)(end - below - 1), below + 1);
    if (number_parse_u64(digits, 10, &index) < 0 || index >= HWMON_RULES_MAX)
        return NULL;
    while (h->rules <= index) {
        struct hwmon_chip_rule *r = &h->rule[h->rules++];
        *r = (struct hwmon_chip_rule){ .name = "" };
        memset(r->pairing, -1, sizeof(r->pairing));
    }
    *ret_rest = end + 2;
    return &h->rule[index];
}

int config_hwmon_rule(struct config *c, const char *below, const char *value)
{
    const char *rest = NULL;
    if (*below == '\0' && value[0] == '\0') { /* "chipRules: []" */
        c->hwmon.rules = 0;
        return 0;
    }
    struct hwmon_chip_rule *r = rule_of(&c->hwmon, below, &rest);
    for (size_t i = 0; r && i < ARRAY_LEN(members); i++) {
        size_t n = strlen(members[i].name);
        if (strncmp(rest, members[i].name, n) == 0 && strchr(".[", rest[n]))
            return members[i].set(r, rest + n, value);
    }
    return -EINVAL;
}
