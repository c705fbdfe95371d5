/* Numbers to servers and back in a program that runs under de_DE, where 1.5 is written 1,5. */
#include "locales.h"
#include "rig.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static const char *const names[] = {"de_DE"};

static void setup(void)
{
    ts_locales_make(names, 1);
}

static struct rig start(ts_server_kind kind)
{
    static const char *const config[] = {"enable-debug-command yes", NULL};
    ts_server_options so = {.kind = kind, .config = config};
    struct rig rig = {.server = ts_server_start(&so)};
    ck_assert_msg(rig.server != NULL, "the server does not start");
    ts_proxy_options po = {.upstream = ts_server_address(rig.server)};
    rig.proxy = ts_proxy_start(&po);
    ts_locales_set("de_DE", ",");
    return rig;
}

static void stop(struct rig *rig)
{
    ck_assert_str_eq(setlocale(LC_ALL, NULL), "de_DE.UTF-8");
    rig_stop(rig);
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C"));
}

static vouch_results *run(vouch_client *client, vouch_batch *b)
{
    vouch_results *results = NULL;
    vouch_error e;
    ck_assert_msg(vouch_pipeline_run(client, b, NULL, &results, &e) == VOUCH_OK, "%s", e.message);
    vouch_batch_free(b);
    return results;
}

static double real(const vouch_reply *reply)
{
    double value = NAN;
    vouch_string s = vouch_reply_string(reply);
    ck_assert_msg(vouch_reply_double(reply, &value), "no double: %s", s.data ? s.data : "(none)");
    ck_assert_msg(!s.data || !strchr(s.data, ','), "a comma: %s", s.data);
    return value;
}

static void is_double(const vouch_reply *reply, double value)
{
    double got = real(reply);
    ck_assert_msg(got == value && !signbit(got) == !signbit(value), "%a, not %a", got, value);
}

static const struct {
    double value;
    const char *text;
} numbers[] = {
    {1.5, "1.5"},
    {-0.1, "-0.1"},
    {123456.789, "123456.789"},
    {1e21, "1e21"},
    {-2.5e-7, "-2.5e-7"},
    {1.7976931348623157e308, "1.7976931348623157e308"},
    {5e-324, "5e-324"},
    {0.30000000000000004, "0.30000000000000004"},
    {(double)INFINITY, "inf"},
    {-(double)INFINITY, "-inf"},
};

#define NUMBERS (sizeof numbers / sizeof *numbers)

/* As text, as a score, and as a score among others; added by each of the ways there are. */
static void check_number(struct rig *rig, vouch_client *client, size_t i, uint32_t protocol)
{
    double value = numbers[i].value;
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "SET", "text", value);
    vouch_batch_begin(b, "ZADD");
    vouch_batch_arg(b, "scores");
    vouch_batch_arg(b, value);
    vouch_batch_arg(b, "member");
    vouch_batch_end(b);
    vouch_batch_add(b, "GET", "text");
    vouch_batch_add(b, "ZSCORE", "scores", "member");
    vouch_batch_add(b, "ZRANGE", "scores", 0, -1, "WITHSCORES");
    vouch_batch_add(b, "ZRANGEBYSCORE", "scores", value, value);
    vouch_results *results = run(client, b);
    is_double(vouch_results_at(results, 2)->reply, value);
    const vouch_reply *score = vouch_results_at(results, 3)->reply, *member = NULL;
    ck_assert_int_eq(vouch_reply_type(score),
                     protocol == 3 ? VOUCH_TYPE_DOUBLE : VOUCH_TYPE_STRING);
    is_double(score, value);
    ck_assert(vouch_reply_pair(vouch_results_at(results, 4)->reply, 0, &member, &score));
    is_double(score, value);
    ck_assert_uint_eq(vouch_reply_count(vouch_results_at(results, 5)->reply), 1);
    vouch_results_free(results);
    ts_reply *held = rig_ask(rig, 2, (const char *const[]){"GET", "text"});
    ck_assert_str_eq(held->text, numbers[i].text);
    ts_reply_free(held);
    rig_flush(rig);
}

/* What servers compute, and the type itself. */
static void check_replies(vouch_client *client, uint32_t protocol)
{
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "INCRBYFLOAT", "n", 0.25);
    vouch_batch_add(b, "INCRBYFLOAT", "n", 1.25f);
    vouch_batch_add(b, "HINCRBYFLOAT", "h", "f", -0.75);
    vouch_batch_add(b, "ZADD", "z", 1.5, "m");
    vouch_batch_add(b, "ZINCRBY", "z", 0.25, "m");
    vouch_batch_add(b, "DEBUG", "PROTOCOL", "double");
    vouch_batch_add(b, "GEOADD", "g", 13.361389, 38.115556, "here");
    vouch_batch_add(b, "GEOPOS", "g", "here");
    vouch_results *results = run(client, b);
    is_double(vouch_results_at(results, 0)->reply, 0.25);
    is_double(vouch_results_at(results, 1)->reply, 1.5);
    is_double(vouch_results_at(results, 2)->reply, -0.75);
    is_double(vouch_results_at(results, 4)->reply, 1.75);
    const vouch_reply *typed = vouch_results_at(results, 5)->reply;
    ck_assert_int_eq(vouch_reply_type(typed),
                     protocol == 3 ? VOUCH_TYPE_DOUBLE : VOUCH_TYPE_STRING);
    is_double(typed, 3.141);
    const vouch_reply *place = vouch_reply_at(vouch_results_at(results, 7)->reply, 0);
    ck_assert_double_eq_tol(real(vouch_reply_at(place, 0)), 13.361389, 1e-5);
    ck_assert_double_eq_tol(real(vouch_reply_at(place, 1)), 38.115556, 1e-5);
    vouch_results_free(results);
}

START_TEST(doubles_go_and_come_with_a_point)
{
    struct rig rig = start(_i % 2 ? TS_VALKEY : TS_REDIS);
    uint32_t protocol = _i / 2 ? 3 : 2;
    vouch_client *client = rig_client(&rig, protocol, 0);
    for (size_t i = 0; i < NUMBERS; i++)
        check_number(&rig, client, i, protocol);
    check_replies(client, protocol);
    vouch_client_close(client);
    stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("locale");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_unchecked_fixture(c, setup, ts_locales_remove);
    tcase_add_loop_test(c, doubles_go_and_come_with_a_point, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
