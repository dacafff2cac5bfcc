/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata service: its answers, and the whole exchange against a scripted one on loopback. */
#include "host/cloud.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "host/imds_reply.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

static void replies(void **state)
{
    static const struct {
        const char *why, *bytes;
        bool ended;
        int code, status;
        const char *body;
    } rows[] = {
        { "whole", OK("8") "c5.metal", false, 0, 200, "c5.metal" },
        { "whole, and the connection has ended", OK("8") "c5.metal", true, 0, 200, "c5.metal" },
        { "more than was said is not of it", OK("2") "c5.metal", false, 0, 200, "c5" },
        { "no body", "HTTP/1.1 401 Unauthorized\r\ncontent-length:0\r\n\r\n", false, 0, 401, "" },
        { "without a length it goes to the end", "HTTP/1.0 200 OK\r\n\r\nus-east-1\n", true, 0, 200,
          "us-east-1\n" },
        { "which has not come yet", "HTTP/1.0 200 OK\r\n\r\nus-east-1\n", false, -EAGAIN, 0, "" },
        { "nothing yet", "", false, -EAGAIN, 0, "" },
        { "half a head", "HTTP/1.1 200 OK\r\nConte", false, -EAGAIN, 0, "" },
        { "half a body", OK("8") "c5.", false, -EAGAIN, 0, "" },
        { "ended before anything", "", true, -EPROTO, 0, "" },
        { "ended in the head", "HTTP/1.1 200 OK\r\nConte", true, -EPROTO, 0, "" },
        { "ended in the body", OK("8") "c5.", true, -EPROTO, 0, "" },
        { "no reason phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, 0, 200, "" },
        { "another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", true, -EPROTO, 0, "" },
        { "HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\n", true, -EPROTO, 0, "" },
        { "no status", "HTTP/1.1 \r\n\r\n", true, -EPROTO, 0, "" },
        { "a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", true, -EPROTO, 0, "" },
        { "a status below 100", "HTTP/1.1 099 x\r\n\r\n", true, -EPROTO, 0, "" },
        { "a status above 599", "HTTP/1.1 600 x\r\n\r\n", true, -EPROTO, 0, "" },
        { "a status that is no number", "HTTP/1.1 2x0 OK\r\n\r\n", true, -EPROTO, 0, "" },
        { "a negative length", OK("-1"), true, -EPROTO, 0, "" },
        { "a length with a unit", OK("8b") "c5.metal", true, -EPROTO, 0, "" },
        { "no length after the colon", OK(""), true, -EPROTO, 0, "" },
        { "a length past the limit", OK("8193"), false, -EPROTO, 0, "" },
        { "a length past 64 bits", OK("99999999999999999999999"), false, -EPROTO, 0, "" },
        { "the same length twice",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", false, 0, 200,
          "a" },
        { "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
          true, -EPROTO, 0, "" },
        { "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
          true, -EPROTO, 0, "" },
        { "a header without a colon", "HTTP/1.1 200 OK\r\nhello\r\n\r\n", true, -EPROTO, 0, "" },
        { "an empty head", "\r\n\r\n", true, -EPROTO, 0, "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct imds_reply got = { 0 };
        int code = imds_reply_parse(rows[i].bytes, strlen(rows[i].bytes), rows[i].ended, &got);
        if (code != rows[i].code || got.status != rows[i].status ||
            got.body_len != strlen(rows[i].body) ||
            (code == 0 && memcmp(got.body, rows[i].body, got.body_len) != 0))
            fail_msg("%s: got %d, status %d, %zu bytes", rows[i].why, code, got.status,
                     got.body_len);
    }
}

static void no_answer_is_awaited_past_the_limit(void **state)
{
    static const struct {
        const char *why, *head;
    } rows[] = {
        { "a head without an end", "HTTP/1.1 200 OK\r\nX: " },
        { "a body of no length", "HTTP/1.1 200 OK\r\n\r\n" },
        { "a body that with its head is too long",
          "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char bytes[IMDS_REPLY_LIMIT];
        struct imds_reply got = { .status = 77 };
        memset(bytes, 'a', sizeof(bytes));
        memcpy(bytes, rows[i].head, strlen(rows[i].head));
        int before = imds_reply_parse(bytes, sizeof(bytes) - 1, false, &got);
        int at = imds_reply_parse(bytes, sizeof(bytes), false, &got);
        if (before != -EAGAIN || at != -EPROTO || got.status != 77)
            fail_msg("%s: %d before the limit, %d at it", rows[i].why, before, at);
    }
}

static void words(void **state)
{
    static const struct {
        const char *why, *body, *word;
        int code;
    } rows[] = {
        { "a type", "c5.metal", "c5.metal", 0 },
        { "a newline at the end is cut", "us-east-1a\n", "us-east-1a", 0 },
        { "a token", "AQA_b-9+/=", "AQA_b-9+/=", 0 },
        { "as long as fits", "0123456789abcde", "0123456789abcde", 0 },
        { "one more", "0123456789abcdef", "", -EPROTO },
        { "nothing", "", "", -EPROTO },
        { "blanks only", " \r\n", "", -EPROTO },
        { "two words", "c5 metal", "", -EPROTO },
        { "a second header", "a\r\nX: b", "", -EPROTO },
        { "markup", "<html>", "", -EPROTO },
        { "a terminal's control sequence", "\x1b[2J", "", -EPROTO },
        { "not ASCII", "caf\xc3\xa9", "", -EPROTO },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[16] = "";
        const struct imds_reply reply = { 200, rows[i].body, strlen(rows[i].body) };
        int code = imds_word_parse(&reply, got, sizeof(got));
        if (code != rows[i].code || strcmp(got, rows[i].word) != 0)
            fail_msg("%s: got %d \"%s\"", rows[i].why, code, got);
    }
    char got[16];
    assert_int_equal(imds_word_parse(&(struct imds_reply){ 200, "a\0b", 3 }, got, sizeof(got)),
                     -EPROTO);
}

/* -- a metadata service of a script, in a child -- */

#define TOKEN "AQAEAtoken-_=="

struct script {
    const char *request; /* the answer is for requests that begin with this */
    const char *answer;  /* then the connection is closed; NULL: it stays open and silent */
    size_t piece;        /* bytes a send, 1 ms apart; 0: all at once */
};

struct server {
    int port;
    pid_t child;
};

static bool read_request(int fd, char *ret, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        ssize_t n = recv(fd, ret + len, size - len - 1, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        ret[len] = '\0';
        if (strstr(ret, "\r\n\r\n"))
            return true;
    }
    return false;
}

/* The service's own rules: a PUT asks with a time to live, a GET carries the token. */
static bool is_lawful(const char *request)
{
    if (strncmp(request, "PUT ", 4) == 0)
        return strstr(request, "\r\nX-aws-ec2-metadata-token-ttl-seconds: ") != NULL;
    return strstr(request, "\r\nX-aws-ec2-metadata-token: " TOKEN "\r\n") != NULL;
}

static void answer(int fd, const struct script *s)
{
    size_t n = strlen(s->answer);
    size_t piece = s->piece ? s->piece : n;
    for (size_t at = 0; at < n; at += piece) {
        size_t len = n - at < piece ? n - at : piece;
        if (send(fd, s->answer + at, len, MSG_NOSIGNAL) < 0)
            return;
        if (s->piece)
            (void)usleep(1000); /* a slow network is what is played here */
    }
}

static void serve_one(int listener, const struct script *script)
{
    char request[2048];
    AUTO_FD fd = accept(listener, NULL, NULL);
    if (fd < 0 || !read_request(fd, request, sizeof(request)))
        return;
    const struct script unlawful = { "", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                                     0 };
    const struct script *found = is_lawful(request) ? script : &unlawful;
    while (strncmp(request, found->request, strlen(found->request)) != 0)
        found++;
    if (found->answer)
        answer(fd, found);
    else
        (void)recv(fd, request, sizeof(request), 0); /* until the other side gives up */
}

/* @script ends with a row for any request (""). */
static struct server server_start(const struct script *script)
{
    struct server s = { 0 };
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof(a);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    s.port = ntohs(a.sin_port);
    s.child = fork();
    assert_true(s.child >= 0);
    if (s.child == 0) {
        (void)alarm(30); /* a test that dies leaves nothing behind */
        for (;;)
            serve_one(listener, script);
    }
    (void)close(listener);
    return s;
}

static void server_stop(struct server *s)
{
    (void)kill(s->child, SIGKILL);
    (void)waitpid(s->child, NULL, 0);
}

#define REPLY(text)  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" text
#define NOT_FOUND    "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found"
#define UNAUTHORIZED "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
#define FORBIDDEN    "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
#define PUT_TOKEN    "PUT /latest/api/token "
#define GET          "GET /latest/meta-data/"

static void asks_for_all_with_a_token(void **state)
{
    static const struct script fast[] = {
        { PUT_TOKEN, REPLY(TOKEN), 0 },
        { GET "instance-type ", OK("8") "c5.metal", 0 },
        { GET "placement/region ", REPLY("us-east-1"), 0 },
        { GET "placement/availability-zone ", REPLY("us-east-1a\n"), 0 },
        { GET "instance-id ", REPLY("i-0123456789abcdef0"), 0 },
        { "", NOT_FOUND, 0 },
    };
    /* the same byte by byte */
    struct script slow[ARRAY_LEN(fast)];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fast); i++) {
        slow[i] = fast[i];
        slow[i].piece = 1;
    }
    const struct script *const scripts[] = { fast, slow };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct cloud_facts got = { .provider = "ec2" };
        struct err err = { 0 };
        struct server s = server_start(scripts[i]);
        int code = imds_read("127.0.0.1", s.port, 10000, &got, &err);
        server_stop(&s);
        if (code != 0)
            fail_msg("script %zu: %s", i, err.text);
        assert_string_equal(got.provider, "ec2");
        assert_string_equal(got.instance_type, "c5.metal");
        assert_string_equal(got.region, "us-east-1");
        assert_string_equal(got.zone, "us-east-1a");
        assert_string_equal(got.instance_id, "i-0123456789abcdef0");
        assert_true(got.is_metal);
    }
}

static void what_the_service_has_not_stays(void **state)
{
    static const struct script script[] = {
        { PUT_TOKEN, REPLY(TOKEN), 0 },
        { GET "placement/region ", REPLY("eu-west-1"), 0 },
        { "", NOT_FOUND, 0 },
    };
    (void)state;
    struct cloud_facts got = { .instance_type = "m7i.metal-24xl", .region = "old" };
    struct err err = { 0 };
    struct server s = server_start(script);
    int code = imds_read("127.0.0.1", s.port, 10000, &got, &err);
    server_stop(&s);
    assert_int_equal(code, 0);
    assert_string_equal(got.instance_type, "m7i.metal-24xl");
    assert_true(got.is_metal);
    assert_string_equal(got.region, "eu-west-1");
    assert_string_equal(got.zone, "");
}

static void refuses_what_makes_no_sense(void **state)
{
    static const struct {
        const char *why, *token, *type;
        int code;
        const char *sentence; /* part of it */
    } rows[] = {
        { "switched off", FORBIDDEN, NULL, -EACCES, "switched off" },
        { "no token for us", UNAUTHORIZED, NULL, -EACCES, "a token" },
        { "the token is not taken", REPLY(TOKEN), UNAUTHORIZED, -EACCES, "instance-type" },
        { "a service without tokens", NOT_FOUND, NULL, -EPROTO, "a token" },
        { "an error of the service", "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", NULL, -EPROTO,
          "HTTP 503" },
        { "a redirect is not followed",
          "HTTP/1.1 302 x\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", NULL,
          -EPROTO, "HTTP 302" },
        { "no HTTP", "220 smtp ready\r\n\r\n\r\n", NULL, -EPROTO, "makes no sense" },
        { "nothing at all", "", NULL, -EPROTO, "makes no sense" },
        { "cut off", OK("56") "AQAEA", NULL, -EPROTO, "makes no sense" },
        { "a token that would be a second header", REPLY("a\r\nHost: b"), NULL, -EPROTO,
          "a token" },
        { "a page of a captive portal", REPLY(TOKEN), REPLY("<html>log in</html>"), -EPROTO,
          "instance-type" },
        { "a type longer than any", REPLY(TOKEN),
          REPLY("0123456789012345678901234567890123456789012345678901234567890"), -EPROTO,
          "instance-type" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct script script[] = { { PUT_TOKEN, rows[i].token, 0 }, { "", rows[i].type, 0 } };
        const struct cloud_facts before = { .region = "before" };
        struct cloud_facts got = before;
        struct err err = { 0 };
        struct server s = server_start(script);
        int code = imds_read("127.0.0.1", s.port, 10000, &got, &err);
        server_stop(&s);
        if (code != rows[i].code || err.code != code || !strstr(err.text, rows[i].sentence))
            fail_msg("%s: got %d: %s", rows[i].why, code, err.text);
        assert_memory_equal(&got, &before, sizeof(got));
    }
}

/* More than the limit, without an end: it stops there, long before the deadline. */
static void an_endless_answer_is_cut(void **state)
{
    (void)state;
    char *endless = mem_new(IMDS_REPLY_LIMIT * 4, 1);
    memset(endless, 'a', IMDS_REPLY_LIMIT * 4 - 1);
    memcpy(endless, "HTTP/1.1 200 OK\r\n\r\n", 19);
    const struct script script[] = { { "", endless, 0 } };
    struct cloud_facts got = { 0 };
    struct err err = { 0 };
    struct server s = server_start(script);
    int code = imds_read("127.0.0.1", s.port, 10000, &got, &err);
    server_stop(&s);
    free(endless);
    assert_int_equal(code, -EPROTO);
}

static void one_deadline_for_everything(void **state)
{
    static const struct {
        const char *why;
        struct script script[2];
    } rows[] = {
        { "silent from the start", { { "", NULL, 0 } } },
        { "silent after the token", { { PUT_TOKEN, REPLY(TOKEN), 0 }, { "", NULL, 0 } } },
        { "each byte in time, all together too late",
          { { "",
              "HTTP/1.1 200 OK\r\nX: 0123456789012345678901234567890123456789012345678901234567890"
              "12345678901234567890123456789012345678901234567890123456789012345678901234567890123"
              "45678901234567890123456789012345678901234567890123456789012345678901234567890123456"
              "\r\n\r\n",
              1 } } },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cloud_facts got = { 0 };
        struct err err = { 0 };
        struct server s = server_start(rows[i].script);
        uint64_t begin_ns = clock_monotonic_ns();
        int code = imds_read("127.0.0.1", s.port, 100, &got, &err);
        uint64_t took_ns = clock_monotonic_ns() - begin_ns;
        server_stop(&s);
        if (code != -ETIMEDOUT || !strstr(err.text, "within 100 ms"))
            fail_msg("%s: got %d: %s", rows[i].why, code, err.text);
        assert_true(took_ns >= 100 * NS_PER_MS);
        assert_true(took_ns < 5 * NS_PER_SEC);
    }
}

static void nobody_there(void **state)
{
    (void)state;
    struct cloud_facts got = { 0 };
    struct err err = { 0 };
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof(a);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    AUTO_FD held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, but not listening */
    assert_int_equal(bind(held, (struct sockaddr *)&a, len), 0);
    assert_int_equal(getsockname(held, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(imds_read("127.0.0.1", ntohs(a.sin_port), 10000, &got, &err), -ECONNREFUSED);
    assert_non_null(strstr(err.text, "nothing listens there"));
}

static void addresses(void **state)
{
    static const struct {
        const char *host;
        int port;
    } rows[] = { { "localhost", 80 },    { "", 80 },     { "127.0.0.1", 0 }, { "127.1", 80 },
                 { "127.0.0.1", 65536 }, { "[::1]", 80 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cloud_facts got = { 0 };
        struct err err = { 0 };
        int code = imds_read(rows[i].host, rows[i].port, 1000, &got, &err);
        if (code != -EINVAL || err.text[0] == '\0')
            fail_msg("%s:%d: got %d", rows[i].host, rows[i].port, code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies),
        cmocka_unit_test(no_answer_is_awaited_past_the_limit),
        cmocka_unit_test(words),
        cmocka_unit_test(asks_for_all_with_a_token),
        cmocka_unit_test(what_the_service_has_not_stays),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(an_endless_answer_is_cut),
        cmocka_unit_test(one_deadline_for_everything),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
