/* The demo's part about transactions: a transfer of money, its connection cut at every byte between
 * MULTI and the end of EXEC. A proxy between vouch and the server hands on exactly so many bytes. */
#include "demo.h"

#include "clock.h"
#include "proxy.h"
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HAS = 100, AMOUNT = 5, PATIENCE_MS = 20000 };

struct attempt {
    vouch_status status;
    vouch_tx_outcome outcome;
    vouch_error error;
    uint32_t attempts;
};

struct tally {
    int cuts, settled, again, unknown, ran;
};

static vouch_tx_step transfer(vouch_tx *tx, void *user)
{
    const vouch_reply *balance = vouch_tx_read(tx, "GET", "{bank}:ann");
    int64_t have = 0;
    (void)user;
    if (!balance)
        return VOUCH_TX_READ;
    if (!vouch_reply_int64(balance, &have) || have < AMOUNT)
        return VOUCH_TX_CANCEL;
    vouch_tx_queue(tx, "DECRBY", "{bank}:ann", (int)AMOUNT);
    vouch_tx_queue(tx, "INCRBY", "{bank}:bob", (int)AMOUNT);
    return VOUCH_TX_COMMIT;
}

/* One transfer by a client of its own, whose first connection follows the plan. */
static bool try_once(struct demo *d, ts_proxy *proxy, const ts_plan *plan, bool resolve,
                     struct attempt *a)
{
    char url[TS_URL_MAX];
    vouch_client *client = NULL;
    vouch_tx_result *result = NULL;
    vouch_tx_options options = VOUCH_TX_OPTIONS_INIT;
    options.resolve = resolve;
    ts_do(d->server, "MSET", "{bank}:ann", "100", "{bank}:bob", "0", NULL);
    int connection = ts_proxy_count(proxy, TS_EVERY).connections;
    ts_proxy_plan(proxy, connection, plan);
    if (vouch_client_open(ts_proxy_url(proxy, url, sizeof url), NULL, &client, &a->error) !=
        VOUCH_OK)
        return failed("cannot open a client", &a->error);
    a->status = vouch_transaction_run(client, transfer, NULL, &options, &result, &a->error);
    a->outcome = vouch_tx_result_outcome(result);
    a->attempts = vouch_tx_result_attempts(result);
    vouch_tx_result_free(result);
    vouch_client_close(client);
    return ts_proxy_wait_closed(proxy, TS_EVERY, ts_deadline(PATIENCE_MS)) &&
           ts_server_wait_clients(d->server, 0, ts_deadline(PATIENCE_MS));
}

/* How often the transfer happened, by the server's own data; -1 if money was lost or made. */
static int64_t happened(struct demo *d)
{
    int64_t ann = ts_int(d->server, "GET", "{bank}:ann", NULL),
            bob = ts_int(d->server, "GET", "{bank}:bob", NULL);
    return ann + bob == HAS && bob % AMOUNT == 0 ? bob / AMOUNT : -1;
}

/* Where on its connection a transfer that nothing happens to has MULTI, and where EXEC ends. */
static bool find_exec(struct demo *d, ts_proxy *proxy, bool resolve, int64_t *begins, int64_t *ends)
{
    static const char multi[] = "*1\r\n$5\r\nMULTI\r\n";
    ts_plan plan = ts_plan_none();
    struct attempt a;
    size_t size = 0;
    int connection = ts_proxy_count(proxy, TS_EVERY).connections;
    if (!try_once(d, proxy, &plan, resolve, &a))
        return false;
    char *sent = ts_proxy_recorded(proxy, connection, TS_TO_SERVER, &size);
    *begins = -1;
    for (size_t i = 0; i + sizeof multi - 1 <= size; i++)
        if (memcmp(sent + i, multi, sizeof multi - 1) == 0)
            *begins = (int64_t)i; /* the last one: another is in the handshake */
    *ends = (int64_t)size;
    free(sent);
    claim(d, a.status == VOUCH_OK && happened(d) == 1,
          "a transfer that nothing happens to is done");
    return *begins >= 0;
}

static bool cut_everywhere(struct demo *d, ts_proxy *proxy, bool resolve, struct tally *t)
{
    int64_t begins, ends;
    if (!find_exec(d, proxy, resolve, &begins, &ends))
        return false;
    for (int64_t at = begins; at <= ends; at++) {
        ts_plan plan = ts_plan_cut(TS_TO_SERVER, at);
        struct attempt a;
        if (!try_once(d, proxy, &plan, resolve, &a))
            return false;
        int64_t times = happened(d);
        t->cuts++;
        t->settled += a.outcome == VOUCH_OUTCOME_SETTLED;
        t->again += a.outcome == VOUCH_OUTCOME_COMMITTED && a.attempts > 1;
        t->unknown += a.status == VOUCH_EUNKNOWN;
        t->ran += a.status == VOUCH_EUNKNOWN && times == 1;
        if (resolve)
            claim(d, a.status == VOUCH_OK && times == 1, "with a marker: done, and exactly once");
        else
            claim(d,
                  a.status == VOUCH_EUNKNOWN ? times == 0 || times == 1
                                             : a.status == VOUCH_OK && times == 1,
                  "without one: never twice");
    }
    return true;
}

bool cut_exec(struct demo *d)
{
    ts_proxy_options options = {.upstream = ts_server_address(d->server), .record = true};
    ts_proxy *proxy = ts_proxy_start(&options);
    struct tally plain = {0}, marked = {0};
    printf("\n5. A transfer of money, its connection cut at every byte from MULTI to the end of "
           "EXEC\n");
    bool good = cut_everywhere(d, proxy, false, &plain) && cut_everywhere(d, proxy, true, &marked);
    ts_proxy_free(proxy);
    if (!good)
        return false;
    claim(d, plain.unknown + plain.again == plain.cuts && plain.ran > 0,
          "without a marker nobody can know, once MULTI has gone out");
    claim(d, marked.unknown == 0 && marked.settled > 0, "with a marker nothing stays in doubt");
    printf("   without a marker   %3d cuts: %d in doubt (%d of them happened), and not run again\n",
           plain.cuts, plain.unknown, plain.ran);
    printf("   with one           %3d cuts: %d in doubt; %d found to have happened, %d not, and "
           "begun\n"
           "                      again: the money was moved exactly once, %d times of %d\n",
           marked.cuts, marked.unknown, marked.settled, marked.again, marked.settled + marked.again,
           marked.cuts);
    return true;
}
