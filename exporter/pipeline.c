/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include "attribute/attribute.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "expose/metrics.h"
#include "power/meter.h"
#include "power/model_server.h"
#include "sample/sampler.h"
#include "self.h"
#include "stdout.h"

#include <errno.h>
#include <unistd.h>

struct pipeline {
    const struct config *config;
    struct http_server *server; /* NULL: none */
    struct rootfs machine;      /* facts and energy counters: --root and --host.* */
    struct rootfs live;         /* tasks: the running kernel, wherever its /proc is mounted */
    struct rootfs own;          /* this process's own view, for /proc/self */
    struct power_machine power;
    struct model_server *model_server; /* NULL: none */
    struct meter *meter;
    struct sampler *sampler;
    struct attribution attribution;
    struct sample sample;
    unsigned cpus_at_start;
    struct process **list; /* owned: our copy of the sampler's list, with room for it */
    size_t room;
    struct meter_reading reading;
    struct self_usage self;
    char node_name[256];
    uint64_t refreshes;
    double refresh_seconds; /* of the refresh before: its own rendering is part of it */
    bool has_watts;
    bool is_unread; /* the standard output, at the last refresh */
};

/* -- opening -- */

static int open_roots(struct pipeline *p, struct err *err)
{
    const struct config *c = p->config;
    const struct rootfs_paths machine = { c->root, c->procfs, c->sysfs, c->devfs };
    const struct rootfs_paths live = { NULL, c->procfs, c->sysfs, NULL };
    const struct rootfs_paths own = { NULL, NULL, NULL, NULL };
    int rc = rootfs_open(&p->machine, &machine, err);
    /* With --root the finer folders are of the dumped machine too. */
    if (rc == 0)
        rc = rootfs_open(&p->live, c->root ? &own : &live, err);
    if (rc == 0 && p->machine.foreign) {
        log_warn(
            "a test, not a measurement: power is read of the dump %s, run time of this machine",
            c->root);
    }
    return rc < 0 ? rc : rootfs_open(&p->own, &own, err);
}

static int open_sampler(struct pipeline *p, struct err *err)
{
    const struct sampler_config config = {
        .host = &p->live,
        .ebpf_wanted = p->config->ebpf,
    };
    const char *why = "";
    int rc = sampler_open(&config, &p->sampler, &why, err);
    if (rc < 0)
        return rc;
    enum accounting got = sampler_accounting(p->sampler);
    if (p->config->ebpf_strict && got != ACCOUNTING_EBPF) {
        return err_set(err, -ENOTSUP, "accounting.source is ebpf, and eBPF cannot be used: %s",
                       why);
    }
    if (p->config->ebpf && got != ACCOUNTING_EBPF) {
        log_warn("eBPF cannot be used, so run time is read from /proc and what lives shorter than "
                 "an interval is missed: %s",
                 why);
    }
    log_info("run time is accounted by %s%s", accounting_name(got),
             p->config->ebpf
                 ? ""
                 : ", as accounting.source says: what lives shorter than an interval is "
                   "missed");
    return 0;
}

static void name_node(struct pipeline *p)
{
    if (p->config->node_name) {
        (void)snprintf(p->node_name, sizeof(p->node_name), "%s", p->config->node_name);
    } else if (gethostname(p->node_name, sizeof(p->node_name) - 1) < 0) {
        (void)snprintf(p->node_name, sizeof(p->node_name), "unknown");
    }
}

/* The power source to begin with. Findings of another machine, as of an image that was copied, say
   nothing of this one's. */
static const char *wanted_source(const struct pipeline *p)
{
    const struct config *c = p->config;
    const struct cpu_facts *cpu = &p->power.cpu;
    if (!c->found_file || !c->found_cpu[0])
        return c->power_source;
    bool is_here = strcmp(c->found_cpu, cpu->model_name) == 0 &&
                   (!c->found_threads || c->found_threads == cpu->threads);
    if (is_here)
        return c->power_source;
    log_warn("%s was made on another machine (%s, %u threads; here: %s, %u threads): run "
             "kepler-probe here, or leave --findings out%s",
             c->found_file, c->found_cpu, c->found_threads, cpu->model_name, cpu->threads,
             c->power_source_strict ? "" : "; its choice of a power source is not used");
    return c->power_source_strict ? c->power_source : "auto";
}

static int open_model_server(struct pipeline *p, struct err *err)
{
    const struct config *c = p->config;
    const struct model_server_config config = {
        .url = c->server_url,
        .trainer = c->server_trainer,
        .node_type = c->server_node_type,
        .ca_file = c->server_ca,
        .cache_dir = c->server_cache ? c->server_cache : getenv("CACHE_DIRECTORY"), /* systemd's */
    };
    if (!c->server_url)
        return 0;
    const struct power_machine *m = &p->power;
    const struct model_server_machine machine = { &m->cpu, m->memory_gb, m->ceiling_watts };
    int rc = model_server_open(&config, &machine, &p->model_server, err);
    p->power.server = p->model_server;
    return rc;
}

static int open_power(struct pipeline *p, struct err *err)
{
    const struct power_options options = {
        .tdp_watts = p->config->tdp_watts,
        .model_file = p->config->model_file,
    };
    char unmatched[400];
    hwmon_configure(&p->config->hwmon);
    if (hwmon_check(&p->machine, &p->config->hwmon, unmatched, sizeof(unmatched)) != 0)
        log_warn("%s", unmatched);
    int rc = power_machine_read(&p->machine, &options, &p->power, err);
    return rc < 0 ? rc : open_model_server(p, err);
}

static int open_all(struct pipeline *p, struct err *err)
{
    const struct config *c = p->config;
    int rc = open_roots(p, err);
    if (rc == 0)
        rc = open_power(p, err);
    if (rc == 0)
        rc = meter_open(&p->power, wanted_source(p), c->power_source_strict, &p->meter, err);
    if (rc == 0)
        rc = open_sampler(p, err);
    return rc;
}

int pipeline_open(const struct config *config, struct http_server *server, struct pipeline **ret,
                  struct err *err)
{
    struct pipeline *p = mem_new(1, sizeof(*p));
    *p = (struct pipeline){
        .config = config,
        .server = server,
        .machine = ROOTFS_NONE,
        .live = ROOTFS_NONE,
        .own = ROOTFS_NONE,
    };
    attribution_init(&p->attribution, config->max_terminated, config->threshold_joules,
                     config->idle_by_ratio);
    name_node(p);
    int rc = open_all(p, err);
    if (rc < 0) {
        pipeline_close(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void pipeline_close(struct pipeline *p)
{
    if (!p)
        return;
    if (p->sampler)
        sampler_close(p->sampler);
    if (p->meter)
        meter_close(p->meter);
    model_server_close(p->model_server);
    power_machine_done(&p->power);
    rootfs_close(&p->own);
    rootfs_close(&p->live);
    rootfs_close(&p->machine);
    free((void *)p->list);
    free(p);
}

/* -- one refresh -- */

/* The list is ours from here on: attribution_retire() shortens it. */
static void copy_list(struct pipeline *p)
{
    if (p->sample.processes > p->room) {
        p->room = p->sample.processes + p->sample.processes / 4;
        p->list = mem_grow((void *)p->list, p->room, sizeof(struct process *));
    }
    for (size_t i = 0; i < p->sample.processes; i++)
        p->list[i] = p->sample.process[i];
    p->sample.process = p->list;
}

/* rapl.zones: a zone that is not wanted is as if the machine had none. */
static void drop_unwanted_zones(const struct config *c, struct meter_reading *reading)
{
    for (unsigned z = 0; c->zones && z < ZONE_COUNT; z++) {
        if (!(c->zones & 1U << z))
            reading->zone[z] = (struct meter_zone){ .present = false };
    }
}

static void forget(struct process *process, void *arg)
{
    struct pipeline *p = arg;
    sampler_forget(p->sampler, process);
}

/* A measured source at the start is as it should be; all else that happens to power is not. */
static void log_power(const struct pipeline *p)
{
    const struct meter_reading *r = &p->reading;
    bool is_expected = p->refreshes == 0 && strcmp(meter_quality(r), "measured") == 0;
    if (r->event[0])
        log_event(is_expected ? LOG_INFO : LOG_WARN, "%s", r->event);
}

static void read_power(struct pipeline *p)
{
    if (p->cpus_at_start == 0)
        p->cpus_at_start = p->sample.cpus;
    double cpus_ratio = p->cpus_at_start ? (double)p->sample.cpus / p->cpus_at_start : 1;
    const struct power_now now = power_now_read(p->sample.usage_ratio, cpus_ratio);
    meter_read(p->meter, &now, &p->reading);
    drop_unwanted_zones(p->config, &p->reading);
    log_power(p);
    p->has_watts = p->has_watts || (p->reading.fresh && p->reading.elapsed_ns > 0);
}

static void publish(struct pipeline *p, const struct snapshot *s)
{
    struct buf text;
    buf_init(&text, METRICS_TEXT_LIMIT);
    metrics_render_text(&text, s);
    if (text.full) {
        log_error("the text of all metrics is over %zu bytes and cut: show fewer processes with "
                  "--process.top",
                  METRICS_TEXT_LIMIT);
    }
    size_t len = text.len;
    http_publish(p->server, buf_take(&text), len);
}

static void print_table(struct pipeline *p, const struct snapshot *s)
{
    bool is_ready = stdout_is_ready(STDOUT_FILENO);
    if (is_ready) {
        stdout_print(stdout, s);
    } else if (!p->is_unread) {
        log_warn("nobody reads the standard output: tables are left out until somebody does");
    }
    p->is_unread = !is_ready;
}

static void expose(struct pipeline *p)
{
    const struct config *c = p->config;
    self_read(&p->own, &p->self);
    const struct snapshot s = {
        .node_name = p->node_name,
        .cpu = &p->power.cpu,
        .sample = &p->sample,
        .meter = &p->reading,
        .attribution = &p->attribution,
        .accounting = sampler_accounting(p->sampler),
        .self = &p->self,
        .conservation_error_ratio = attribution_error_ratio(&p->attribution, &p->sample),
        .refresh_seconds = p->refresh_seconds,
        .refreshes = p->refreshes,
        .ignored_key = (const char *const *)c->ignored_key,
        .ignored_keys = c->ignored_keys,
        .levels = c->levels,
        .process_top = c->process_top,
        .has_watts = p->has_watts,
    };
    if (p->server)
        publish(p, &s);
    if (c->to_stdout)
        print_table(p, &s);
}

int pipeline_refresh(struct pipeline *p, struct err *err)
{
    uint64_t begin_ns = clock_monotonic_ns();
    int rc = sampler_read(p->sampler, &p->sample, err);
    if (rc < 0)
        return rc;
    copy_list(p);
    read_power(p);
    attribution_apply(&p->attribution, &p->sample, &p->reading);
    /* Without a reader of series there is none to wait for. */
    bool shown = p->server ? http_was_scraped(p->server) : true;
    attribution_retire(&p->attribution, &p->sample, shown, forget, p);
    p->refreshes++;
    expose(p);
    p->refresh_seconds = (double)(clock_monotonic_ns() - begin_ns) / (double)NS_PER_SEC;
    return 0;
}

void pipeline_drain(struct pipeline *p)
{
    sampler_drain(p->sampler);
}
