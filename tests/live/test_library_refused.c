/* Libraries that a server does not load for now: what passes is waited out, and if it lasts too long the
 * old one is there as before, and that is what is said. */
#include "callee.h"
#include "obstacles.h"
#include "shelf.h"

#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static const struct obstacle *lifted; /* after some waits, by the hook; NULL: not any more */
static int waits;

static void on_event(const vouch_event *event, void *user)
{
    (void)user;
    bool waited = event->kind == VOUCH_EVENT_WAITED || event->kind == VOUCH_EVENT_UNREACHABLE;
    if (!waited || ++waits < 3 || !lifted)
        return;
    lifted->set(false);
    lifted = NULL;
}

static void begin(int kind, uint32_t outages)
{
    ts_server_options so = {.kind = kind ? TS_VALKEY : TS_REDIS};
    vouch_client_options o = rig_options(3, 1000);
    obstacles_options(&so);
    rig = rig_start_with(&so);
    obstacles_on(rig.server);
    o.outages = outages;
    o.on_event = on_event;
    client = rig_open(&rig, &o);
    ts_do(rig.server, "CONFIG", "SET", "appendonly", "no", NULL);
}

static void end(void)
{
    vouch_client_close(client);
    obstacle_end();
    rig_stop(&rig);
}

/* What holds the server as a function is on the shelf beside ours. */
static void put(const struct obstacle *o, bool begin)
{
    waits = 0;
    lifted = begin ? o : NULL;
    o->set(begin);
}

START_TEST(what_passes_is_waited_for)
{
    const struct obstacle *o = &obstacles[_i / 2];
    vouch_library *old = shelf_version("1.0"), *new = shelf_version("1.1");
    vouch_library_report report = VOUCH_LIBRARY_REPORT_INIT;
    begin(_i % 2, 1000000);
    put(o, true);
    vouch_status status =
        vouch_library_install(client, old, VOUCH_INSTALL_MISSING, 0, &report, &error);
    ck_assert_msg(status == VOUCH_OK && report.installed, "%s: %s", o->code, error.message);
    ck_assert_msg(!lifted && waits >= 3, "%s: %d waits", o->code, waits);
    ck_assert_str_eq(shelf_there(rig.server), "1.0");
    put(o, true);
    status = vouch_library_install(client, new, VOUCH_INSTALL_NEWER, 0, &report, &error);
    ck_assert_msg(status == VOUCH_OK && report.installed, "%s: %s", o->code, error.message);
    ck_assert_msg(!lifted && waits >= 3, "%s: %d waits", o->code, waits);
    ck_assert_str_eq(shelf_there(rig.server), "1.1");
    ts_do(rig.server, "FUNCTION", "DELETE", "bank", NULL);
    put(o, true);
    const vouch_library *libraries[] = {old};
    status = vouch_client_require(client, NULL, 0, libraries, 1, 0, &error);
    ck_assert_msg(status == VOUCH_OK, "%s: %s", o->code, error.message);
    ck_assert_msg(!lifted && waits >= 3, "%s: %d waits", o->code, waits);
    ck_assert_str_eq(shelf_there(rig.server), "1.0");
    vouch_library_free(old);
    vouch_library_free(new);
    end();
}
END_TEST

START_TEST(what_lasts_leaves_the_old_one)
{
    const struct obstacle *o = &obstacles[_i / 2];
    bool masterdown = o->set == obstacle_masterdown;
    vouch_library *old = shelf_version("1.0"), *new = shelf_version("1.1");
    begin(_i % 2, o->set == obstacle_loading ? 6 : 2);
    ck_assert_int_eq(vouch_library_install(client, old, VOUCH_INSTALL_MISSING, 0, NULL, &error),
                     VOUCH_OK);
    put(o, true);
    lifted = NULL;
    for (int policy = VOUCH_INSTALL_DIFFERENT; policy <= VOUCH_INSTALL_NEWER; policy++) {
        vouch_library_report report = VOUCH_LIBRARY_REPORT_INIT;
        vouch_status status =
            vouch_library_install(client, new, (vouch_install)policy, 0, &report, &error);
        ck_assert_msg(status != VOUCH_OK && error.effect == VOUCH_NOT_APPLIED, "%s: %s, %s: %s",
                      o->code, vouch_status_name(status), vouch_effect_name(error.effect),
                      error.message);
        ck_assert_msg(!report.installed, "%s", o->code);
        ck_assert_msg(strstr(error.message, o->code) ||
                          (masterdown && strstr(error.message, "READONLY")),
                      "%s: %s", o->code, error.message);
        ck_assert_msg(error.retriable, "%s: %s", o->code, error.message);
    }
    const vouch_library *libraries[] = {new};
    vouch_status status = vouch_client_require(client, NULL, 0, libraries, 1, 0, &error);
    ck_assert_msg(status != VOUCH_OK && error.effect == VOUCH_NOT_APPLIED, "%s: %s", o->code,
                  error.message);
    put(o, false);
    ck_assert_str_eq(shelf_there(rig.server), "1.0");
    vouch_library_free(old);
    vouch_library_free(new);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library refused");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, what_passes_is_waited_for, 0, 2 * OBSTACLES);
    tcase_add_loop_test(c, what_lasts_leaves_the_old_one, 0, 2 * OBSTACLES);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
