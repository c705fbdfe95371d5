/* What happens to the players of a history: connections cut at a byte, bytes that arrive late, also after
 * the player was shown an end and went on elsewhere, and calls that are interrupted.
 *
 * Faults are of three kinds: planned by byte for the first connections; done to whatever is open when so
 * many operations are over; and, when nothing moves any more, an end for all, since players wait for
 * what is held back. The most telling one is the late write: held behind, its player cut in front. */
#include "dice.h"
#include "history.h"

#define PLANNED    24  /* connections, the next ones, that have a plan of their own */
#define BYTES_FROM 60  /* a plan acts from here on: mostly behind the handshake */
#define BYTES_OUT  900 /* over so many bytes to the server, a few transactions */
#define BYTES_IN   400 /* the same to the player */
#define STUCK      5   /* looks without a step forward; then twice as many: slow is not stuck */

static ts_ending ending_of(uint64_t *dice)
{
    return dice_below(dice, 2) ? TS_END_EOF : TS_END_CLOSE;
}

static ts_cut_mode mode_of(uint64_t *dice)
{
    static const ts_cut_mode modes[] = {TS_CUT_SETTLE, TS_CUT_ANSWER, TS_CUT_ABRUPT};
    return modes[dice_below(dice, 3)];
}

/* What went out from `at` on, up to the end that the player is shown, waits for a release. */
static void plan_late(ts_plan *front, ts_plan *behind, int64_t at, uint64_t *dice)
{
    behind->to_server.stall_after = at;
    front->to_server.cut_after = at + 1 + dice_below(dice, 300);
    front->mode = TS_CUT_SETTLE;
}

static void plan_one(const struct history *h, int front_at, int behind_at, uint64_t *dice)
{
    ts_plan front = ts_plan_none(), behind = ts_plan_none();
    int64_t out = BYTES_FROM + dice_below(dice, BYTES_OUT);
    front.ending = ending_of(dice);
    front.mode = mode_of(dice);
    switch (h->tormented ? dice_below(dice, 10) : 8) {
    case 0:
    case 1:
    case 2:
        front.to_client.cut_after = BYTES_FROM + dice_below(dice, BYTES_IN);
        break;
    case 3:
        front.to_server.cut_after = out;
        break;
    case 4:
    case 5:
        plan_late(&front, &behind, out, dice);
        break;
    case 6:
        behind.to_server.delay_ms = 1 + dice_below(dice, 2);
        break;
    case 7:
        behind.to_client.delay_ms = 1 + dice_below(dice, 2);
        break;
    default: /* none, and what an earlier history planned for it is forgotten */
        break;
    }
    ts_proxy_plan(h->stage->front, front_at, &front);
    ts_proxy_plan(h->stage->rig.proxy, behind_at, &behind);
}

void torment_plan(const struct history *h)
{
    uint64_t dice = dice_of(h->seed, h->number, 100);
    int front = ts_proxy_count(h->stage->front, TS_EVERY).connections;
    int behind = ts_proxy_count(h->stage->rig.proxy, TS_EVERY).connections;
    for (int i = 0; i < PLANNED; i++)
        plan_one(h, front + i, behind + i, &dice);
}

/* ---- while it is played --------------------------------------------------------------------- */

struct devil {
    struct history *h;
    uint64_t dice;
    int holds; /* the connection whose player is shown an end once he has sent something; -1: none */
};

static ts_proxy *front_of(const struct devil *d)
{
    return d->h->stage->front;
}

static ts_proxy *behind_of(const struct devil *d)
{
    return d->h->stage->rig.proxy;
}

/* One of the last connections; of the same number in front and behind, since every one goes through. */
static int pick(struct devil *d)
{
    int last = ts_proxy_count(behind_of(d), TS_EVERY).connections - 1;
    int one = last - (int)dice_below(&d->dice, (uint32_t)d->h->player_count);
    return one < 0 ? 0 : one;
}

static void hold(struct devil *d)
{
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = 0;
    d->holds = pick(d);
    if (ts_proxy_count(behind_of(d), TS_EVERY).connections > 0)
        ts_proxy_plan_from_here(behind_of(d), d->holds, &plan);
}

/* What was sent is held: it will come late. */
static void cut_held(struct devil *d)
{
    if (d->holds < 0)
        return;
    ts_proxy_counts c = ts_proxy_count(behind_of(d), d->holds);
    if (c.from_client == c.to_server)
        return;
    ts_proxy_cut(front_of(d), d->holds, TS_END_EOF, TS_CUT_SETTLE);
    d->holds = -1;
}

static void do_something(struct devil *d)
{
    struct history *h = d->h;
    switch (dice_below(&d->dice, 6)) {
    case 0:
        ts_proxy_cut(front_of(d), pick(d), ending_of(&d->dice), mode_of(&d->dice));
        break;
    case 1:
    case 2:
        ts_proxy_release(behind_of(d), TS_EVERY);
        break;
    case 3:
    case 4:
        hold(d);
        break;
    default:
        if (h->players[0].client)
            vouch_client_interrupt(
                h->players[dice_below(&d->dice, (uint32_t)h->player_count)].client);
        break;
    }
}

void torment(struct history *h)
{
    struct devil d = {h, dice_of(h->seed, h->number, 101), -1};
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    size_t before = 0, next = 1;
    for (int stuck = 0, patience = STUCK; before < h->count;) {
        size_t now = atomic_load(&h->ended);
        stuck = now == before ? stuck + 1 : 0;
        patience = now == before ? patience : STUCK;
        before = now;
        cut_held(&d);
        if (now >= next) {
            do_something(&d);
            next = now + 1 + dice_below(&d.dice, 5);
        } else if (stuck >= patience) {
            ts_proxy_cut(front_of(&d), TS_EVERY, TS_END_EOF, TS_CUT_SETTLE);
            stuck = 0;
            patience *= 2;
        }
        ck_assert_msg(ts_look_again(limit), "history %u comes to no end", h->number);
    }
}
