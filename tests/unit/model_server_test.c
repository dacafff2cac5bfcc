/* SPDX-License-Identifier: Apache-2.0 */
#include "power/model_server.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "power/model_cache.h"
#include "power/model_request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define PATIENCE_MS 20000

static const struct cpu_facts c5metal = {
    .vendor = "GenuineIntel",
    .family = 6,
    .model = 85,
    .stepping = 7,
    .model_name = "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz",
    .sockets = 2,
    .cores = 48,
    .threads = 96,
};

/* -- a server in a thread: one answer a connection, the last one for all that follow -- */

struct server {
    const char *const *answer; /* NULL in it: says nothing until it ends */
    size_t answers;
    int listener, port;
    pthread_t thread;
    pthread_mutex_t lock;
    char request[4096]; /* the last one */
    unsigned served;    /* under the lock */
    int end[2];         /* a pipe: closed when it shall end */
};

static bool is_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "\r\ncontent-length:");
    return end && (!length || strlen(end + 4) >= strtoul(length + 17, NULL, 10));
}

static void serve_one(struct server *s, int connection, const char *answer)
{
    char text[sizeof(s->request)] = "";
    size_t n = 0;
    ssize_t got = 1;
    while (got > 0 && !is_whole(text)) {
        got = read(connection, text + n, sizeof(text) - 1 - n);
        n += got > 0 ? (size_t)got : 0;
        text[n] = '\0';
    }
    (void)pthread_mutex_lock(&s->lock);
    memcpy(s->request, text, sizeof(text));
    s->served++;
    (void)pthread_mutex_unlock(&s->lock);
    if (answer)
        (void)!send(connection, answer, strlen(answer), MSG_NOSIGNAL);
    struct pollfd gone[] = { { .fd = connection, .events = POLLIN }, { .fd = s->end[0] } };
    if (!answer)
        (void)poll(gone, 2, PATIENCE_MS);
    (void)shutdown(connection, SHUT_WR);
    while (answer && read(connection, text, sizeof(text)) > 0) /* so that close sends no reset */
        continue;
}

static void *serve(void *server)
{
    struct server *s = server;
    struct pollfd wait[] = { { .fd = s->listener, .events = POLLIN }, { .fd = s->end[0] } };
    for (size_t i = 0; poll(wait, 2, -1) > 0 && wait[1].revents == 0;
         i += i + 1 < s->answers ? 1 : 0) {
        AUTO_FD connection = accept(s->listener, NULL, NULL);
        serve_one(s, connection, s->answer[i]);
    }
    return NULL;
}

static void server_start(struct server *s, const char *const *answer, size_t n)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(at);
    *s = (struct server){ .answer = answer, .answers = n };
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &size), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pipe(s->end), 0);
    assert_int_equal(pthread_mutex_init(&s->lock, NULL), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
    (void)close(s->end[1]);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->end[0]);
    (void)close(s->listener);
    (void)pthread_mutex_destroy(&s->lock);
}

static unsigned served(struct server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    unsigned n = s->served;
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

static char *url_of(const struct server *s)
{
    return mem_printf("http://127.0.0.1:%d", s->port);
}

/* -- answers -- */

static char *answer_of(int status, const char *body)
{
    return mem_printf("HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
                      strlen(body), body);
}

/* A recorded reply: its status and body. */
static char *recorded(const char *name)
{
    AUTO_STR path = mem_printf("tests/data/model-server/%s.json", name);
    AUTO_BUF text;
    struct err err = { 0 };
    buf_init(&text, 1 << 20);
    if (file_read(path, &text, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_JSON pair = json_parse(buf_text(&text), text.len, &err);
    const struct json *body = json_get(pair, "response.body");
    AUTO_STR printed = json_print(body, false);
    const char *plain = json_string_of(body);
    return answer_of((int)json_number(pair, "response.status", 0), plain ? plain : printed);
}

/* -- the client -- */

static const struct model_server_machine machine = { &c5metal, 201.9, 960 };

static struct model_server_config config_of(const char *url)
{
    return (struct model_server_config){
        .url = url, .times = { .request = 2000, .first = 20, .most = 100, .refresh = 20 }
    };
}

static struct model_server *open_or_fail(const struct model_server_config *config)
{
    struct model_server *s = NULL;
    struct err err = { 0 };
    if (model_server_open(config, &machine, &s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

/* Polls until the package's state is @code and its text has @says. */
static void until(struct model_server *s, int code, const char *says)
{
    uint64_t end = clock_monotonic_ns() + PATIENCE_MS * NS_PER_MS;
    for (;;) {
        struct server_model m = { .name = "" };
        struct err err = { 0 };
        int got = model_server_get(s, ZONE_PACKAGE, &m, &err);
        if (got == code && strstr(got < 0 ? err.text : m.name, says))
            return;
        if (clock_monotonic_ns() > end)
            fail_msg("%d \"%s\" \"%s\", not %d \"%s\"", got, m.name, err.text, code, says);
        (void)poll(NULL, 0, 2);
    }
}

static void a_model_is_taken_and_said_once(void **state)
{
    (void)state;
    AUTO_STR answer = recorded("nodetype2-abspower-rapl-sgd");
    const char *const answers[] = { answer };
    struct server server;
    server_start(&server, answers, 1);
    AUTO_STR url = url_of(&server);
    struct model_server_config config = config_of(url);
    config.trainer = "SGDRegressorTrainer";
    struct model_server *s = open_or_fail(&config);
    until(s, 0, "SGDRegressorTrainer");
    assert_true(model_server_has_news(s));
    assert_false(model_server_has_news(s));
    struct server_model m = { .name = "" };
    struct err err = { 0 };
    assert_int_equal(model_server_get(s, ZONE_DRAM, &m, &err), 0);
    assert_true(m.weights.bias > 31.2 && m.weights.bias < 31.3);
    assert_int_equal(model_server_get(s, ZONE_CORE, &m, &err), -EAGAIN);
    assert_non_null(strstr(err.text, "no usable model of core: it has SGDRegressorTrainer for "
                                     "package dram"));
    unsigned before = served(&server); /* it goes on asking, and the same model is no news */
    while (served(&server) < before + 2)
        (void)poll(NULL, 0, 2);
    assert_false(model_server_has_news(s));
    model_server_close(s);
    server_end(&server);
}

static void the_request_is_as_the_real_one_wants_it(void **state)
{
    (void)state;
    const char *const silent[] = { NULL };
    struct server server;
    server_start(&server, silent, 1);
    AUTO_STR base = url_of(&server);
    AUTO_STR url = mem_printf("%s/model/", base);
    struct model_server_config config = config_of(url);
    struct model_server *s = open_or_fail(&config);
    while (served(&server) == 0)
        (void)poll(NULL, 0, 2);
    model_server_close(s);
    server_end(&server);
    assert_memory_equal(server.request, "POST /model HTTP/1.1\r\n", 22);
    assert_non_null(strstr(server.request, "\r\nContent-Type: application/json\r\n"));
    assert_string_equal(
        strstr(server.request, "\r\n\r\n") + 4,
        "{\"metrics\":[\"bpf_cpu_time_ms\",\"bpf_page_cache_hit\"],\"output_type\":\"AbsPower\","
        "\"source\":\"rapl-sysfs\",\"weight\":true,\"machine_spec\":{\"processor\":"
        "\"intel_xeon_platinum_8275cl\",\"cores\":96,\"chips\":2,\"memory\":188}}");
}

static void what_goes_wrong_is_told(void **state)
{
    AUTO_STR html = recorded("model-bad-output-type");
    AUTO_STR none = recorded("c5metal-spec-dynpower-rapl-sysfs");
    AUTO_STR negative = recorded("c5metal-spec-abspower-rapl-sysfs");
    AUTO_STR other = recorded("unknown-epyc-abspower-rapl-sysfs");
    AUTO_STR missing = answer_of(404, "<!doctype html>\n<title>404 Not Found</title>");
    AUTO_STR cut = answer_of(200, "{\"package\":");
    AUTO_STR list = answer_of(200, "[1]");
    AUTO_STR teapot = answer_of(418, "short and stout\nmore");
    AUTO_STR spare = answer_of(503, "busy");
    char *large_body = mem_new(1, (1 << 20) + 2);
    memset(large_body, ' ', (1 << 20) + 1);
    AUTO_STR large = answer_of(200, large_body);
    free(large_body);
    const struct {
        const char *why, *answer, *says;
    } rows[] = {
        { "500 in HTML", html, "/model: answered 500 (500 Internal Server Error): it failed" },
        { "400 in a line", none, "/model: answered 400 (cannot find model for {'metrics'" },
        { "404", missing, "/model: answered 404 (404 Not Found): there is no kepler-model-server" },
        { "another status", teapot, "/model: answered 418 (short and stout), which a kepler-" },
        { "503", spare, "/model: answered 503 (busy)" },
        { "below 0 W at rest", negative, "package: P(0) = -963.8 W" },
        { "another machine's", other,
          "another machine, intel_xeon_platinum_8259cl with 96 CPUs; this one is "
          "intel_xeon_platinum_8275cl with 96" },
        { "cut JSON", cut, "/model: line 1, column 12: " },
        { "no model", list, "/model: its model makes no sense here: no model: neither" },
        { "more than 1 MiB", large, "/model: the answer is larger than 1048576 bytes" },
        { "no answer", "", "/model: Empty reply" },
        { "silence", NULL, "/model: Operation timed out" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server server;
        server_start(&server, &rows[i].answer, 1);
        AUTO_STR url = url_of(&server);
        struct model_server_config config = config_of(url);
        config.times.request = rows[i].answer ? 5000 : 100;
        struct model_server *s = open_or_fail(&config);
        until(s, -EAGAIN, rows[i].says);
        bool has_dram = strcmp(rows[i].answer ? rows[i].answer : "", negative) == 0;
        assert_true(model_server_has_news(s) == has_dram);
        model_server_close(s);
        server_end(&server);
    }
}

static void it_is_asked_again_and_a_model_survives_a_failure(void **state)
{
    (void)state;
    AUTO_STR fails = answer_of(500, "oops");
    AUTO_STR good = recorded("nodetype2-abspower-rapl-sgd");
    AUTO_STR better = recorded("nodetype2-abspower-rapl-exponential");
    const char *const answers[] = { fails, fails, good, fails, fails, better };
    struct server server;
    server_start(&server, answers, ARRAY_LEN(answers));
    AUTO_STR url = url_of(&server);
    struct model_server_config config = config_of(url);
    struct model_server *s = open_or_fail(&config);
    until(s, 0, "linear");
    assert_true(model_server_has_news(s));
    while (served(&server) < 5) { /* failures between: the model is there all the time */
        struct server_model m;
        assert_int_equal(model_server_get(s, ZONE_PACKAGE, &m, NULL), 0);
    }
    until(s, 0, "exponential"); /* a retrained one is taken */
    assert_true(model_server_has_news(s));
    model_server_close(s);
    server_end(&server);
}

static char *new_folder(void)
{
    char *dir = mem_strdup("/tmp/model-server-test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    return dir;
}

static void remove_folder(const char *dir)
{
    AUTO_STR command = mem_printf("rm -r '%s'", dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a path made above */
}

static void the_kept_model_is_used_when_nobody_answers(void **state)
{
    (void)state;
    AUTO_STR dir = new_folder();
    AUTO_STR cache = mem_printf("%s/made", dir);
    AUTO_STR good = recorded("nodetype2-abspower-rapl-sgd");
    const char *const answers[] = { good };
    struct server server;
    server_start(&server, answers, 1);
    AUTO_STR url = url_of(&server);
    struct model_server_config config = config_of(url);
    config.cache_dir = cache;
    struct model_server *s = open_or_fail(&config);
    until(s, 0, "linear");
    model_server_close(s);
    server_end(&server); /* nobody listens on its port now */

    s = open_or_fail(&config);
    until(s, 0, "linear");
    assert_true(model_server_has_news(s));
    model_server_close(s);

    config.trainer = "SGDRegressorTrainer"; /* another question: nothing is kept of it */
    s = open_or_fail(&config);
    until(s, -EAGAIN, "connect to");
    model_server_close(s);
    remove_folder(dir);
}

/* A cluster's front answers 404 before the server behind it is known, and 503 once it is down. */
static void the_kept_model_is_used_also_after_another_failure(void **state)
{
    (void)state;
    AUTO_STR dir = new_folder();
    AUTO_STR good = recorded("nodetype2-abspower-rapl-sgd");
    AUTO_STR missing = answer_of(404, "default backend");
    AUTO_STR spare = answer_of(503, "busy");
    const char *const answers[] = { good, missing, spare };
    struct server server;
    server_start(&server, answers, ARRAY_LEN(answers));
    AUTO_STR url = url_of(&server);
    struct model_server_config config = config_of(url);
    config.cache_dir = dir;
    config.times.refresh = 60000; /* the first one asks once */
    struct model_server *s = open_or_fail(&config);
    until(s, 0, "linear");
    model_server_close(s);
    assert_int_equal(served(&server), 1);
    s = open_or_fail(&config);
    until(s, 0, "linear");
    assert_true(served(&server) >= 3);
    model_server_close(s);
    server_end(&server);
    remove_folder(dir);
}

static void close_does_not_wait_for_a_slow_server(void **state)
{
    (void)state;
    const char *const silent[] = { NULL };
    struct server server;
    server_start(&server, silent, 1);
    AUTO_STR url = url_of(&server);
    struct model_server_config config = config_of(url);
    config.times.request = 60000;
    struct model_server *s = open_or_fail(&config);
    while (served(&server) == 0)
        (void)poll(NULL, 0, 2);
    until(s, -EAGAIN, "has not answered yet");
    uint64_t before = clock_monotonic_ns();
    model_server_close(s);
    assert_true(clock_monotonic_ns() - before < 10 * NS_PER_SEC); /* 2 s, and a busy machine */
    server_end(&server);
}

static void settings_that_make_no_sense(void **state)
{
    static const struct {
        struct model_server_config config;
        const char *says;
    } rows[] = {
        { { .url = "model-server:8100" }, "power.modelServer.url: \"model-server:8100\"" },
        { { .url = "" }, "power.modelServer.url: \"\"" },
        { { .url = "http://x", .node_type = "c5.metal" }, "nodeType: \"c5.metal\"" },
        { { .url = "http://x", .node_type = "-1" }, "nodeType: \"-1\"" },
        { { .url = "http://x", .ca_file = "/nonexistent.pem" }, "caFile: cannot read /nonex" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct model_server *s = NULL;
        struct err err = { 0 };
        int code = model_server_open(&rows[i].config, &machine, &s, &err);
        if (code != -EINVAL || s || !strstr(err.text, rows[i].says))
            fail_msg("%s: %d %s", rows[i].says, code, err.text);
    }
    model_server_close(NULL);
}

/* -- the cache file -- */

static void a_kept_reply_that_is_not_ours_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "", "line 1" },
        { "{\"schema\":\"kepler-model-cache/1\"", "line 1" },
        { "{\"schema\":\"other/1\"}", "its schema is \"other/1\"" },
        { "{\"schema\":\"kepler-model-cache/1\",\"of\":\"b\"}", "it is of \"b\", not of \"a\"" },
        { "{\"schema\":\"kepler-model-cache/1\",\"of\":\"a\"}", "there is no reply" },
        { "{\"schema\":\"kepler-model-cache/1\",\"of\":\"a\",\"reply\":{}}", "when it was saved" },
    };
    (void)state;
    AUTO_STR dir = new_folder();
    AUTO_STR path = model_cache_path(dir, "a");
    AUTO_STR other = model_cache_path(dir, "b");
    assert_string_not_equal(path, other);
    struct model_cached kept = { 0 };
    struct err err = { 0 };
    assert_int_equal(model_cache_read(path, "a", 5, &kept, &err), -ENOENT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(file_replace(path, rows[i].text, strlen(rows[i].text), 0644, &err), 0);
        int code = model_cache_read(path, "a", 5, &kept, &err);
        if (code != -EBADMSG || !strstr(err.text, rows[i].says) || !strstr(err.text, path))
            fail_msg("%s: %d %s", rows[i].text, code, err.text);
    }
    AUTO_JSON reply = json_parse("{\"mae\":1}", 9, &err);
    assert_int_equal(model_cache_write(path, "a", reply, 1000, &err), 0);
    assert_int_equal(model_cache_read(path, "a", 4600, &kept, &err), 0);
    AUTO_JSON again = kept.reply;
    assert_true(kept.age_seconds == 3600 && json_number(again, "mae", 0) == 1);
    assert_int_equal(model_cache_read(path, "a", 10, &kept, &err), 0); /* the clock was set back */
    assert_true(kept.age_seconds == 0);
    json_free(kept.reply);
    AUTO_STR nowhere = mem_printf("%s/no/no/model.json", dir);
    assert_int_equal(model_cache_write(nowhere, "a", reply, 1000, &err), -ENOENT);
    remove_folder(dir);
}

/* -- names -- */

static void processors_are_named_as_the_server_names_them(void **state)
{
    static const struct {
        const char *model_name, *name;
    } rows[] = {
        { "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", "intel_xeon_platinum_8275cl" },
        { "Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "intel_xeon_e5_2686v4" },
        { "Intel(R) Xeon(R) CPU E3-1280 @ 3.50GHz", "intel_xeon_e3_1280" },
        { "AMD EPYC 9654 96-Core Processor", "amd_epyc_9654" },
        { "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", "intel_core_i7_8700" },
        { "Xeon [broken", "xeon" },
        { "  ", "" },
        { "", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[96];
        model_processor_name(rows[i].model_name, name, sizeof(name));
        assert_string_equal(name, rows[i].name);
    }
}

static void whose_model_it_is(void **state)
{
    static const struct {
        const char *why, *reply, *node_type, *says;
    } rows[] = {
        { "it does not say", "{}", NULL, NULL },
        { "this one",
          "{\"machine_spec\":{\"NodeAttribute.PROCESSOR\":\"intel_xeon_platinum_8275cl\","
          "\"NodeAttribute.CORES\":96}}",
          NULL, NULL },
        { "this one, counted in cores and written otherwise",
          "{\"machine_spec\":{\"processor\":\"Intel Xeon Platinum-8275CL\",\"cores\":48.0}}", NULL,
          NULL },
        { "another processor", "{\"machine_spec\":{\"processor\":\"intel_xeon_platinum_8275\"}}",
          NULL, "intel_xeon_platinum_8275 with 0 CPUs" },
        { "the same processor in a larger machine",
          "{\"machine_spec\":{\"NodeAttribute.PROCESSOR\":\"intel_xeon_platinum_8275cl\","
          "\"NodeAttribute.CORES\":192}}",
          NULL, "with 192 CPUs; this one is intel_xeon_platinum_8275cl with 96" },
        { "the node type", "{\"model_name\":\"SGDRegressorTrainer_2\"}", "2", NULL },
        { "a part of its name", "{\"model_name\":\"SGDRegressorTrainer_12\"}", "2",
          "a model of node type 12, not 2" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        AUTO_JSON reply = json_parse(rows[i].reply, strlen(rows[i].reply), &err);
        int code = model_reply_is_ours(reply, &c5metal, rows[i].node_type, &err);
        if (code != (rows[i].says ? -ENXIO : 0) ||
            (rows[i].says && !strstr(err.text, rows[i].says)))
            fail_msg("%s: %d %s", rows[i].why, code, err.text);
    }
}

int main(void)
{
    (void)setenv("no_proxy", "127.0.0.1", 1);
    (void)alarm(240); /* a server that hangs must not hang the tests */
    log_setup(LOG_ERROR, LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_taken_and_said_once),
        cmocka_unit_test(the_request_is_as_the_real_one_wants_it),
        cmocka_unit_test(what_goes_wrong_is_told),
        cmocka_unit_test(it_is_asked_again_and_a_model_survives_a_failure),
        cmocka_unit_test(the_kept_model_is_used_when_nobody_answers),
        cmocka_unit_test(the_kept_model_is_used_also_after_another_failure),
        cmocka_unit_test(close_does_not_wait_for_a_slow_server),
        cmocka_unit_test(settings_that_make_no_sense),
        cmocka_unit_test(a_kept_reply_that_is_not_ours_is_refused),
        cmocka_unit_test(processors_are_named_as_the_server_names_them),
        cmocka_unit_test(whose_model_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
