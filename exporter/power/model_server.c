/* SPDX-License-Identifier: Apache-2.0 */
#include "power/model_server.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/number.h"
#include "net/http.h"
#include "power/model_cache.h"
#include "power/model_request.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/random.h>

#define REPLY_LIMIT ((size_t)1 << 20)

static const struct model_server_times usual = {
    .request = 2000, .first = 30 * 1000, .most = 30 * 60 * 1000, .refresh = 10 * 60 * 1000
};

/* All of it but what stands below the lock is written before the thread starts. */
struct model_server {
    char *url, *shown, *trainer, *node_type, *ca_file; /* owned; NULL as in the configuration */
    char *request;                                     /* body */
    char *cache, *cache_key;                           /* path, NULL: none is kept */
    const struct cpu_facts *cpu;
    struct weights_machine machine;
    struct model_server_times times;
    pthread_t thread;
    atomic_bool stop, news;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* of CLOCK_MONOTONIC */
    bool has_model;
    struct weights_reply model;
    struct err last;        /* of the last request; "" it was of use */
    uint64_t next_ns;       /* when it is asked again; 0: it is being asked */
    unsigned failures;      /* in a row */
    int told;               /* code that was logged last; 0 it is well */
    bool cache_write_fails; /* and that was logged */
    bool cache_tried;       /* once is enough: nothing else writes it */
};

/* -- one request -- */

struct answer {
    struct weights_reply model;
    int status; /* of HTTP; 0: no answer */
};

static int post(struct model_server *s, struct http_response *ret, struct err *err)
{
    static const char *const headers[] = { "Content-Type: application/json" };
    const struct http_request request = {
        .method = "POST",
        .url = s->url,
        .header = headers,
        .headers = ARRAY_LEN(headers),
        .body = s->request,
        .body_len = strlen(s->request),
        .timeout_ms = (int)s->times.request,
        .limit = REPLY_LIMIT,
        .ca_file = s->ca_file,
        .cancel = &s->stop,
    };
    return http_send(&request, ret, err);
}

/* Whether @reply is a model for this machine that can be true. */
static int judge(const struct model_server *s, const struct json *reply, struct weights_reply *ret,
                 struct err *err)
{
    int code = model_reply_is_ours(reply, s->cpu, s->node_type, err);
    if (code < 0)
        return code;
    code = weights_reply_parse(reply, s->trainer, &s->machine, ret, err);
    if (code < 0) {
        const char *name = json_text(reply, "model_name", s->trainer ? s->trainer : "its model");
        err_prefix(err, "%.80s makes no sense here", name);
    }
    return code;
}

static void save(struct model_server *s, const struct json *reply)
{
    struct err err = { 0 };
    if (!s->cache)
        return;
    bool fails = model_cache_write(s->cache, s->cache_key, reply, time(NULL), &err) < 0;
    if (fails && !s->cache_write_fails)
        log_warn("the model is not kept for the next start: %s", err.text);
    s->cache_write_fails = fails;
}

static int ask(struct model_server *s, struct answer *ret, struct err *err)
{
    AUTO_HTTP_RESPONSE response = { 0 };
    int code = post(s, &response, err);
    if (code < 0)
        return code;
    ret->status = response.status;
    if (response.status != 200)
        return model_explain_status(s->shown, response.status, buf_text(&response.body), err);
    AUTO_JSON reply = json_parse(buf_text(&response.body), response.body.len, err);
    code = reply ? judge(s, reply, &ret->model, err) : -EBADMSG;
    if (code < 0) {
        err_prefix(err, "%s", s->shown);
        return code;
    }
    save(s, reply);
    return 0;
}

/* -- what follows from an answer; under the lock, logged after it -- */

static bool is_same(const struct weights *a, const struct weights *b)
{
    bool same = a->kind == b->kind && a->bias == b->bias && a->weight == b->weight &&
                a->scale_ms == b->scale_ms;
    for (size_t i = 0; i < ARRAY_LEN(a->curve); i++)
        same = same && a->curve[i] == b->curve[i];
    return same;
}

static bool is_same_model(const struct weights_reply *a, const struct weights_reply *b)
{
    bool same = strcmp(a->model_name, b->model_name) == 0 && strcmp(a->rejected, b->rejected) == 0;
    for (size_t zone = 0; zone < ZONE_COUNT; zone++) {
        same = same && a->has[zone] == b->has[zone] &&
               (!a->has[zone] || is_same(&a->zone[zone], &b->zone[zone]));
    }
    return same;
}

static void name_of(const struct model_server *s, const struct weights_reply *m, char *ret,
                    size_t size)
{
    const char *name = m->model_name[0] ? m->model_name : s->trainer;
    for (size_t zone = 0; !name && zone < ZONE_COUNT; zone++) {
        if (m->has[zone])
            name = weights_kind_name(m->zone[zone].kind);
    }
    (void)snprintf(ret, size, "%s", name ? name : "");
}

static void describe(const struct model_server *s, const struct weights_reply *m, struct buf *to)
{
    char name[sizeof(m->model_name)];
    name_of(s, m, name, sizeof(name));
    buf_printf(to, "%s for", name);
    for (size_t zone = 0; zone < ZONE_COUNT; zone++) {
        if (m->has[zone])
            buf_printf(to, " %s", energy_zone_name((enum energy_zone)zone));
    }
    if (m->rejected[0])
        buf_printf(to, "; not taken: %s", m->rejected);
}

static void adopt(struct model_server *s, const struct weights_reply *model)
{
    s->model = *model;
    s->has_model = true;
    atomic_store(&s->news, true);
}

static void take(struct model_server *s, const struct weights_reply *model, struct buf *event)
{
    bool is_new = !s->has_model || !is_same_model(&s->model, model);
    if (is_new) {
        adopt(s, model);
        buf_printf(event, "%s: model ", s->shown);
        describe(s, model, event);
    } else if (s->told != 0) {
        buf_printf(event, "%s: answers again, its model is the same", s->shown);
    }
    s->failures = 0;
    s->told = 0;
    s->last = (struct err){ 0 };
}

/* The model of the last run, judged as if it came from the server. */
static int take_cached(struct model_server *s, struct buf *event)
{
    struct err err = { 0 };
    struct weights_reply model = { .model_name = "" };
    struct model_cached kept = { 0 };
    int code = model_cache_read(s->cache, s->cache_key, time(NULL), &kept, &err);
    AUTO_JSON reply = kept.reply;
    if (code == -ENOENT)
        return code;
    if (code == 0) {
        code = judge(s, reply, &model, &err);
        if (code < 0)
            err_prefix(&err, "%s", s->cache);
    }
    if (code < 0) {
        buf_printf(event, "; the kept model is ignored: %s", err.text);
        return code;
    }
    adopt(s, &model);
    buf_printf(event, "; the model of %.1f h ago (%s) is used: ", kept.age_seconds / 3600,
               s->cache);
    describe(s, &model, event);
    return 0;
}

static void fail(struct model_server *s, const struct err *err, int status, struct buf *event)
{
    bool is_down = status == 0 || status >= 500;
    s->failures++;
    s->last = *err;
    if (s->told == err->code)
        return;
    s->told = err->code;
    buf_str(event, err->text);
    if (s->has_model) {
        buf_str(event, "; the model that it gave is kept");
    } else if (is_down && s->cache && !s->cache_tried) {
        s->cache_tried = true;
        (void)take_cached(s, event);
    }
}

/* -- the thread -- */

static uint64_t with_jitter_ns(uint64_t ms)
{
    uint32_t random = UINT32_MAX / 2;
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK); /* machines of a cluster spread */
    return (uint64_t)((double)(ms * NS_PER_MS) * (0.9 + 0.2 * random / UINT32_MAX));
}

static uint64_t wait_ms(const struct model_server *s)
{
    uint64_t most = s->times.most;
    uint64_t ms = s->times.first;
    if (s->failures == 0)
        return s->times.refresh;
    for (unsigned i = 1; i < s->failures && ms < most; i++)
        ms *= 2;
    if (s->has_model && s->times.refresh < most)
        most = s->times.refresh;
    return ms < most ? ms : most;
}

static void ask_and_take(struct model_server *s)
{
    struct err err = { 0 };
    struct answer answer = { 0 };
    AUTO_BUF event;
    buf_init(&event, 2048);
    int code = ask(s, &answer, &err);
    if (atomic_load(&s->stop))
        return;
    (void)pthread_mutex_lock(&s->lock);
    if (code < 0) {
        fail(s, &err, answer.status, &event);
    } else {
        take(s, &answer.model, &event);
    }
    s->next_ns = clock_monotonic_ns() + with_jitter_ns(wait_ms(s));
    (void)pthread_mutex_unlock(&s->lock);
    if (event.len > 0)
        log_event(code < 0 ? LOG_WARN : LOG_INFO, "model server %s", buf_text(&event));
}

static void wait_for_next(struct model_server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    const struct timespec until = { .tv_sec = (time_t)(s->next_ns / NS_PER_SEC),
                                    .tv_nsec = (long)(s->next_ns % NS_PER_SEC) };
    int code = 0;
    while (!atomic_load(&s->stop) && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&s->wake, &s->lock, &until);
    s->next_ns = 0;
    (void)pthread_mutex_unlock(&s->lock);
}

static void *serve(void *server)
{
    struct model_server *s = server;
    while (!atomic_load(&s->stop)) {
        ask_and_take(s);
        wait_for_next(s);
    }
    return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct model_server *s)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = -pthread_create(&s->thread, NULL, serve, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* -- open and close -- */

static int check_config(const struct model_server_config *c, struct err *err)
{
    uint64_t number;
    if (strncasecmp(c->url, "http://", 7) != 0 && strncasecmp(c->url, "https://", 8) != 0) {
        return err_set(err, -EINVAL,
                       "power.modelServer.url: \"%s\" is no address; write http://HOST:8100",
                       c->url);
    }
    if (c->node_type && (number_parse_u64(c->node_type, 10, &number) < 0 || number > INT32_MAX)) {
        return err_set(err, -EINVAL,
                       "power.modelServer.nodeType: \"%s\" is no node type; it is a number that "
                       "the server gave to a kind of machine",
                       c->node_type);
    }
    if (c->ca_file && access(c->ca_file, R_OK) < 0) {
        return err_set(err, -EINVAL, "power.modelServer.caFile: cannot read %s: %s", c->ca_file,
                       strerror(errno));
    }
    return 0;
}

/* With or without "/model" at its end, as Kepler's own configuration has both. */
static char *endpoint(const char *url)
{
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    bool whole = n >= 6 && strncmp(url + n - 6, "/model", 6) == 0;
    return mem_printf("%.*s%s", (int)n, url, whole ? "" : "/model");
}

static char *copy(const char *text)
{
    return text && text[0] ? mem_strdup(text) : NULL;
}

static unsigned or_usual(unsigned ms, unsigned usual_ms)
{
    return ms > 0 ? ms : usual_ms;
}

static void set_up(struct model_server *s, const struct model_server_config *c, double memory_gb)
{
    char shown[256];
    s->url = endpoint(c->url);
    http_url_show(s->url, shown, sizeof(shown));
    s->shown = mem_strdup(shown);
    s->trainer = copy(c->trainer);
    s->node_type = copy(c->node_type);
    s->ca_file = copy(c->ca_file);
    s->request = model_request_text(s->cpu, memory_gb, s->trainer, s->node_type);
    s->cache_key = mem_printf("%s %s", s->shown, s->request);
    if (c->cache_dir && c->cache_dir[0])
        s->cache = model_cache_path(c->cache_dir, s->cache_key);
    s->times.request = or_usual(c->times.request, usual.request);
    s->times.first = or_usual(c->times.first, usual.first);
    s->times.most = or_usual(c->times.most, usual.most);
    s->times.refresh = or_usual(c->times.refresh, usual.refresh);
}

static void set_up_lock(struct model_server *s)
{
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&s->lock, NULL);
}

static void release(struct model_server *s)
{
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->url);
    free(s->shown);
    free(s->trainer);
    free(s->node_type);
    free(s->ca_file);
    free(s->request);
    free(s->cache);
    free(s->cache_key);
    free(s);
}

int model_server_open(const struct model_server_config *config,
                      const struct model_server_machine *machine, struct model_server **ret,
                      struct err *err)
{
    int code = check_config(config, err);
    if (code < 0)
        return code;
    struct model_server *s = mem_new(1, sizeof(*s));
    s->cpu = machine->cpu;
    s->machine = (struct weights_machine){ machine->cpu->threads, machine->ceiling_watts };
    set_up(s, config, machine->memory_gb);
    set_up_lock(s);
    code = start_thread(s);
    if (code < 0) {
        release(s);
        return err_set(err, code, "no thread can be started to ask the model server: %s",
                       strerror(-code));
    }
    *ret = s;
    return 0;
}

void model_server_close(struct model_server *s)
{
    if (!s)
        return;
    (void)pthread_mutex_lock(&s->lock);
    atomic_store(&s->stop, true);
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    release(s);
}

/* -- what the sources ask; any thread -- */

static int explain_none(const struct model_server *s, enum energy_zone zone, struct err *err)
{
    AUTO_BUF why;
    buf_init(&why, 1024);
    if (s->has_model) {
        buf_printf(&why, "%s: no usable model of %s: it has ", s->shown, energy_zone_name(zone));
        describe(s, &s->model, &why);
    } else if (s->failures > 0) {
        buf_str(&why, s->last.text);
    } else {
        buf_printf(&why, "%s: has not answered yet", s->shown);
    }
    uint64_t now_ns = clock_monotonic_ns();
    if (s->next_ns > now_ns)
        buf_printf(&why, "; asked again in %.0f s", (double)(s->next_ns - now_ns) / NS_PER_SEC);
    return err_set(err, -EAGAIN, "%s", buf_text(&why));
}

int model_server_get(struct model_server *s, enum energy_zone zone, struct server_model *ret,
                     struct err *err)
{
    int code = 0;
    (void)pthread_mutex_lock(&s->lock);
    if (s->has_model && s->model.has[zone]) {
        ret->weights = s->model.zone[zone];
        name_of(s, &s->model, ret->name, sizeof(ret->name));
    } else {
        code = explain_none(s, zone, err);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return code;
}

bool model_server_has_news(struct model_server *s)
{
    return atomic_exchange(&s->news, false);
}
