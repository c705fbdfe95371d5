/* Consumers watched, flushed, and at their end; how long what they have is surely theirs. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(int kind)
{
    rig = rig_start(kind % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, kind % 2 ? 2 : 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_consumer_options options(vouch_ack ack)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = ack;
    o.stream = "{s}in";
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 10;
    return o;
}

static vouch_consumer *open_it(const vouch_consumer_options *o)
{
    vouch_consumer *c = NULL;
    expect(vouch_consumer_open(client, o, &c, &error), VOUCH_OK);
    return c;
}

static void add(int n)
{
    for (int i = 0; i < n; i++)
        ts_do(rig.server, "XADD", "{s}in", "*", "field", "value", NULL);
}

static vouch_delivery *poll_for(vouch_consumer *c)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert(!ts_passed(limit));
        vouch_status status = vouch_consumer_poll(c, 1000, &d, &error);
        ck_assert_msg(status == VOUCH_OK || error.retriable, "%s", error.message);
    }
    return d;
}

static int64_t pending(void)
{
    ts_reply *r = ts_command(rig.server, "XPENDING", "{s}in", "g", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

static size_t consumers(void)
{
    ts_reply *r = ts_command(rig.server, "XINFO", "CONSUMERS", "{s}in", "g", NULL);
    size_t n = r->count;
    ts_reply_free(r);
    return n;
}

static vouch_consumer_stats stats_of(const vouch_consumer *c)
{
    vouch_consumer_stats s = VOUCH_CONSUMER_STATS_INIT;
    ck_assert_int_eq(vouch_consumer_stats_read(c, &s), VOUCH_OK);
    return s;
}

/* ---- flushed -------------------------------------------------------------------------------- */

START_TEST(acknowledgements_go_out_when_they_are_asked_to)
{
    begin(_i);
    vouch_consumer_options o = options(_i / 2 ? VOUCH_ACK_MANUAL : VOUCH_ACK_AFTER);
    add(4);
    vouch_consumer *c = open_it(&o);
    vouch_delivery *d = poll_for(c);
    size_t n = vouch_delivery_count(d);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(vouch_delivery_mark(d, i), VOUCH_OK);
    int64_t before = pending();
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), before);
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), before - (int64_t)n);
    expect(vouch_consumer_flush(c, 0, &error), VOUCH_OK); /* nothing to do */
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    end();
}
END_TEST

/* With prefetch a read waits in the server meanwhile. */
START_TEST(they_do_not_wait_for_a_read)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_AFTER);
    o.prefetch = 1;
    o.block_ms = 600000;
    vouch_consumer *c = open_it(&o);
    for (int i = 0; i < 3; i++) {
        add(1);
        vouch_delivery *d = poll_for(c);
        ck_assert_uint_eq(vouch_delivery_count(d), 1);
        vouch_delivery *none = NULL;
        expect(vouch_consumer_poll(c, 0, &none, &error), VOUCH_OK); /* the next read goes out */
        ck_assert_ptr_null(none);
        expect(vouch_delivery_commit(d, &error), VOUCH_OK);
        expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
        ck_assert_int_eq(pending(), 0);
        vouch_delivery_free(d);
    }
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    end();
}
END_TEST

START_TEST(what_is_not_answered_in_time_goes_out_again)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_AFTER);
    add(3);
    vouch_consumer *c = open_it(&o);
    vouch_delivery *d = poll_for(c);
    int64_t before = pending(), n = (int64_t)vouch_delivery_count(d);
    ts_server_pause(rig.server);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    expect(vouch_consumer_flush(c, 5, &error), VOUCH_ENOTSENT);
    ck_assert_int_eq(error.cause, VOUCH_CAUSE_DEADLINE);
    ts_server_resume(rig.server);
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), before - n);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    end();
}
END_TEST

/* ---- leaving -------------------------------------------------------------------------------- */

START_TEST(leaving_tells_what_was_given_back)
{
    begin(_i);
    vouch_consumer_options o = options(_i / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    add(5);
    vouch_consumer *c = open_it(&o);
    vouch_delivery *d = poll_for(c), *none = NULL;
    ck_assert_uint_eq(stats_of(c).in_flight, (uint64_t)pending());
    expect(vouch_consumer_leave(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), (int64_t)stats_of(c).given_back);
    ck_assert_uint_ge(stats_of(c).given_back, vouch_delivery_count(d));
    expect(vouch_consumer_poll(c, 0, &none, &error), VOUCH_EINTERRUPTED);
    ck_assert_uint_eq(consumers(), 1); /* vouch:free, who has them */
    expect(vouch_consumer_leave(c, 0, &error), VOUCH_OK);
    expect(vouch_consumer_close(c, 0, &error), VOUCH_OK);
    vouch_delivery_free(d);
    end();
}
END_TEST

START_TEST(leaving_takes_as_many_calls_as_it_wants)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_AFTER);
    add(5);
    vouch_consumer *c = open_it(&o);
    vouch_delivery_free(poll_for(c));
    ts_server_pause(rig.server);
    expect(vouch_consumer_leave(c, 5, &error), VOUCH_ENOTSENT);
    ck_assert_int_eq(error.cause, VOUCH_CAUSE_DEADLINE);
    ts_server_resume(rig.server);
    vouch_status status = VOUCH_ENOTSENT;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); status; rig_turn(client, 5)) {
        ck_assert(!ts_passed(limit));
        status = vouch_consumer_leave(c, 0, &error);
    }
    ck_assert_uint_eq(consumers(), 1);
    ck_assert_uint_eq(stats_of(c).given_back, (uint64_t)pending());
    expect(vouch_consumer_close(c, 0, &error), VOUCH_OK);
    end();
}
END_TEST

/* Ten minutes, if it waited for it; and what comes later is not handed to who has left. */
START_TEST(leaving_does_not_wait_for_a_read)
{
    begin(_i);
    char url[TS_URL_MAX];
    vouch_consumer_options o = options(_i / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    o.prefetch = 1;
    o.block_ms = 600000;
    vouch_client *direct = NULL;
    vouch_consumer *c = NULL;
    expect(vouch_client_open(ts_server_url(rig.server, url, sizeof url), NULL, &direct, &error),
           VOUCH_OK);
    expect(vouch_consumer_open(direct, &o, &c, &error), VOUCH_OK);
    add(1);
    vouch_delivery *d = poll_for(c), *none = NULL;
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    expect(vouch_consumer_poll(c, 1, &none, &error), VOUCH_OK); /* it waits in the server again */
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_uint_eq(consumers(), 0);
    add(1);
    ck_assert_int_eq(pending(), 0);
    vouch_client_close(direct);
    end();
}
END_TEST

START_TEST(a_forked_child_closes_its_own_copy)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_AFTER);
    o.prefetch = 1;
    add(1);
    vouch_consumer *c = open_it(&o);
    vouch_delivery *d = poll_for(c);
    pid_t child = fork();
    if (child == 0) {
        vouch_status used = vouch_consumer_flush(c, 0, &error);
        vouch_status closed = vouch_consumer_close(c, 1000, &error);
        vouch_client_close(client);
        _exit(used == VOUCH_EFORKED && closed == VOUCH_EFORKED ? 0 : 1);
    }
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 0);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    end();
}
END_TEST

/* ---- late ----------------------------------------------------------------------------------- */

/* Longer than what others are claimed after. */
START_TEST(what_is_given_back_until_later_comes_later)
{
    enum { DELAY_MS = 60 };
    begin(_i);
    vouch_consumer_options o = options(_i / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    o.claim_ms = 10;
    add(1);
    vouch_consumer *c = open_it(&o);
    vouch_delivery *d = poll_for(c);
    int64_t began = ts_now_ns();
    expect(vouch_delivery_nack(d, 0, DELAY_MS, &error), VOUCH_OK);
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_RETURNED);
    ck_assert_uint_eq(consumers(), 2); /* it is with vouch:until-… */
    vouch_delivery_free(d);
    d = poll_for(c);
    /* The server's clock has milliseconds, and need not run exactly as ours does. */
    ck_assert_int_ge(ts_now_ns() - began, (DELAY_MS - 2) * INT64_C(1000000));
    ck_assert_uint_eq(vouch_delivery_entry(d, 0)->deliveries, 2);
    ck_assert_uint_eq(consumers(), 1); /* and that is gone */
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

START_TEST(what_is_given_back_for_very_long_stays)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_AFTER);
    o.claim_ms = 1;
    add(2);
    vouch_consumer *c = open_it(&o);
    vouch_delivery *d = poll_for(c), *more = NULL;
    size_t n = vouch_delivery_count(d);
    for (size_t i = 0; i < n; i++)
        expect(vouch_delivery_nack(d, i, i ? 0 : VOUCH_NACK_MAX_MS, &error), VOUCH_OK);
    for (size_t again = n; again < 6;
         again += vouch_delivery_count(more)) { /* the other one, if any */
        expect(vouch_consumer_poll(c, 20, &more, &error), VOUCH_OK);
        ck_assert_int_ge(pending(), 1);
        for (size_t i = 0; i < vouch_delivery_count(more); i++)
            ck_assert_str_ne(vouch_delivery_entry(more, i)->id.data,
                             vouch_delivery_entry(d, 0)->id.data);
        again += !more;
        vouch_delivery_free(more);
        more = NULL;
    }
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    end();
}
END_TEST

/* Who was told first crashes with it. */
START_TEST(a_loss_is_told_until_somebody_has_heard_of_it)
{
    begin(_i);
    vouch_consumer_options o = options(_i / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    o.claim_ms = 5;
    add(3);
    ts_do(rig.server, "XGROUP", "CREATE", "{s}in", "g", "0", NULL);
    ts_do(rig.server, "XREADGROUP", "GROUP", "g", "other", "STREAMS", "{s}in", ">", NULL);
    ts_do(rig.server, "XTRIM", "{s}in", "MAXLEN", "0", NULL);
    vouch_client *first = rig_client(&rig, 3, 1000);
    vouch_consumer *crashes = NULL;
    expect(vouch_consumer_open(first, &o, &crashes, &error), VOUCH_OK);
    vouch_delivery *d = poll_for(crashes), *told = NULL;
    ck_assert_uint_eq(vouch_delivery_entry(d, 0)->lost, 1);
    vouch_client_close(first);
    ck_assert_int_eq(pending(), 3);
    vouch_consumer *c = open_it(&o);
    for (size_t n = 0; n < 3; n += vouch_delivery_count(told)) {
        vouch_delivery_free(told);
        told = poll_for(c);
        for (size_t i = 0; i < vouch_delivery_count(told); i++)
            ck_assert_uint_eq(vouch_delivery_entry(told, i)->lost, 1);
    }
    ck_assert_uint_eq(stats_of(c).lost, 3);
    vouch_delivery_free(told);
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 0);
    expect(vouch_consumer_poll(c, 20, &told, &error), VOUCH_OK);
    ck_assert_ptr_null(told);
    ck_assert_uint_eq(stats_of(c).lost, 3); /* not again */
    vouch_delivery_free(d);
    (void)!vouch_consumer_close(crashes, 0, &error);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    end();
}
END_TEST

/* ---- swept ---------------------------------------------------------------------------------- */

static bool has_consumer(const char *name)
{
    ts_reply *r = ts_command(rig.server, "XINFO", "CONSUMERS", "{s}in", "g", NULL);
    bool found = false;
    for (size_t i = 0; i < r->count; i++)
        found = found || strcmp(r->elements[i]->elements[1]->text, name) == 0;
    ts_reply_free(r);
    return found;
}

static bool has_record(const char *field)
{
    ts_reply *r = ts_command(rig.server, "HEXISTS", "{s}in:group:g", field, NULL);
    bool found = r->integer == 1;
    ts_reply_free(r);
    return found;
}

/* Waits for the one that goes last. */
static void wait_for_sweep(vouch_consumer *c)
{
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);
         has_consumer("w:ab0-1.1") || has_record("c:w:ab0-1.1");) {
        vouch_delivery *d = NULL;
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 1, &d, &error), VOUCH_OK);
        vouch_delivery_free(d);
    }
}

START_TEST(incarnations_that_ended_are_swept)
{
    static const char *const others[] = {"w:ab0-1.1",
                                         "w:ab0-1.2",
                                         "w:ab0",
                                         "w",
                                         "a:b:ab0-1.1",
                                         "vouch:until-1",
                                         "vouch:until-99999999999999"};
    begin(_i);
    bool exact = _i / 2 == 1;
    vouch_consumer_options o = options(exact ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    o.forget_ms = 1;
    vouch_consumer_options first = o;
    first.forget_ms = VOUCH_NO_DEADLINE;
    vouch_consumer *c = open_it(&first); /* makes group and state */
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ts_do(rig.server, "XGROUP", "CREATECONSUMER", "{s}in", "g", others[i], NULL);
    add(1);
    ts_do(rig.server, "XREADGROUP", "GROUP", "g", "w:ab0-1.2", "COUNT", "1", "STREAMS", "{s}in",
          ">", NULL);
    if (exact) {
        ts_do(rig.server, "HSET", "{s}in:group:g", "c:w:ab0-1.1", "5 ddd 1000000000", NULL);
        ts_do(rig.server, "HSET", "{s}in:group:g", "c:w:ab0-1.2", "5 ddd 99999999999", NULL);
        ts_do(rig.server, "HSET", "{s}in:group:g", "c:w:ab0-1.3", "5 ddd", NULL);
    }
    c = open_it(&o);
    wait_for_sweep(c);
    ck_assert(has_consumer("w:ab0-1.2")); /* it has an entry */
    ck_assert(has_consumer("w:ab0"));
    ck_assert(has_consumer("w"));
    ck_assert(has_consumer("a:b:ab0-1.1"));
    ck_assert(!has_consumer("vouch:until-1"));
    ck_assert(has_consumer("vouch:until-99999999999999"));
    ck_assert_int_eq(has_record("c:w:ab0-1.2"), exact);
    ck_assert_int_eq(has_record("c:w:ab0-1.3"), exact);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    end();
}
END_TEST

/* By default nobody is forgotten so soon; and what leaves leaves nothing. */
START_TEST(who_was_heard_of_lately_is_not_swept)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_EXACTLY_ONCE);
    add(1);
    ts_do(rig.server, "XGROUP", "CREATE", "{s}in", "g", "0", NULL);
    ts_do(rig.server, "XGROUP", "CREATECONSUMER", "{s}in", "g", "w:ab0-1.1", NULL);
    ts_do(rig.server, "XGROUP", "CREATECONSUMER", "{s}in", "g", "vouch:until-1", NULL);
    vouch_consumer *c = open_it(&o);
    vouch_delivery *d = poll_for(c);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); has_consumer("vouch:until-1");) {
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 1, &d, &error), VOUCH_OK);
    }
    ck_assert(has_consumer("w:ab0-1.1"));
    ts_reply *r = ts_command(rig.server, "HLEN", "{s}in:group:g", NULL);
    int64_t with = r->integer;
    ts_reply_free(r);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    r = ts_command(rig.server, "HLEN", "{s}in:group:g", NULL);
    ck_assert_int_eq(r->integer, with - 1);
    ts_reply_free(r);
    end();
}
END_TEST

/* ---- watched -------------------------------------------------------------------------------- */

struct watcher {
    vouch_consumer *consumer;
    vouch_consumer_stats sum, last;
    unsigned calls, busy;
};

static void watch(const vouch_consumer_stats *change, const vouch_consumer_stats *now, void *user)
{
    struct watcher *w = user;
    w->calls++;
    w->sum.delivered += change->delivered;
    w->sum.done += change->done;
    w->sum.commits += change->commits;
    w->sum.commit_us += change->commit_us;
    w->sum.given_back += change->given_back;
    w->last = *now;
    ck_assert(change->delivered || change->done || change->commits || change->given_back);
    if (w->consumer) {
        vouch_delivery *d = NULL;
        vouch_error e;
        w->busy += vouch_consumer_poll(w->consumer, 0, &d, &e) == VOUCH_EBUSY;
        w->busy += vouch_consumer_close(w->consumer, 0, &e) == VOUCH_EBUSY;
    }
}

START_TEST(a_hook_hears_of_all_of_it)
{
    struct watcher w = {.consumer = NULL};
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_EXACTLY_ONCE);
    o.on_change = watch;
    o.change_user = &w;
    o.batch = 2;
    add(6);
    vouch_consumer *c = open_it(&o);
    w.consumer = c;
    for (int i = 0; i < 2; i++) {
        vouch_delivery *d = poll_for(c);
        expect(vouch_delivery_commit(d, &error), VOUCH_OK);
        vouch_delivery_free(d);
    }
    vouch_delivery *d = poll_for(c);
    expect(vouch_consumer_leave(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    vouch_consumer_stats s = stats_of(c);
    ck_assert_uint_ge(w.calls, 2);
    ck_assert_uint_eq(w.busy, w.calls + w.calls);
    ck_assert_uint_eq(w.sum.delivered, s.delivered);
    ck_assert_uint_eq(w.sum.done, s.done);
    ck_assert_uint_ge(s.done, 2);
    ck_assert_uint_eq(s.commits, 2);
    ck_assert_uint_eq(w.sum.commits, 2);
    ck_assert_uint_eq(w.sum.commit_us, s.commit_us);
    ck_assert_uint_ge(s.commit_us, s.commit_us_max);
    ck_assert_uint_gt(s.commit_us_max, 0);
    ck_assert_uint_eq(w.sum.given_back, s.given_back);
    ck_assert_uint_eq(w.last.given_back, s.given_back);
    w.consumer = NULL;
    expect(vouch_consumer_close(c, 0, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_left_ms(d), 0);
    vouch_delivery_free(d);
    end();
}
END_TEST

START_TEST(a_delivery_knows_how_long_it_is_ours)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_AFTER);
    o.claim_ms = 40;
    add(1);
    vouch_consumer *c = open_it(&o);
    vouch_delivery *d = poll_for(c), *none = NULL;
    ck_assert_int_le(vouch_delivery_left_ms(d), 40);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); vouch_delivery_left_ms(d) > 0;)
        ck_assert(!ts_passed(limit));
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); vouch_delivery_left_ms(d) == 0;) {
        ck_assert(!ts_passed(limit));
        expect(vouch_delivery_extend(d, &error), VOUCH_OK);
        expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    }
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_UNKNOWN); /* still ours */
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    o.claim_ms = VOUCH_NO_DEADLINE;
    add(1);
    c = open_it(&o);
    d = poll_for(c);
    ck_assert_int_eq(vouch_delivery_left_ms(d), VOUCH_NO_DEADLINE);
    ck_assert_int_eq(vouch_delivery_left_ms(NULL), VOUCH_NO_DEADLINE);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    (void)none;
    end();
}
END_TEST

START_TEST(what_cannot_be_asked)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_AFTER);
    vouch_consumer *c = open_it(&o);
    expect(vouch_consumer_flush(NULL, 0, &error), VOUCH_EINVAL);
    expect(vouch_consumer_leave(NULL, 0, &error), VOUCH_EINVAL);
    expect(vouch_consumer_flush(c, -2, &error), VOUCH_EINVAL);
    expect(vouch_consumer_leave(c, -2, &error), VOUCH_EINVAL);
    expect(vouch_consumer_close(NULL, 0, NULL), VOUCH_OK);
    expect(vouch_consumer_close(c, VOUCH_NO_DEADLINE, &error), VOUCH_OK);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer end");
    TCase *tests = tcase_create("end");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, acknowledgements_go_out_when_they_are_asked_to, 0, 4);
    tcase_add_loop_test(tests, they_do_not_wait_for_a_read, 0, 2);
    tcase_add_loop_test(tests, what_is_not_answered_in_time_goes_out_again, 0, 2);
    tcase_add_loop_test(tests, leaving_tells_what_was_given_back, 0, 4);
    tcase_add_loop_test(tests, leaving_takes_as_many_calls_as_it_wants, 0, 2);
    tcase_add_loop_test(tests, leaving_does_not_wait_for_a_read, 0, 4);
    tcase_add_loop_test(tests, a_forked_child_closes_its_own_copy, 0, 2);
    tcase_add_loop_test(tests, what_is_given_back_until_later_comes_later, 0, 4);
    tcase_add_loop_test(tests, what_is_given_back_for_very_long_stays, 0, 2);
    tcase_add_loop_test(tests, a_loss_is_told_until_somebody_has_heard_of_it, 0, 4);
    tcase_add_loop_test(tests, incarnations_that_ended_are_swept, 0, 4);
    tcase_add_loop_test(tests, who_was_heard_of_lately_is_not_swept, 0, 2);
    tcase_add_loop_test(tests, a_hook_hears_of_all_of_it, 0, 2);
    tcase_add_loop_test(tests, a_delivery_knows_how_long_it_is_ours, 0, 2);
    tcase_add_loop_test(tests, what_cannot_be_asked, 0, 2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
