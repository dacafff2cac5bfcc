/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of hwmon chips: which sensor measures what, and which amperes go with which volts.
   A sensor that no row knows is not used: nothing is guessed into the package. */
#include "host/hwmon_scan.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

void hwmon_normalise(const char *text, char *ret, size_t size)
{
    size_t n = 0;
    for (const char *at = text; *at && n + 1 < size; at++) {
        unsigned char c = (unsigned char)*at;
        ret[n++] = isascii(c) && (isalnum(c) || c == ':') ? (char)tolower(c) : '_';
    }
    while (n > 0 && ret[n - 1] == '_')
        n--;
    ret[n] = '\0';
    size_t blank = strspn(ret, "_");
    memmove(ret, ret + blank, n - blank + 1);
}

/* Graphics, disks, networks, power supplies, batteries: their labels ("PPT", "pkg", "total") would
   deceive the general rows below. */
static const char *const foreign_chips[] = {
    "amdgpu",     "radeon",         "i915",
    "xe",         "nouveau",        "nvidia*",
    "habanalabs", "nvme*",          "drivetemp",
    "*psu*",      "*cffps*",        "bat*",
    "*_bat*",     "hidpp_battery*", "ucsi_source_psy*",
    "ac",         "acad",           "adp?",
    "mlx*",       "bnxt*",          "sfc*",
    "i350*",      "iwlwifi*",       "sfp*",
    "aquaero",    "d5next",         "octo",
    "quadro",
};

/* Patterns are of normalised names: '*' any text, '?' any one character, '#' the number of a
   socket. The first row that matches a sensor says what it is; within a zone the row that stands
   first is taken, so that no watt counts twice: what contains the most stands first. */
struct zone_row {
    const char *chip, *label;
    enum energy_zone zone;
    bool with_above; /* adds up with the row above: together they are the zone's figure */
};

static const struct zone_row zone_rows[] = {
    /* drivers/hwmon/amd_energy.c (Linux 5.8 to 5.12), and zenergy after it: Esocket has all of its
       socket, its cores too; the cores are too many for a counter each. */
    { "amd_energy", "esocket#", ZONE_PACKAGE, false },
    { "zenergy", "esocket#", ZONE_PACKAGE, false },
    { "amd_energy", "*", ZONE_COUNT, false },
    { "zenergy", "*", ZONE_COUNT, false },

    /* Documentation/hwmon/fam15h_power.rst: CurrPwrWatts of the whole package, on its node 0. */
    { "fam15h_power", "*", ZONE_PACKAGE, false },

    /* zenpower (out of tree, github.com/ocerman/zenpower): the two rails of a node. */
    { "zenpower*", "svi2_p_core", ZONE_PACKAGE, false },
    { "zenpower*", "svi2_p_soc", ZONE_PACKAGE, true },

    /* NVIDIA Grace, ACPI power meters: the firmware's DSDT (TH500, \_SB.PM00 .. PM03) names them in
       OEM Information. Grace is the socket, with CPU and SysIO in it; Module has the GPU of a GH200
       too. DCGM's CPU power is the CPU rail alone. */
    { "power_meter", "grace_power_socket_#", ZONE_PACKAGE, false },
    { "power_meter", "cpu_power_socket_#", ZONE_CORE, false },
    { "power_meter", "sysio_power_socket_#", ZONE_UNCORE, false },
    { "power_meter", "dram_power_socket_#", ZONE_DRAM, false },
    { "power_meter", "module_power_socket_#", ZONE_PSYS, false },
    { "power_meter", "*_socket_#", ZONE_COUNT, false },
    /* Documentation/hwmon/acpi_power_meter.rst: any other is of the whole machine. */
    { "power_meter", "*", ZONE_PSYS, false },

    /* drivers/hwmon/xgene-hwmon.c: "CPU power" is register PMD_PWR, "IO power" SOC_PWR: Ampere's
       Altra answers with the rails of its cores and of the rest of the chip. A package is both. */
    { "*xgene*", "cpu_power", ZONE_PACKAGE, false },
    { "*xgene*", "io_power", ZONE_PACKAGE, true },
    /* Documentation/hwmon/smpro-hwmon.rst, the same registers 0x20 and 0x21; two rails of DIMMs. An
       Altra has no RCA rail. */
    { "smpro*", "power?_core_vrd", ZONE_PACKAGE, false },
    { "smpro*", "power?_soc", ZONE_PACKAGE, true },
    { "smpro*", "power?_dimm_vrd1", ZONE_DRAM, false },
    { "smpro*", "power?_dimm_vrd2", ZONE_DRAM, true },

    /* drivers/hwmon/ibmpowernv.c on POWER9 (the OCC's names): Vdd is the cores, Vdn the nest. */
    { "ibmpowernv", "chip_#", ZONE_PACKAGE, false },
    { "ibmpowernv", "chip_#_vdd", ZONE_CORE, false },
    { "ibmpowernv", "chip_#_vdn", ZONE_UNCORE, false },
    { "ibmpowernv", "chip_#_memory", ZONE_DRAM, false },
    { "ibmpowernv", "system", ZONE_PSYS, false },
    { "ibmpowernv", "*", ZONE_COUNT, false },
    /* Documentation/hwmon/occ.rst, power sensor version 0xa0; an OCC a processor. */
    { "*occ*", "?_proc", ZONE_PACKAGE, false },
    { "*occ*", "?_vdd", ZONE_CORE, false },
    { "*occ*", "?_vdn", ZONE_UNCORE, false },
    { "*occ*", "?_system", ZONE_PSYS, false },

    /* Jetson's shunts (Documentation/hwmon/ina3221.rst); labels of the kernel's tegra device trees,
       and as tegrastats prints them where the tree is NVIDIA's own. A package is all rails of the
       chip: its graphics are on it, as on Intel's clients. */
    { "ina3221*", "vdd_in", ZONE_PSYS, false },
    { "ina3221*", "pom_5v_in", ZONE_PSYS, false },         /* Nano, TX1 */
    { "ina3221*", "vin", ZONE_PSYS, false },               /* Thor */
    { "ina3221*", "vdd_cpu_gpu_cv", ZONE_PACKAGE, false }, /* Orin NX, Orin Nano, Xavier NX */
    { "ina3221*", "vdd_soc", ZONE_PACKAGE, true },
    { "ina3221*", "vdd_gpu_soc", ZONE_PACKAGE, false }, /* AGX Orin */
    { "ina3221*", "vdd_cpu_cv", ZONE_PACKAGE, true },
    { "ina3221*", "vdd_cpu_soc_mss", ZONE_PACKAGE, false }, /* Thor */
    { "ina3221*", "vdd_gpu", ZONE_PACKAGE, true },
    { "ina3221*", "vdd_sys_cpu", ZONE_PACKAGE, false }, /* TX2 */
    { "ina3221*", "vdd_sys_gpu", ZONE_PACKAGE, true },
    { "ina3221*", "vdd_sys_soc", ZONE_PACKAGE, true },
    { "ina3221*", "cpu", ZONE_PACKAGE, false }, /* AGX Xavier */
    { "ina3221*", "gpu", ZONE_PACKAGE, true },
    { "ina3221*", "soc", ZONE_PACKAGE, true },
    { "ina3221*", "cv", ZONE_PACKAGE, true },
    { "ina3221*", "pom_5v_cpu", ZONE_PACKAGE, false }, /* Nano, TX1 */
    { "ina3221*", "pom_5v_gpu", ZONE_PACKAGE, true },
    { "ina3221*", "vdd_sys_ddr", ZONE_DRAM, false },
    { "ina3221*", "vddrq", ZONE_DRAM, false },
    { "ina3221*", "*", ZONE_COUNT, false },

    /* drivers/hwmon/macsmc-hwmon.c, labels of arch/arm64/boot/dts/apple/hwmon-common.dtsi: the rest
       is a rail of the board, or what the charger takes. */
    { "macsmc*", "total_system_power", ZONE_PSYS, false },
    { "macsmc*", "*", ZONE_COUNT, false },

    /* Any other chip, scmi_hwmon's and scpi_hwmon's among them, whose labels are the firmware's. */
    { "*", "package_id_#", ZONE_PACKAGE, false },
    { "*", "package_#", ZONE_PACKAGE, false },
    { "*", "package#", ZONE_PACKAGE, false },
    { "*", "package", ZONE_PACKAGE, false },
    { "*", "package_power", ZONE_PACKAGE, false },
    { "*", "cpu_package", ZONE_PACKAGE, false },
    { "*", "cpu_package_power", ZONE_PACKAGE, false },
    { "*", "pkg_#", ZONE_PACKAGE, false },
    { "*", "pkg#", ZONE_PACKAGE, false },
    { "*", "pkg", ZONE_PACKAGE, false },
    { "*", "socket_#", ZONE_PACKAGE, false },
    { "*", "socket#", ZONE_PACKAGE, false },
    { "*", "socket", ZONE_PACKAGE, false },
    { "*", "ppt", ZONE_PACKAGE, false },
    { "*", "cpu#_power", ZONE_PACKAGE, false },
    { "*", "cpu_#_power", ZONE_PACKAGE, false },
    { "*", "cpu_power", ZONE_PACKAGE, false },
    { "*", "cpu_#", ZONE_PACKAGE, false },
    { "*", "cpu#", ZONE_PACKAGE, false },
    { "*", "cpu", ZONE_PACKAGE, false },
    { "*", "dram_#", ZONE_DRAM, false },
    { "*", "dram", ZONE_DRAM, false },
    { "*", "dram_power", ZONE_DRAM, false },
    { "*", "memory", ZONE_DRAM, false },
    { "*", "memory_power", ZONE_DRAM, false },
    { "*", "mem", ZONE_DRAM, false },
    { "*", "mem_power", ZONE_DRAM, false },
    { "*", "dimm*", ZONE_DRAM, false },
    { "*", "cores", ZONE_CORE, false },
    { "*", "core", ZONE_CORE, false },
    { "*", "core_power", ZONE_CORE, false },
    { "*", "cpu_core", ZONE_CORE, false },
    { "*", "cpu_cores", ZONE_CORE, false },
    { "*", "uncore", ZONE_UNCORE, false },
    { "*", "soc", ZONE_UNCORE, false },
    { "*", "soc_power", ZONE_UNCORE, false },
    { "*", "io", ZONE_UNCORE, false },
    { "*", "io_power", ZONE_UNCORE, false },
    { "*", "psys", ZONE_PSYS, false },
    { "*", "total_system_power", ZONE_PSYS, false },
    { "*", "system", ZONE_PSYS, false },
    { "*", "system_power", ZONE_PSYS, false },
    { "*", "sys_power", ZONE_PSYS, false }, /* scpi on Juno */
    { "*", "platform", ZONE_PSYS, false },
    { "*", "platform_power", ZONE_PSYS, false },
    { "*", "total", ZONE_PSYS, false },
    { "*", "total_power", ZONE_PSYS, false },
};

static const char *after_number(const char *text, int *ret)
{
    int number = 0;
    const char *at = text;
    for (; isdigit((unsigned char)*at); at++) {
        if (number > (INT_MAX - 9) / 10)
            return NULL;
        number = number * 10 + (*at - '0');
    }
    if (at == text)
        return NULL;
    *ret = number;
    return at;
}

/* What follows @text after one character of a pattern; NULL: it does not match. */
static const char *after_one(char pattern, const char *text, int *socket)
{
    if (pattern == '#')
        return after_number(text, socket);
    return *text != '\0' && (pattern == '?' || pattern == *text) ? text + 1 : NULL;
}

/* Where what follows a '*' does not match, the '*' takes one character more. */
static bool matches(const char *pattern, const char *text, int *socket)
{
    const char *after_star = NULL;
    const char *star_end = NULL;
    while (*pattern || *text) {
        if (*pattern == '*') {
            after_star = ++pattern;
            star_end = text;
            continue;
        }
        const char *next = *pattern ? after_one(*pattern, text, socket) : NULL;
        if (!next && (!after_star || *star_end == '\0'))
            return false;
        text = next ? next : ++star_end;
        pattern = next ? pattern + 1 : after_star;
    }
    return true;
}

static void fill(size_t row, int socket, struct hwmon_meaning *ret)
{
    size_t first = row;
    size_t end = row + 1;
    while (zone_rows[first].with_above)
        first--;
    while (end < ARRAY_LEN(zone_rows) && zone_rows[end].with_above)
        end++;
    *ret = (struct hwmon_meaning){
        .zone = zone_rows[row].zone,
        .rank = (unsigned)first,
        .part = (unsigned)(row - first),
        .parts = (unsigned)(end - first),
        .general = strcmp(zone_rows[row].chip, "*") == 0,
        .socket = socket,
    };
}

static bool is_foreign(const char *chip)
{
    int ignored = 0;
    for (size_t i = 0; i < ARRAY_LEN(foreign_chips); i++) {
        if (matches(foreign_chips[i], chip, &ignored))
            return true;
    }
    return false;
}

void hwmon_meaning_find(const char *chip, const char *label, struct hwmon_meaning *ret)
{
    char clean_chip[64];
    char clean_label[96];
    hwmon_normalise(chip, clean_chip, sizeof(clean_chip));
    hwmon_normalise(label, clean_label, sizeof(clean_label));
    bool foreign = is_foreign(clean_chip);
    for (size_t i = 0; i < ARRAY_LEN(zone_rows) && !foreign; i++) {
        int socket = -1;
        if (matches(zone_rows[i].chip, clean_chip, &socket) &&
            matches(zone_rows[i].label, clean_label, &socket)) {
            fill(i, socket, ret);
            return;
        }
    }
    *ret = (struct hwmon_meaning){ .zone = ZONE_COUNT,
                                   .rank = ARRAY_LEN(zone_rows),
                                   .parts = 1,
                                   .general = true,
                                   .foreign = foreign,
                                   .socket = -1 };
}

enum energy_zone hwmon_zone_of(const char *chip, const char *label, int *ret_socket)
{
    struct hwmon_meaning meaning;
    hwmon_meaning_find(chip, label, &meaning);
    if (meaning.zone != ZONE_COUNT && meaning.socket >= 0)
        *ret_socket = meaning.socket;
    return meaning.zone;
}
