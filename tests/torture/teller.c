/* A teller: reads two balances, moves money if there is enough, and writes that it was done. */
#include "bank.h"
#include "dice.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

struct teller {
    struct bank *bank;
    struct bank_till *till;
    vouch_client *client;
    int number;
    size_t at; /* transfer */
    uint64_t dice;
    bool cancelled; /* for want of money */
};

__attribute__((format(printf, 2, 3))) static void complain(struct teller *t, const char *format,
                                                           ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = snprintf(t->till->complaint, sizeof t->till->complaint,
                     "teller %d, transfer %zu: ", t->number, t->at);
    (void)vsnprintf(t->till->complaint + n, sizeof t->till->complaint - (size_t)n, format,
                    arguments);
    va_end(arguments);
}

static const char *account(uint8_t i)
{
    static const char *const names[BANK_ACCOUNTS] = {"account:0", "account:1", "account:2",
                                                     "account:3"};
    return names[i];
}

/* What is there is written anew, not added to: without WATCH money would be made and lost. */
static vouch_tx_step transfer(vouch_tx *tx, void *user)
{
    struct teller *t = user;
    const struct bank_transfer *x = &t->till->transfers[t->at];
    const vouch_reply *from = vouch_tx_read(tx, "GET", account(x->from));
    const vouch_reply *to = vouch_tx_read(tx, "GET", account(x->to));
    int64_t have = 0, there = 0;
    if (!from || !to)
        return VOUCH_TX_READ;
    if (!vouch_reply_int64(from, &have) || !vouch_reply_int64(to, &there)) {
        complain(t, "an account is gone");
        return VOUCH_TX_CANCEL;
    }
    t->cancelled = have < x->amount;
    if (t->cancelled)
        return VOUCH_TX_CANCEL;
    char log[32];
    (void)snprintf(log, sizeof log, "log:%d", t->number);
    vouch_tx_queue(tx, "SET", account(x->from), have - x->amount);
    vouch_tx_queue(tx, "SET", account(x->to), there + x->amount);
    vouch_tx_queue(tx, "HINCRBY", log, t->at, 1);
    return VOUCH_TX_COMMIT;
}

static enum bank_word word_of(struct teller *t, vouch_status status, const vouch_error *e)
{
    vouch_effect effect = status == VOUCH_OK ? VOUCH_APPLIED : e->effect;
    bool fits = status == VOUCH_OK || status == VOUCH_ECONFLICT || status == VOUCH_ENOTSENT ||
                status == VOUCH_EUNKNOWN || (status == VOUCH_ECANCELLED && t->cancelled) ||
                (status == VOUCH_ESERVER && strcmp(e->code, "LOADING") == 0);
    if (!fits)
        complain(t, "%s: %s", vouch_status_name(status), e->message);
    if (effect == VOUCH_APPLIED)
        return BANK_COMMITTED;
    return effect == VOUCH_NOT_APPLIED ? BANK_NOT_APPLIED : BANK_UNKNOWN;
}

/* Half of them are patient and outlast a restart; the others give up, each in its way. */
static vouch_tx_options options_of(const struct teller *t, vouch_retry *retry)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    o.resolve = t->bank->marker == BANK_RESOLVE;
    o.strict = t->number % 3 == 0;
    o.deadline_ms = t->number == 1 ? 40 : t->number == 3 ? 200 : 0;
    retry->conflicts = t->number == 5 ? 2 : 0;
    o.retry = retry;
    return o;
}

static enum bank_word run(struct teller *t)
{
    vouch_retry retry = VOUCH_RETRY_INIT;
    vouch_tx_options o = options_of(t, &retry);
    vouch_error e;
    char token[64];
    (void)snprintf(token, sizeof token, "transfer-%d-%zu", t->number, t->at);
    o.token = t->bank->marker == BANK_TOKEN ? token : NULL;
    enum bank_word word =
        word_of(t, vouch_transaction_run(t->client, transfer, t, &o, NULL, &e), &e);
    bool doubt = word == BANK_UNKNOWN;
    /* The token makes it safe to run it again until it is known to be committed. A later run's "no" is
     * about that run alone; and without money there is no way to be sure. */
    while (o.token && doubt && word != BANK_COMMITTED && !t->till->complaint[0]) {
        o.deadline_ms = 0;
        t->cancelled = false;
        word = word_of(t, vouch_transaction_run(t->client, transfer, t, &o, NULL, &e), &e);
        t->till->rerun++;
        if (t->cancelled)
            return BANK_UNKNOWN;
    }
    return word;
}

static void next_transfer(struct teller *t)
{
    struct bank_transfer *x = &t->till->transfers[t->at];
    x->from = (uint8_t)dice_below(&t->dice, BANK_ACCOUNTS);
    x->to = (uint8_t)((x->from + 1 + dice_below(&t->dice, BANK_ACCOUNTS - 1)) % BANK_ACCOUNTS);
    x->amount = (int16_t)(1 + dice_below(&t->dice, 400));
    x->word = BANK_BEGUN;
    t->cancelled = false;
    atomic_store(&t->till->count, t->at + 1);
}

static vouch_client *open_client(struct teller *t)
{
    vouch_client_options o = rig_options(2 + (uint32_t)t->number % 2, 0);
    vouch_client *client = NULL;
    vouch_error e;
    o.outages = t->number % 2 ? 6 : 60;
    o.retry_max_ms = t->number % 2 ? 4 : 30;
    if (vouch_client_open(t->bank->url, &o, &client, &e) != VOUCH_OK)
        complain(t, "%s", e.message);
    return client;
}

int teller_work(struct bank *bank, int number)
{
    struct teller t = {.bank = bank,
                       .till = &bank->tills[number],
                       .number = number,
                       .dice = dice_of(bank->seed, (uint64_t)number, 1)};
    char go;
    if (read(bank->gate[0], &go, 1) != 1 || !(t.client = open_client(&t)))
        return 1;
    for (; !atomic_load(&bank->closing) && !t.till->complaint[0]; t.at++) {
        if (t.at == BANK_TRANSFERS) {
            complain(&t, "no room for another one");
            break;
        }
        next_transfer(&t);
        t.till->transfers[t.at].word = run(&t);
        atomic_fetch_add(&bank->ended, 1);
        atomic_fetch_add(&bank->committed, t.till->transfers[t.at].word == BANK_COMMITTED);
    }
    vouch_stats stats = VOUCH_STATS_INIT;
    if (vouch_client_stats(t.client, &stats) == VOUCH_OK)
        t.till->settled = stats.settled;
    vouch_client_close(t.client);
    return t.till->complaint[0] != 0;
}
