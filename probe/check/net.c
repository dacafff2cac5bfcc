/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that the exporter and K3s want, by binding them. */
#include "base/cleanup.h"
#include "check/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct port_row {
    uint16_t port;
    int type;
    const char *name, *who;
};
static const struct port_row port_rows[] = {
    { 6443, SOCK_STREAM, "6443", "K3s API server" },
    { 10250, SOCK_STREAM, "10250", "kubelet" },
    { 8472, SOCK_DGRAM, "8472/udp", "flannel VXLAN" },
    { 30443, SOCK_STREAM, "30443", "exporter's NodePort" },
    { 28282, SOCK_STREAM, "28282", "exporter" },
};

/* 0 if it can be bound on all addresses. A listener that has just gone must not count, so TCP
   reuses the address; a live one still refuses. */
static int try_port(const struct port_row *row)
{
    AUTO_FD fd = socket(AF_INET, row->type | SOCK_CLOEXEC, 0);
    const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(row->port) };
    const int on = 1;
    if (fd < 0)
        return -errno;
    if (row->type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    return bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ? -errno : 0;
}

void check_ports(struct probe *p, struct finding *f)
{
    if (p->fs.foreign) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "foreign root");
        return;
    }
    AUTO_BUF all;
    AUTO_BUF taken;
    buf_init(&all, 256);
    buf_init(&taken, 512);
    for (size_t i = 0; i < ARRAY_LEN(port_rows); i++) {
        int code = try_port(&port_rows[i]);
        buf_printf(&all, "%s%s", all.len ? " " : "", port_rows[i].name);
        if (code < 0) {
            buf_printf(&taken, "%s%s (%s)%s%s", taken.len ? ", " : "", port_rows[i].name,
                       port_rows[i].who, code == -EADDRINUSE ? "" : ": ",
                       code == -EADDRINUSE ? "" : strerror(-code));
        }
    }
    if (taken.len == 0) {
        findings_text(&f->detail, "free: %s", buf_text(&all));
        return;
    }
    f->status = FINDING_WARN;
    findings_text(&f->detail, "in use: %s", buf_text(&taken));
    findings_text(&f->impact, "what wants these ports cannot start, unless it already runs");
    findings_text(&f->remedy_note, "to see who listens: sudo ss -lntup");
}
