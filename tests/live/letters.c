#include "letters.h"

#include <stdio.h>
#include <string.h>

struct rig letters_rig;
vouch_client *letters_client;
vouch_error letters_error;

void letters_begin(int kind)
{
    letters_rig = rig_start(kind % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    letters_client = rig_client(&letters_rig, kind / 2 ? 2 : 3, 1000);
}

void letters_end(void)
{
    vouch_client_close(letters_client);
    rig_stop(&letters_rig);
}

void letters_add(const char *stream, int n)
{
    char id[16], original[16], number[16];
    (void)snprintf(id, sizeof id, "%d-5", n);
    (void)snprintf(original, sizeof original, "%d-0", n);
    (void)snprintf(number, sizeof number, "%d", n);
    ts_do(letters_rig.server, "XADD", LETTERS_DEAD, id, "vouch:stream", stream, "vouch:group", "g",
          "vouch:id", original, "vouch:reason", "r", "vouch:deliveries", "2", "vouch:consumer",
          "w:1", "vouch:fields", "2", "n", number, "m", "m", NULL);
}

void letters_add_foreign(const char *id)
{
    ts_do(letters_rig.server, "XADD", LETTERS_DEAD, id, "n", "foreign", NULL);
}

int64_t letters_length(const char *stream)
{
    return ts_int(letters_rig.server, "XLEN", stream, NULL);
}

vouch_dead_letters *letters_list(const char *from, uint32_t count)
{
    vouch_dead_letters_options o = VOUCH_DEAD_LETTERS_OPTIONS_INIT;
    vouch_dead_letters *page = NULL;
    o.from = from;
    o.count = count;
    letters_expect(vouch_dead_letters_list(letters_client, LETTERS_DEAD, &o, &page, &letters_error),
                   VOUCH_OK);
    return page;
}

vouch_replay *letters_replay(const char *const *ids, size_t n, const vouch_replay_options *o)
{
    vouch_replay *r = NULL;
    letters_expect(
        vouch_dead_letters_replay(letters_client, LETTERS_DEAD, ids, n, o, &r, &letters_error),
        VOUCH_OK);
    ck_assert_uint_eq(vouch_replay_count(r), n);
    return r;
}

void letters_refused(const char *const *ids, size_t n, const vouch_replay_options *o,
                     vouch_status want, const char *words)
{
    vouch_replay *r = NULL;
    letters_expect(
        vouch_dead_letters_replay(letters_client, LETTERS_DEAD, ids, n, o, &r, &letters_error),
        want);
    ck_assert_msg(strstr(letters_error.message, words) != NULL, "'%s' lacks '%s'",
                  letters_error.message, words);
    ck_assert_int_eq(letters_error.effect, VOUCH_NOT_APPLIED);
    ck_assert_ptr_null(r);
}

const char *letters_entry(const char *stream, const char *id)
{
    static char text[512];
    ts_reply *r = ts_command(letters_rig.server, "XRANGE", stream, id, id, NULL);
    size_t size = 0;
    *text = 0;
    if (r->count)
        for (size_t i = 0; i < r->elements[0]->elements[1]->count; i++)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", i ? " " : "",
                                     r->elements[0]->elements[1]->elements[i]->text);
    ts_reply_free(r);
    return text;
}
