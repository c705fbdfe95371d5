/* SCRIPT FLUSH, or with the argument "functions" FUNCTION FLUSH, at random moments, by another client, during many calls: single ones, in pipelines, in
 * transactions, several at once on one connection. Every report is compared with what was done.
 * A hundred thousand commands for each server; VOUCH_SCRIPT_CALLS=1000000 is the long form, and
 * VOUCH_SCRIPT_SEED replays a plan (not the moments). */
#include "acts.h"
#include "chaos.h"
#include "flusher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_ONCE_MAX 5

static bool functions;

static unsigned long number_of(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

/* Which commands a batch is mixed of. */
static const char *const mixtures[] = {"h", "f", "hf", "hr", "hp", "fp", "hhhfffp", "hfrp"};

static struct act draw(uint64_t *random, size_t number)
{
    static const char *const lists[AT_ONCE_MAX] = {"list:0", "list:1", "list:2", "list:3",
                                                   "list:4"};
    const char *mixture = mixtures[chaos_below(random, sizeof mixtures / sizeof *mixtures)];
    struct act act = {.kind = (enum act_kind)chaos_below(random, 4), .list = lists[number]};
    size_t most = act.kind == ACT_SINGLE     ? 1
                  : act.kind == ACT_PIPELINE ? (chaos_below(random, 3) ? 20 : ACT_MAX)
                                             : 10;
    act.n = 1 + chaos_below(random, most);
    for (size_t i = 0; i < act.n; i++)
        act.words[i] = mixture[chaos_below(random, strlen(mixture))];
    if (act.kind == ACT_SINGLE && act.words[0] == 'p')
        act.words[0] = 'f';
    if (act.kind == ACT_PIPELINE) {
        act.reorder_ok = chaos_below(random, 3) == 0;
        return act;
    }
    act.inside = chaos_below(random, 4) == 0;
    uint64_t marker = chaos_below(random, act.kind == ACT_SINGLE ? 6 : 3);
    act.resolve = marker == 1;
    act.token = marker == 2;
    return act;
}

/* One, or several on the way at the same time. */
static void turn(struct acts *a, uint64_t *random)
{
    struct act acts[AT_ONCE_MAX];
    size_t n = chaos_below(random, 2) ? 1 : 1 + chaos_below(random, AT_ONCE_MAX);
    for (size_t i = 0; i < n; i++) {
        acts[i] = draw(random, i);
        act_start(a, &acts[i]);
    }
    for (size_t i = 0; i < n; i++)
        rig_drive(a->client, acts[i].op);
    for (size_t i = 0; i < n; i++)
        act_finish(a, &acts[i]);
}

/* On a busy machine the other client comes to it more seldom. */
static bool is_hard_enough(const struct acts *a, struct flusher *f)
{
    const struct acts_counts *c = &a->counts;
    return flusher_so_far(f).flushes > 100 && c->resent > 100 && c->moved && c->refused;
}

static void print(const char *server, const struct acts *a, struct flusher_counts f, uint64_t seed)
{
    const struct acts_counts *c = &a->counts;
    printf("%s: %lu commands in %lu acts, %lu flushes, %lu loads by another: %lu applied, %lu not, "
           "%lu maybe; %lu sent again, %lu moved; %lu acts told of an error, %lu transactions "
           "flagged, %lu tokens spent (VOUCH_SCRIPT_SEED=%llu)\n",
           server, c->commands, c->acts, f.flushes, f.loads, c->applied, c->refused, c->maybe,
           c->resent, c->moved, c->short_of, c->flagged, c->spent, (unsigned long long)seed);
}

START_TEST(no_flush_makes_a_report_wrong)
{
    unsigned long commands = number_of("VOUCH_SCRIPT_CALLS", 100000);
    uint64_t seed = number_of("VOUCH_SCRIPT_SEED", (unsigned long)ts_now_ns() ^ (unsigned)getpid());
    uint64_t random = chaos_seed(seed, 4, (uint64_t)_i);
    ts_server_options so = {.kind = _i % 2 ? TS_VALKEY : TS_REDIS};
    vouch_client_options o = rig_options(_i / 2 ? 2 : 3, 1000);
    char url[TS_URL_MAX], text[32];
    vouch_client *client = NULL;
    struct acts a;
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    ck_assert_int_eq(vouch_client_open(ts_server_url(server, url, sizeof url), &o, &client, NULL),
                     VOUCH_OK);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    acts_begin(&a, server, client, text, functions);
    char *source = acts_source(text, 'f', functions); /* as vouch sends it */
    struct flusher_options fo = {
        .server = server, .functions = functions, .seed = seed, .pause = 8, .source = source};
    struct flusher *f = flusher_begin(&fo);
    while (a.counts.commands < commands / 2 ||
           (!is_hard_enough(&a, f) && a.counts.commands < 20 * commands))
        turn(&a, &random);
    ck_assert(is_hard_enough(&a, f));
    struct flusher_counts counts = flusher_end(f);
    print(_i % 2 ? "valkey" : "redis", &a, counts, seed);
    acts_end(&a);
    vouch_client_close(client);
    ts_server_free(server);
    free(source);
}
END_TEST

int main(int argc, char **argv)
{
    functions = argc > 1 && strcmp(argv[1], "functions") == 0;
    Suite *suite = suite_create(functions ? "function flush" : "script flush");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 3600);
    tcase_add_loop_test(c, no_flush_makes_a_report_wrong, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
