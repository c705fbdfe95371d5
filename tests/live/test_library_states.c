/* Installing on servers that do not make it easy: versions that are badly stated, names that others own,
 * rights that are missing, no memory, a replica, a server that loads. In RESP2 and RESP3. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static ts_server_kind kind;
static vouch_client *clients[2]; /* RESP2, RESP3 */
static vouch_error error;
static vouch_library_report report;

static void begin(void)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    for (uint32_t i = 0; i < 2; i++)
        clients[i] = rig_client(&rig, 2 + i, 1000);
}

static void begin_redis(void)
{
    kind = TS_REDIS;
    begin();
}

static void begin_valkey(void)
{
    kind = TS_VALKEY;
    begin();
}

static void end(void)
{
    for (int i = 0; i < 2; i++)
        vouch_client_close(clients[i]);
    rig_stop(&rig);
}

static vouch_status install(vouch_client *c, const vouch_library *l, vouch_install policy)
{
    report = (vouch_library_report)VOUCH_LIBRARY_REPORT_INIT;
    return vouch_library_install(c, l, policy, 0, &report, &error);
}

static void expect(vouch_status status, vouch_status want, vouch_library_state state,
                   bool installed, const char *there)
{
    shelf_expect(status, want, error);
    if (want == VOUCH_ESERVER)
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(report.state, state);
    ck_assert_int_eq(report.installed, installed);
    ck_assert_str_eq(shelf_there(rig.server), there);
}

/* ---- versions ------------------------------------------------------------------------------- */

/* What a version that is there is taken for by one who has 2. */
static const struct {
    const char *stated, *reported;
    bool older;
} versions[] = {
    {"1.99.99", "1.99.99", true},
    {"2.0", "2.0", false},
    {"2.0.0.1", "2.0.0.1", false},
    {"10", "10", false},
    {"two", "", true},
    {"2.", "", true},
    {"1.x", "", true},
    {"99999999999", "", true},
    {"3, or so", "", true},
};

START_TEST(a_version_that_is_badly_stated_is_none)
{
    vouch_library *l = shelf_version("2");
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        vouch_client *c = clients[i % 2];
        shelf_put_version(rig.server, versions[i].stated);
        expect(install(c, l, VOUCH_INSTALL_NEWER), VOUCH_OK, VOUCH_LIBRARY_DIFFERENT,
               versions[i].older, versions[i].older ? "2" : versions[i].stated);
        ck_assert_str_eq(report.version, versions[i].reported);
    }
    vouch_library_free(l);
}
END_TEST

START_TEST(without_a_version_it_is_newer_than_nothing)
{
    vouch_library *l = shelf_version("");
    expect(install(clients[0], l, VOUCH_INSTALL_NEWER), VOUCH_OK, VOUCH_LIBRARY_MISSING, true, "?");
    expect(install(clients[1], l, VOUCH_INSTALL_NEWER), VOUCH_OK, VOUCH_LIBRARY_SAME, false, "?");
    shelf_put_version(rig.server, "0");
    expect(install(clients[0], l, VOUCH_INSTALL_NEWER), VOUCH_OK, VOUCH_LIBRARY_DIFFERENT, false,
           "0");
    expect(install(clients[1], l, VOUCH_INSTALL_DIFFERENT), VOUCH_OK, VOUCH_LIBRARY_DIFFERENT, true,
           "?");
    vouch_library_free(l);
}
END_TEST

/* A library whose functions this vouch would not take still has its version. */
START_TEST(a_version_counts_whatever_else_is_in_the_library)
{
    char *source = malloc(200000);
    ck_assert_ptr_nonnull(source);
    int n = sprintf(source, "#!lua name=bank\n-- version: 9\n");
    for (int i = 0; i <= VOUCH_LIBRARY_MAX_FUNCTIONS; i++)
        n += sprintf(source + n, "redis.register_function('f%d', function() return 1 end)\n", i);
    vouch_library *l = shelf_version("2");
    shelf_put(rig.server, source);
    expect(install(clients[1], l, VOUCH_INSTALL_NEWER), VOUCH_OK, VOUCH_LIBRARY_DIFFERENT, false,
           "9");
    ck_assert_str_eq(report.version, "9");
    vouch_library_free(l);
    free(source);
}
END_TEST

/* ---- names ---------------------------------------------------------------------------------- */

START_TEST(names_that_several_others_own)
{
    vouch_library *l = shelf_version("2");
    for (int i = 0; i < 2; i++)
        for (int policy = VOUCH_INSTALL_MISSING; policy <= VOUCH_INSTALL_NEVER; policy++) {
            bool looks = policy == VOUCH_INSTALL_NEVER;
            shelf_clear(rig.server);
            shelf_put(rig.server, "#!lua name=thief\n" /* servers do not mind the case */
                                  "redis.register_function('Version', function() end)\n");
            shelf_put(rig.server, "#!lua name=other\n"
                                  "redis.register_function('nothing', function() end)\n");
            shelf_put(rig.server, "#!lua name=gang\n"
                                  "redis.register_function('deposit', function() end)\n");
            expect(install(clients[i], l, (vouch_install)policy), looks ? VOUCH_OK : VOUCH_ESERVER,
                   VOUCH_LIBRARY_TAKEN, false, "-");
            bool gang = strcmp(report.owner, "gang") == 0;
            ck_assert_str_eq(report.owner, gang ? "gang" : "thief");
            ck_assert_str_eq(report.function, gang ? "deposit" : "version");
            ck_assert(looks || (strstr(error.message, report.owner) &&
                                strstr(error.message, report.function)));
            ts_do(rig.server, "FUNCTION", "DELETE", report.owner, NULL);
            expect(install(clients[i], l, (vouch_install)policy), looks ? VOUCH_OK : VOUCH_ESERVER,
                   VOUCH_LIBRARY_TAKEN, false, "-");
            ck_assert_str_eq(report.owner, gang ? "thief" : "gang");
        }
    vouch_library_free(l);
}
END_TEST

/* Nobody can read off the source that it wants a name that is taken: the server says so. */
START_TEST(a_computed_name_that_another_owns)
{
    vouch_library *l = shelf_library("#!lua name=bank\n"
                                     "redis.register_function('de' .. 'posit', function() end)\n",
                                     NULL);
    shelf_put(rig.server, "#!lua name=thief\n"
                          "redis.register_function('deposit', function() end)\n");
    for (int policy = VOUCH_INSTALL_MISSING; policy < VOUCH_INSTALL_NEVER; policy++) {
        expect(install(clients[policy % 2], l, (vouch_install)policy), VOUCH_ESERVER,
               VOUCH_LIBRARY_MISSING, false, "-");
        ck_assert_msg(strstr(error.message, "deposit"), "%s", error.message);
    }
    vouch_library_free(l);
}
END_TEST

/* ---- the guard ------------------------------------------------------------------------------ */

START_TEST(the_guard_is_named_as_documented_and_goes)
{
    vouch_library *one = shelf_version("1"), *two = shelf_version("2");
    expect(install(clients[0], one, VOUCH_INSTALL_MISSING), VOUCH_OK, VOUCH_LIBRARY_MISSING, true,
           "1");
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 0);
    for (int i = 0; i < 2; i++) {
        expect(
            install(clients[i], i ? one : two, i ? VOUCH_INSTALL_DIFFERENT : VOUCH_INSTALL_NEWER),
            VOUCH_OK, VOUCH_LIBRARY_DIFFERENT, true, i ? "1" : "2");
        ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 1);
        int64_t left = ts_int(rig.server, "PTTL", "vouch:library:bank", NULL);
        ck_assert_msg(left > 500000 && left <= 600000, "%lld", (long long)left);
        ts_do(rig.server, "FLUSHALL", NULL);
    }
    /* Who only looks, or finds all as it should be, writes nothing. */
    expect(install(clients[1], one, VOUCH_INSTALL_DIFFERENT), VOUCH_OK, VOUCH_LIBRARY_SAME, false,
           "1");
    expect(install(clients[1], two, VOUCH_INSTALL_NEVER), VOUCH_OK, VOUCH_LIBRARY_DIFFERENT, false,
           "1");
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 0);
    vouch_library_free(one);
    vouch_library_free(two);
}
END_TEST

/* ---- rights --------------------------------------------------------------------------------- */

/* A right that is missing, and whom it keeps from installing 2 over 1. */
static const struct {
    const char *rule;
    bool look, missing, replace; /* NEVER; MISSING with nothing there; DIFFERENT and NEWER */
} rights[] = {
    {"-function|list", false, false, false},
    {"-function|load", true, false, false},
    {"-watch", true, true, false},
    {"-multi", true, false, false},
    {"-exec", true, false, false},
    {"-set", true, true, false},
    {"resetkeys ~other:*", true, true, false},
    {"-unwatch", true, true, true},
    {"-function|flush", true, true, true},
};

static vouch_client *client_without(const char *rule)
{
    char line[128];
    size_t n = 4;
    (void)snprintf(line, sizeof line, "on nopass +@all ~* %s", rule);
    const char *all[16] = {"ACL", "SETUSER", "few", "reset"};
    char *left = NULL;
    for (char *w = strtok_r(line, " ", &left); w; w = strtok_r(NULL, " ", &left))
        all[n++] = w;
    ts_reply *r = ts_command_words(rig.server, n, all, NULL);
    ck_assert_msg(r->type == TS_REPLY_STATUS, "%s", r->text);
    ts_reply_free(r);
    vouch_client_options o = rig_options(3, 1000);
    o.username = "few";
    o.password = "x";
    return rig_open(&rig, &o);
}

static void check_right(vouch_client *c, const char *rule, vouch_install policy, const char *before,
                        bool may)
{
    vouch_library *two = shelf_version("2");
    shelf_clear(rig.server);
    if (before)
        shelf_put_version(rig.server, before);
    vouch_status status = install(c, two, policy);
    bool looks = policy == VOUCH_INSTALL_NEVER;
    const char *there = shelf_there(rig.server), *expected = may && !looks ? "2"
                                                             : before      ? before
                                                                           : "-";
    ck_assert_msg(strcmp(there, expected) == 0, "%s, policy %d: %s (%s)", rule, policy, there,
                  error.message);
    ck_assert_msg(status == (may ? VOUCH_OK : VOUCH_ESERVER), "%s, policy %d: %s, %s", rule, policy,
                  vouch_status_name(status), error.message);
    ck_assert_int_eq(error.effect, may ? VOUCH_APPLIED : VOUCH_NOT_APPLIED);
    ck_assert_int_eq(report.installed, may && !looks);
    ck_assert_msg(may || error.message[0], "%s", rule);
    vouch_library_free(two);
}

START_TEST(rights_that_are_missing)
{
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        const char *rule = rights[i].rule;
        vouch_client *c = client_without(rule);
        check_right(c, rule, VOUCH_INSTALL_NEVER, "1", rights[i].look);
        check_right(c, rule, VOUCH_INSTALL_MISSING, NULL, rights[i].missing);
        check_right(c, rule, VOUCH_INSTALL_DIFFERENT, "1", rights[i].replace);
        check_right(c, rule, VOUCH_INSTALL_NEWER, "1", rights[i].replace);
        vouch_client_close(c);
    }
}
END_TEST

/* ---- states --------------------------------------------------------------------------------- */

static vouch_client *impatient(const ts_server *server)
{
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(3, 1000);
    vouch_client *c = NULL;
    o.outages = 2;
    shelf_expect(vouch_client_open(ts_server_url(server, url, sizeof url), &o, &c, &error),
                 VOUCH_OK, error);
    return c;
}

static void expect_refused(vouch_client *c, const char *code)
{
    vouch_library *two = shelf_version("2");
    for (int policy = VOUCH_INSTALL_MISSING; policy < VOUCH_INSTALL_NEVER; policy++) {
        shelf_expect(install(c, two, (vouch_install)policy), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_str_eq(error.code, code);
        ck_assert_int_eq(report.installed, 0);
    }
    vouch_library_free(two);
}

START_TEST(no_memory_left)
{
    vouch_client *c = impatient(rig.server);
    vouch_library *two = shelf_version("2");
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    expect_refused(c, "OOM");
    shelf_expect(vouch_library_status(c, two, 0, &report, &error), VOUCH_OK, error);
    ck_assert_int_eq(report.state, VOUCH_LIBRARY_MISSING);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    expect(install(c, two, VOUCH_INSTALL_NEWER), VOUCH_OK, VOUCH_LIBRARY_MISSING, true, "2");
    vouch_library_free(two);
    vouch_client_close(c);
}
END_TEST

START_TEST(on_a_replica)
{
    ts_server_options po = {.kind = kind, .transport = TS_TCP};
    ts_server *primary = ts_server_start(&po);
    ts_server_options ro = {.kind = kind, .transport = TS_TCP, .replica_of = primary};
    ts_server *replica = ts_server_start(&ro);
    ck_assert(primary && replica);
    vouch_client *c = impatient(replica);
    expect_refused(c, "READONLY");
    ck_assert_str_eq(shelf_there(replica), "-");
    shelf_put_version(primary, "2");
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); strcmp(shelf_there(replica), "2") != 0;)
        ck_assert(ts_look_again(limit));
    vouch_library *two = shelf_version("2");
    shelf_expect(install(c, two, VOUCH_INSTALL_NEWER), VOUCH_OK, error);
    ck_assert_int_eq(report.state, VOUCH_LIBRARY_SAME);
    vouch_library_free(two);
    vouch_client_close(c);
    ts_server_free(replica);
    ts_server_free(primary);
}
END_TEST

START_TEST(a_server_that_loads_is_waited_for)
{
    static const char *const config[] = {"key-load-delay 10000",
                                         "loading-process-events-interval-bytes 1024",
                                         "rdbcompression no", NULL};
    ts_server_options so = {.kind = kind, .config = config};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    shelf_put_version(server, "1");
    ts_do(server, "EVAL", "for i=1,1000 do redis.call('SET', 'k'..i, string.rep('x', 500)) end",
          "0", NULL);
    ts_do(server, "SAVE", NULL);
    ts_server_kill(server);
    ck_assert(ts_server_start_again_async(server));
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool loads = false; !loads;) {
        ck_assert(ts_look_again(limit));
        char *loading = ts_info(server, "persistence", "loading");
        loads = loading && strcmp(loading, "1") == 0;
        free(loading);
    }
    vouch_client *c = impatient(server);
    vouch_library *two = shelf_version("2");
    vouch_status status = install(c, two, VOUCH_INSTALL_NEWER);
    ck_assert_msg(status == VOUCH_ESERVER, "%s", error.message);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_str_eq(error.code, "LOADING");
    ts_do(server, "CONFIG", "SET", "key-load-delay", "0", NULL);
    ck_assert(ts_server_wait_ready(server, ts_deadline(RIG_PATIENCE_MS)));
    shelf_expect(install(c, two, VOUCH_INSTALL_NEWER), VOUCH_OK, error);
    ck_assert_str_eq(shelf_there(server), "2");
    vouch_library_free(two);
    vouch_client_close(c);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library states");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, a_version_that_is_badly_stated_is_none);
        tcase_add_test(c, without_a_version_it_is_newer_than_nothing);
        tcase_add_test(c, a_version_counts_whatever_else_is_in_the_library);
        tcase_add_test(c, names_that_several_others_own);
        tcase_add_test(c, a_computed_name_that_another_owns);
        tcase_add_test(c, the_guard_is_named_as_documented_and_goes);
        tcase_add_test(c, rights_that_are_missing);
        tcase_add_test(c, no_memory_left);
        tcase_add_test(c, on_a_replica);
        tcase_add_test(c, a_server_that_loads_is_waited_for);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
