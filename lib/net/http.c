/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/cleanup.h"

#define CURL_DISABLE_TYPECHECK /* its macros would call the functions by name */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <strings.h>

#define REDIRECTS_MAX 5L

/* -- the library -- */

/* Debian and Ubuntu: libcurl4 (libcurl4t64 from 2024 on), the ABI of every distribution since 2006;
   libcurl-gnutls.so.4 is the same with another TLS library. */
static const char *const library_names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };

static struct {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_version) *version;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_setopt) *set;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_getinfo) *get;
    __typeof__(curl_easy_strerror) *strerror;
    __typeof__(curl_easy_cleanup) *cleanup;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
} api;

static const struct {
    const char *name;
    void *member;
} symbols[] = {
    { "curl_global_init", &api.global_init },   { "curl_version", &api.version },
    { "curl_easy_init", &api.easy_init },       { "curl_easy_setopt", &api.set },
    { "curl_easy_perform", &api.perform },      { "curl_easy_getinfo", &api.get },
    { "curl_easy_strerror", &api.strerror },    { "curl_easy_cleanup", &api.cleanup },
    { "curl_slist_append", &api.slist_append }, { "curl_slist_free_all", &api.slist_free_all },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char load_failure[300]; /* "" it is there; written once, before anybody reads it */

static void *open_library(void)
{
    void *library = NULL;
    for (size_t i = 0; !library && i < ARRAY_LEN(library_names); i++) {
        library = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL);
        if (!library && i == 0)
            (void)snprintf(load_failure, sizeof(load_failure), "%s", dlerror());
    }
    if (library)
        load_failure[0] = '\0';
    return library;
}

/* Never closed: threads of its resolver may outlive a request. */
static void load(void)
{
    void *library = open_library();
    for (size_t i = 0; library && i < ARRAY_LEN(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol) {
            (void)snprintf(load_failure, sizeof(load_failure), "it has no %s", symbols[i].name);
            return;
        }
        memcpy(symbols[i].member, &symbol, sizeof(symbol));
    }
    if (library && api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        (void)snprintf(load_failure, sizeof(load_failure), "it cannot be initialised");
}

static bool is_loaded(void)
{
    (void)pthread_once(&once, load);
    return load_failure[0] == '\0';
}

static void easy_cleanup(CURL **curl)
{
    if (*curl)
        api.cleanup(*curl);
}

static void slist_free(struct curl_slist **list)
{
    if (*list)
        api.slist_free_all(*list);
}

/* -- callbacks -- */

static size_t take_bytes(char *bytes, size_t size, size_t n, void *body)
{
    struct buf *to = body;
    buf_add(to, bytes, size * n);
    return to->full ? 0 : size * n; /* less than n ends the transfer */
}

/* Called about once a second at least; other than 0 ends the transfer. */
static int look_for_cancel(void *cancel, curl_off_t down, curl_off_t now, curl_off_t up,
                           curl_off_t up_now)
{
    (void)down, (void)now, (void)up, (void)up_now;
    return atomic_load((const atomic_bool *)cancel) ? 1 : 0;
}

static const char *method_of(const struct http_request *r)
{
    return r->method ? r->method : "GET";
}

/* -- for sentences -- */

void http_url_show(const char *url, char *ret, size_t size)
{
    const char *scheme_end = strstr(url, "://");
    size_t scheme = scheme_end ? (size_t)(scheme_end - url) + 3 : 0;
    const char *rest = url + scheme;
    size_t authority = strcspn(rest, "/?#");
    const char *at = memrchr(rest, '@', authority);
    rest = at ? at + 1 : rest;
    (void)snprintf(ret, size, "%.*s%.*s", (int)scheme, url, (int)strcspn(rest, "?#"), rest);
}

struct shown {
    char url[256];
};

static struct shown show(const char *url)
{
    struct shown s = { .url = "" };
    http_url_show(url, s.url, sizeof(s.url));
    return s;
}

/* -- the request -- */

static bool has_line_break(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

static int check(const struct http_request *r, struct err *err)
{
    if (strncasecmp(r->url, "http://", 7) != 0 && strncasecmp(r->url, "https://", 8) != 0) {
        return err_set(err, -EINVAL, "%s: not an address that begins with http:// or https://",
                       show(r->url).url);
    }
    if (r->timeout_ms <= 0 || r->limit == 0) {
        return err_set(err, -EINVAL, "%s: a request needs a time-out and a limit",
                       show(r->url).url);
    }
    bool broken = has_line_break(r->url) || has_line_break(method_of(r));
    for (size_t i = 0; i < r->headers; i++)
        broken = broken || has_line_break(r->header[i]);
    if (broken) {
        return err_set(err, -EINVAL, "%s: a line break in the address, method or a header",
                       show(r->url).url);
    }
    return 0;
}

static struct curl_slist *header_list(const struct http_request *r)
{
    /* a small body is sent at once, not after "100 Continue" */
    struct curl_slist *list = api.slist_append(NULL, "Expect:");
    for (size_t i = 0; list && i < r->headers; i++) {
        struct curl_slist *longer = api.slist_append(list, r->header[i]);
        if (!longer)
            api.slist_free_all(list);
        list = longer;
    }
    return list;
}

/* A library that is older than the headers may not know an option: then it follows nowhere. */
static void set_protocols(CURL *curl, const struct http_request *r)
{
    bool secure = strncasecmp(r->url, "https:", 6) == 0;
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85.0; the older option is deprecated from there on */
    (void)api.set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    CURLcode limited = api.set(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
    (void)api.set(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    CURLcode limited = api.set(curl, CURLOPT_REDIR_PROTOCOLS,
                               (long)(CURLPROTO_HTTPS | (secure ? 0 : CURLPROTO_HTTP)));
#endif
    (void)api.set(curl, CURLOPT_FOLLOWLOCATION, r->follow && limited == CURLE_OK ? 1L : 0L);
    (void)api.set(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
}

static void set_method(CURL *curl, const struct http_request *r)
{
    const char *method = method_of(r);
    if (r->body) {
        (void)api.set(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        (void)api.set(curl, CURLOPT_POSTFIELDS, r->body);
    }
    if (strcmp(method, "HEAD") == 0) {
        (void)api.set(curl, CURLOPT_NOBODY, 1L);
    } else if (r->body || strcmp(method, "GET") != 0) {
        (void)api.set(curl, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_cancel(CURL *curl, const atomic_bool *cancel)
{
    if (!cancel)
        return;
    (void)api.set(curl, CURLOPT_XFERINFOFUNCTION, look_for_cancel);
    (void)api.set(curl, CURLOPT_XFERINFODATA, cancel);
    (void)api.set(curl, CURLOPT_NOPROGRESS, 0L);
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87.0: does not wait for a name server that is silent */
    (void)api.set(curl, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_options(CURL *curl, const struct http_request *r, struct curl_slist *headers,
                        struct buf *body)
{
    (void)api.set(curl, CURLOPT_URL, r->url);
    (void)api.set(curl, CURLOPT_NOSIGNAL, 1L);
    (void)api.set(curl, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    (void)api.set(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)api.set(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)api.set(curl, CURLOPT_HTTPHEADER, headers);
    (void)api.set(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)api.set(curl, CURLOPT_WRITEDATA, body);
    if (r->ca_file)
        (void)api.set(curl, CURLOPT_CAINFO, r->ca_file);
    set_cancel(curl, r->cancel);
    set_protocols(curl, r);
    set_method(curl, r);
}

static int code_of(CURL *curl, CURLcode result)
{
    static const struct {
        CURLcode result;
        int code;
    } rows[] = {
        { CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT },
        { CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH },
        { CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH },
        { CURLE_PEER_FAILED_VERIFICATION, -EACCES },
        { CURLE_SSL_CACERT_BADFILE, -EACCES },
        { CURLE_URL_MALFORMAT, -EINVAL },
        { CURLE_UNSUPPORTED_PROTOCOL, -EINVAL },
        { CURLE_ABORTED_BY_CALLBACK, -ECANCELED },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].result == result)
            return rows[i].code;
    }
    long system = 0;
    (void)api.get(curl, CURLINFO_OS_ERRNO, &system);
    if (result == CURLE_COULDNT_CONNECT)
        return system > 0 ? -(int)system : -ECONNREFUSED;
    return -EIO;
}

static int transfer(CURL *curl, const struct http_request *r, struct buf *body, struct err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    (void)api.set(curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode result = api.perform(curl);
    if (result == CURLE_OK)
        return 0;
    const char *cause = detail[0] ? detail : api.strerror(result);
    if (body->full) {
        return err_set(err, -EFBIG, "%s: the answer is larger than %zu bytes", show(r->url).url,
                       r->limit);
    }
    return err_set(err, code_of(curl, result), "%s: %s", show(r->url).url, cause);
}

int http_send(const struct http_request *request, struct http_response *ret, struct err *err)
{
    int code = check(request, err);
    if (code < 0)
        return code;
    if (!is_loaded()) {
        return err_set(err, -ELIBACC,
                       "%s: libcurl cannot be loaded (%s): install the package libcurl4 "
                       "(libcurl4t64 on newer systems, libcurl on others)",
                       show(request->url).url, load_failure);
    }
    CLEANUP(slist_free) struct curl_slist *headers = header_list(request);
    CLEANUP(easy_cleanup) CURL *curl = api.easy_init();
    if (!curl || !headers)
        return err_set(err, -ENOMEM, "%s: no memory for a request", show(request->url).url);

    AUTO_BUF body;
    buf_init(&body, request->limit);
    set_options(curl, request, headers, &body);
    code = transfer(curl, request, &body, err);
    if (code < 0)
        return code;
    long status = 0;
    (void)api.get(curl, CURLINFO_RESPONSE_CODE, &status);
    *ret = (struct http_response){ .status = (int)status, .body = body };
    buf_init(&body, 0); /* its memory is the caller's now */
    return 0;
}

void http_response_done(struct http_response *response)
{
    buf_done(&response->body);
}

const char *http_library_version(void)
{
    return is_loaded() ? api.version() : "libcurl is missing";
}
