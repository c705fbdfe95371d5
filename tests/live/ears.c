/* What collectors tell, written down and compared with the truth. */
#include "ears.h"

#include <poll.h>
#include <stdlib.h>

struct ears ears_new(size_t n)
{
    struct ears ears = {.v = calloc(n, sizeof *ears.v), .n = n};
    ck_assert_ptr_nonnull(ears.v);
    return ears;
}

void ears_free(struct ears *ears)
{
    free(ears->v);
}

void ears_hear(const vouch_result *result, int64_t server_us, void *user)
{
    struct ear *ear = user;
    ear->calls++;
    ear->result = *result;
    ear->result.reply = NULL;
    ear->replied = result->reply != NULL;
    if (!vouch_reply_int64(result->reply, &ear->number))
        ear->number = INT64_MIN;
    ear->server_us = server_us;
    ear->place = ear->all->heard++;
    if (ear->all->then)
        ear->all->then(ear);
}

void ears_add(struct ears *ears, vouch_collector *c, size_t i)
{
    char key[RIG_KEY_MAX];
    ears->v[i].all = ears;
    ears->collector = c;
    ck_assert_int_eq(vouch_collector_add(c, ears_hear, &ears->v[i], "INCR", rig_key(i, key)),
                     VOUCH_OK);
}

void ears_add_many(struct ears *ears, vouch_collector *c, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ears_add(ears, c, i);
}

static bool fits(const vouch_result *r, int64_t held)
{
    if (r->effect == VOUCH_MAYBE_APPLIED)
        return held == 0 || held == 1;
    return held == (r->effect == VOUCH_APPLIED);
}

void ears_compare(struct rig *rig, const struct ears *ears, struct rig_tally *tally,
                  const char *what, long long n)
{
    int64_t *held = rig_held(rig, ears->n);
    for (size_t i = 0; i < ears->n; i++) {
        const struct ear *ear = &ears->v[i];
        ck_assert_msg(ear->calls == 1, "%s, %lld: command %zu was told %u times", what, n, i,
                      ear->calls);
        ck_assert_msg(ear->place == i, "%s, %lld: command %zu was told as the %zuth", what, n, i,
                      ear->place);
        ck_assert_msg(fits(&ear->result, held[i]),
                      "%s, %lld: command %zu is said to be %s, and is %lld", what, n, i,
                      vouch_effect_name(ear->result.effect), (long long)held[i]);
        tally->applied += ear->result.effect == VOUCH_APPLIED;
        tally->not_applied += ear->result.effect == VOUCH_NOT_APPLIED;
        tally->maybe += ear->result.effect == VOUCH_MAYBE_APPLIED;
    }
    free(held);
    tally->cases++;
}

void ears_expect(const struct ears *ears, size_t from, size_t to, vouch_effect effect,
                 vouch_cause cause)
{
    for (size_t i = from; i < to; i++) {
        const struct ear *ear = &ears->v[i];
        ck_assert_msg(ear->calls == 1 && ear->result.effect == effect && ear->result.cause == cause,
                      "command %zu: %u calls, %s, %s; expected %s, %s", i, ear->calls,
                      vouch_effect_name(ear->result.effect),
                      vouch_cause_sentence(ear->result.cause), vouch_effect_name(effect),
                      vouch_cause_sentence(cause));
    }
}

vouch_collector *ears_open(vouch_client *client, const vouch_collector_options *options)
{
    vouch_collector *c = NULL;
    vouch_error e;
    ck_assert_msg(vouch_collector_open(client, options, &c, &e) == VOUCH_OK, "%s", e.message);
    return c;
}

void ears_turn(vouch_client *client, vouch_collector *c)
{
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    vouch_error e;
    int64_t timeout, due = vouch_collector_due_ms(c);
    size_t n = vouch_client_watch(client, fds, sizeof fds / sizeof *fds, &timeout);
    if (due >= 0 && (timeout < 0 || due < timeout))
        timeout = due;
    int ready = poll(fds, n, timeout < 0 ? RIG_PATIENCE_MS : (int)timeout);
    vouch_client_ready(client, fds, ready > 0 ? n : 0);
    (void)!vouch_collector_service(c, &e);
}

void ears_wait(const struct ears *ears, vouch_client *client, vouch_collector *c, size_t heard)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (ears->heard < heard) {
        ck_assert_msg(!ts_passed(limit), "%zu of %zu were told", ears->heard, heard);
        ears_turn(client, c);
    }
}
