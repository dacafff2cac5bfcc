/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are open, so that one whose request never ends cannot keep a place for good:
   libmicrohttpd's time-out counts silence only, and a byte every few seconds is none. */
#ifndef EXPOSE_CLIENTS_H
#define EXPOSE_CLIENTS_H

#include <pthread.h>
#include <stdint.h>

struct client {
    int fd; /* borrowed */
    uint64_t since_ns;
    struct client *next, **link; /* link: the pointer that points to it */
};

struct clients {
    pthread_mutex_t lock;
    struct client *first;
};

void clients_init(struct clients *c);
void clients_done(struct clients *c); /* all of them were removed */

/* Owned by the list until clients_remove(), which must come before @fd is closed. */
struct client *clients_add(struct clients *c, int fd, uint64_t now_ns);
void clients_remove(struct clients *c, struct client *client);

/* It has just had its answer: its time begins anew. */
void clients_renew(struct clients *c, struct client *client, uint64_t now_ns);

/* Shuts down the sockets of those without an answer for @limit_ns; who serves them closes them. */
void clients_expire(struct clients *c, uint64_t now_ns, uint64_t limit_ns);

#endif
