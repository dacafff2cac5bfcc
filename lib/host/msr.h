/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model-specific registers: the device /dev/cpu/N/msr, or in a dump the folder of that name with a
 * hex text file a register ("0x611", in it "0xa0e03"). Register numbers: Intel SDM volume 4, table
 * 2-2; AMD PPR (family 17h), MSRC001_0299 to 029B.
 */
#ifndef HOST_MSR_H
#define HOST_MSR_H

#include "base/compiler.h"
#include "base/rootfs.h"
#include "host/cpu.h"

#include <stdbool.h>
#include <stdint.h>

#define MSR_INTEL_POWER_UNIT  0x606u
#define MSR_INTEL_PKG_LIMIT   0x610u
#define MSR_INTEL_PKG_ENERGY  0x611u
#define MSR_INTEL_PKG_INFO    0x614u
#define MSR_INTEL_DRAM_ENERGY 0x619u
#define MSR_INTEL_PP0_ENERGY  0x639u
#define MSR_INTEL_PP1_ENERGY  0x641u
#define MSR_INTEL_PSYS_ENERGY 0x64Du
#define MSR_AMD_POWER_UNIT    0xC0010299u
#define MSR_AMD_CORE_ENERGY   0xC001029Au
#define MSR_AMD_PKG_ENERGY    0xC001029Bu

/* -ENOENT: no device (module missing?) or no such file in the dump; -EIO: no such register on this
   processor; -EACCES / -EPERM: needs root or CAP_SYS_RAWIO with read permission on the device. */
MUST_USE int msr_read(const struct rootfs *fs, int cpu, uint32_t reg, uint64_t *ret);

/* -- pure decoding -- */
double msr_energy_unit_uj(uint64_t power_unit);   /* 2^-ESU J, ESU = bits 12:8, in microjoules */
double msr_power_unit_watts(uint64_t power_unit); /* 2^-PU W, PU = bits 3:0 */

/* Microjoules a DRAM count is worth: fixed 15.3 uJ on Haswell-X, Broadwell-X, Skylake-X /
   Cascade Lake-X, Ice Lake-X and -D, KNL and KNM, whatever the unit register says (Linux
   drivers/powercap/intel_rapl_common.c, rapl_defaults_hsw_server); @unit_uj elsewhere. */
double msr_dram_unit_uj(const struct cpu_facts *cpu, double unit_uj);

/* Its DRAM counts in the common unit, but Linux before 6.1 reckons with 15.3 uJ, and so shows a
   quarter (mended by commits 4c081324df56 for powercap, also in stable kernels from October 2022
   on, and 80275ca9e525 for perf). */
bool msr_is_sapphire_rapids(const struct cpu_facts *cpu);

/* Microjoules a psys count is worth: 1 J on Sapphire, Emerald (rapl_defaults_spr_server) and
   Granite Rapids. */
double msr_psys_unit_uj(const struct cpu_facts *cpu, double unit_uj);

/* Thermal design power of one socket from 0x614 bits 14:0, watts; -ENODATA where it reads 0. */
MUST_USE int msr_read_tdp_watts(const struct rootfs *fs, const struct cpu_facts *cpu, double *ret);

/* The higher of the limits PL1 and PL2 that the firmware holds one socket to: 0x610 bits 14:0 and
   46:32 (Intel SDM volume 3B, "Package RAPL Domain"), watts; HUGE_VAL where PL2 (bit 47) is not
   enabled; -ENODATA where the register reads 0. */
MUST_USE int msr_read_limit_watts(const struct rootfs *fs, const struct cpu_facts *cpu,
                                  double *ret);

#endif
