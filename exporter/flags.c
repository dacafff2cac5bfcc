/* SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/opts.h"
#include "contract/findings.h"

#include <errno.h>

#define CONFIG_FILE_LIMIT ((size_t)1 << 20)

/* Flags that are settings: what they say is applied as if it stood at @key of the file. */
static const struct {
    const char *name;
    enum opt_kind kind;
    const char *key, *argument, *help;
} settings[] = {
    { NULL, OPT_HEADING, NULL, NULL, "Kepler's flags:" },
    { "log.level", OPT_TEXT, "log.level", "LEVEL", "debug, info, warn or error" },
    { "log.format", OPT_TEXT, "log.format", "FORMAT", "text or json" },
    { "host.sysfs", OPT_TEXT, "host.sysfs", "DIR", "where the host's /sys is mounted" },
    { "host.procfs", OPT_TEXT, "host.procfs", "DIR", "where the host's /proc is mounted" },
    { "monitor.interval", OPT_TEXT, "monitor.interval", "DURATION", "time between refreshes (5s)" },
    { "monitor.max-terminated", OPT_TEXT, "monitor.maxTerminated", "N",
      "most ended processes with a series (500); -1 all, 0 none" },
    { "web.listen-address", OPT_LIST, "web.listenAddresses", "ADDRESS",
      "[ADDR]:PORT to listen on (:28282); repeatable" },
    { "web.config-file", OPT_TEXT, "web.configFile", "FILE", "TLS settings: not in this version" },
    { "web.config.file", OPT_TEXT, "web.configFile", "FILE", "the same" },
    { "exporter.stdout", OPT_SWITCH, "exporter.stdout.enabled", NULL,
      "a table on standard output after each refresh" },
    { "exporter.prometheus", OPT_SWITCH, "exporter.prometheus.enabled", NULL,
      "metrics over HTTP (on)" },
    { "debug.pprof", OPT_SWITCH, "debug.pprof.enabled", NULL, "accepted, without effect" },
    { "metrics", OPT_LIST, "exporter.prometheus.metricsLevel", "LEVEL",
      "node, process, container, vm, pod (all); repeatable" },
    { "kube.enable", OPT_SWITCH, "kube.enable", NULL, "names of pods: not in this version" },
    { "kube.config", OPT_TEXT, "kube.config", "FILE", "accepted, without effect" },
    { "kube.node-name", OPT_TEXT, "kube.nodeName", "NAME", "node_name label (the host's name)" },
    { NULL, OPT_HEADING, NULL, NULL, "Beyond Kepler:" },
    { "power.source", OPT_TEXT, "power.source", "NAME",
      "auto, powercap, perf, msr, hwmon, model, model-server" },
    { "power.tdp-watts", OPT_TEXT, "power.tdpWatts", "WATTS",
      "TDP of a socket, where the machine does not tell" },
    { "model", OPT_TEXT, "power.model", "FILE", "power curve that calibrate wrote" },
    { "power.model-server", OPT_TEXT, "power.modelServer.url", "URL",
      "kepler-model-server to ask where no better estimate is known" },
    { "accounting.source", OPT_TEXT, "accounting.source", "NAME", "auto, ebpf or proc" },
    { "process.top", OPT_TEXT, "process.top", "N",
      "series only for the N processes that draw most (0: all)" },
};
#define SETTINGS ARRAY_LEN(settings)
#define SPECIALS 8

/* What one pass over the command line found. */
struct pass {
    struct flags flags;
    const char *root, *devfs;
    bool self_signed;
    const char *text[SETTINGS];
    bool on[SETTINGS];
    struct opt_list list[SETTINGS];
};

static void pass_done(struct pass *p)
{
    for (size_t i = 0; i < SETTINGS; i++)
        free((void *)p->list[i].value);
}

static void *target_of(struct pass *p, size_t i)
{
    switch (settings[i].kind) {
    case OPT_SWITCH:
        return &p->on[i];
    case OPT_LIST:
        return &p->list[i];
    case OPT_TEXT:
    case OPT_OPTTEXT:
        return &p->text[i];
    case OPT_HEADING:
        break;
    }
    return NULL;
}

static void fill_table(struct pass *p, struct opt table[SPECIALS + SETTINGS])
{
    const struct opt special[SPECIALS] = {
        { "config.file", OPT_TEXT, &p->flags.config_file, "FILE", "settings (YAML)" },
        { "findings", OPT_TEXT, &p->flags.findings, "FILE",
          "what kepler-probe --json found here; the file and the flags go before it" },
        { "config.check", OPT_SWITCH, &p->flags.check_only, NULL,
          "read the settings, say what is "
          "wrong with them, and end" },
        { "root", OPT_TEXT, &p->root, "DIR", "a dump of another machine's /proc, /sys, /dev" },
        { "host.devfs", OPT_TEXT, &p->devfs, "DIR", "where the host's /dev is mounted" },
        { "web.tls-self-signed", OPT_SWITCH, &p->self_signed, NULL, "TLS: not in this version" },
        { "version", OPT_SWITCH, &p->flags.version, NULL, "print the version and end" },
        { "help", OPT_SWITCH, &p->flags.help, NULL, "print this and end" },
    };
    memcpy(table, special, sizeof(special));
    for (size_t i = 0; i < SETTINGS; i++) {
        table[SPECIALS + i] = (struct opt){ settings[i].name, settings[i].kind, target_of(p, i),
                                            settings[i].argument, settings[i].help };
    }
}

void flags_help(FILE *to)
{
    struct pass p = { .root = NULL };
    struct opt table[SPECIALS + SETTINGS];
    fill_table(&p, table);
    (void)fprintf(to, "kepler-exporter [FLAG]...\n"
                      "Power of this machine and its processes, for Prometheus.\n\n"
                      "kepler-exporter estimate ...   watts of any machine, without one (--help)\n"
                      "kepler-exporter calibrate ...  the power curve of this one (--help)\n\n");
    opts_help(to, table, ARRAY_LEN(table));
}

/* One pass over the command line, each switch being @preset where it is not given. */
static int read_pass(int argc, char **argv, bool preset, struct pass *ret, struct err *err)
{
    struct opt table[SPECIALS + SETTINGS];
    int first = argc;
    *ret = (struct pass){ .root = NULL };
    for (size_t i = 0; i < SETTINGS; i++)
        ret->on[i] = preset;
    fill_table(ret, table);
    int rc = opts_parse(table, ARRAY_LEN(table), argc, argv, &first, err);
    if (rc == 0 && first < argc) {
        rc = err_set(err, -EINVAL, "%s is one word too many: settings begin with -- (see --help)",
                     argv[first]);
    }
    return rc;
}

/* -- files -- */

static int apply_yaml(struct config *c, const char *text, const char *origin, bool by_person,
                      struct err *err)
{
    AUTO_YAML doc = { 0 };
    int rc = yaml_parse(text, strlen(text), &doc, err);
    if (rc < 0) {
        err_prefix(err, "%s", origin);
        return rc;
    }
    return config_apply(c, &doc, origin, by_person, err);
}

static int read_config_file(struct config *c, const char *path, struct err *err)
{
    AUTO_BUF text;
    buf_init(&text, CONFIG_FILE_LIMIT);
    int rc = file_read(path, &text, err);
    if (rc < 0)
        return rc;
    if (memchr(buf_text(&text), '\0', text.len))
        return err_set(err, -EBADMSG, "%s: a zero byte is in it: it is no text file", path);
    return apply_yaml(c, buf_text(&text), path, true, err);
}

static int read_findings(struct config *c, const char *path, struct err *err)
{
    CLEANUP(findings_done) struct findings f = { 0 };
    AUTO_BUF text;
    buf_init(&text, FINDINGS_LIMIT);
    int rc = file_read(path, &text, err);
    if (rc < 0)
        return rc;
    rc = findings_parse(buf_text(&text), text.len, &f, err);
    if (rc < 0) {
        err_prefix(err, "%s", path);
        return rc;
    }
    c->found_file = mem_strdup(path);
    c->found_cpu = mem_strdup(json_text(f.host, "cpu_model", ""));
    double threads = json_number(f.host, "threads", 0);
    c->found_threads = threads > 0 && threads <= INT32_MAX ? (unsigned)threads : 0;
    if (!f.exporter)
        return 0;
    AUTO_STR settings_text = json_print(f.exporter, true);
    return apply_yaml(c, settings_text, path, false, err);
}

/* -- flags over all -- */

static int apply_list(struct config *c, size_t i, const struct opt_list *list, struct err *err)
{
    for (size_t k = 0; k < list->n; k++) {
        AUTO_STR path = mem_printf("%s[%zu]", settings[i].key, k);
        int rc = config_set(c, path, list->value[k], true, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* @off and @on are two passes with the switches preset so: where they agree it was given. */
static int apply_setting(struct config *c, size_t i, const struct pass *off, const struct pass *on,
                         struct err *err)
{
    int rc = 0;
    if (settings[i].kind == OPT_LIST) {
        rc = apply_list(c, i, &off->list[i], err);
    } else if (settings[i].kind == OPT_TEXT && off->text[i]) {
        rc = config_set(c, settings[i].key, off->text[i], true, err);
    } else if (settings[i].kind == OPT_SWITCH && off->on[i] == on->on[i]) {
        rc = config_set(c, settings[i].key, off->on[i] ? "true" : "false", true, err);
    }
    if (rc < 0)
        err_prefix(err, "--%s", settings[i].name);
    return rc;
}

static int apply_flags(struct config *c, const struct pass *off, const struct pass *on,
                       struct err *err)
{
    if (off->self_signed) {
        return err_set(err, -ENOTSUP,
                       "--web.tls-self-signed: TLS is not in this version, and metrics that were "
                       "meant to be encrypted are not served plain: leave it out, or put a TLS "
                       "proxy in front");
    }
    for (size_t i = 0; i < SETTINGS; i++) {
        int rc = apply_setting(c, i, off, on, err);
        if (rc < 0)
            return rc;
    }
    if (off->root)
        c->root = mem_strdup(off->root);
    if (off->devfs)
        c->devfs = mem_strdup(off->devfs);
    return 0;
}

int flags_read(int argc, char **argv, struct flags *ret, struct config *config, struct err *err)
{
    CLEANUP(pass_done) struct pass off = { .root = NULL };
    CLEANUP(pass_done) struct pass on = { .root = NULL };
    int rc = read_pass(argc, argv, false, &off, err);
    if (rc == 0)
        rc = read_pass(argc, argv, true, &on, err);
    if (rc < 0)
        return rc;
    *ret = off.flags;
    if (ret->help || ret->version)
        return 0;
    if (ret->findings)
        rc = read_findings(config, ret->findings, err);
    if (rc == 0 && ret->config_file)
        rc = read_config_file(config, ret->config_file, err);
    if (rc == 0)
        rc = apply_flags(config, &off, &on, err);
    return rc < 0 ? rc : config_check(config, err);
}
