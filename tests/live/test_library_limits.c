/* How much can be required at once, and arguments that are wrong. */
#include "shelf.h"

#include <string.h>

#define SCRIPTS   3
#define LIBRARIES 2

static struct rig rig;
static vouch_error error;
static vouch_script *scripts[SCRIPTS];
static vouch_library *libraries[LIBRARIES];

static void begin(ts_server_kind kind)
{
    static const char *const sources[SCRIPTS] = {"return 1", "return 2", "return 3"};
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    for (int i = 0; i < SCRIPTS; i++)
        shelf_expect(vouch_script_new(sources[i], 0, NULL, &scripts[i], &error), VOUCH_OK, error);
    libraries[0] = shelf_version("1");
    libraries[1] = shelf_library("#!lua name=other\n"
                                 "redis.register_function('other', function() return 1 end)\n",
                                 NULL);
}

static void begin_redis(void)
{
    begin(TS_REDIS);
}

static void begin_valkey(void)
{
    begin(TS_VALKEY);
}

static void end(void)
{
    for (int i = 0; i < SCRIPTS; i++)
        vouch_script_free(scripts[i]);
    for (int i = 0; i < LIBRARIES; i++)
        vouch_library_free(libraries[i]);
    rig_stop(&rig);
}

static void expect_invalid(vouch_status status, vouch_status want, const char *word)
{
    shelf_expect(status, want, error);
    ck_assert_msg(strstr(error.message, word), "%s", error.message);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
}

START_TEST(limits_on_both_sides)
{
    const vouch_script *s[VOUCH_REQUIRE_MAX + 1];
    const vouch_library *l[VOUCH_REQUIRE_MAX + 1];
    vouch_client *c = rig_client(&rig, 3, 7); /* its window is smaller than what it sends */
    const size_t max = VOUCH_REQUIRE_MAX;
    for (size_t i = 0; i <= max; i++) {
        s[i] = scripts[i % SCRIPTS];
        l[i] = libraries[i % LIBRARIES];
    }
    shelf_expect(vouch_client_require(c, s, max, NULL, 0, 0, &error), VOUCH_OK, error);
    shelf_expect(vouch_client_require(c, NULL, 0, l, max, 0, &error), VOUCH_OK, error);
    shelf_expect(vouch_client_require(c, s, max - 100, l, 100, 0, &error), VOUCH_OK, error);
    expect_invalid(vouch_client_require(c, s, max + 1, NULL, 0, 0, &error), VOUCH_ELIMIT, "MAX");
    expect_invalid(vouch_client_require(c, NULL, 0, l, max + 1, 0, &error), VOUCH_ELIMIT, "MAX");
    expect_invalid(vouch_client_require(c, s, max, l, 1, 0, &error), VOUCH_ELIMIT, "MAX");
    expect_invalid(vouch_client_require(c, s, 1, l, SIZE_MAX, 0, &error), VOUCH_ELIMIT, "MAX");
    expect_invalid(vouch_client_require(c, s, SIZE_MAX, l, 2, 0, &error), VOUCH_ELIMIT, "MAX");
    vouch_client_close(c);
}
END_TEST

START_TEST(arguments_that_are_wrong_are_named)
{
    const vouch_script *none[] = {NULL}, *const *s = (const vouch_script *const *)scripts;
    const vouch_library *const *l = (const vouch_library *const *)libraries;
    vouch_client *c = rig_client(&rig, 3, 1000);
    expect_invalid(vouch_client_require(c, NULL, 1, l, 1, 0, &error), VOUCH_EINVAL, "scripts");
    expect_invalid(vouch_client_require(c, s, 1, NULL, 1, 0, &error), VOUCH_EINVAL, "libraries");
    expect_invalid(vouch_client_require(c, NULL, 0, NULL, 1, 0, &error), VOUCH_EINVAL, "libraries");
    expect_invalid(vouch_client_require(c, none, 1, l, 1, 0, &error), VOUCH_EINVAL, "a script");
    expect_invalid(vouch_client_require(c, s, 1, l, 1, -2, &error), VOUCH_EINVAL, "deadline_ms");
    expect_invalid(vouch_client_require(c, s, 1, l, 1, INT64_MAX, &error), VOUCH_EINVAL,
                   "deadline_ms");
    shelf_expect(vouch_client_require(c, s, 1, l, 1, VOUCH_NO_DEADLINE, &error), VOUCH_OK, error);
    shelf_expect(vouch_client_require(c, s, 1, l, 1, 0, NULL), VOUCH_OK, error);
    vouch_client_close(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library limits");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, limits_on_both_sides);
        tcase_add_test(c, arguments_that_are_wrong_are_named);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
