/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/http.h"

#include "base/number.h"

#include <errno.h>
#include <stdint.h>
#include <strings.h>

#define PORT_MAX 65535

static const char *skip_scheme(const char *text, bool *ret_tls)
{
    *ret_tls = strncasecmp(text, "https://", 8) == 0;
    if (*ret_tls)
        return text + 8;
    return strncasecmp(text, "http://", 7) == 0 ? text + 7 : text;
}

static bool is_host_text(const char *host, size_t n)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-_:%";
    return strspn(host, allowed) >= n;
}

/* "[HOST]" or a HOST without colons: the host's length and where it begins; false if it is
   neither. */
static bool cut_host(const char *begin, const char *colon, const char **ret_host, size_t *ret_n)
{
    size_t n = (size_t)(colon - begin);
    if (n >= 2 && begin[0] == '[' && colon[-1] == ']') {
        *ret_host = begin + 1;
        *ret_n = n - 2;
        return n > 2;
    }
    *ret_host = begin;
    *ret_n = n;
    return !memchr(begin, ':', n);
}

int http_address_parse(const char *text, struct http_address *ret, struct err *err)
{
    struct http_address got = { .tls = false };
    const char *host = NULL;
    size_t n = 0;
    uint64_t port = 0;
    const char *begin = skip_scheme(text, &got.tls);
    const char *colon = strrchr(begin, ':');
    bool is_port = colon && strlen(colon + 1) < sizeof(got.port) &&
                   number_parse_u64(colon + 1, 10, &port) == 0 && port <= PORT_MAX;
    if (!is_port || !cut_host(begin, colon, &host, &n) || n >= sizeof(got.host) ||
        !is_host_text(host, n)) {
        return err_set(err, -EINVAL,
                       "\"%.100s\" is no address to listen on: write ADDRESS:PORT or :PORT with a "
                       "port from 0 to 65535, such as 127.0.0.1:28282 or [::1]:28282",
                       text);
    }
    memcpy(got.host, host, n);
    (void)snprintf(got.port, sizeof(got.port), "%u", (unsigned)port);
    *ret = got;
    return 0;
}
