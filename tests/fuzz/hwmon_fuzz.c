/* SPDX-License-Identifier: Apache-2.0 */
/* Two chips of /sys/class/hwmon: the input's lines are their files, one after the other. The names
   of the files are fixed, what is in them is the firmware's. */
#include "host/energy.h"
#include "host/hwmon.h"

#include "fuzz_tree.h"

static const char *const files[] = {
    "hwmon0/name",          "hwmon0/power1_label",  "hwmon0/power1_input", "hwmon0/power1_enable",
    "hwmon0/energy1_label", "hwmon0/energy1_input", "hwmon1/name",         "hwmon1/in1_label",
    "hwmon1/in1_input",     "hwmon1/curr1_label",   "hwmon1/curr1_input",  "hwmon1/in2_label",
    "hwmon1/in2_input",     "hwmon1/curr2_input",
};

static void write_files(const struct tree *root, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[128];
        size_t n = fuzz_line_length(data, size);
        (void)snprintf(path, sizeof(path), HWMON_CLASS "/%s", files[i]);
        tree_put_bytes(root, path, data, n);
        data += n;
        size -= n;
    }
}

static void check_counter(const struct tree *root, const struct energy_counter *c)
{
    uint64_t value = 0;
    fuzz_want(c->zone < ZONE_COUNT && c->socket >= 0 && c->fd == -1 && c->modulus == 0);
    fuzz_want(strncmp(c->path, HWMON_CLASS "/", strlen(HWMON_CLASS) + 1) == 0);
    fuzz_want(strncmp(c->label, "hwmon:", 6) == 0 && c->label[6] != '\0');
    for (const char *at = c->label; *at; at++)
        fuzz_want(*at >= ' ' && *at <= '~');
    fuzz_want(energy_hwmon.read(&root->fs, c, &value) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tree *root = fuzz_tree();
    write_files(root, data, size);

    struct cpu_facts cpu = { .sockets = 1 };
    struct energy_set set;
    struct err err = { 0 };
    struct hwmon_survey survey;
    hwmon_survey(&root->fs, &survey);
    fuzz_want(survey.chips <= 2 && survey.n <= 4 && survey.more == 0);
    if (energy_hwmon.list(&root->fs, &cpu, &set, &err) < 0) {
        fuzz_want(err.text[0] != '\0' && err.code < 0);
        return 0;
    }
    fuzz_want(set.n > 0 && set.n <= survey.n);
    for (size_t i = 0; i < set.n; i++)
        check_counter(root, &set.counter[i]);
    return 0;
}
