/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "calibrate/calibrate.h"
#include "config.h"
#include "estimate.h"
#include "expose/http.h"
#include "flags.h"
#include "loop.h"
#include "pipeline.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_RUN = 1,
    EXIT_USAGE = 2
};

static void say_warnings(const struct config *c)
{
    for (size_t i = 0; i < c->warnings; i++)
        log_warn("%s", c->warning[i]);
}

static void say_listeners(const struct config *c, const struct http_server *server)
{
    for (size_t i = 0; server && i < c->listens; i++)
        log_info("serving http://%s/metrics", http_listening(server, i));
}

static void close_server(struct http_server **s)
{
    http_close(*s);
}

static void close_pipeline(struct pipeline **p)
{
    pipeline_close(*p);
}

static int serve(const struct config *c, struct err *err)
{
    CLEANUP(close_server) struct http_server *server = NULL;
    CLEANUP(close_pipeline) struct pipeline *pipeline = NULL;
    loop_block_signals();
    int rc = 0;
    if (c->prometheus)
        rc = http_open((const char *const *)c->listen, c->listens, &server, err);
    if (rc < 0)
        return rc;
    rc = pipeline_open(c, server, &pipeline, err);
    if (rc < 0)
        return rc;
    say_listeners(c, server);
    return loop_run(pipeline, server, c->interval_ns, err);
}

static int run(const struct config *c, const struct flags *flags)
{
    struct err err = { 0 };
    log_setup(c->log_level, c->log_format);
    say_warnings(c);
    if (flags->check_only) {
        (void)puts("configuration ok");
        return EXIT_DONE;
    }
    log_info("kepler-exporter %s", KEPLER_VERSION);
    if (serve(c, &err) == 0)
        return EXIT_DONE;
    log_error("%s", err.text);
    return EXIT_RUN;
}

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
} verbs[] = {
    { "estimate", estimate_main },
    { "calibrate", calibrate_main },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].main(argc - 1, argv + 1);
    }
    CLEANUP(config_done) struct config config;
    struct flags flags = { 0 };
    struct err err = { 0 };
    config_init(&config);
    if (flags_read(argc, argv, &flags, &config, &err) < 0) {
        (void)fprintf(stderr, "kepler-exporter: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (flags.help) {
        flags_help(stdout);
        return EXIT_DONE;
    }
    if (flags.version) {
        (void)printf("kepler-exporter %s\n", KEPLER_VERSION);
        return EXIT_DONE;
    }
    return run(&config, &flags);
}
