/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/http.h"
#include "expose/listen.h"

#include "base/cleanup.h"
#include "base/number.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

static void addresses_that_are_understood(void **state)
{
    static const struct {
        const char *text, *host, *port;
        bool tls;
    } rows[] = {
        { ":28282", "", "28282", false },
        { "127.0.0.1:0", "127.0.0.1", "0", false },
        { "http://127.0.0.1:9100", "127.0.0.1", "9100", false },
        { "HTTP://localhost:80", "localhost", "80", false },
        { "https://:8443", "", "8443", true },
        { "[::1]:9100", "::1", "9100", false },
        { "[::]:65535", "::", "65535", false },
        { "[fe80::1%eth0]:1", "fe80::1%eth0", "1", false },
        { "node-1.example:1", "node-1.example", "1", false },
        { ":00080", "", "80", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_address got;
        struct err err = { 0 };
        if (http_address_parse(rows[i].text, &got, &err) < 0)
            fail_msg("%s", err.text);
        assert_string_equal(got.host, rows[i].host);
        assert_string_equal(got.port, rows[i].port);
        assert_int_equal(got.tls, rows[i].tls);
    }
}

static void addresses_that_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        ":",
        "28282",
        "127.0.0.1",
        "127.0.0.1:",
        ":65536",
        ":99999999999",
        ":-1",
        ":+1",
        ": 1",
        ":1 ",
        "::1:9100",
        "[::1]",
        "[]:1",
        "[::1:1",
        "::1]:1",
        "ftp://h:1",
        "http://:http",
        "a b:1",
        "h\n:1",
        "http://h:1/metrics",
        "unix:/run/x",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_address got = { .host = "kept" };
        struct err err = { 0 };
        if (http_address_parse(rows[i], &got, &err) != -EINVAL)
            fail_msg("\"%s\" was taken", rows[i]);
        assert_string_equal(got.host, "kept"); /* nothing is written on failure */
        assert_non_null(strstr(err.text, "write ADDRESS:PORT"));
    }
}

static int open_text(const char *text, char where[80], int *ret_fd, struct err *err)
{
    struct http_address address;
    assert_int_equal(http_address_parse(text, &address, err), 0);
    return listen_open(&address, ret_fd, where, 80, err);
}

static void port_0_is_a_free_one_and_a_taken_one_is_explained(void **state)
{
    struct err err = { 0 };
    char where[80] = "";
    char again[80] = "";
    AUTO_FD first = -1;
    AUTO_FD second = -1;
    uint64_t port = 0;
    (void)state;
    assert_int_equal(open_text("127.0.0.1:0", where, &first, &err), 0);
    assert_int_equal(strncmp(where, "127.0.0.1:", 10), 0);
    assert_int_equal(number_parse_u64(where + 10, 10, &port), 0);
    assert_true(port > 0);
    assert_int_equal(open_text(where, again, &second, &err), -EADDRINUSE);
    assert_int_equal(second, -1);
    assert_non_null(strstr(err.text, "is taken by another process: choose another with"));
    assert_non_null(strstr(err.text, "on 127.0.0.1"));
}

static void an_address_of_another_machine_is_explained(void **state)
{
    struct err err = { 0 };
    char where[80];
    AUTO_FD fd = -1;
    (void)state;
    /* TEST-NET-3, RFC 5737: nobody has it */
    assert_int_equal(open_text("203.0.113.7:0", where, &fd, &err), -EADDRNOTAVAIL);
    assert_non_null(strstr(err.text, "no address of this machine"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_understood),
        cmocka_unit_test(addresses_that_are_refused),
        cmocka_unit_test(port_0_is_a_free_one_and_a_taken_one_is_explained),
        cmocka_unit_test(an_address_of_another_machine_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
