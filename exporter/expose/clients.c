/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/clients.h"

#include "base/alloc.h"

#include <sys/socket.h>

void clients_init(struct clients *c)
{
    (void)pthread_mutex_init(&c->lock, NULL);
    c->first = NULL;
}

void clients_done(struct clients *c)
{
    (void)pthread_mutex_destroy(&c->lock);
}

struct client *clients_add(struct clients *c, int fd, uint64_t now_ns)
{
    struct client *client = mem_new(1, sizeof(*client));
    (void)pthread_mutex_lock(&c->lock);
    *client = (struct client){ .fd = fd, .since_ns = now_ns, .next = c->first, .link = &c->first };
    if (client->next)
        client->next->link = &client->next;
    c->first = client;
    (void)pthread_mutex_unlock(&c->lock);
    return client;
}

void clients_remove(struct clients *c, struct client *client)
{
    (void)pthread_mutex_lock(&c->lock);
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    (void)pthread_mutex_unlock(&c->lock);
    free(client);
}

void clients_renew(struct clients *c, struct client *client, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&c->lock);
    client->since_ns = now_ns;
    (void)pthread_mutex_unlock(&c->lock);
}

void clients_expire(struct clients *c, uint64_t now_ns, uint64_t limit_ns)
{
    (void)pthread_mutex_lock(&c->lock);
    for (struct client *client = c->first; client; client = client->next) {
        if (now_ns > client->since_ns && now_ns - client->since_ns > limit_ns)
            (void)shutdown(client->fd, SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&c->lock);
}
