/* Money moved between accounts by several processes at once, and none of it lost.
 *
 *     transfer [URL [PROCESSES [TRANSFERS]]]      default $VOUCH_URL, else redis://localhost; 4; 250
 *
 * Each transfer reads two accounts, decides, and writes both; if anybody changed one of them in between
 * it reads and decides again. A connection lost at the wrong moment is settled by a marker, so that
 * no transfer is done twice or reported wrongly. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vouch/vouch.h>

enum { ACCOUNTS = 4, EACH = 1000 };

/* One hash tag for all: a cluster commits only what is in one slot. */
static const char *const accounts[ACCOUNTS] = {"{bank}:ann", "{bank}:bob", "{bank}:cleo",
                                               "{bank}:dan"};

struct transfer {
    const char *from, *to;
    int64_t amount;
};

/* Called from its beginning in every attempt, and once more when what it reads has been answered. */
static vouch_tx_step move_money(vouch_tx *tx, void *user)
{
    const struct transfer *t = user;
    const vouch_reply *balance = vouch_tx_read(tx, "GET", t->from);
    int64_t have = 0;
    if (!balance)
        return VOUCH_TX_READ;
    if (!vouch_reply_int64(balance, &have) || have < t->amount)
        return VOUCH_TX_CANCEL;
    vouch_tx_queue(tx, "DECRBY", t->from, t->amount);
    vouch_tx_queue(tx, "INCRBY", t->to, t->amount);
    return VOUCH_TX_COMMIT;
}

struct tally {
    unsigned long moved, poor, conflicts, failed;
};

static void move_once(vouch_client *client, struct transfer t, struct tally *tally)
{
    vouch_tx_options options = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *result = NULL;
    vouch_error error;
    options.resolve = 1;
    vouch_status status = vouch_transaction_run(client, move_money, &t, &options, &result, &error);
    tally->conflicts += vouch_tx_result_conflicts(result);
    vouch_tx_result_free(result);
    switch (status) {
    case VOUCH_OK: /* done, once */
        tally->moved++;
        break;
    case VOUCH_ECANCELLED: /* not enough money: nothing was changed */
        tally->poor++;
        break;
    default: /* the effect says whether it may have happened */
        tally->failed++;
        fprintf(stderr, "%s (%s)\n", error.message, vouch_effect_name(error.effect));
    }
}

static int work(const char *url, unsigned seed, long count)
{
    struct tally tally = {0};
    vouch_client *client = NULL; /* each process opens its own */
    vouch_error error;
    if (vouch_client_open(url, NULL, &client, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (long i = 0; i < count; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned from = seed / 65536 % ACCOUNTS,
                 to = (from + 1 + seed / 7 % (ACCOUNTS - 1)) % ACCOUNTS;
        move_once(client, (struct transfer){accounts[from], accounts[to], seed / 1024 % 200},
                  &tally);
    }
    vouch_client_close(client);
    printf("process %ld: %lu moved, %lu not enough money, %lu failed, %lu times begun again\n",
           (long)getpid(), tally.moved, tally.poor, tally.failed, tally.conflicts);
    return tally.failed != 0;
}

/* What is in all accounts; -1 if that cannot be told. */
static int64_t total(vouch_client *client, bool fill)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_tx_result *result = NULL;
    vouch_error error;
    int64_t sum = 0;
    for (size_t i = 0; i < ACCOUNTS; i++)
        if (fill)
            vouch_batch_add(batch, "SET", accounts[i], (int)EACH);
    for (size_t i = 0; i < ACCOUNTS; i++)
        vouch_batch_add(batch, "GET", accounts[i]);
    /* All of it at one moment. */
    vouch_status status = vouch_transaction_exec(client, batch, NULL, &result, &error);
    for (size_t i = fill ? ACCOUNTS : 0; status == VOUCH_OK && i < vouch_tx_result_count(result);
         i++) {
        int64_t one = 0;
        if (vouch_reply_int64(vouch_tx_result_reply(result, i), &one))
            sum += one;
    }
    if (status != VOUCH_OK)
        fprintf(stderr, "%s\n", error.message);
    vouch_tx_result_free(result);
    vouch_batch_free(batch);
    return status == VOUCH_OK ? sum : -1;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    long processes = argc > 2 ? strtol(argv[2], NULL, 10) : 4,
         count = argc > 3 ? strtol(argv[3], NULL, 10) : 250;
    vouch_client *client = NULL;
    vouch_error error;
    bool good = true;
    url = url ? url : "redis://localhost";
    if (vouch_client_open(url, NULL, &client, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int64_t before = total(client, true);
    for (long i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child == 0) {
            vouch_client_close(client); /* the parent's: only its copy goes */
            int status = work(url, (unsigned)i, count);
            (void)fflush(stdout);
            _exit(status);
        }
        good = good && child > 0;
    }
    for (int status = 0; wait(&status) > 0;)
        good = good && status == 0;
    int64_t after = total(client, false);
    vouch_client_close(client);
    printf("%lld before, %lld after\n", (long long)before, (long long)after);
    return good && before >= 0 && before == after ? 0 : 1;
}
