/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks: one row of one table each (table.c). What is read of the machine is gathered once
 * (machine.c); a check turns it into a finding, and says what to do.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "base/err.h"
#include "base/rootfs.h"
#include "bpf/tasks_reader.h"
#include "contract/findings.h"
#include "host/cloud.h"
#include "host/cpu.h"
#include "host/cpu_power.h"
#include "host/energy.h"
#include "host/kernel.h"
#include "host/perf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_DRIVERS_MAX 4  /* energy drivers that are tried; further ones are not */
#define PROBE_FIXES_MAX   16 /* kernel modules that --fix may load; there are fewer rows */

/* What is found out by acting on the kernel or the network. A dump carries the answers in
   .probe/acts.json; without them they are not known. */
struct probe_acts {
    bool bpf_known, perf_known, imds_known;
    struct bpf_acts bpf;
    int perf[PERF_COUNTERS]; /* as perf_counter_try */
    struct cloud_facts imds;
    char imds_error[600]; /* "" if it was not asked, or answered */
};

/* One energy driver, read twice. */
struct energy_pair {
    int first_code, second_code; /* 0 or -errno of each reading */
    uint64_t first, second;
};
struct energy_trial {
    const struct energy_driver *driver;
    int code; /* of list(); the rest is empty if it is not 0 */
    struct err err;
    struct energy_set set;
    struct energy_pair pair[ENERGY_COUNTERS_MAX];
    uint64_t first_ns, elapsed_ns;
};

/* Pure: what two readings mean. */
struct energy_verdict {
    bool usable;              /* every socket's package counter advanced and is plausible */
    bool zone_ok[ZONE_COUNT]; /* all sockets of the zone are */
    bool is_elsewhere;        /* no package counter at all, but another zone is good */
    bool is_power;            /* watts are told, not counted */
    double watts[ZONE_COUNT]; /* sockets summed; 0 unless zone_ok */
    bool is_too_much;         /* of the package: more than is believed */
    char why[240];            /* not usable: the first counter that is not, and its figures */
};
struct energy_limits {
    double socket_watts;  /* most of a zone of one socket: power_limit_package_ceiling() */
    double machine_watts; /* most of a psys counter: power_limit_machine_ceiling() */
};
void energy_judge(const struct energy_trial *t, const struct energy_limits *limits,
                  struct energy_verdict *ret);

/* How a distribution's packages are installed. Commands are words up to a NULL. */
#define INSTALLER_WORDS 6
struct installer {
    const char *refresh[INSTALLER_WORDS]; /* to be run before; no word: nothing is */
    const char *install[INSTALLER_WORDS]; /* the package's name comes behind them */
    const char
        *setting[2];  /* name and value in the environment, so that nothing asks; NULL: none */
    const char *note; /* for the person */
};

/* A module that would help, and the package that brings it ("" and NULL if its file is there). */
struct probe_fix {
    char module[32];
    char package[128];
    const struct installer *installer;
};

struct probe {
    struct rootfs fs, later; /* later: the dump's second readings; root_fd -1 if there are none */
    uint64_t later_elapsed_ns;
    struct kernel_facts kernel;
    struct dmi_facts dmi;
    struct cloud_facts cloud;
    struct cpu_facts cpu;
    bool cpu_known;
    bool is_vm;
    struct err cpu_err;
    double tdp_watts;             /* per socket; 0 unknown */
    double limit_watts;           /* of a socket, by its firmware (power_limit.h) */
    const char *tdp_source;       /* "MSR 0x614", "powercap", "table of CPUs"; "" */
    struct cpu_power power;       /* of the model, if cpu_known */
    double bound_low, bound_high; /* of the model on this machine, at any load */
    struct energy_limits limits;  /* of what is believed */
    struct probe_acts acts;
    struct energy_trial trial[PROBE_DRIVERS_MAX];
    struct energy_verdict verdict[PROBE_DRIVERS_MAX];
    size_t trials;
    bool accounting_ready;      /* /proc lists processes, or it is a dump that holds CPU facts */
    const char *const *ignored; /* ids of --ignore; borrowed */
    size_t ignored_n;
    struct probe_fix fix[PROBE_FIXES_MAX];
    size_t fixes;
    struct findings findings;
};

/* @paths as rootfs_open. The error names what could not be opened. */
MUST_USE int probe_open(struct probe **ret, const struct rootfs_paths *paths, struct err *err);
void probe_close(struct probe *p);

/* Reads, tries, waits for energy where there is any, and fills p->findings. */
void probe_run(struct probe *p);

bool probe_is_ignored(const struct probe *p, const char *id);
bool probe_has_rapl(const struct probe *p); /* its kind of processor may have energy counters */

/* -- the table -- */
enum check_stage {
    CHECK_AT_ONCE,
    CHECK_LAST, /* wants the second energy reading */
};
struct check {
    const char *id, *title;
    enum check_stage stage;
    void (*run)(struct probe *p, struct finding *f);
};
extern const struct check probe_checks[];
extern const size_t probe_checks_count;
const struct check *check_find(const char *id); /* NULL: no such check */
const char *check_last_part(const char *id);    /* "module.msr" -> "msr" */

void check_kernel(struct probe *p, struct finding *f);
void check_lockdown(struct probe *p, struct finding *f);
void check_virtualisation(struct probe *p, struct finding *f);
void check_cpu(struct probe *p, struct finding *f);
void check_memory(struct probe *p, struct finding *f);
void check_cloud(struct probe *p, struct finding *f);
void check_secure_boot(struct probe *p, struct finding *f);
void check_energy(struct probe *p, struct finding *f); /* by the id's last part */
void check_model(struct probe *p, struct finding *f);
void check_module(struct probe *p, struct finding *f); /* as check_energy */
void check_bpf(struct probe *p, struct finding *f);    /* as check_energy */
void check_bpf_unprivileged(struct probe *p, struct finding *f);
void check_perf_counter(struct probe *p, struct finding *f);
void check_perf_paranoid(struct probe *p, struct finding *f);
void check_cgroup(struct probe *p, struct finding *f);
void check_ports(struct probe *p, struct finding *f);

/* -- host.c -- */
void host_facts(struct probe *p); /* findings.host */

/* -- energy.c -- */
void energy_start(struct probe *p); /* lists and reads each driver's counters */
void energy_finish(
    struct probe *p); /* waits as long as needed (at most 1 s), reads again, judges */
/* A better source than @driver measures: what only @driver needs may be missing. */
bool energy_is_spare(const struct probe *p, const char *driver);
const struct energy_verdict *energy_verdict_of(const struct probe *p,
                                               const char *driver); /* or NULL */
const char *energy_best(const struct probe *p); /* the best driver that measures; NULL: none */
void energy_done(struct probe *p);              /* closes what the drivers hold open */

/* -- acts.c -- */
void acts_try(struct probe *p); /* on the running kernel */
/* From a dump; none is no error, one that cannot be understood is. */
MUST_USE int acts_load(struct probe *p, struct err *err);
struct json *acts_to_json(const struct probe_acts *acts); /* the caller frees */

/* -- remedy.c -- */
/* What makes @module work here: a command, a package or another kernel. Says nothing if it is
   loaded or built in. */
void remedy_module(struct probe *p, struct finding *f, const char *module);
/* For a virtual machine: no module brings counters; names the bare-metal type on EC2. */
void remedy_vm(const struct probe *p, struct finding *f);
/* "c5.xlarge" -> "c5.metal"; NULL if the family has none that is known. */
const char *remedy_metal_type(const char *instance_type);
/* A module that is loaded, but not at the next boot. */
void remedy_keep(struct probe *p, struct finding *f, const char *module);

/* -- package.c -- */
/* Pure: the package that holds @module's file on this system, and what installs it; NULL if it is
   not known. */
const struct installer *package_find(const struct kernel_facts *kernel, const char *module,
                                     char *ret, size_t size);

/* -- module.c -- */
struct module_row {
    const char *name, *option, *purpose; /* purpose: what is missing without it, in the plural */
    const char *comes_with;              /* loading that one loads it; NULL */
    bool is_rapl;                        /* for processors with RAPL counters only */
    bool is_by_hand; /* no device's alias loads it at boot, as udev does with the others */
    const char *(*needless)(const struct probe *p); /* why it is not missed here; NULL if it is */
};
extern const struct module_row module_rows[];
extern const size_t module_rows_count;
const struct module_row *module_find(const char *name); /* NULL: no such row */

/* Pure: is @module a line of a modules-load.d file's @text? */
bool module_is_in_list(const char *text, const char *module);

/* Whether such a file loads it at boot; unknown without any folder of them (no systemd). */
enum module_kept {
    MODULE_KEPT_UNKNOWN,
    MODULE_NOT_KEPT,
    MODULE_KEPT
};
enum module_kept module_kept_at_boot(const struct rootfs *fs, const char *module);

/* The module that brings powercap's zones on this processor. */
const char *module_of_powercap(const struct probe *p);

/* A module that lies there and that loading alone would turn into the best source (a remedy already
   given); NULL if there is none. */
const char *module_that_mends(const struct probe *p);

/* ACPI's power meter: ACPI specification 6.5, section 10.4. Its devices in sysfs are
   "ACPI000D:00" and so on. */
#define MODULE_ACPI_METER "ACPI000D"
bool module_has_acpi_meter(const struct rootfs *fs);

/* -- select.c -- */
void select_sources(struct probe *p); /* sources, selected, accounting, exporter */

/* What the exporter is to be held to, as by itself it would take what is ignored here; "": it may
   choose. A name is binding: without that source it does not start, and it takes no better one. */
struct select_pins {
    const char *power, *accounting;
};
struct select_pins select_pins(const struct probe *p);

#endif
