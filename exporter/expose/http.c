/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/http.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "expose/clients.h"
#include "expose/listen.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdint.h>

#define CONNECTIONS_MAX   128u         /* a listener; more are refused */
#define IDLE_SECONDS      10u          /* a silent connection is closed */
#define CONNECTION_MEMORY (32u * 1024) /* request headers and a send buffer */
#define TEXT_TYPE         "text/plain; charset=utf-8"
#define METRICS_TYPE      "text/plain; version=0.0.4; charset=utf-8"
#define ENDPOINTS         "/metrics, /healthz, /probe/livez, /probe/readyz\n"

/* The text of one snapshot; freed with its last reader. */
struct page {
    char *text;
    size_t len;
    unsigned refs; /* atomic */
};

struct listener {
    struct MHD_Daemon *daemon;
    char where[80];
};

struct http_server {
    struct listener *listener;
    size_t n;
    struct clients clients;

    pthread_mutex_t lock; /* of what is below; held for a few instructions only */
    struct page *page;    /* NULL until the first publish */
    bool scraped, healthy;
    char why[256];
};

/* -- the shared text -- */

static void page_release(void *arg)
{
    struct page *p = arg;
    if (p && __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        free(p->text);
        free(p);
    }
}

/* The page with a reference for the caller, NULL before the first publish. @is_shown: its text is
   sent, not its head alone. */
static struct page *page_take(struct http_server *s, bool is_shown)
{
    (void)pthread_mutex_lock(&s->lock);
    struct page *p = s->page;
    if (p) {
        (void)__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
        s->scraped = s->scraped || is_shown;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return p;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is freed by page_release() */
void http_publish(struct http_server *s, char *text, size_t len)
{
    struct page *next = mem_new(1, sizeof(*next));
    *next = (struct page){ .text = text, .len = len, .refs = 1 };
    (void)pthread_mutex_lock(&s->lock);
    struct page *last = s->page;
    s->page = next;
    s->scraped = false;
    (void)pthread_mutex_unlock(&s->lock);
    page_release(last);
}

bool http_was_scraped(struct http_server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    bool was = s->scraped;
    s->scraped = false;
    (void)pthread_mutex_unlock(&s->lock);
    return was;
}

void http_set_health(struct http_server *s, bool healthy, const char *why)
{
    (void)pthread_mutex_lock(&s->lock);
    s->healthy = healthy;
    (void)snprintf(s->why, sizeof(s->why), "%s", why ? why : "");
    (void)pthread_mutex_unlock(&s->lock);
}

/* -- answers -- */

/* Takes @response over. */
static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
                              struct MHD_Response *response)
{
    if (!response)
        return MHD_NO; /* out of memory: the connection is closed */
    enum MHD_Result rc = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED && rc == MHD_YES)
        rc = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (rc == MHD_YES)
        rc = MHD_queue_response(c, status, response);
    MHD_destroy_response(response);
    return rc;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned status, const char *text)
{
    char copy[512];
    int n = snprintf(copy, sizeof(copy), "%s", text);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(copy) ? (size_t)n : sizeof(copy) - 1;
    return answer(c, status, TEXT_TYPE,
                  MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result answer_metrics(struct http_server *s, struct MHD_Connection *c, bool is_get)
{
    struct page *p = page_take(s, is_get);
    if (!p)
        return answer_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "the first sample is being taken\n");
    struct MHD_Response *r =
        MHD_create_response_from_buffer_with_free_callback_cls(p->len, p->text, page_release, p);
    if (!r)
        page_release(p);
    return answer(c, MHD_HTTP_OK, METRICS_TYPE, r);
}

static enum MHD_Result answer_health(struct http_server *s, struct MHD_Connection *c, bool is_get)
{
    (void)is_get;
    char text[sizeof(s->why) + 8];
    (void)pthread_mutex_lock(&s->lock);
    bool healthy = s->healthy;
    (void)snprintf(text, sizeof(text), "%s\n", healthy ? "ok" : s->why);
    (void)pthread_mutex_unlock(&s->lock);
    return answer_text(c, healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

static enum MHD_Result answer_ready(struct http_server *s, struct MHD_Connection *c, bool is_get)
{
    (void)is_get;
    (void)pthread_mutex_lock(&s->lock);
    bool ready = s->page != NULL;
    (void)pthread_mutex_unlock(&s->lock);
    return answer_text(c, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                       ready ? "ok\n" : "the first sample is being taken\n");
}

/* For who opens the address in a browser. */
static enum MHD_Result answer_index(struct http_server *s, struct MHD_Connection *c, bool is_get)
{
    static char page[] =
        "<!doctype html><html lang=\"en\"><title>kepler-exporter</title>"
        "<body style=\"font: 1.1em/1.6 sans-serif; margin: 3em\"><h1>kepler-exporter</h1><ul>"
        "<li><a href=\"/metrics\">/metrics</a> for Prometheus"
        "<li><a href=\"/healthz\">/healthz</a>, <a href=\"/probe/livez\">/probe/livez</a>: is it "
        "well?<li><a href=\"/probe/readyz\">/probe/readyz</a>: has it metrics?</ul>\n";
    (void)s;
    (void)is_get;
    return answer(c, MHD_HTTP_OK, "text/html; charset=utf-8",
                  MHD_create_response_from_buffer(sizeof(page) - 1, page, MHD_RESPMEM_PERSISTENT));
}

static const struct {
    const char *path;
    enum MHD_Result (*answer)(struct http_server *s, struct MHD_Connection *c, bool is_get);
} endpoints[] = {
    { "/", answer_index },
    { "/metrics", answer_metrics },
    { "/healthz", answer_health },
    { "/probe/livez", answer_health },
    { "/probe/readyz", answer_ready },
};

static enum MHD_Result handle( // NOLINT(readability-function-size): MHD_AccessHandlerCallback
    void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **request)
{
    /* #lizard forgives: the signature is MHD_AccessHandlerCallback */
    static int seen; /* its address marks a request whose headers were read before */
    (void)version;
    (void)upload;
    bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    if (!is_get && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n");
    if (!*request) {
        *request = &seen;
        return MHD_YES;
    }
    if (*upload_size) { /* a GET with a body, which nobody reads */
        *upload_size = 0;
        return MHD_YES;
    }
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        if (strcmp(url, endpoints[i].path) == 0)
            return endpoints[i].answer(arg, c, is_get);
    }
    return answer_text(c, MHD_HTTP_NOT_FOUND, "not found; there are " ENDPOINTS);
}

/* No page here has an escape in its path; "%00" would end the text before its end. */
static size_t keep_escapes(void *arg, struct MHD_Connection *c, char *path)
{
    (void)arg;
    (void)c;
    return strlen(path);
}

/* -- connections -- */

static void on_connection(void *arg, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (code == MHD_CONNECTION_NOTIFY_STARTED && info) {
        *context = clients_add(&s->clients, info->connect_fd, clock_monotonic_ns());
    } else if (code == MHD_CONNECTION_NOTIFY_CLOSED && *context) {
        clients_remove(&s->clients, *context);
        *context = NULL;
    }
}

static void on_completed(void *arg, struct MHD_Connection *c, void **request,
                         enum MHD_RequestTerminationCode code)
{
    struct http_server *s = arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    (void)request;
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK && info && info->socket_context)
        clients_renew(&s->clients, info->socket_context, clock_monotonic_ns());
}

void http_expire(struct http_server *s, uint64_t now_ns)
{
    clients_expire(&s->clients, now_ns, HTTP_DEADLINE_NS);
}

/* -- listeners -- */

static int start_listener(struct http_server *s, const char *text, struct listener *l,
                          struct err *err)
{
    struct http_address address;
    int fd = -1;
    int rc = http_address_parse(text, &address, err);
    if (rc < 0)
        return rc;
    if (address.tls) {
        return err_set(err, -ENOTSUP,
                       "TLS is not in this version: listen on http:// instead of %s, behind a "
                       "TLS proxy",
                       text);
    }
    rc = listen_open(&address, &fd, l->where, sizeof(l->where), err);
    if (rc < 0)
        return rc;
    /* From here on the socket is the daemon's. */
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
    if (!l->daemon) {
        return err_set(err, -EIO,
                       "the HTTP server on %s does not start: too few file descriptors or threads "
                       "are left (ulimit -n, ulimit -u)",
                       l->where);
    }
    return 0;
}

int http_open(const char *const *address, size_t n, struct http_server **ret, struct err *err)
{
    struct http_server *s = mem_new(1, sizeof(*s));
    (void)pthread_mutex_init(&s->lock, NULL);
    clients_init(&s->clients);
    s->healthy = true;
    s->listener = mem_new(n, sizeof(*s->listener));
    for (; s->n < n; s->n++) {
        int rc = start_listener(s, address[s->n], &s->listener[s->n], err);
        if (rc < 0) {
            http_close(s);
            return rc;
        }
    }
    *ret = s;
    return 0;
}

void http_close(struct http_server *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        MHD_stop_daemon(s->listener[i].daemon);
    page_release(s->page);
    clients_done(&s->clients);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->listener);
    free(s);
}

const char *http_listening(const struct http_server *s, size_t i)
{
    return s->listener[i].where;
}
