/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/listen.h"

#include "base/cleanup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BACKLOG 64 /* connections not yet accepted; the kernel refuses more */

static int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static int bind_one(const struct addrinfo *at, bool is_all, int *ret_fd)
{
    int one = 1;
    int only6 = !is_all;
    AUTO_FD fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
        return -errno;
    if (at->ai_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6)) < 0)
        return -errno;
    if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    *ret_fd = take_fd(&fd);
    return 0;
}

static int explain(const struct http_address *a, int rc, struct err *err)
{
    const char *on = a->host[0] ? a->host : "all addresses";
    if (rc == -EADDRINUSE) {
        return err_set(
            err, rc,
            "port %s on %s is taken by another process: choose another with "
            "--web.listen-address, or end that process (ss -ltnp 'sport = :%s' names it)",
            a->port, on, a->port);
    }
    if (rc == -EACCES || rc == -EPERM) {
        return err_set(err, rc,
                       "port %s on %s needs a privilege (CAP_NET_BIND_SERVICE for ports below "
                       "1024): choose another with --web.listen-address",
                       a->port, on);
    }
    if (rc == -EADDRNOTAVAIL) {
        return err_set(err, rc,
                       "%s is no address of this machine: choose one of its own (ip addr) or "
                       ":%s for all with --web.listen-address",
                       a->host, a->port);
    }
    return err_set(err, rc, "cannot listen on port %s of %s: %s", a->port, on, strerror(-rc));
}

static void tell_where(int fd, char *ret, size_t size)
{
    struct sockaddr_storage at = { 0 };
    socklen_t length = sizeof(at);
    char host[NI_MAXHOST] = "";
    char port[NI_MAXSERV] = "";
    if (getsockname(fd, (struct sockaddr *)&at, &length) == 0) {
        (void)getnameinfo((const struct sockaddr *)&at, length, host, sizeof(host), port,
                          sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    }
    (void)snprintf(ret, size, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static void free_addresses(struct addrinfo **list)
{
    if (*list)
        freeaddrinfo(*list);
}

static int resolve(const struct http_address *a, struct addrinfo **ret, struct err *err)
{
    const struct addrinfo want = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    int rc = getaddrinfo(a->host[0] ? a->host : NULL, a->port, &want, ret);
    if (rc == 0)
        return 0;
    return err_set(err, -EADDRNOTAVAIL,
                   "cannot find the address %s to listen on: %s; give an address of this machine "
                   "with --web.listen-address",
                   a->host, gai_strerror(rc));
}

int listen_open(const struct http_address *address, int *ret_fd, char *ret_where, size_t where_size,
                struct err *err)
{
    CLEANUP(free_addresses) struct addrinfo *list = NULL;
    bool is_all = !address->host[0];
    int rc = resolve(address, &list, err);
    if (rc < 0)
        return rc;
    /* IPv6 first: without a host it serves IPv4 too. */
    static const int families[] = { AF_INET6, AF_INET };
    rc = -EAFNOSUPPORT;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        for (const struct addrinfo *at = list; at; at = at->ai_next) {
            if (at->ai_family != families[i])
                continue;
            rc = bind_one(at, is_all, ret_fd);
            if (rc == 0)
                tell_where(*ret_fd, ret_where, where_size);
            if (rc == 0 || rc == -EADDRINUSE)
                return rc == 0 ? 0 : explain(address, rc, err);
        }
    }
    return explain(address, rc, err);
}
