/* What happens to the players of a history: connections cut at a byte, bytes that arrive late, also after
 * the player was shown an end and went on elsewhere, and calls that are interrupted.
 *
 * Faults are of three kinds: planned by byte for the first connections; done to whatever is open when so
 * many operations are over; and, when nothing moves any more, an end for all, since players wait for
 * what is held back. */
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

static void do_something(struct history *h, uint64_t *dice)
{
    int last = ts_proxy_count(h->stage->front, TS_EVERY).connections - 1;
    int one = last - (int)dice_below(dice, (uint32_t)h->player_count);
    switch (dice_below(dice, 4)) {
    case 0:
        if (one >= 0)
            ts_proxy_cut(h->stage->front, one, ending_of(dice), mode_of(dice));
        break;
    case 1:
    case 2:
        ts_proxy_release(h->stage->rig.proxy, TS_EVERY);
        break;
    default:
        if (h->players[0].client)
            vouch_client_interrupt(h->players[dice_below(dice, (uint32_t)h->player_count)].client);
        break;
    }
}

void torment(struct history *h)
{
    uint64_t dice = dice_of(h->seed, h->number, 101);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    size_t before = 0, next = 1;
    for (int stuck = 0, patience = STUCK; before < h->count;) {
        size_t now = atomic_load(&h->ended);
        stuck = now == before ? stuck + 1 : 0;
        patience = now == before ? patience : STUCK;
        before = now;
        if (now >= next) {
            do_something(h, &dice);
            next = now + 1 + dice_below(&dice, 6);
        } else if (stuck >= patience) {
            ts_proxy_cut(h->stage->front, TS_EVERY, TS_END_EOF, TS_CUT_SETTLE);
            stuck = 0;
            patience *= 2;
        }
        ck_assert_msg(ts_look_again(limit), "history %u comes to no end", h->number);
    }
}
