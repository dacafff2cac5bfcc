/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define REQUEST_LIMIT 65536
#define ANSWERS_MAX   8

/* A process that answers one connection after the other, each with the next of its answers; NULL
   says nothing until the client goes. */
struct server {
    pid_t pid;
    int port;
    int requests; /* what it read, all of it, until it ends */
};

static int listen_anywhere(int *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* Whether @text holds a request's head and all of its body. */
static bool is_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "\r\ncontent-length:");
    if (!end)
        return false;
    return !length || length > end || strlen(end + 4) >= strtoul(length + 17, NULL, 10);
}

static void serve_one(int connection, const char *answer, int log)
{
    static char text[REQUEST_LIMIT];
    size_t n = 0;
    ssize_t got = 1;
    text[0] = '\0';
    while (got > 0 && !is_whole(text)) {
        got = read(connection, text + n, sizeof(text) - 1 - n);
        n += got > 0 ? (size_t)got : 0;
        text[n] = '\0';
    }
    if (fd_write_all(log, text, n) < 0)
        _exit(1);
    if (answer)
        (void)!write(connection, answer, strlen(answer)); /* the client may have gone */
    else
        (void)!read(connection, text, 1);
    (void)shutdown(connection, SHUT_WR);
    while (read(connection, text, sizeof(text)) > 0) /* so that close sends no reset */
        continue;
}

static struct server serve(const char *const *answers, size_t n)
{
    struct server s = { .pid = -1 };
    int log[2];
    AUTO_FD listener = listen_anywhere(&s.port);
    assert_int_equal(pipe(log), 0);
    s.pid = fork();
    assert_true(s.pid >= 0);
    if (s.pid == 0) {
        (void)signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; i < n; i++) {
            int connection = accept(listener, NULL, NULL);
            serve_one(connection, answers[i], log[1]);
            (void)close(connection);
        }
        _exit(0);
    }
    (void)close(log[1]);
    s.requests = log[0];
    return s;
}

/* Ends the server; @ret_requests (may be NULL) gets all that it was sent. */
static void server_end(struct server *s, struct buf *ret_requests)
{
    if (ret_requests)
        assert_int_equal(fd_read_all(s->requests, ret_requests), 0);
    (void)kill(s->pid, SIGKILL);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    (void)close(s->requests);
}

static char *url_of(const struct server *s, const char *path)
{
    return mem_printf("http://127.0.0.1:%d%s", s->port, path);
}

static struct http_request request_of(const char *url)
{
    return (struct http_request){ .url = url, .timeout_ms = 20000, .limit = 4096 };
}

static void a_get_and_its_answer(void **state)
{
    (void)state;
    const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" };
    struct server s = serve(answers, 1);
    AUTO_STR url = url_of(&s, "/a?b=c");
    struct http_request request = request_of(url);
    AUTO_HTTP_RESPONSE response = { 0 };
    struct err err = { 0 };
    if (http_send(&request, &response, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_BUF seen;
    buf_init(&seen, REQUEST_LIMIT);
    server_end(&s, &seen);
    assert_int_equal(response.status, 200);
    assert_string_equal(buf_text(&response.body), "hello");
    assert_memory_equal(buf_text(&seen), "GET /a?b=c HTTP/1.1\r\n", 21);
}

static void a_post_with_body_and_headers(void **state)
{
    (void)state;
    const char *const answers[] = { "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n" };
    static const char *const headers[] = { "Content-Type: application/json", "X-Mark: 7" };
    static char body[3000];
    memset(body, 'z', sizeof(body));
    struct server s = serve(answers, 1);
    AUTO_STR url = url_of(&s, "/model");
    struct http_request request = request_of(url);
    request.method = "POST";
    request.header = headers;
    request.headers = ARRAY_LEN(headers);
    request.body = body;
    request.body_len = sizeof(body);
    AUTO_HTTP_RESPONSE response = { 0 };
    assert_int_equal(http_send(&request, &response, NULL), 0);
    AUTO_BUF seen;
    buf_init(&seen, REQUEST_LIMIT);
    server_end(&s, &seen);
    assert_int_equal(response.status, 201);
    assert_string_equal(buf_text(&response.body), "");
    assert_memory_equal(buf_text(&seen), "POST /model HTTP/1.1\r\n", 22);
    assert_non_null(strstr(buf_text(&seen), "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(buf_text(&seen), "\r\nX-Mark: 7\r\n"));
    assert_null(strstr(buf_text(&seen), "Expect:"));
    const char *sent = strstr(buf_text(&seen), "\r\n\r\n");
    assert_non_null(sent);
    assert_int_equal(strlen(sent + 4), sizeof(body));
}

static void other_methods_are_sent_as_they_are(void **state)
{
    static const struct {
        const char *method, *line, *answer;
    } rows[] = {
        { "PUT", "PUT /x HTTP/1.1\r\n", "HTTP/1.1 204 No Content\r\n\r\n" },
        { "DELETE", "DELETE /x HTTP/1.1\r\n", "HTTP/1.1 204 No Content\r\n\r\n" },
        { "HEAD", "HEAD /x HTTP/1.1\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 99\r\n\r\n" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server s = serve(&rows[i].answer, 1);
        AUTO_STR url = url_of(&s, "/x");
        struct http_request request = request_of(url);
        request.method = rows[i].method;
        AUTO_HTTP_RESPONSE response = { 0 };
        struct err err = { 0 };
        if (http_send(&request, &response, &err) < 0)
            fail_msg("%s: %s", rows[i].method, err.text);
        AUTO_BUF seen;
        buf_init(&seen, REQUEST_LIMIT);
        server_end(&s, &seen);
        assert_int_equal(response.status, 204);
        assert_memory_equal(buf_text(&seen), rows[i].line, strlen(rows[i].line));
    }
}

static void what_a_server_answers_badly(void **state)
{
    static const struct {
        const char *why, *answer;
        bool follow;
        int code, status;
        const char *says;
    } rows[] = {
        { "404 is an answer", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", false, 0,
          404, "" },
        { "500 is an answer", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", false, 0, 500, "" },
        { "a redirect is an answer", "HTTP/1.1 302 F\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n",
          false, 0, 302, "" },
        { "never from http to a file",
          "HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", true,
          -EINVAL, 0, "file" },
        { "a body cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false, -EIO, 0,
          "6 bytes" },
        { "nothing at all", "", false, -EIO, 0, "Empty reply" },
        { "no HTTP", "SSH-2.0-x\r\n\r\n", false, -EINVAL, 0, "HTTP/0.9" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server s = serve(&rows[i].answer, 1);
        AUTO_STR url = url_of(&s, "/x");
        struct http_request request = request_of(url);
        request.follow = rows[i].follow;
        AUTO_HTTP_RESPONSE response = { 0 };
        struct err err = { 0 };
        int code = http_send(&request, &response, &err);
        server_end(&s, NULL);
        if (code != rows[i].code || response.status != rows[i].status ||
            !strstr(err.text, rows[i].says))
            fail_msg("%s: %d, %d, %s", rows[i].why, code, response.status, err.text);
        assert_true(code == 0 || strncmp(err.text, url, strlen(url)) == 0);
    }
}

static void redirects_are_followed_when_asked_and_come_to_an_end(void **state)
{
    (void)state;
    const char *const there =
        "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const char *const here = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny";
    const char *const answers[] = { there, here };
    struct server s = serve(answers, 2);
    AUTO_STR url = url_of(&s, "/x");
    struct http_request request = request_of(url);
    request.follow = true;
    AUTO_HTTP_RESPONSE response = { 0 };
    assert_int_equal(http_send(&request, &response, NULL), 0);
    assert_int_equal(response.status, 200);
    assert_string_equal(buf_text(&response.body), "y");
    server_end(&s, NULL);

    const char *const circle[ANSWERS_MAX] = {
        there, there, there, there, there, there, there, there
    };
    struct server loop = serve(circle, ANSWERS_MAX);
    AUTO_STR loop_url = url_of(&loop, "/x");
    request.url = loop_url;
    AUTO_HTTP_RESPONSE none = { 0 };
    struct err err = { 0 };
    assert_int_equal(http_send(&request, &none, &err), -EIO);
    assert_non_null(strstr(err.text, "redirects"));
    server_end(&loop, NULL);
}

static void an_answer_has_a_limit(void **state)
{
    (void)state;
    const char *const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for (size_t limit = 4; limit <= 5; limit++) {
        struct server s = serve(&answer, 1);
        AUTO_STR url = url_of(&s, "/x");
        struct http_request request = request_of(url);
        request.limit = limit;
        AUTO_HTTP_RESPONSE response = { 0 };
        struct err err = { 0 };
        int code = http_send(&request, &response, &err);
        server_end(&s, NULL);
        assert_int_equal(code, limit == 5 ? 0 : -EFBIG);
        AUTO_STR sentence = mem_printf("%s: the answer is larger than 4 bytes", url);
        assert_string_equal(err.text, limit == 5 ? "" : sentence);
    }
}

static void a_silent_server_costs_the_time_out_only(void **state)
{
    (void)state;
    const char *const silent[] = { NULL };
    struct server s = serve(silent, 1);
    AUTO_STR url = url_of(&s, "/x");
    struct http_request request = request_of(url);
    request.timeout_ms = 200;
    AUTO_HTTP_RESPONSE response = { 0 };
    struct err err = { 0 };
    uint64_t before = clock_monotonic_ns();
    assert_int_equal(http_send(&request, &response, &err), -ETIMEDOUT);
    assert_true(clock_monotonic_ns() - before >= 190 * NS_PER_MS);
    assert_non_null(strstr(err.text, url));
    server_end(&s, NULL);
}

static void a_request_that_is_cancelled_ends(void **state)
{
    (void)state;
    const char *const silent[] = { NULL };
    static const atomic_bool cancelled = true;
    struct server s = serve(silent, 1);
    AUTO_STR url = url_of(&s, "/x");
    struct http_request request = request_of(url);
    request.cancel = &cancelled;
    AUTO_HTTP_RESPONSE response = { 0 };
    struct err err = { 0 };
    uint64_t before = clock_monotonic_ns();
    assert_int_equal(http_send(&request, &response, &err), -ECANCELED);
    assert_true(clock_monotonic_ns() - before < 10 * NS_PER_SEC); /* its time-out is 20 s */
    assert_memory_equal(err.text, url, strlen(url));
    server_end(&s, NULL);
}

static void an_address_is_shown_without_its_secrets(void **state)
{
    static const struct {
        const char *url, *shown;
    } rows[] = {
        { "http://user:secret@host:1/a?token=x#y", "http://host:1/a" },
        { "https://host/@a", "https://host/@a" },
        { "no address", "no address" },
        { "", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char shown[64];
        http_url_show(rows[i].url, shown, sizeof(shown));
        assert_string_equal(shown, rows[i].shown);
    }
}

static void nobody_there(void **state)
{
    (void)state;
    int port = 0;
    (void)close(listen_anywhere(&port)); /* just now nobody listens on it */
    AUTO_STR url = mem_printf("http://user:secret@127.0.0.1:%d/x?token=secret", port);
    struct http_request request = request_of(url);
    AUTO_HTTP_RESPONSE response = { 0 };
    struct err err = { 0 };
    assert_int_equal(http_send(&request, &response, &err), -ECONNREFUSED);
    AUTO_STR shown = mem_printf("http://127.0.0.1:%d/x: ", port);
    assert_memory_equal(err.text, shown, strlen(shown));
    assert_null(strstr(err.text, "secret"));
}

static void tls_wants_tls(void **state)
{
    (void)state;
    const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
    struct server s = serve(answers, 1);
    AUTO_STR url = mem_printf("https://127.0.0.1:%d/", s.port);
    struct http_request request = request_of(url);
    request.timeout_ms = 2000;
    AUTO_HTTP_RESPONSE response = { 0 };
    struct err err = { 0 };
    assert_true(http_send(&request, &response, &err) < 0);
    assert_memory_equal(err.text, url, strlen(url));
    server_end(&s, NULL);

    request.ca_file = "/nonexistent.pem";
    assert_true(http_send(&request, &response, &err) < 0);
}

static void requests_that_make_no_sense(void **state)
{
    static const char *const broken[] = { "X: a\r\nY: b" };
    static const struct {
        const char *why;
        struct http_request request;
        const char *says;
    } rows[] = {
        { "no file",
          { .url = "file:///etc/passwd", .timeout_ms = 1, .limit = 1 },
          "file:///etc/passwd: not an address" },
        { "no FTP",
          { .url = "ftp://x/", .timeout_ms = 1, .limit = 1 },
          "ftp://x/: not an address" },
        { "no scheme",
          { .url = "127.0.0.1", .timeout_ms = 1, .limit = 1 },
          "127.0.0.1: not an address" },
        { "nothing", { .url = "", .timeout_ms = 1, .limit = 1 }, ": not an address" },
        { "no time-out",
          { .url = "http://x/", .limit = 1 },
          "http://x/: a request needs a time-out" },
        { "no limit",
          { .url = "http://x/", .timeout_ms = 1 },
          "http://x/: a request needs a time-out" },
        { "a second header in a header",
          { .url = "http://x/", .timeout_ms = 1, .limit = 1, .header = broken, .headers = 1 },
          "http://x/: a line break" },
        { "a header in the method",
          { .url = "http://x/", .timeout_ms = 1, .limit = 1, .method = "GET\n" },
          "http://x/: a line break" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_HTTP_RESPONSE response = { .status = 77 };
        struct err err = { 0 };
        int code = http_send(&rows[i].request, &response, &err);
        if (code != -EINVAL || strncmp(err.text, rows[i].says, strlen(rows[i].says)) != 0)
            fail_msg("%s: %d %s", rows[i].why, code, err.text);
        assert_int_equal(response.status, 77);
    }
}

static void the_library_has_a_version(void **state)
{
    (void)state;
    assert_memory_equal(http_library_version(), "libcurl/", 8);
}

int main(void)
{
    (void)setenv("no_proxy", "127.0.0.1", 1);
    (void)alarm(120); /* a server that hangs must not hang the tests */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_and_its_answer),
        cmocka_unit_test(a_post_with_body_and_headers),
        cmocka_unit_test(other_methods_are_sent_as_they_are),
        cmocka_unit_test(what_a_server_answers_badly),
        cmocka_unit_test(redirects_are_followed_when_asked_and_come_to_an_end),
        cmocka_unit_test(an_answer_has_a_limit),
        cmocka_unit_test(a_silent_server_costs_the_time_out_only),
        cmocka_unit_test(a_request_that_is_cancelled_ends),
        cmocka_unit_test(an_address_is_shown_without_its_secrets),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(tls_wants_tls),
        cmocka_unit_test(requests_that_make_no_sense),
        cmocka_unit_test(the_library_has_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
