/* SPDX-License-Identifier: Apache-2.0 */
/* EC2's instance metadata service, version 2 (EC2 User Guide, "Use IMDSv2"): a PUT for a token,
   then GETs that carry it. One connection a request, one deadline for all of them. */
#include "host/cloud.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "host/imds_reply.h"
#include "host/span.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define IMDS_ADDRESS "169.254.169.254"
#define IMDS_PORT    80
#define TOKEN_MAX    512 /* real ones have 56 characters */

struct imds {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t address_len;
    char name[INET6_ADDRSTRLEN + 16]; /* "169.254.169.254:80", for people and the Host header */
    int timeout_ms;
    uint64_t deadline_ns;
    char token[TOKEN_MAX];
    struct imds_reply reply; /* the last one, into raw */
    char raw[IMDS_REPLY_LIMIT];
};

/* Addresses only: the static probe has no resolver, and the service has no name. */
static int address_parse(const char *host, int port, struct imds *ret, struct err *err)
{
    if (port <= 0 || port > 65535)
        return err_set(err, -EINVAL, "port %d of the metadata service is not in 1 .. 65535", port);
    in_port_t net_port = htons((uint16_t)port);
    ret->address.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = net_port };
    if (inet_pton(AF_INET, host, &ret->address.v4.sin_addr) == 1) {
        ret->address_len = sizeof(ret->address.v4);
        (void)snprintf(ret->name, sizeof(ret->name), "%s:%d", host, port);
        return 0;
    }
    ret->address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = net_port };
    if (inet_pton(AF_INET6, host, &ret->address.v6.sin6_addr) == 1) {
        ret->address_len = sizeof(ret->address.v6);
        (void)snprintf(ret->name, sizeof(ret->name), "[%s]:%d", host, port);
        return 0;
    }
    return err_set(err, -EINVAL,
                   "\"%s\" is no address of a metadata service: give an IPv4 or IPv6 address",
                   host);
}

/* Until @fd is ready for @events, or the deadline. */
static int wait_for(const struct imds *m, int fd, short events)
{
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns();
        if (now_ns >= m->deadline_ns)
            return -ETIMEDOUT;
        uint64_t left_ms = (m->deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
        struct pollfd p = { .fd = fd, .events = events };
        int n = poll(&p, 1, (int)left_ms);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
    }
}

static int finish_connect(const struct imds *m, int fd)
{
    if (connect(fd, &m->address.any, m->address_len) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return -errno;
    int code = wait_for(m, fd, POLLOUT);
    int failed = 0;
    socklen_t len = sizeof(failed);
    if (code == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0)
        code = -errno;
    return code < 0 ? code : -failed;
}

static int send_all(const struct imds *m, int fd, struct span request)
{
    while (request.len > 0) {
        int code = wait_for(m, fd, POLLOUT);
        if (code < 0)
            return code;
        ssize_t n = send(fd, request.at, request.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        request.at += n > 0 ? n : 0;
        request.len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int receive(struct imds *m, int fd)
{
    size_t len = 0;
    for (;;) {
        int code = wait_for(m, fd, POLLIN);
        if (code < 0)
            return code;
        ssize_t n = recv(fd, m->raw + len, sizeof(m->raw) - len, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0)
            return -errno;
        len += (size_t)n;
        code = imds_reply_parse(m->raw, len, n == 0, &m->reply);
        if (code != -EAGAIN)
            return code;
    }
}

static int exchange(struct imds *m, const char *request)
{
    AUTO_FD fd = socket(m->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int code = finish_connect(m, fd);
    if (code == 0)
        code = send_all(m, fd, span_of(request));
    return code < 0 ? code : receive(m, fd);
}

static int explain(const struct imds *m, const char *what, int code, struct err *err)
{
    const char *head = "the metadata service at";
    switch (code) {
    case -ETIMEDOUT:
        return err_set(err, code,
                       "%s %s did not answer (%s) within %d ms: this is no EC2 instance, or a "
                       "firewall is between, or, in a container, the instance's metadata hop limit "
                       "is 1 (aws ec2 modify-instance-metadata-options "
                       "--http-put-response-hop-limit 2)",
                       head, m->name, what, m->timeout_ms);
    case -ECONNREFUSED:
        return err_set(err, code, "%s %s refused the connection: nothing listens there", head,
                       m->name);
    case -EPROTO:
        return err_set(err, code,
                       "%s %s gave an answer to %s that makes no sense: it is none, or a proxy is "
                       "between",
                       head, m->name, what);
    default:
        return err_set(err, code, "%s %s cannot be asked for %s: %s", head, m->name, what,
                       strerror(-code));
    }
}

/* A reply of status 200 or 404; everything else is an error that @err tells. */
static int ask(struct imds *m, const char *what, const char *request, struct err *err)
{
    int code = exchange(m, request);
    if (code < 0)
        return explain(m, what, code, err);
    switch (m->reply.status) {
    case 200:
    case 404:
        return 0;
    case 401:
    case 403:
        return err_set(err, -EACCES,
                       "the metadata service at %s refused %s (HTTP %d): it is switched off for "
                       "this instance (aws ec2 modify-instance-metadata-options --http-endpoint "
                       "enabled)",
                       m->name, what, m->reply.status);
    default:
        return err_set(err, -EPROTO, "the metadata service at %s answered %s with HTTP %d", m->name,
                       what, m->reply.status);
    }
}

static int fetch_token(struct imds *m, struct err *err)
{
    static const char what[] = "a token";
    char request[256];
    (void)snprintf(request, sizeof(request),
                   "PUT /latest/api/token HTTP/1.1\r\nHost: %s\r\n"
                   "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n",
                   m->name);
    int code = ask(m, what, request, err);
    if (code < 0)
        return code;
    if (m->reply.status != 200 || imds_word_parse(&m->reply, m->token, sizeof(m->token)) < 0)
        return explain(m, what, -EPROTO, err);
    return 0;
}

/* 404 leaves @ret as it is. */
static int fetch(struct imds *m, const char *what, char *ret, size_t size, struct err *err)
{
    char request[TOKEN_MAX + 256];
    (void)snprintf(request, sizeof(request),
                   "GET /latest/meta-data/%s HTTP/1.1\r\nHost: %s\r\n"
                   "X-aws-ec2-metadata-token: %s\r\nConnection: close\r\n\r\n",
                   what, m->name, m->token);
    int code = ask(m, what, request, err);
    if (code < 0 || m->reply.status == 404)
        return code;
    if (imds_word_parse(&m->reply, ret, size) < 0)
        return explain(m, what, -EPROTO, err);
    return 0;
}

int imds_read(const char *host, int port, int timeout_ms, struct cloud_facts *ret, struct err *err)
{
    struct imds m = { .timeout_ms = timeout_ms };
    struct cloud_facts facts = *ret;
    const struct {
        const char *what;
        char *field;
        size_t size;
    } rows[] = {
        { "instance-type", facts.instance_type, sizeof(facts.instance_type) },
        { "placement/region", facts.region, sizeof(facts.region) },
        { "placement/availability-zone", facts.zone, sizeof(facts.zone) },
        { "instance-id", facts.instance_id, sizeof(facts.instance_id) },
    };
    int code = address_parse(host ? host : IMDS_ADDRESS, host ? port : IMDS_PORT, &m, err);
    if (code < 0)
        return code;
    m.deadline_ns = clock_monotonic_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * NS_PER_MS;
    code = fetch_token(&m, err);
    for (size_t i = 0; code == 0 && i < ARRAY_LEN(rows); i++)
        code = fetch(&m, rows[i].what, rows[i].field, rows[i].size, err);
    if (code < 0)
        return code;
    facts.is_metal = cloud_is_metal(facts.instance_type);
    *ret = facts;
    return 0;
}
