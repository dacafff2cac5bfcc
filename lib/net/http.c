/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/cleanup.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <strings.h>

#define REDIRECTS_MAX 5L

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* On first use, not at start: a program that never asks anything does not pay for it. */
static void global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)fputs("libcurl cannot be initialised\n", stderr);
        exit(EXIT_FAILURE);
    }
}

static void easy_cleanup(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

static void slist_free(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *body)
{
    struct buf *to = body;
    buf_add(to, bytes, size * n);
    return to->full ? 0 : size * n; /* less than n ends the transfer */
}

static const char *method_of(const struct http_request *r)
{
    return r->method ? r->method : "GET";
}

/* -- for sentences -- */

struct shown {
    char url[256]; /* no password, no query: it goes into logs */
};

static struct shown show(const char *url)
{
    struct shown s;
    const char *scheme_end = strstr(url, "://");
    size_t scheme = scheme_end ? (size_t)(scheme_end - url) + 3 : 0;
    const char *rest = url + scheme;
    size_t authority = strcspn(rest, "/?#");
    const char *at = memrchr(rest, '@', authority);
    rest = at ? at + 1 : rest;
    (void)snprintf(s.url, sizeof(s.url), "%.*s%.*s", (int)scheme, url, (int)strcspn(rest, "?#"),
                   rest);
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
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; list && i < r->headers; i++) {
        struct curl_slist *longer = curl_slist_append(list, r->header[i]);
        if (!longer)
            curl_slist_free_all(list);
        list = longer;
    }
    return list;
}

static void set_protocols(CURL *curl, const struct http_request *r)
{
    bool secure = strncasecmp(r->url, "https:", 6) == 0;
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85.0; the older option is deprecated from there on */
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    (void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS,
                           (long)(CURLPROTO_HTTPS | (secure ? 0 : CURLPROTO_HTTP)));
#endif
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, r->follow ? 1L : 0L);
    (void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
}

static void set_method(CURL *curl, const struct http_request *r)
{
    const char *method = method_of(r);
    if (r->body) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body);
    }
    if (strcmp(method, "HEAD") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (r->body || strcmp(method, "GET") != 0) {
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_options(CURL *curl, const struct http_request *r, struct curl_slist *headers,
                        struct buf *body)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, r->url);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (r->ca_file)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, r->ca_file);
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
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].result == result)
            return rows[i].code;
    }
    long system = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &system);
    if (result == CURLE_COULDNT_CONNECT)
        return system > 0 ? -(int)system : -ECONNREFUSED;
    return -EIO;
}

static int transfer(CURL *curl, const struct http_request *r, struct buf *body, struct err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_OK)
        return 0;
    const char *cause = detail[0] ? detail : curl_easy_strerror(result);
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
    (void)pthread_once(&once, global_init);
    CLEANUP(slist_free) struct curl_slist *headers = header_list(request);
    CLEANUP(easy_cleanup) CURL *curl = curl_easy_init();
    if (!curl || !headers)
        return err_set(err, -ENOMEM, "%s: no memory for a request", show(request->url).url);

    AUTO_BUF body;
    buf_init(&body, request->limit);
    set_options(curl, request, headers, &body);
    code = transfer(curl, request, &body, err);
    if (code < 0)
        return code;
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
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
    return curl_version();
}
