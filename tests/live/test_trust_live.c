/* The scan of scripts against what servers really answer: no script that shows the server's own line by
 * which it says that it does not have the script is believed; and what each row says of the wire holds. */
#include "forgeries.h"
#include "rig.h"
#include "script/trust.h"

#include <stdlib.h>
#include <string.h>

static struct rig rig;
static char *line; /* this server's own, without the dash */

/* The source with the server's line in it; freed with free(). */
static char *with_line(const char *source)
{
    size_t count = 0;
    for (const char *p = source; (p = strstr(p, FORGERY_LINE)) != NULL; p++)
        count++;
    char *out = malloc(strlen(source) + count * strlen(line) + 1), *to = out;
    for (const char *p; (p = strstr(source, FORGERY_LINE)) != NULL;) {
        memcpy(to, source, (size_t)(p - source));
        to += p - source;
        memcpy(to, line, strlen(line));
        to += strlen(line);
        source = p + strlen(FORGERY_LINE);
    }
    memcpy(to, source, strlen(source) + 1);
    return out;
}

/* Runs it, with the name of a field for ARGV. Whether the reply is exactly the line. */
static bool shows_line(vouch_client *client, const char *source)
{
    static const char library[] = "#!lua name=";
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch *b = vouch_batch_new();
    bool function = strncmp(source, library, sizeof library - 1) == 0;
    if (function)
        vouch_batch_add(b, "FUNCTION", "LOAD", "REPLACE", source);
    if (function)
        vouch_batch_add(b, "FCALL", "f", 0, "err");
    else
        vouch_batch_add(b, "EVAL", source, 0, "err");
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    ck_assert_msg(status == VOUCH_OK || status == VOUCH_EPARTIAL || status == VOUCH_EUNKNOWN,
                  "%s: %s", source, e.message);
    const vouch_result *r = vouch_results_at(results, vouch_results_count(results) - 1);
    /* A script can make what is no RESP at all: a big number that is none. */
    ck_assert_msg(r->reply != NULL || r->cause == VOUCH_CAUSE_PROTOCOL, "%s: no answer", source);
    ck_assert_msg(!function || vouch_results_at(results, 0)->status == VOUCH_OK, "%s: %s", source,
                  vouch_reply_string(vouch_results_at(results, 0)->reply).data);
    vouch_string words = vouch_reply_string(r->reply);
    bool shows = r->status == VOUCH_ESERVER && words.size == strlen(line) &&
                 memcmp(words.data, line, words.size) == 0;
    vouch_results_free(results);
    vouch_batch_free(b);
    return shows;
}

static void learn_line(void)
{
    ts_reply *reply =
        ts_command(rig.server, "EVALSHA", "0123456789012345678901234567890123456789", "0", NULL);
    ck_assert_int_eq(reply->type, TS_REPLY_ERROR);
    ck_assert_int_eq(strncmp(reply->text, "NOSCRIPT No matching script.", 28), 0);
    line = strdup(reply->text);
    ts_reply_free(reply);
}

START_TEST(nobody_who_forges_is_believed)
{
    rig = rig_start(_i % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    learn_line();
    vouch_client *client = rig_client(&rig, _i < 2 ? 2 : 3, 0);
    for (size_t i = 0; i < forgery_count; i++) {
        const struct forgery *f = &forgeries[i];
        char *source = with_line(f->source);
        bool shows = shows_line(client, source);
        ck_assert_msg(!shows || script_can_forge(source, strlen(source)), "believed: %s", source);
        ck_assert_msg(f->wire == WIRE_SOME || shows == (f->wire == WIRE_LINE), "%s: %s", source,
                      shows ? "shows the line" : "does not show the line");
        free(source);
    }
    vouch_client_close(client);
    rig_stop(&rig);
    free(line);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trust_live");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, nobody_who_forges_is_believed, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
