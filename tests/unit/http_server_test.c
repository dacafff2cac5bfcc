/* SPDX-License-Identifier: Apache-2.0 */
/* The server as a scraper sees it, over loopback. */
#include "expose/http.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define ANSWER_LIMIT ((size_t)32 << 20)
#define BIG          ((size_t)16 << 20) /* more than a socket's buffers hold */

static int start(void **state)
{
    static const char *const address[] = { "127.0.0.1:0", "http://[::1]:0" };
    struct http_server *s = NULL;
    struct err err = { 0 };
    if (http_open(address, 2, &s, &err) < 0 && http_open(address, 1, &s, &err) < 0)
        fail_msg("%s", err.text);
    *state = s;
    return 0;
}

static int stop(void **state)
{
    http_close(*state);
    return 0;
}

/* Connected to the first listener. */
static int dial(const struct http_server *s)
{
    uint64_t port = 0;
    struct sockaddr_in at = { .sin_family = AF_INET };
    assert_int_equal(number_parse_u64(strrchr(http_listening(s, 0), ':') + 1, 10, &port), 0);
    at.sin_port = htons((uint16_t)port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void ask(int fd, const char *method, const char *path, const char *body)
{
    AUTO_STR request = mem_printf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                  "Content-Length: %zu\r\n\r\n%s",
                                  method, path, strlen(body), body);
    assert_int_equal(fd_write_all(fd, request, strlen(request)), 0);
}

/* The whole answer; the status line is at its beginning. */
static void fetch(struct http_server *s, const char *method, const char *path, struct buf *ret)
{
    AUTO_FD fd = dial(s);
    buf_clear(ret);
    ask(fd, method, path, "");
    assert_int_equal(fd_read_all(fd, ret), 0);
}

static void publish(struct http_server *s, const char *text)
{
    http_publish(s, mem_strdup(text), strlen(text));
}

static void every_endpoint_answers(void **state)
{
    static const struct {
        const char *why, *method, *path, *status, *part;
        bool published;
    } rows[] = {
        { "not ready before the first", "GET", "/probe/readyz", "503", "first sample", false },
        { "no metrics before the first", "GET", "/metrics", "503", "first sample", false },
        { "alive before the first", "GET", "/probe/livez", "200", "ok", false },
        { "healthy before the first", "GET", "/healthz", "200", "ok", false },
        { "ready", "GET", "/probe/readyz", "200", "ok", true },
        { "metrics", "GET", "/metrics", "200", "\r\n\r\nx 1\n", true },
        { "their type", "GET", "/metrics", "200",
          "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", true },
        { "a query is no other page", "GET", "/metrics?a=b", "200", "x 1\n", true },
        { "a head tells the length", "HEAD", "/metrics", "200", "Content-Length: 4\r\n", true },
        { "nothing is written", "POST", "/metrics", "405", "Allow: GET, HEAD\r\n", true },
        { "nor deleted", "DELETE", "/metrics", "405", "only GET and HEAD", true },
        { "a browser is led to the metrics", "GET", "/", "200", "href=\"/metrics\"", true },
        { "elsewhere is told where to go", "GET", "/nothing", "404", "/metrics, /healthz", true },
        { "no zero byte ends a path", "GET", "/metrics%00x", "404", "/metrics, /healthz", true },
        { "not below", "GET", "/metrics/", "404", "/probe/readyz", true },
    };
    struct http_server *s = *state;
    AUTO_BUF got;
    buf_init(&got, ANSWER_LIMIT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].published)
            publish(s, "x 1\n");
        fetch(s, rows[i].method, rows[i].path, &got);
        if (strncmp(buf_text(&got) + strlen("HTTP/1.1 "), rows[i].status, 3) != 0 ||
            !strstr(buf_text(&got), rows[i].part))
            fail_msg("%s: %s", rows[i].why, buf_text(&got));
    }
    fetch(s, "HEAD", "/metrics", &got);
    assert_null(strstr(buf_text(&got), "x 1"));
}

static void a_body_is_not_read_for_long(void **state)
{
    AUTO_FD fd = dial(*state);
    AUTO_BUF got;
    buf_init(&got, ANSWER_LIMIT);
    publish(*state, "x 1\n");
    ask(fd, "GET", "/metrics", "a body that nobody wants");
    assert_int_equal(fd_read_all(fd, &got), 0);
    assert_non_null(strstr(buf_text(&got), "x 1\n"));
}

static void a_scrape_is_noticed_once_and_only_of_the_newest(void **state)
{
    struct http_server *s = *state;
    AUTO_BUF got;
    buf_init(&got, ANSWER_LIMIT);
    fetch(s, "GET", "/metrics", &got);
    assert_false(http_was_scraped(s)); /* there was nothing to read */
    publish(s, "x 1\n");
    assert_false(http_was_scraped(s));
    fetch(s, "GET", "/healthz", &got);
    assert_false(http_was_scraped(s));
    fetch(s, "HEAD", "/metrics", &got);
    assert_false(http_was_scraped(s)); /* no series was seen */
    fetch(s, "GET", "/metrics", &got);
    assert_true(http_was_scraped(s));
    assert_false(http_was_scraped(s));
    fetch(s, "GET", "/metrics", &got);
    publish(s, "x 2\n"); /* nobody has seen this one */
    assert_false(http_was_scraped(s));
}

/* Whether the server has ended the connection; silence alone would take it 10 s. */
static bool is_ended(int fd)
{
    const struct timeval patience = { .tv_sec = 5 };
    char c;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return recv(fd, &c, 1, 0) == 0 || errno == ECONNRESET;
}

static void a_request_that_never_ends_loses_its_place(void **state)
{
    struct http_server *s = *state;
    AUTO_BUF got;
    buf_init(&got, ANSWER_LIMIT);
    publish(s, "x 1\n");
    AUTO_FD slow = dial(s);
    assert_int_equal(fd_write_all(slow, "GET /me", 7), 0);
    fetch(s, "GET", "/metrics", &got); /* the slow one was accepted before */
    http_expire(s, clock_monotonic_ns());
    assert_int_equal(fd_write_all(slow, "t", 1), 0);
    assert_int_equal(recv(slow, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN); /* in time: still open */
    http_expire(s, clock_monotonic_ns() + HTTP_DEADLINE_NS + 1);
    assert_true(is_ended(slow));
    fetch(s, "GET", "/metrics", &got);
    assert_non_null(strstr(buf_text(&got), "x 1\n"));
}

static void an_answer_renews_the_time_of_a_connection(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct http_server *s = *state;
    AUTO_FD fd = dial(s);
    uint64_t begin_ns = clock_monotonic_ns();
    char text[1024] = "";
    size_t n = 0;
    while (clock_monotonic_ns() - begin_ns < 2 * NS_PER_MS)
        ; /* so that the answer is later than the start */
    assert_int_equal(fd_write_all(fd, request, sizeof(request) - 1), 0);
    while (!strstr(text, "ok\n") && n < sizeof(text) - 1) {
        ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
        assert_true(got > 0);
        n += (size_t)got;
    }
    AUTO_BUF other;
    buf_init(&other, ANSWER_LIMIT);
    fetch(s, "GET", "/healthz", &other); /* its completion is booked by then */
    http_expire(s, begin_ns + HTTP_DEADLINE_NS + NS_PER_MS);
    assert_int_equal(recv(fd, text, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

static void health_says_why_not(void **state)
{
    struct http_server *s = *state;
    AUTO_BUF got;
    buf_init(&got, ANSWER_LIMIT);
    http_set_health(s, false, "the sampler fails");
    fetch(s, "GET", "/healthz", &got);
    assert_non_null(strstr(buf_text(&got), " 503 "));
    assert_non_null(strstr(buf_text(&got), "the sampler fails\n"));
    fetch(s, "GET", "/probe/livez", &got);
    assert_non_null(strstr(buf_text(&got), " 503 "));
    http_set_health(s, true, NULL);
    fetch(s, "GET", "/healthz", &got);
    assert_non_null(strstr(buf_text(&got), " 200 "));
}

/* A reader that is half way through keeps its text, whatever is published meanwhile. */
static void a_slow_reader_gets_one_snapshot_whole(void **state)
{
    struct http_server *s = *state;
    AUTO_FD fd = dial(s);
    AUTO_BUF got;
    char first;
    char *big = mem_new(BIG, 1);
    memset(big, 'a', BIG);
    buf_init(&got, ANSWER_LIMIT);
    http_publish(s, big, BIG);
    ask(fd, "GET", "/metrics", "");
    assert_int_equal(read(fd, &first, 1), 1);
    publish(s, "x 1\n");
    publish(s, "x 2\n");
    assert_int_equal(fd_read_all(fd, &got), 0);
    const char *body = strstr(buf_text(&got), "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strlen(body + 4), BIG);
    assert_int_equal(strspn(body + 4, "a"), BIG);
}

static void listeners_come_all_or_none(void **state)
{
    struct http_server *s = NULL;
    struct err err = { 0 };
    const char *const taken[] = { "127.0.0.1:0", http_listening(*state, 0) };
    const char *const tls[] = { "https://127.0.0.1:0" };
    assert_int_equal(http_open(taken, 2, &s, &err), -EADDRINUSE);
    assert_non_null(strstr(err.text, "is taken by another process"));
    assert_int_equal(http_open(tls, 1, &s, &err), -ENOTSUP);
    assert_null(s);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(every_endpoint_answers),
        WITH_SERVER(a_body_is_not_read_for_long),
        WITH_SERVER(a_scrape_is_noticed_once_and_only_of_the_newest),
        WITH_SERVER(a_request_that_never_ends_loses_its_place),
        WITH_SERVER(an_answer_renews_the_time_of_a_connection),
        WITH_SERVER(health_says_why_not),
        WITH_SERVER(a_slow_reader_gets_one_snapshot_whole),
        WITH_SERVER(listeners_come_all_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
