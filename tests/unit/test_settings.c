/* URLs and options: what is accepted, and that a refusal names the part that is wrong. */
#include "client/settings.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct good {
    const char *url, *host;
    int port; /* 0: a Unix socket */
    const char *user, *password, *name;
    uint32_t database, protocol;
};

static const struct good good[] = {
    {"redis://localhost", "localhost", 6379, NULL, NULL, NULL, 0, 3},
    {"redis://h:1", "h", 1, NULL, NULL, NULL, 0, 3},
    {"redis://h:65535/", "h", 65535, NULL, NULL, NULL, 0, 3},
    {"redis://127.0.0.1:7000/15", "127.0.0.1", 7000, NULL, NULL, NULL, 15, 3},
    {"redis://[::1]:7000/2", "::1", 7000, NULL, NULL, NULL, 2, 3},
    {"redis://[fe80::1%25eth0]", "fe80::1%eth0", 6379, NULL, NULL, NULL, 0, 3},
    {"redis://:secret@h", "h", 6379, NULL, "secret", NULL, 0, 3},
    {"redis://ann:se%63ret@h", "h", 6379, "ann", "secret", NULL, 0, 3},
    {"redis://ann:p@ss:w@h/1", "h", 6379, "ann", "p@ss:w", NULL, 1, 3},
    {"redis://ann:@h", "h", 6379, "ann", "", NULL, 0, 3},
    {"redis://a%3ab:p%2f%3f%40@h", "h", 6379, "a:b", "p/?@", NULL, 0, 3},
    {"redis://h?db=3&protocol=2&name=me", "h", 6379, NULL, NULL, "me", 3, 2},
    {"unix:///run/redis.sock", "/run/redis.sock", 0, NULL, NULL, NULL, 0, 3},
    {"unix:///a@b/c%20d?db=7", "/a@b/c d", 0, NULL, NULL, NULL, 7, 3},
    {"unix://ann:pw@/s", "/s", 0, "ann", "pw", NULL, 0, 3},
    {"unix:///s?", "/s", 0, NULL, NULL, NULL, 0, 3},
};

static void same(const char *a, const char *b)
{
    ck_assert((a == NULL) == (b == NULL));
    if (a && b)
        ck_assert_str_eq(a, b);
}

START_TEST(urls_are_read)
{
    struct settings s;
    vouch_error e;
    const struct good *g = &good[_i];
    ck_assert_msg(settings_read(&s, g->url, NULL, &e) == VOUCH_OK, "%s: %s", g->url, e.message);
    ck_assert_str_eq(s.endpoint.host, g->host);
    ck_assert(s.endpoint.local == (g->port == 0));
    if (g->port)
        ck_assert_int_eq(s.endpoint.port, g->port);
    same(s.greeting.username, g->user);
    same(s.greeting.password, g->password);
    same(s.greeting.name, g->name);
    ck_assert_uint_eq(s.greeting.database, g->database);
    ck_assert_uint_eq(s.greeting.protocol, g->protocol);
    settings_free(&s);
}
END_TEST

static const char *const bad[][2] = {
    {NULL, "NULL"},
    {"", "none of redis://, rediss://, unix://"},
    {"http://h", "none of redis://, rediss://, unix://"},
    {"redis://", "no host"},
    {"rediss://", "no host"},
    {"rediss://h?tls_min=11", "tls_min"},
    {"rediss://h?tls_min=1.3", "tls_min"},
    {"rediss://h?tls_min=14", "tls_min"},
    {"rediss://h?tls_verify=yes", "tls_verify"},
    {"rediss://h?tls_verify=", "tls_verify"},
    {"rediss://h?tls_ca_file=%", "tls_ca_file"},
    {"rediss://h?tls_key_file=k", "no tls_cert_file"},
    {"redis://h?tls_ca_file=ca", "only rediss://"},
    {"redis://h?tls_min=13", "only rediss://"},
    {"unix:///s?tls_verify=none", "only rediss://"},
    {"redis://:pw@", "no host"},
    {"redis://:7000", "no host"},
    {"redis://h:0", "port"},
    {"redis://h:65536", "port"},
    {"redis://h:x", "port"},
    {"redis://h:", "port"},
    {"redis://h:+7", "port"},
    {"redis://::1:7000", "IPv6"},
    {"redis://[::1", "']'"},
    {"redis://[::1]x", "']'"},
    {"redis://ann@h", "user without"},
    {"redis://:hunter2%@h", "password"},
    {"redis://:hunter2%zz@h", "password"},
    {"redis://:hunter2%00@h", "NUL"},
    {"redis://h/x", "database"},
    {"redis://h/-1", "database"},
    {"redis://h/2147483648", "database"},
    {"redis://h/1/2", "database"},
    {"redis://:a/hunter2@h", "written %2F"},
    {"redis://ann:a/hunter2@h:1/0", "written %2F"},
    {"redis://:a?hunter2@h", "written %3F"},
    {"redis://h\x01%00", "NUL"},
    {"redis://h/%31", "database"},
    {"redis://h?protocol=2&protocol", "'='"},
    {"redis://h?a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1",
     "more than 16"},
    {"unix://ann@/s", "user without"},
    {"redis://h?db", "'='"},
    {"redis://h?db=", "db"},
    {"redis://h?colour=red", "unknown option"},
    {"redis://h?protocol=4", "protocol"},
    {"redis://h?connect_ms=0", "connect_ms"},
    {"redis://h?connect_ms=86400001", "connect_ms"},
    {"redis://h?deadline_ms=0", "deadline_ms"},
    {"redis://h?deadline_ms=-2", "deadline_ms"},
    {"redis://h?stall_ms=x", "stall_ms"},
    {"redis://h?name=a%20b", "name"},
    {"unix://", "no path"},
    {"unix://sock", "no path"},
    {"unix://h/sock", "no path"},
};

START_TEST(wrong_urls_are_refused_by_name)
{
    struct settings s;
    vouch_error e;
    ck_assert_int_eq(settings_read(&s, bad[_i][0], NULL, &e), VOUCH_EINVAL);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_msg(strstr(e.message, bad[_i][1]), "%s: %s", bad[_i][0], e.message);
    ck_assert_ptr_null(strstr(e.message, "hunter"));
}
END_TEST

START_TEST(a_url_has_a_longest_length)
{
    struct settings s;
    vouch_error e;
    char url[4200] = "redis://h?name=", path[300] = "unix:///";
    memset(path + strlen(path), 's', 107 - 1); /* with the NUL: sun_path full */
    ck_assert_int_eq(settings_read(&s, path, NULL, &e), VOUCH_OK);
    settings_free(&s);
    path[strlen(path)] = 's';
    ck_assert_int_eq(settings_read(&s, path, NULL, &e), VOUCH_EINVAL);
    ck_assert_ptr_nonnull(strstr(e.message, "socket's path"));
    memset(url + strlen(url), 'n', 255);
    ck_assert_int_eq(settings_read(&s, url, NULL, &e), VOUCH_OK);
    settings_free(&s);
    url[strlen(url)] = 'n';
    ck_assert_int_eq(settings_read(&s, url, NULL, &e), VOUCH_EINVAL);
    ck_assert_ptr_nonnull(strstr(e.message, "255"));
    memset(url + strlen(url), 'n', 4097 - strlen(url));
    ck_assert_int_eq(settings_read(&s, url, NULL, &e), VOUCH_EINVAL);
    ck_assert_ptr_nonnull(strstr(e.message, "4096"));
}
END_TEST

START_TEST(a_host_has_a_longest_length)
{
    struct settings s;
    vouch_error e;
    char url[300] = "redis://";
    memset(url + 8, 'h', 255);
    ck_assert_int_eq(settings_read(&s, url, NULL, &e), VOUCH_OK);
    settings_free(&s);
    url[8 + 255] = 'h';
    ck_assert_int_eq(settings_read(&s, url, NULL, &e), VOUCH_EINVAL);
    ck_assert_str_eq(e.message, "the host in the URL: too long");
}
END_TEST

START_TEST(options_go_before_the_url)
{
    struct settings s;
    vouch_error e;
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    o.username = "bob";
    o.password = "b";
    o.name = "n2";
    o.database = 5;
    o.protocol = 2;
    o.connect_ms = 7;
    ck_assert_int_eq(settings_read(&s, "redis://ann:a@h/1?name=n&connect_ms=9", &o, &e), VOUCH_OK);
    ck_assert_str_eq(s.greeting.username, "bob");
    ck_assert_str_eq(s.greeting.password, "b");
    ck_assert_str_eq(s.greeting.name, "n2");
    ck_assert_uint_eq(s.greeting.database, 5);
    ck_assert_uint_eq(s.greeting.protocol, 2);
    ck_assert_int_eq(s.connect_ms, 7);
    settings_free(&s);
}
END_TEST

START_TEST(tls_is_told_by_url_and_options)
{
    struct settings s;
    vouch_error e;
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    o.tls_name = "n2";
    o.tls_min = 13;
    ck_assert_int_eq(settings_read(&s,
                                   "rediss://h:1/2?tls_ca_file=/a%20b&tls_cert_file=c&tls_key_file="
                                   "k&tls_name=n&tls_min=12&tls_verify=chain",
                                   &o, &e),
                     VOUCH_OK);
    ck_assert(s.endpoint.tls && !s.endpoint.local);
    ck_assert_uint_eq(s.endpoint.port, 1);
    ck_assert_str_eq(s.tls.ca_file, "/a b");
    ck_assert_str_eq(s.tls.cert_file, "c");
    ck_assert_str_eq(s.tls.key_file, "k");
    ck_assert_str_eq(s.tls.name, "n2");
    ck_assert_uint_eq(s.tls.min, 13);
    ck_assert_uint_eq(s.tls.verify, VOUCH_TLS_VERIFY_CHAIN);
    settings_free(&s);
    o.tls_verify = VOUCH_TLS_VERIFY_FULL; /* stricter than the URL */
    ck_assert_int_eq(settings_read(&s, "rediss://h?tls_verify=none", &o, &e), VOUCH_OK);
    ck_assert_uint_eq(s.tls.verify, VOUCH_TLS_VERIFY_FULL);
    settings_free(&s);
    ck_assert_int_eq(settings_read(&s, "redis://h", &o, &e), VOUCH_EINVAL);
    ck_assert_ptr_nonnull(strstr(e.message, "only rediss://"));
}
END_TEST

static bool no_credentials(vouch_credentials *out, void *user)
{
    (void)out;
    (void)user;
    return false;
}

START_TEST(a_hook_and_a_password_are_too_many)
{
    struct settings s;
    vouch_error e;
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    o.credentials = no_credentials;
    ck_assert_int_eq(settings_read(&s, "redis://h", &o, &e), VOUCH_OK);
    settings_free(&s);
    ck_assert_int_eq(settings_read(&s, "redis://:hunter2@h", &o, &e), VOUCH_EINVAL);
    ck_assert_ptr_nonnull(strstr(e.message, "credentials"));
    o.username = "ann";
    ck_assert_int_eq(settings_read(&s, "redis://h", &o, &e), VOUCH_EINVAL);
}
END_TEST

START_TEST(defaults_are_the_documented_ones)
{
    struct settings s;
    vouch_error e;
    ck_assert_int_eq(settings_read(&s, "redis://h", NULL, &e), VOUCH_OK);
    ck_assert_int_eq(s.connect_ms, 2000);
    ck_assert_int_eq(s.deadline_ms, 5000);
    ck_assert_int_eq(s.stall_ms, 5000);
    ck_assert_int_eq(s.retry_min_ms, 20);
    ck_assert_int_eq(s.retry_max_ms, 500);
    ck_assert_uint_eq(s.outages, 8);
    ck_assert_uint_eq(s.window_commands, 1000);
    ck_assert_uint_eq(s.window_bytes, 1 << 20);
    ck_assert_uint_eq(s.limits.bytes, 512u << 20);
    ck_assert_uint_eq(s.limits.elements, 1 << 20);
    ck_assert_uint_eq(s.limits.depth, 32);
    settings_free(&s);
}
END_TEST

/* Each limit, on its good side and beyond. */
static void limit(vouch_client_options fits, vouch_client_options over, const char *name)
{
    struct settings s;
    vouch_error e;
    ck_assert_msg(settings_read(&s, "redis://h", &fits, &e) == VOUCH_OK, "%s", e.message);
    settings_free(&s);
    ck_assert_int_eq(settings_read(&s, "redis://h", &over, &e), VOUCH_EINVAL);
    ck_assert_msg(strstr(e.message, name), "%s: %s", name, e.message);
}

#define LIMIT(field, good_value, bad_value)                                                        \
    do {                                                                                           \
        vouch_client_options a = VOUCH_CLIENT_OPTIONS_INIT, b = VOUCH_CLIENT_OPTIONS_INIT;         \
        a.field = good_value;                                                                      \
        b.field = bad_value;                                                                       \
        limit(a, b, #field);                                                                       \
    } while (0)

START_TEST(options_over_a_limit_are_refused_by_name)
{
    LIMIT(size, sizeof(vouch_client_options), 0);
    LIMIT(protocol, 3, 4);
    LIMIT(protocol, 2, 1);
    LIMIT(database, INT32_MAX, (uint32_t)INT32_MAX + 1);
    LIMIT(window_commands, VOUCH_WINDOW_MAX_COMMANDS, VOUCH_WINDOW_MAX_COMMANDS + 1);
    LIMIT(reply_max_bytes, UINT32_MAX - 1, UINT32_MAX);
    LIMIT(reply_max_elements, UINT32_MAX - 1, UINT32_MAX);
    LIMIT(reply_max_depth, 64, 65);
    LIMIT(connect_ms, 86400000, 86400001);
    LIMIT(connect_ms, 1, -1);
    LIMIT(deadline_ms, VOUCH_NO_DEADLINE, -2);
    LIMIT(stall_ms, VOUCH_NO_DEADLINE, -2);
    LIMIT(retry_min_ms, 1, -1);
    LIMIT(retry_max_ms, 20, 19);
    LIMIT(name, "a-b", "a b");
    LIMIT(tls_verify, 0, VOUCH_TLS_VERIFY_NONE + 1);
    LIMIT(tls_min, 0, 14);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, urls_are_read, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(c, wrong_urls_are_refused_by_name, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(c, a_url_has_a_longest_length);
    tcase_add_test(c, a_host_has_a_longest_length);
    tcase_add_test(c, options_go_before_the_url);
    tcase_add_test(c, tls_is_told_by_url_and_options);
    tcase_add_test(c, a_hook_and_a_password_are_too_many);
    tcase_add_test(c, defaults_are_the_documented_ones);
    tcase_add_test(c, options_over_a_limit_are_refused_by_name);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
