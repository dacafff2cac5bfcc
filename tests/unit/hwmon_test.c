/* SPDX-License-Identifier: Apache-2.0 */
#include "host/hwmon.h"

#include "host/energy.h"
#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define CLASS "/sys/class/hwmon/"

/* A machine in lines "hwmon0/name=amdgpu". */
static void put_files(const struct tree *r, const char *lines)
{
    AUTO_STR text = mem_strdup(lines);
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = '\0';
        AUTO_STR path = mem_printf(CLASS "%s", line);
        tree_printf(r, path, "%s\n", value);
    }
}

static struct cpu_facts machine(unsigned sockets)
{
    return (struct cpu_facts){ .sockets = sockets, .cores = sockets, .threads = sockets };
}

/* "package 0 hwmon1/power1_input 45000000; ..." of all counters, for comparison in one go. */
static char *tell(const struct tree *r, const struct energy_set *set)
{
    struct buf text;
    buf_init(&text, 4096);
    for (size_t i = 0; i < set->n; i++) {
        const struct energy_counter *c = &set->counter[i];
        uint64_t value = 0;
        int code = energy_hwmon.read(&r->fs, c, &value);
        buf_printf(&text, "%s%s %d %s%s", i ? "; " : "", energy_zone_name(c->zone), c->socket,
                   c->path + strlen(CLASS), c->is_power ? "" : " uJ");
        if (c->reg)
            buf_printf(&text, " x curr%u", c->reg);
        if (code == 0) {
            buf_printf(&text, " %llu", (unsigned long long)value);
        } else {
            buf_printf(&text, " error %d", code);
        }
    }
    return buf_take(&text);
}

#define XGENE_0                                                                   \
 "hwmon0/name=apm_xgene\nhwmon0/power1_label=CPU power\nhwmon0/power1_input=45\n" \
 "hwmon0/power2_label=IO power\nhwmon0/power2_input=12\nhwmon0/temp1_input=47000\n"
#define XGENE_1                                                                   \
 "hwmon1/name=apm_xgene\nhwmon1/power1_label=CPU power\nhwmon1/power1_input=46\n" \
 "hwmon1/power2_label=IO power\nhwmon1/power2_input=13\n"
#define GRACE(n, label, watts)                                                              \
 "hwmon" n "/device/name=power_meter\nhwmon" n "/device/power1_oem_info=" label "\nhwmon" n \
 "/device/power1_average=" watts "\nhwmon" n "/device/power1_average_interval=1000\n"
#define GRACE_0                            \
 GRACE("1", "Module Power Socket 0", "90") \
 GRACE("2", "Grace Power Socket 0", "70")  \
 GRACE("3", "CPU Power Socket 0", "50") GRACE("4", "SysIO Power Socket 0", "20")
#define GRACE_1                            \
 GRACE("5", "Module Power Socket 1", "91") \
 GRACE("6", "Grace Power Socket 1", "71")  \
 GRACE("7", "CPU Power Socket 1", "51") GRACE("8", "SysIO Power Socket 1", "21")
#define DESKTOP                                                                  \
 "hwmon0/name=nvme\nhwmon0/temp1_input=30000\n"                                  \
 "hwmon1/name=amdgpu\nhwmon1/power1_label=PPT\nhwmon1/power1_average=35000000\n" \
 "hwmon2/name=spd5118\nhwmon2/temp1_input=40000\n"
#define ORIN_NX                                                          \
 "hwmon1/name=ina3221\nhwmon1/in1_label=VDD_IN\nhwmon1/in1_input=5000\n" \
 "hwmon1/curr1_input=2000\nhwmon1/in1_enable=1\n"                        \
 "hwmon1/in2_label=VDD_CPU_GPU_CV\nhwmon1/in2_input=4900\n"              \
 "hwmon1/curr2_input=600\nhwmon1/in3_label=VDD_SOC\n"                    \
 "hwmon1/in3_input=4950\nhwmon1/curr3_input=300\n"                       \
 "hwmon1/in4_input=20\nhwmon1/in7_label=sum of shunt voltages\n"         \
 "hwmon1/in7_input=9\nhwmon1/curr4_input=2900\n"

static void machines_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *files;
        unsigned sockets;
        const char *counters;
    } rows[] = {
        { "Altra: a package is the rail of its cores and the rest of the chip", XGENE_0, 1,
          "package 0 hwmon0/power1_input 45; package 0 hwmon0/power2_input 12" },
        { "two Altra: a chip a socket, in the order of their folders", XGENE_0 XGENE_1, 2,
          "package 0 hwmon0/power1_input 45; package 0 hwmon0/power2_input 12; "
          "package 1 hwmon1/power1_input 46; package 1 hwmon1/power2_input 13" },
        { "Altra's SMpro: rails of cores and SoC, two of DIMMs, none of RCA",
          "hwmon0/name=smpro_hwmon\nhwmon0/power1_label=power1 CORE VRD\nhwmon0/power1_input=60\n"
          "hwmon0/power2_label=power2 SoC\nhwmon0/power2_input=20\n"
          "hwmon0/power3_label=power3 DIMM VRD1\nhwmon0/power3_input=3\n"
          "hwmon0/power4_label=power4 DIMM VRD2\nhwmon0/power4_input=4\n"
          "hwmon0/power5_label=power5 RCA VRD\nhwmon0/power5_input=1023\n",
          1,
          "package 0 hwmon0/power1_input 60; package 0 hwmon0/power2_input 20; "
          "dram 0 hwmon0/power3_input 3; dram 0 hwmon0/power4_input 4" },
        { "Grace: its parts are zones of their own, and are not added to it", GRACE_0, 1,
          "package 0 hwmon2/device/power1_average 70; core 0 hwmon3/device/power1_average 50; "
          "uncore 0 hwmon4/device/power1_average 20; psys 0 hwmon1/device/power1_average 90" },
        { "Grace superchip: the meters say their socket", GRACE_1 GRACE_0, 2,
          "package 0 hwmon2/device/power1_average 70; package 1 hwmon6/device/power1_average 71; "
          "core 0 hwmon3/device/power1_average 50; core 1 hwmon7/device/power1_average 51; "
          "uncore 0 hwmon4/device/power1_average 20; uncore 1 hwmon8/device/power1_average 21; "
          "psys 0 hwmon1/device/power1_average 90; psys 1 hwmon5/device/power1_average 91" },
        { "Jetson Orin NX: volts x amperes of rails that have a name", ORIN_NX, 1,
          "package 0 hwmon1/in2_input x curr2 2940000; package 0 hwmon1/in3_input x curr3 1485000; "
          "psys 0 hwmon1/in1_input x curr1 10000000" },
        { "AGX Xavier: rails of one chip of the board on two chips of sensors",
          "hwmon1/name=ina3221\nhwmon1/in1_label=GPU\nhwmon1/in1_input=1\nhwmon1/curr1_input=1\n"
          "hwmon1/in2_label=CPU\nhwmon1/in2_input=1\nhwmon1/curr2_input=2\n"
          "hwmon1/in3_label=SOC\nhwmon1/in3_input=1\nhwmon1/curr3_input=3\n"
          "hwmon2/name=ina3221\nhwmon2/in1_label=CV\nhwmon2/in1_input=1\nhwmon2/curr1_input=4\n"
          "hwmon2/in2_label=VDDRQ\nhwmon2/in2_input=1\nhwmon2/curr2_input=5\n"
          "hwmon2/in3_label=SYS5V\nhwmon2/in3_input=1\nhwmon2/curr3_input=6\n",
          1,
          "package 0 hwmon1/in1_input x curr1 1; package 0 hwmon1/in2_input x curr2 2; "
          "package 0 hwmon1/in3_input x curr3 3; package 0 hwmon2/in1_input x curr1 4; "
          "dram 0 hwmon2/in2_input x curr2 5" },
        { "a server's ACPI meter that tells nothing more is of the whole machine",
          "hwmon0/name=power_meter\nhwmon0/power1_average=412000000\nhwmon0/power1_oem_info=\n"
          "hwmon0/power1_is_battery=0\n",
          2, "psys 0 hwmon0/power1_average 412000000" },
        { "two meters that both say no more than the machine: none of them, rather than both",
          XGENE_0 "hwmon1/name=power_meter\nhwmon1/power1_average=412000000\n"
                  "hwmon2/name=power_meter\nhwmon2/power1_average=398000000\n",
          1, "package 0 hwmon0/power1_input 45; package 0 hwmon0/power2_input 12" },
        { "fam15h: no label, but the package",
          "hwmon0/name=fam15h_power\nhwmon0/power1_input=65\n"
          "hwmon0/power1_crit=125\nhwmon1/name=k10temp\nhwmon1/temp1_input=1\n",
          1, "package 0 hwmon0/power1_input 65" },
        { "amd_energy: counts of sockets, whose cores are inside",
          "hwmon0/name=amd_energy\nhwmon0/energy1_label=Ecore000\nhwmon0/energy1_input=5\n"
          "hwmon0/energy2_label=Ecore001\nhwmon0/energy2_input=6\n"
          "hwmon0/energy3_label=Esocket0\nhwmon0/energy3_input=18446744073709551615\n"
          "hwmon0/energy4_label=Esocket1\nhwmon0/energy4_input=200\n",
          2,
          "package 0 hwmon0/energy3_input uJ 18446744073709551615; "
          "package 1 hwmon0/energy4_input uJ 200" },
        { "zenpower: the two rails of a die, and its volts are not asked",
          "hwmon0/name=zenpower\nhwmon0/power1_label=SVI2_P_Core\nhwmon0/power1_input=40\n"
          "hwmon0/power2_label=SVI2_P_SoC\nhwmon0/power2_input=5\nhwmon0/in1_label=SVI2_Core\n"
          "hwmon0/in1_input=9\nhwmon0/curr1_label=SVI2_C_Core\nhwmon0/curr1_input=9\n",
          1, "package 0 hwmon0/power1_input 40; package 0 hwmon0/power2_input 5" },
        { "POWER9: chips 0 and 8, an energy before a power",
          "hwmon0/name=ibmpowernv\nhwmon0/power1_label=Chip 0 \nhwmon0/power1_input=90\n"
          "hwmon0/power2_label=Chip 8 \nhwmon0/power2_input=91\nhwmon0/power3_label=Chip 0 Vdd\n"
          "hwmon0/power3_input=17\nhwmon0/power4_label=Chip 8 Vdd\nhwmon0/power4_input=18\n"
          "hwmon0/power5_label=Chip 0 GPU\nhwmon0/power5_input=250\nhwmon0/power6_label=System\n"
          "hwmon0/power6_input=500\nhwmon0/energy1_label=Chip 0\nhwmon0/energy1_input=1000\n"
          "hwmon0/energy2_label=Chip 8\nhwmon0/energy2_input=1001\n",
          2,
          "package 0 hwmon0/energy1_input uJ 1000; package 8 hwmon0/energy2_input uJ 1001; "
          "core 0 hwmon0/power3_input 17; core 8 hwmon0/power4_input 18; "
          "psys 0 hwmon0/power6_input 500" },
        { "SCMI: labels of the firmware",
          "hwmon0/name=scmi_sensors\nhwmon0/power1_label=pkg\nhwmon0/power1_input=7\n"
          "hwmon0/power2_label=DRAM power\nhwmon0/power2_input=8\nhwmon0/energy1_label=little\n"
          "hwmon0/energy1_input=1\n",
          1, "package 0 hwmon0/power1_input 7; dram 0 hwmon0/power2_input 8" },
        { "Apple: the machine; not what its charger takes",
          "hwmon0/name=macsmc_hwmon\nhwmon0/power1_label=AC Input Power\nhwmon0/power1_input=60\n"
          "hwmon0/power2_label=Total System Power\nhwmon0/power2_input=9\n",
          1, "psys 0 hwmon0/power2_input 9" },
        { "a mean says more than a moment",
          "hwmon0/name=board\nhwmon0/power1_label=Package\nhwmon0/power1_input=1\n"
          "hwmon0/power1_average=2\n",
          1, "package 0 hwmon0/power1_average 2" },
        { "what is switched off is not there; the next best is",
          "hwmon0/name=board\nhwmon0/power1_label=Package\nhwmon0/power1_input=1\n"
          "hwmon0/power1_enable=0\nhwmon0/power2_label=CPU\nhwmon0/power2_input=2\n"
          "hwmon0/power2_enable=1\n",
          1, "package 0 hwmon0/power2_input 2" },
        { "volts that are switched off make no watts", ORIN_NX "hwmon1/in1_enable=0\n", 1,
          "package 0 hwmon1/in2_input x curr2 2940000; "
          "package 0 hwmon1/in3_input x curr3 1485000" },
        { "pairs by label, whatever their numbers",
          "hwmon0/name=board\nhwmon0/in0_label=CPU\nhwmon0/in0_input=1000\nhwmon0/curr1_label=x\n"
          "hwmon0/curr1_input=1\nhwmon0/curr3_label=cpu\nhwmon0/curr3_input=2000\n",
          1, "package 0 hwmon0/in0_input x curr3 2000000" },
        { "pairs by the chip's rule: max20730's amperes are its output's",
          "hwmon0/name=max20730\nhwmon0/in1_input=12000\nhwmon0/in2_label=cpu\n"
          "hwmon0/in2_input=900\nhwmon0/curr1_input=10000\n",
          1, "package 0 hwmon0/in2_input x curr1 9000000" },
        { "pairs by number, of a chip that nobody knows",
          "hwmon0/name=board\nhwmon0/in2_label=CPU\nhwmon0/in2_input=900\n"
          "hwmon0/curr2_input=1000\nhwmon0/in3_label=DRAM\nhwmon0/in3_input=900\n",
          1, "package 0 hwmon0/in2_input x curr2 900000" },
        { "means of volts and amperes, where both have one",
          "hwmon0/name=board\nhwmon0/in2_label=CPU\nhwmon0/in2_input=1\nhwmon0/in2_average=5\n"
          "hwmon0/curr2_input=1\nhwmon0/curr2_average=7\n",
          1, "package 0 hwmon0/in2_average x curr2 35" },
        { "a package that cannot be read gives way to the next",
          "hwmon0/name=board\nhwmon0/power1_label=Package\nhwmon0/power1_input=?\n"
          "hwmon0/power2_label=CPU\nhwmon0/power2_input=2\n",
          1, "package 0 hwmon0/power2_input 2" },
        { "memory of one of two sockets is no sum",
          XGENE_0 XGENE_1 "hwmon0/power3_label=dram0\nhwmon0/power3_input=1\n", 2,
          "package 0 hwmon0/power1_input 45; package 0 hwmon0/power2_input 12; "
          "package 1 hwmon1/power1_input 46; package 1 hwmon1/power2_input 13" },
        { "memory without a number is of all sockets",
          XGENE_0 XGENE_1 "hwmon0/power3_label=Memory power\nhwmon0/power3_input=1\n", 2,
          "package 0 hwmon0/power1_input 45; package 0 hwmon0/power2_input 12; "
          "package 1 hwmon1/power1_input 46; package 1 hwmon1/power2_input 13; "
          "dram 0 hwmon0/power3_input 1" },
        { "a graphics card beside it changes nothing",
          XGENE_0 "hwmon2/name=xe\n"
                  "hwmon2/energy1_label=pkg\nhwmon2/energy1_input=9\n",
          1, "package 0 hwmon0/power1_input 45; package 0 hwmon0/power2_input 12" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put_files(&r, rows[i].files);
        struct cpu_facts cpu = machine(rows[i].sockets);
        struct energy_set set;
        struct err err = { 0 };
        if (energy_hwmon.list(&r.fs, &cpu, &set, &err) != 0)
            fail_msg("%s: %s", rows[i].why, err.text);
        AUTO_STR got = tell(&r, &set);
        if (strcmp(got, rows[i].counters) != 0)
            fail_msg("%s:\n%s", rows[i].why, got);
    }
}

static void why_not_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *files;
        unsigned sockets;
        bool hypervisor;
        int code;
        const char *says;
    } rows[] = {
        { "a desktop: a graphics card is not the processor", DESKTOP, 1, false, -ENOENT,
          "none of 3 chips measures the processor: nvme (another device's), amdgpu (another "
          "device's), spd5118 (no power sensor)" },
        { "a sensor that nobody knows is not guessed",
          "hwmon0/name=ina226\nhwmon0/power1_input=5\n", 1, false, -ENOENT,
          "ina226 (ina226_power1: unknown)" },
        { "and one with a label is offered by it",
          "hwmon0/name=ina226\nhwmon0/power1_input=5\nhwmon0/power1_label=Rail A\n", 1, false,
          -ENOENT,
          "ina226 (rail_a: unknown); if one does, name its sensor in experimental.hwmon.zones" },
        { "no chip of a virtual machine is its processor's",
          "hwmon0/name=ina226\nhwmon0/power1_input=5\n", 1, true, -ENOENT,
          "unknown); this is a virtual machine" },
        { "a shunt's volts and one rail are no processor",
          "hwmon0/name=ltc2945\n"
          "hwmon0/in1_input=12000\nhwmon0/curr1_input=1\n",
          1, false, -ENOENT, "experimental.hwmon.zones" },
        { "more chips than a sentence holds",
          "hwmon0/name=a\nhwmon1/name=b\nhwmon2/name=c\nhwmon3/name=d\nhwmon4/name=e\n"
          "hwmon5/name=f\nhwmon6/name=g\nhwmon7/name=h\n",
          1, false, -ENOENT, "f (no power sensor), and 2 more" },
        { "a folder without a name is no chip", "hwmon0/power1_input=5\n", 1, false, -ENOENT,
          "modprobe acpi_power_meter" },
        { "a virtual machine has none", "hwmon0/temp1_input=5\n", 1, true, -ENOENT,
          "virtual machine, and the sensors are its host's; no module or mount brings them" },
        { "one of two sockets", XGENE_0, 2, false, -ENODATA, "package of 1 of 2 sockets" },
        { "the IO rail alone is no package", XGENE_0 "hwmon0/power1_enable=0\n", 1, false, -ENODATA,
          "package of 0 of 1 sockets" },
        { "labels that are only general may be of each core",
          "hwmon0/name=board\nhwmon0/power1_label=cpu0\nhwmon0/power1_input=5\n"
          "hwmon0/power2_label=cpu1\nhwmon0/power2_input=5\n",
          1, false, -ENODATA, "2 sensors that call themselves the package" },
        { "amd_energy tells a socket once a NUMA node",
          "hwmon0/name=amd_energy\nhwmon0/energy1_label=Esocket0\nhwmon0/energy1_input=1\n"
          "hwmon0/energy2_label=Esocket1\nhwmon0/energy2_input=1\n",
          1, false, -ENODATA, "for 1 sockets" },
        { "two meters of the machine may tell the same watts, and nothing else is there",
          "hwmon1/name=power_meter\nhwmon1/power1_average=412000000\n"
          "hwmon2/name=power_meter\nhwmon2/power1_average=398000000\n",
          2, false, -ENODATA, "2 meters of the whole machine" },
        { "a meter of the machine that is broken, and nothing else is there",
          "hwmon1/name=power_meter\nhwmon1/power1_average=-1\n", 2, false, -ENODATA,
          "power1_average (power_meter_power1) gives no watts" },
        { "a word", XGENE_0 "hwmon0/power1_input=unknown\n", 1, false, -ENODATA,
          "power1_input (cpu_power) gives no watts" },
        { "nothing", XGENE_0 "hwmon0/power2_input=\n", 1, false, -ENODATA,
          "power2_input (io_power) gives no watts" },
        { "below zero", XGENE_0 "hwmon0/power1_input=-5\n", 1, false, -ENODATA, "gives no watts" },
        { "amperes below zero", ORIN_NX "hwmon1/curr2_input=-5\n", 1, false, -ENODATA,
          "in2_input (vdd_cpu_gpu_cv) gives no watts" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        tree_put(&r, "/sys/class/hwmon", NULL);
        put_files(&r, rows[i].files);
        struct cpu_facts cpu = machine(rows[i].sockets);
        cpu.hypervisor = rows[i].hypervisor;
        struct energy_set set = { .n = 99 };
        struct err err = { 0 };
        int code = energy_hwmon.list(&r.fs, &cpu, &set, &err);
        if (code != rows[i].code || !strstr(err.text, rows[i].says) || set.n != 99)
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

static void no_class_at_all(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    struct cpu_facts cpu = machine(1);
    struct energy_set set;
    struct hwmon_survey survey;
    struct err err = { 0 };
    assert_int_equal(energy_hwmon.list(&r.fs, &cpu, &set, &err), -ENOENT);
    assert_non_null(strstr(err.text, "CONFIG_HWMON"));
    cpu.hypervisor = true;
    assert_int_equal(energy_hwmon.list(&r.fs, &cpu, &set, &err), -ENOENT);
    assert_non_null(strstr(err.text, "no module or mount brings them"));
    assert_null(strstr(err.text, "is sysfs mounted"));
    hwmon_survey(&r.fs, &survey);
    assert_int_equal(survey.n + survey.more + survey.chips, 0);
}

static void without_permission(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_files(&r, XGENE_0);
    struct cpu_facts cpu = machine(1);
    struct energy_set set;
    struct err err = { 0 };
    tree_forbid(&r, CLASS "hwmon0/power2_input");
    int code = energy_hwmon.list(&r.fs, &cpu, &set, &err);
    tree_permit();
    assert_int_equal(code, -EACCES);
    assert_non_null(strstr(err.text, "CAP_DAC_READ_SEARCH"));
}

static void class_of_links(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    tree_put(&r, "/sys/devices/platform/APMC0D8A:00/hwmon/hwmon3/name", "apm_xgene\n");
    tree_put(&r, "/sys/devices/platform/APMC0D8A:00/hwmon/hwmon3/power1_label", "CPU power\n");
    tree_put(&r, "/sys/devices/platform/APMC0D8A:00/hwmon/hwmon3/power1_input", "45\n");
    tree_put(&r, "/sys/devices/platform/APMC0D8A:00/hwmon/hwmon3/power2_label", "IO power\n");
    tree_put(&r, "/sys/devices/platform/APMC0D8A:00/hwmon/hwmon3/power2_input", "12\n");
    tree_link(&r, CLASS "hwmon3", "../../devices/platform/APMC0D8A:00/hwmon/hwmon3");
    tree_link(&r, CLASS "hwmon2", "../../devices/gone/hwmon/hwmon2");
    struct cpu_facts cpu = machine(1);
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_hwmon.list(&r.fs, &cpu, &set, &err), 0);
    AUTO_STR got = tell(&r, &set);
    assert_string_equal(got, "package 0 hwmon3/power1_input 45; package 0 hwmon3/power2_input 12");
    assert_string_equal(set.counter[0].label, "hwmon:apm_xgene");
    assert_int_equal(set.counter[0].fd, -1);
    assert_true(set.counter[0].modulus == 0 && set.counter[0].uj_per_count > 0.99 &&
                set.counter[0].uj_per_count < 1.01);
}

static void reading_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *text, *amperes; /* amperes NULL: no volts */
        bool is_power;
        int code;
        uint64_t value;
    } rows[] = {
        { "a count of all 64 bits", "18446744073709551615\n", NULL, false, 0, UINT64_MAX },
        { "a count past 64 bits", "18446744073709551616\n", NULL, false, -EBADMSG, 0 },
        { "a count below zero has no meaning", "-1\n", NULL, false, -EBADMSG, 0 },
        { "watts below zero are a charger's", "-1\n", NULL, true, -ERANGE, 0 },
        { "zero watts", "0\n", NULL, true, 0, 0 },
        { "no number", "12 W\n", NULL, true, -EBADMSG, 0 },
        { "only a sign", "-\n", NULL, true, -EBADMSG, 0 },
        { "truncated to nothing", "", NULL, true, -EBADMSG, 0 },
        { "too long for a number", "0000000000000000000000000000000000000000001\n", NULL, true,
          -EBADMSG, 0 },
        { "12 V x 5 A", "12000\n", "5000\n", true, 0, 60000000 },
        { "amperes below zero", "12000\n", "-5\n", true, -ERANGE, 0 },
        { "amperes that are no number", "12000\n", "x\n", true, -EBADMSG, 0 },
        { "a product past 64 bits", "18446744073709551615\n", "2\n", true, -EBADMSG, 0 },
    };
    AUTO_TREE r;
    tree_make(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct energy_counter c = { .path = CLASS "hwmon0/in1_input",
                                    .is_power = rows[i].is_power,
                                    .reg = rows[i].amperes ? 2 : 0 };
        uint64_t value = 0;
        tree_put(&r, CLASS "hwmon0/in1_input", rows[i].text);
        if (rows[i].amperes)
            tree_put(&r, CLASS "hwmon0/curr2_input", rows[i].amperes);
        int code = energy_hwmon.read(&r.fs, &c, &value);
        if (code != rows[i].code || value != rows[i].value)
            fail_msg("%s: %d, %llu", rows[i].why, code, (unsigned long long)value);
    }
    struct energy_counter gone = { .path = CLASS "hwmon9/power1_input" };
    struct energy_counter half = { .path = CLASS "hwmon0/in1_input", .reg = 7, .is_power = true };
    uint64_t value = 0;
    tree_put(&r, CLASS "hwmon0/in1_input", "1\n");
    assert_int_equal(energy_hwmon.read(&r.fs, &gone, &value), -ENOENT);
    assert_int_equal(energy_hwmon.read(&r.fs, &half, &value), -ENOENT);
}

static void zone_of_label_rows(void **state)
{
    (void)state;
    static const struct {
        const char *chip, *label;
        enum energy_zone zone;
        int socket; /* -1: not said */
    } rows[] = {
        { "power_meter", "Grace Power Socket 3", ZONE_PACKAGE, 3 },
        { "power_meter", "CPU Power Socket 1", ZONE_CORE, 1 },
        { "power_meter", "NVSwitch Power Socket 1", ZONE_COUNT, -1 },
        { "power_meter", "Intel(R) Node Manager", ZONE_PSYS, -1 },
        { "power_meter", "", ZONE_PSYS, -1 },
        { "smpro", "power2 SoC", ZONE_PACKAGE, -1 },
        { "smpro", "power5 RCA VRD", ZONE_COUNT, -1 },
        { "board", "SoC", ZONE_UNCORE, -1 },
        { "board", "CPU2 Power", ZONE_PACKAGE, 2 },
        { "board", " Package id 1 ", ZONE_PACKAGE, 1 },
        { "board", "DIMM A1", ZONE_DRAM, -1 },
        { "board", "CPU fan", ZONE_COUNT, -1 },
        { "board", "package_99999999999", ZONE_COUNT, -1 },
        { "board", "package_", ZONE_PACKAGE, -1 },
        { "board", "packages", ZONE_COUNT, -1 },
        { "board", "", ZONE_COUNT, -1 },
        { "occ", "0_proc", ZONE_PACKAGE, -1 },
        { "power_meter", "a_socket_1_socket_2b_socket_3", ZONE_COUNT, -1 },
        { "dell_psu_1", "total", ZONE_COUNT, -1 },
        { "psx", "total", ZONE_PSYS, -1 },
        { "amdgpu", "PPT", ZONE_COUNT, -1 },
        { "AMDGPU", "package", ZONE_COUNT, -1 },
        { "i915", "pkg", ZONE_COUNT, -1 },
        { "corsairpsu", "total", ZONE_COUNT, -1 },
        { "BAT0", "system", ZONE_COUNT, -1 },
        { "nvme", "total", ZONE_COUNT, -1 },
        { "mlx5", "total", ZONE_COUNT, -1 },
        { "ucsi_source_psy_USBC000:001", "total", ZONE_COUNT, -1 },
        { "fam15h_power", "", ZONE_PACKAGE, -1 },
        { "amd_energy", "Ecore012", ZONE_COUNT, -1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int socket = -1;
        enum energy_zone zone = hwmon_zone_of(rows[i].chip, rows[i].label, &socket);
        if (zone != rows[i].zone || socket != rows[i].socket)
            fail_msg("%s \"%s\": %s of socket %d", rows[i].chip, rows[i].label,
                     energy_zone_name(zone), socket);
    }
}

static void settings_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *files, *zones[2], *counters; /* counters NULL: -ENOENT */
    } rows[] = {
        { "a rail alone, if a person says so",
          XGENE_0,
          { "cpu_power" },
          "package 0 hwmon0/power1_input 45" },
        { "Kepler's names are lower case, a person's need not be",
          XGENE_0,
          { "CPU Power" },
          "package 0 hwmon0/power1_input 45" },
        { "a sensor that nobody knows counts if it is named",
          "hwmon0/name=board\nhwmon0/power1_label=Vcore+\nhwmon0/power1_input=8\n",
          { "vcore" },
          "package 0 hwmon0/power1_input 8" },
        { "without a label it is named by chip and number",
          "hwmon0/name=ltc2945\nhwmon0/power1_input=8\nhwmon0/power2_input=9\n",
          { "ltc2945_power1" },
          "package 0 hwmon0/power1_input 8" },
        { "volts x amperes, too",
          "hwmon0/name=ltc2945\nhwmon0/in1_input=2\n"
          "hwmon0/curr1_input=3\n",
          { "ltc2945_power1" },
          "package 0 hwmon0/in1_input x curr1 6" },
        { "what is known goes before what is only named",
          "hwmon0/name=board\nhwmon0/power1_label=Vcore\nhwmon0/power1_input=8\n"
          "hwmon0/power2_label=CPU\nhwmon0/power2_input=9\n",
          { "vcore", "cpu" },
          "package 0 hwmon0/power2_input 9" },
        { "with a label, too, and its case is no matter",
          XGENE_0,
          { "apm_xgene_power1", "APM_xgene_Power2" },
          "package 0 hwmon0/power1_input 45; package 0 hwmon0/power2_input 12" },
        { "an energy count is called one",
          "hwmon0/name=board\nhwmon0/energy3_label=x\nhwmon0/energy3_input=8\n",
          { "board_energy3" },
          "package 0 hwmon0/energy3_input uJ 8" },
        { "a graphics card stays one", DESKTOP, { "ppt" }, NULL },
        { "what is not named does not count", XGENE_0, { "soc" }, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put_files(&r, rows[i].files);
        struct hwmon_config config = { 0 };
        for (size_t k = 0; k < 2 && rows[i].zones[k]; k++)
            (void)snprintf(config.zone[config.zones++], sizeof(config.zone[0]), "%s",
                           rows[i].zones[k]);
        struct cpu_facts cpu = machine(1);
        struct energy_set set = { 0 };
        struct err err = { 0 };
        hwmon_configure(&config);
        int code = energy_hwmon.list(&r.fs, &cpu, &set, &err);
        hwmon_configure(NULL);
        AUTO_STR got = tell(&r, &set);
        if (code != (rows[i].counters ? 0 : -ENOENT) ||
            strcmp(got, rows[i].counters ? rows[i].counters : "") != 0)
            fail_msg("%s: %d %s %s", rows[i].why, code, err.text, got);
    }
}

static void names_that_match_nothing_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *why, *files, *zones[2], *chips[2];
        int code;
        const char *says;
    } rows[] = {
        { "nothing is named", XGENE_0, { NULL }, { NULL }, 0, "" },
        { "all are here", XGENE_0, { "cpu_power", "APM_XGENE_power2" }, { "APM_xgene" }, 0, "" },
        { "a zone is misspelt",
          XGENE_0,
          { "cpu_power", "oi_power" },
          { NULL },
          1,
          "experimental.hwmon.zones names \"oi_power\", and no sensor here is called so" },
        { "two",
          XGENE_0,
          { "a", "b" },
          { NULL },
          2,
          "experimental.hwmon.zones names \"a\", \"b\", and no sensor here is called so" },
        { "a zone and a chip",
          XGENE_0,
          { "a" },
          { "apm_xgene", "ina3221" },
          2,
          "experimental.hwmon.zones names \"a\", and no sensor here is called so; "
          "experimental.hwmon.chipRules names \"ina3221\", and no chip here is called so" },
        { "a chip without a power sensor is here",
          "hwmon0/name=k10temp\n",
          { NULL },
          { "k10temp" },
          0,
          "" },
        { "no class",
          "",
          { NULL },
          { "k10temp" },
          -ENOENT,
          "experimental.hwmon names sensors, and /sys/class/hwmon cannot be listed: No such file "
          "or directory" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put_files(&r, rows[i].files);
        struct hwmon_config config = { 0 };
        for (size_t k = 0; k < 2 && rows[i].zones[k]; k++)
            (void)snprintf(config.zone[config.zones++], sizeof(config.zone[0]), "%s",
                           rows[i].zones[k]);
        for (size_t k = 0; k < 2 && rows[i].chips[k]; k++) {
            (void)snprintf(config.rule[config.rules++].name, sizeof(config.rule[0].name), "%s",
                           rows[i].chips[k]);
        }
        char text[300] = "not set";
        int code = hwmon_check(&r.fs, &config, text, sizeof(text));
        if (code != rows[i].code || strcmp(text, rows[i].says) != 0)
            fail_msg("%s: %d \"%s\"", rows[i].why, code, text);
    }
}

static void a_sentence_that_does_not_fit_is_cut(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_files(&r, XGENE_0);
    struct hwmon_config config = { .zones = 2, .zone = { "first", "second" } };
    char text[40];
    assert_int_equal(hwmon_check(&r.fs, &config, text, sizeof(text)), 2);
    assert_true(strlen(text) < sizeof(text));
}

static void the_reason_names_what_matched_nothing(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_files(&r, XGENE_0);
    struct hwmon_config config = { .zones = 1, .zone = { "cpu_pwoer" } };
    struct cpu_facts cpu = machine(1);
    struct energy_set set;
    struct err err = { 0 };
    hwmon_configure(&config);
    int code = energy_hwmon.list(&r.fs, &cpu, &set, &err);
    hwmon_configure(NULL);
    assert_int_equal(code, -ENOENT);
    assert_non_null(strstr(err.text,
                           "zones names \"cpu_pwoer\", and no sensor here is called so; "
                           "none of 1 chips measures the processor: apm_xgene (not named"));
}

static void rules_of_a_person_come_first(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_files(&r, "hwmon0/name=INA3221\nhwmon0/in1_label=VDD_IN\nhwmon0/in1_input=10\n"
                  "hwmon0/curr1_input=1\nhwmon0/curr2_input=2\nhwmon0/in2_label=vdd_sys_ddr\n"
                  "hwmon0/in2_input=10\n");
    struct hwmon_config config = { .rules = 1, .rule = { { .name = "ina3221" } } };
    memset(config.rule[0].pairing, -1, sizeof(config.rule[0].pairing));
    config.rule[0].pairing[1] = 2;
    struct cpu_facts cpu = machine(1);
    struct energy_set set;
    struct err err = { 0 };
    hwmon_configure(&config);
    int crossed = energy_hwmon.list(&r.fs, &cpu, &set, &err);
    AUTO_STR got = tell(&r, &set);
    config.rule[0].use_same_index = true;
    config.rule[0].skip_voltage[1] = true;
    int same = energy_hwmon.list(&r.fs, &cpu, &set, &err);
    AUTO_STR got_same = tell(&r, &set);
    hwmon_configure(NULL);
    assert_int_equal(crossed, 0);
    assert_string_equal(got, "psys 0 hwmon0/in1_input x curr2 20");
    assert_int_equal(same, 0);
    assert_string_equal(got_same, "dram 0 hwmon0/in2_input x curr2 20");
}

static void survey_tells_what_each_was_taken_for(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_files(&r, DESKTOP "hwmon3/name=board\nhwmon3/power1_label=CPU\nhwmon3/power1_input=?\n");
    struct hwmon_survey s;
    hwmon_survey(&r.fs, &s);
    assert_int_equal(s.chips, 4);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.sensor[0].chip, "amdgpu");
    assert_string_equal(s.sensor[0].label, "PPT");
    assert_int_equal(s.sensor[0].zone, ZONE_COUNT);
    assert_string_equal(s.sensor[1].path, CLASS "hwmon3/power1_input");
    assert_int_equal(s.sensor[1].zone, ZONE_PACKAGE);
}

static void more_sensors_than_there_is_room(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_files(&r, "hwmon0/name=board\n");
    struct cpu_facts cpu = machine(1);
    struct energy_set set;
    struct hwmon_survey s;
    struct err err = { 0 };
    for (int i = 1; i <= 65; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), CLASS "hwmon0/power%d_input", i);
        tree_put(&r, path, "1\n");
        (void)snprintf(path, sizeof(path), CLASS "hwmon0/power%d_label", i);
        tree_printf(&r, path, "dimm%d\n", i);
        if (i == 64)
            assert_int_equal(energy_hwmon.list(&r.fs, &cpu, &set, &err), 0);
    }
    hwmon_survey(&r.fs, &s);
    assert_int_equal(s.n, 32);
    assert_int_equal(s.more, 33);
    assert_int_equal(energy_hwmon.list(&r.fs, &cpu, &set, &err), -ENODATA);
    assert_non_null(strstr(err.text, "more than 64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_rows),
        cmocka_unit_test(why_not_rows),
        cmocka_unit_test(no_class_at_all),
        cmocka_unit_test(without_permission),
        cmocka_unit_test(class_of_links),
        cmocka_unit_test(reading_rows),
        cmocka_unit_test(zone_of_label_rows),
        cmocka_unit_test(settings_rows),
        cmocka_unit_test(names_that_match_nothing_are_told),
        cmocka_unit_test(a_sentence_that_does_not_fit_is_cut),
        cmocka_unit_test(the_reason_names_what_matched_nothing),
        cmocka_unit_test(rules_of_a_person_come_first),
        cmocka_unit_test(survey_tells_what_each_was_taken_for),
        cmocka_unit_test(more_sensors_than_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
