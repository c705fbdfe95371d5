#include "commit_hand.h"

#include "base.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct commit_stage stage;
struct commit_call call;

static struct commit_entry entries[COMMIT_ENTRIES_MAX + 1];
static vouch_batch *effects[COMMIT_ENTRIES_MAX + 1];
static char ids[COMMIT_ENTRIES_MAX + 1][48];

void hand_set_up(int n)
{
    char id[16];
    stage_do(&stage, "FLUSHALL", NULL);
    (void)hand_open("G", "0", false);
    for (int i = 1; i <= n; i++) {
        (void)snprintf(id, sizeof id, "%d-0", i);
        stage_do(&stage, "XADD", "s", id, "field", id, NULL);
    }
}

void hand_read(const char *consumer, const char *count)
{
    stage_do(&stage, "XREADGROUP", "GROUP", "g", consumer, "COUNT", count, "STREAMS", "s", ">",
             NULL);
}

void hand_claim(const char *consumer, const char *id)
{
    stage_do(&stage, "XCLAIM", "s", "g", consumer, "0", id, NULL);
}

/* ---- calls ---------------------------------------------------------------------------------- */

void hand_begin(const char *consumer, int64_t sequence, int64_t held)
{
    for (size_t i = 0; i < call.n; i++) {
        vouch_batch_free(effects[i]);
        effects[i] = NULL;
    }
    call = (struct commit_call){.stream = stage_text("s"),
                                .state = stage_text("{s}:state"),
                                .dead = stage_text("{s}:dead"),
                                .group = stage_text("g"),
                                .consumer = stage_text(consumer),
                                .generation = stage_text("G"),
                                .sequence = sequence,
                                .held = held,
                                .entries = entries};
}

vouch_batch *hand_entry(const char *id)
{
    size_t i = call.n++;
    (void)snprintf(ids[i], sizeof ids[i], "%s", id);
    effects[i] = vouch_batch_new();
    vouch_batch_add(effects[i], "HINCRBY", "{s}:ledger", ids[i], 1);
    entries[i] = (struct commit_entry){.id = stage_text(ids[i]), .effects = effects[i]};
    return effects[i];
}

vouch_batch *hand_follower(const char *id)
{
    vouch_batch *b = hand_entry(id);
    entries[call.n - 1].follows = true;
    return b;
}

void hand_reason(const char *reason)
{
    entries[call.n - 1].reason = stage_text(reason);
}

const char *hand_run(void)
{
    static const char *const words[] = {"done", "again", "stale", "reset", "type"};
    static char text[1200];
    static struct commit_said said;
    commit_run(&stage, &call, &said);
    const struct commit_answer *a = &said.answer;
    if (!said.ok)
        (void)snprintf(text, sizeof text, "%s", said.error);
    else if (a->verdict == COMMIT_TYPE)
        (void)snprintf(text, sizeof text, "type %d %d %s", (int)a->entry, (int)a->effect,
                       said.type);
    else if (a->verdict == COMMIT_STALE)
        (void)snprintf(text, sizeof text, "stale %d", (int)a->sequence);
    else
        (void)snprintf(text, sizeof text, "%s %s", words[a->verdict],
                       a->verdict == COMMIT_RESET ? said.generation : said.letters);
    return text;
}

const char *hand_commit(const char *consumer, int64_t sequence, int64_t held, const char *list)
{
    char copy[512], *rest = copy;
    (void)snprintf(copy, sizeof copy, "%s", list);
    hand_begin(consumer, sequence, held);
    for (char *id; (id = strsep(&rest, " "));) {
        if (*id == '+')
            (void)hand_follower(id + 1);
        else
            (void)hand_entry(id);
    }
    return hand_run();
}

const char *hand_open(const char *generation, const char *start, bool mend)
{
    static const char *const words[] = {"created", "there", "adopted", "rebuilt", "anew"};
    static char text[600];
    struct open_said said;
    struct open_call o = {.stream = stage_text("s"),
                          .state = stage_text("{s}:state"),
                          .group = stage_text("g"),
                          .start = stage_text(start),
                          .generation = stage_text(generation),
                          .mend = mend};
    open_run(&stage, &o, &said);
    (void)snprintf(text, sizeof text, "%s", said.error);
    if (said.ok)
        (void)snprintf(text, sizeof text, "%s %s %s %d%s%s", words[said.answer.verdict],
                       said.generation, said.low, (int)said.answer.handed_out,
                       *said.next ? " " : "", said.next);
    return text;
}

/* ---- what is there -------------------------------------------------------------------------- */

int64_t hand_applied(const char *id)
{
    return stage_int(&stage, "HGET", "{s}:ledger", id, NULL);
}

const char *hand_state(const char *field)
{
    static char texts[4][4096];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    ts_reply *r = stage_ask(&stage, "HGET", "{s}:state", field, NULL);
    (void)snprintf(text, sizeof texts[0], "%s", r->text ? r->text : "");
    ts_reply_free(r);
    return text;
}

const char *hand_kept(const char *field)
{
    char *kept = (char *)hand_state(field), *time = strrchr(kept, ' ');
    ck_assert(time && strtoll(time, NULL, 10) > 1000000000);
    *time = 0;
    return kept;
}

const char *hand_pending(const char *consumer)
{
    static char text[4096];
    ts_reply *r = consumer
                      ? stage_ask(&stage, "XPENDING", "s", "g", "-", "+", "100", consumer, NULL)
                      : stage_ask(&stage, "XPENDING", "s", "g", "-", "+", "100", NULL);
    size_t size = 0;
    *text = 0;
    for (size_t i = 0; i < r->count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", i ? " " : "",
                                 r->elements[i]->elements[0]->text);
    ts_reply_free(r);
    return text;
}

const char *hand_everything(void)
{
    static char digests[2][64];
    static unsigned turn;
    char *digest = digests[turn++ % 2];
    ts_reply *r = stage_ask(&stage, "DEBUG", "DIGEST", NULL);
    (void)snprintf(digest, sizeof digests[0], "%s", r->text);
    ts_reply_free(r);
    return digest;
}

/* ---- suite ---------------------------------------------------------------------------------- */

static void begin_redis(void)
{
    commit_stage_open(&stage, TS_REDIS);
}

static void begin_valkey(void)
{
    commit_stage_open(&stage, TS_VALKEY);
}

static void end(void)
{
    hand_begin("", 1, 0);
    commit_stage_close(&stage);
}

int hand_main(const char *name, const TTest *const *tests)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create(name);
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        for (size_t k = 0; tests[k]; k++)
            tcase_add_test(c, tests[k]);
        suite_add_tcase(s, c);
    }
    return suite_run(s, CK_NOFORK);
}
