/* A request that may come twice, and is done once.
 *
 *     idempotent_request REQUEST AMOUNT [URL]     default $VOUCH_URL, else redis://localhost
 *
 * Takes AMOUNT from an account and gives a receipt. Run again with the same REQUEST, in this process or
 * another, it changes nothing and gives the same receipt: the request's name is the transaction's token,
 * and the receipt is written in the same transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

#define ACCOUNT "{shop}:balance"

struct request {
    const char *name;
    int64_t amount;
    char receipt[300]; /* the key of the receipt */
};

static vouch_tx_step pay(vouch_tx *tx, void *user)
{
    const struct request *r = user;
    const vouch_reply *balance = vouch_tx_read(tx, "GET", ACCOUNT);
    char text[64];
    int64_t have = 1000; /* a new account */
    if (!balance)
        return VOUCH_TX_READ;
    if (!vouch_reply_is_nil(balance) && !vouch_reply_int64(balance, &have))
        return VOUCH_TX_CANCEL;
    if (have < r->amount)
        return VOUCH_TX_CANCEL;
    (void)snprintf(text, sizeof text, "paid %lld, %lld left", (long long)r->amount,
                   (long long)(have - r->amount));
    vouch_tx_queue(tx, "SET", ACCOUNT, have - r->amount);
    vouch_tx_queue(tx, "SET", r->receipt, text, "EX", 86400);
    return VOUCH_TX_COMMIT;
}

static void print_receipt(vouch_client *client, const char *key)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    vouch_batch_add(batch, "GET", key);
    if (vouch_pipeline_run(client, batch, NULL, &results, &error) == VOUCH_OK) {
        vouch_string text = vouch_reply_string(vouch_results_at(results, 0)->reply);
        printf("receipt: %.*s\n", (int)text.size, text.data ? text.data : "");
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    vouch_results_free(results);
    vouch_batch_free(batch);
}

static int serve(vouch_client *client, struct request *r)
{
    vouch_tx_options options = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *result = NULL;
    vouch_error error;
    options.token = r->name;
    options.marker_ms = 86400000; /* for a day the name is used up */
    vouch_status status = vouch_transaction_run(client, pay, r, &options, &result, &error);
    vouch_tx_outcome outcome = vouch_tx_result_outcome(result);
    vouch_tx_result_free(result);
    if (status == VOUCH_OK) {
        printf("%s\n", outcome == VOUCH_OUTCOME_ALREADY ? "was done before" : "done");
        print_receipt(client, r->receipt);
        return 0;
    }
    if (status == VOUCH_ECANCELLED)
        printf("not enough money, or no account\n");
    else
        fprintf(stderr, "%s: %s\n", vouch_effect_name(error.effect), error.message);
    if (error.retriable) /* also while it is not known: the token sees to that it is done once */
        printf("ask again with the same name whenever you like\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *url = argc > 3 ? argv[3] : getenv("VOUCH_URL");
    struct request r = {.name = argc > 1 ? argv[1] : "request-17",
                        .amount = argc > 2 ? strtoll(argv[2], NULL, 10) : 250};
    vouch_client *client = NULL;
    vouch_error error;
    if (strlen(r.name) > 200 || r.amount <= 0) {
        fprintf(stderr, "a name of at most 200 bytes, and an amount above 0, please\n");
        return 1;
    }
    (void)snprintf(r.receipt, sizeof r.receipt, "{shop}:receipt:%s", r.name);
    if (vouch_client_open(url ? url : "redis://localhost", NULL, &client, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int status = serve(client, &r);
    vouch_client_close(client);
    return status;
}
