/* The bank's house and its audit. */
#include "bank.h"

#include "base.h"
#include "children.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- from opening to closing ---------------------------------------------------------------- */

struct seat {
    struct bank *bank;
    int number;
};

static int work(void *user)
{
    struct seat *s = user;
    close(s->bank->gate[1]);
    return teller_work(s->bank, s->number);
}

struct bank *bank_open(enum bank_marker marker, uint64_t seed)
{
    struct bank *b;
    /* cppcheck-suppress invalidFunctionArg ; no file: -1 */
    b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(b, MAP_FAILED);
    b->marker = marker;
    b->seed = seed;
    ck_assert_int_eq(pipe(b->gate), 0);
    for (int i = 0; i < BANK_TELLERS; i++) {
        struct seat seat = {b, i};
        b->tellers[i] = ts_child_run(work, &seat);
    }
    return b;
}

static void account_name(int i, char name[static 24])
{
    (void)snprintf(name, 24, "account:%d", i);
}

void bank_begin(struct bank *bank, struct rig *rig)
{
    char name[24], balance[24], go[BANK_TELLERS] = {0};
    (void)snprintf(balance, sizeof balance, "%d", BANK_BALANCE);
    for (int i = 0; i < BANK_ACCOUNTS; i++) {
        account_name(i, name);
        ts_do(rig->server, "SET", name, balance, NULL);
    }
    (void)ts_proxy_url(rig->proxy, bank->url, sizeof bank->url);
    ck_assert_int_eq(write(bank->gate[1], go, sizeof go), (ssize_t)sizeof go);
}

uint64_t bank_ended(const struct bank *bank)
{
    return atomic_load(&bank->ended);
}

uint64_t bank_committed(const struct bank *bank)
{
    return atomic_load(&bank->committed);
}

void bank_end(struct bank *bank)
{
    int64_t limit = ts_deadline(INT64_C(3) * RIG_PATIENCE_MS);
    atomic_store(&bank->closing, true);
    for (int i = 0; i < BANK_TELLERS; i++) {
        int status = 0;
        ck_assert_msg(ts_child_wait(bank->tellers[i], limit, &status), "teller %d goes on", i);
        ck_assert_msg(!bank->tills[i].complaint[0], "%s", bank->tills[i].complaint);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "teller %d ended with status %d", i, status);
    }
}

void bank_close(struct bank *bank)
{
    close(bank->gate[0]);
    close(bank->gate[1]);
    (void)munmap(bank, sizeof *bank);
}

/* ---- the audit ------------------------------------------------------------------------------ */

/* How often each transfer of a teller was made, by its own record; freed with free(). */
static int64_t *records_of(struct rig *rig, int teller, size_t count)
{
    char name[24];
    int64_t *made = ts_alloc((count + 1) * sizeof *made);
    (void)snprintf(name, sizeof name, "log:%d", teller);
    const char *words[] = {"HGETALL", name};
    ts_reply *r = rig_ask(rig, 2, words);
    ck_assert_int_eq(r->type, TS_REPLY_ARRAY);
    for (size_t i = 0; i + 1 < r->count; i += 2) {
        size_t n = strtoull(r->elements[i]->text, NULL, 10);
        ck_assert_msg(n < count, "teller %d: a record of transfer %zu, which never began", teller,
                      n);
        made[n] = strtoll(r->elements[i + 1]->text, NULL, 10);
    }
    ts_reply_free(r);
    return made;
}

static void check_word(const struct bank_transfer *x, int64_t made, int teller, size_t n)
{
    static const char *const words[] = {"?", "begun", "committed", "not applied", "unknown"};
    bool fits = x->word == BANK_COMMITTED     ? made == 1
                : x->word == BANK_NOT_APPLIED ? made == 0
                                              : x->word == BANK_UNKNOWN && (made == 0 || made == 1);
    ck_assert_msg(fits, "teller %d: transfer %zu is said to be %s, and was made %lld times", teller,
                  n, words[x->word], (long long)made);
}

static void audit_teller(const struct bank *bank, struct rig *rig, int teller, int64_t *balances,
                         struct bank_tally *tally)
{
    const struct bank_till *till = &bank->tills[teller];
    size_t count = atomic_load(&till->count);
    int64_t *made = records_of(rig, teller, count);
    for (size_t n = 0; n < count; n++) {
        const struct bank_transfer *x = &till->transfers[n];
        check_word(x, made[n], teller, n);
        balances[x->from] -= made[n] * x->amount;
        balances[x->to] += made[n] * x->amount;
        tally->committed += x->word == BANK_COMMITTED;
        tally->not_applied += x->word == BANK_NOT_APPLIED;
        tally->unknown += x->word == BANK_UNKNOWN;
        tally->unknown_made += x->word == BANK_UNKNOWN && made[n];
    }
    tally->begun += count;
    tally->settled += till->settled;
    tally->rerun += till->rerun;
    free(made);
}

void bank_audit(const struct bank *bank, struct rig *rig, struct bank_tally *tally)
{
    int64_t balances[BANK_ACCOUNTS], sum = 0;
    char name[24];
    for (int i = 0; i < BANK_ACCOUNTS; i++)
        balances[i] = BANK_BALANCE;
    for (int i = 0; i < BANK_TELLERS; i++)
        audit_teller(bank, rig, i, balances, tally);
    for (int i = 0; i < BANK_ACCOUNTS; i++) {
        account_name(i, name);
        int64_t there = ts_int(rig->server, "GET", name, NULL);
        ck_assert_msg(there == balances[i] && there >= 0,
                      "account %d has %lld, by the transfers made it should have %lld", i,
                      (long long)there, (long long)balances[i]);
        sum += there;
    }
    ck_assert_int_eq(sum, INT64_C(1) * BANK_ACCOUNTS * BANK_BALANCE);
}
