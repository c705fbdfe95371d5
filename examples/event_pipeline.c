/* Orders in, invoices out: producers, a stage that turns each order into one invoice, a stage that adds them up, and
 * somebody who watches.
 *
 *     event_pipeline produce NAME N [URL]   adds orders 1 to N of this producer, each once: start it again whenever it
 *                                           was killed, with the same N. Waits while the next stage is too far behind
 *     event_pipeline invoice NAME [URL]     orders become invoices, exactly once: the invoice is what the order causes
 *     event_pipeline total NAME [URL]       adds invoices up, and deletes what is settled (retention by being done)
 *     event_pipeline watch [URL]            a line each 200 ms, of both groups, until all is done
 *     event_pipeline replay [URL]           reads the orders that are kept once more, as a group of its own, and says what
 *                                           they come to; they are kept for an hour
 *                                           $VOUCH_URL, else redis://localhost
 *
 * invoice and total end when nothing came for two seconds. Kill any of them at any time, and start it again. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vouch/vouch.h>

#define ORDERS   "{shop}orders"
#define INVOICES "{shop}invoices"

enum {
    BATCH = 200,
    KEPT_MS = 3600 * 1000, /* orders, for who wants to read them again */
    MOST_BEHIND = 2000,    /* orders that wait for the next stage: producers wait, too */
    IDLE_MS = 2000,
    LOOK_MS = 200
};

static vouch_consumer *consumer;

static void stop(int signal)
{
    (void)signal;
    vouch_consumer_stop(consumer);
}

static bool fine(vouch_status status, const vouch_error *error)
{
    if (status != VOUCH_OK)
        fprintf(stderr, "%s\n", error->message);
    return status == VOUCH_OK;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* False, and all zero, if there is no such group yet. */
static bool look(vouch_client *client, const char *stream, const char *group,
                 vouch_group_status *status)
{
    vouch_error error;
    *status = (vouch_group_status)VOUCH_GROUP_STATUS_INIT;
    if (vouch_group_status_read(client, stream, group, NULL, status, &error) == VOUCH_OK)
        return true;
    if (strcmp(error.code, "NOGROUP") != 0)
        fprintf(stderr, "%s\n", error.message);
    return false;
}

/* ---- orders --------------------------------------------------------------------------------- */

/* What was sent and not answered is sent again: it is added once. */
static bool add_orders(vouch_client *client, const vouch_producer *producer, int64_t first,
                       int64_t last)
{
    vouch_pipeline_options again = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    vouch_status status;
    again.idempotent = 1;
    for (int64_t i = first; i <= last; i++)
        vouch_batch_add_once(batch, producer, i, VOUCH_ARGS("order", i, "cents", 100 + i % 900));
    while ((status = vouch_pipeline_run(client, batch, &again, &results, &error)) &&
           error.retriable) {
        fprintf(stderr, "%s\n", error.message);
        vouch_results_free(results);
        pause_ms(LOOK_MS);
    }
    vouch_results_free(results);
    vouch_batch_free(batch);
    return fine(status, &error);
}

static int produce(vouch_client *client, const char *name, int64_t n)
{
    vouch_producer_options options = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_producer *producer;
    vouch_group_status next;
    vouch_error error;
    int64_t waited = 0;
    bool going = true;
    options.keep.max_age_ms = KEPT_MS;
    if (!fine(vouch_producer_new(ORDERS, name, &options, &producer, &error), &error))
        return 1;
    for (int64_t i = 1; going && i <= n; i += BATCH) {
        while (look(client, ORDERS, "invoice", &next) && next.lag > MOST_BEHIND) {
            waited++;
            pause_ms(10);
        }
        going = add_orders(client, producer, i, i + BATCH - 1 < n ? i + BATCH - 1 : n);
    }
    if (going)
        printf("%s: %lld orders are in; waited %lld times for the next stage\n", name, (long long)n,
               (long long)waited);
    vouch_producer_free(producer);
    return !going;
}

/* ---- stages --------------------------------------------------------------------------------- */

static void to_invoice(vouch_batch *effects, const vouch_entry *order, int64_t cents)
{
    vouch_batch_add(effects, "XADD", INVOICES, "*", "for",
                    vouch_bytes(order->id.data, order->id.size), "cents", cents);
}

static void to_total(vouch_batch *effects, const vouch_entry *invoice, int64_t cents)
{
    (void)invoice;
    vouch_batch_add(effects, "HINCRBY", "{shop}total", "invoices", 1);
    vouch_batch_add(effects, "HINCRBY", "{shop}total", "cents", cents);
}

static void to_replay(vouch_batch *effects, const vouch_entry *order, int64_t cents)
{
    (void)order;
    vouch_batch_add(effects, "HINCRBY", "{shop}replayed", "orders", 1);
    vouch_batch_add(effects, "HINCRBY", "{shop}replayed", "cents", cents);
}

typedef void (*cause)(vouch_batch *effects, const vouch_entry *entry, int64_t cents);

static bool settle(vouch_delivery *delivery, cause what)
{
    vouch_error error;
    for (size_t i = 0; i < vouch_delivery_count(delivery); i++) {
        const vouch_entry *entry = vouch_delivery_entry(delivery, i);
        int64_t cents = 0;
        if (entry->lost)
            fprintf(stderr, "entry %s was deleted before it was settled\n", entry->id.data);
        else if (vouch_reply_int64(vouch_reply_get(entry->fields, "cents"), &cents))
            what(vouch_delivery_effects(delivery, i), entry, cents);
        else if (vouch_delivery_reject(delivery, i, "no cents", &error) != VOUCH_OK)
            return fine(error.status, &error);
    }
    while (vouch_delivery_commit(delivery, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        if (!error.retriable)
            return false;
    }
    return true;
}

/* Until it is stopped, or nothing came for a while. */
static int stage(vouch_client *client, vouch_consumer_options *options, cause what)
{
    vouch_delivery *delivery = NULL;
    vouch_error error;
    bool going = true;
    options->ack = VOUCH_ACK_EXACTLY_ONCE;
    options->block_ms = 100;
    options->claim_ms = 500;
    if (!fine(vouch_consumer_open(client, options, &consumer, &error), &error))
        return 1;
    (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
    (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
    while (going) {
        vouch_status status = vouch_consumer_poll(consumer, IDLE_MS, &delivery, &error);
        if (status == VOUCH_OK)
            going = delivery && settle(delivery, what);
        else
            going = status != VOUCH_EINTERRUPTED && (fine(status, &error) || error.retriable);
        vouch_delivery_free(delivery);
    }
    vouch_consumer_stats done = VOUCH_CONSUMER_STATS_INIT;
    (void)!fine(vouch_consumer_leave(consumer, 5000, &error), &error);
    (void)vouch_consumer_stats_read(consumer, &done);
    printf("%s: %llu done, %llu fenced, %llu claimed from others, %llu given back\n",
           options->consumer, (unsigned long long)done.done, (unsigned long long)done.fenced,
           (unsigned long long)done.claimed, (unsigned long long)done.given_back);
    (void)!vouch_consumer_close(consumer, 0, &error);
    return 0;
}

static int invoice(vouch_client *client, const char *name)
{
    vouch_consumer_options options = VOUCH_CONSUMER_OPTIONS_INIT;
    options.stream = ORDERS;
    options.group = "invoice";
    options.consumer = name;
    return stage(client, &options, to_invoice);
}

static int total(vouch_client *client, const char *name)
{
    vouch_consumer_options options = VOUCH_CONSUMER_OPTIONS_INIT;
    options.stream = INVOICES;
    options.group = "total";
    options.consumer = name;
    options.delete_acked = 1;
    return stage(client, &options, to_total);
}

/* ---- what there is to see ------------------------------------------------------------------- */

static int watch(vouch_client *client)
{
    vouch_group_status orders, invoices;
    bool both;
    do {
        both = look(client, ORDERS, "invoice", &orders);
        both = look(client, INVOICES, "total", &invoices) && both;
        printf("orders: %lld wait%s, the first for %lld ms, %lld in work | invoices: %lld wait, "
               "%lld in work\n",
               (long long)orders.lag, orders.lag_at_least ? " at least" : "",
               (long long)(orders.waiting_ms > 0 ? orders.waiting_ms : 0),
               (long long)orders.pending, (long long)invoices.lag, (long long)invoices.pending);
        fflush(stdout);
        pause_ms(LOOK_MS);
    } while (!both || orders.lag || orders.pending || invoices.lag || invoices.pending);
    return 0;
}

static int64_t number_at(const vouch_results *results, size_t i)
{
    int64_t n = 0;
    const vouch_result *result = vouch_results_at(results, i);
    return result && vouch_reply_int64(result->reply, &n) ? n : 0;
}

static int replay(vouch_client *client)
{
    vouch_consumer_options options = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    options.stream = ORDERS;
    options.group = "replay"; /* begins at the beginning; another name would read all of it again */
    options.consumer = "replay";
    int status = stage(client, &options, to_replay);
    vouch_batch_add(batch, "HGET", "{shop}replayed", "orders");
    vouch_batch_add(batch, "HGET", "{shop}replayed", "cents");
    vouch_batch_add(batch, "HGET", "{shop}total", "invoices");
    vouch_batch_add(batch, "HGET", "{shop}total", "cents");
    if (fine(vouch_pipeline_run(client, batch, NULL, &results, &error), &error))
        printf("%lld orders of %lld cents, %lld invoices of %lld cents\n",
               (long long)number_at(results, 0), (long long)number_at(results, 1),
               (long long)number_at(results, 2), (long long)number_at(results, 3));
    vouch_results_free(results);
    vouch_batch_free(batch);
    return status;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *url = getenv("VOUCH_URL");
    int takes = strcmp(what, "produce") == 0                                 ? 4
                : strcmp(what, "invoice") == 0 || strcmp(what, "total") == 0 ? 3
                : strcmp(what, "watch") == 0 || strcmp(what, "replay") == 0  ? 2
                                                                             : 0;
    if (!takes || argc < takes || argc > takes + 1) {
        fprintf(stderr,
                "event_pipeline produce NAME N|invoice NAME|total NAME|watch|replay [URL]\n");
        return 2;
    }
    vouch_client *client;
    vouch_error error;
    url = argc > takes ? argv[takes] : url ? url : "redis://localhost";
    if (!fine(vouch_client_open(url, NULL, &client, &error), &error))
        return 1;
    int status = takes == 4       ? produce(client, argv[2], strtoll(argv[3], NULL, 10))
                 : what[0] == 'i' ? invoice(client, argv[2])
                 : what[0] == 't' ? total(client, argv[2])
                 : what[0] == 'w' ? watch(client)
                                  : replay(client);
    vouch_client_close(client);
    return status;
}
