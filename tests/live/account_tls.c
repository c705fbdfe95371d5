/* Commands and replies, counted in TLS records. */
#include "account_tls.h"

#include <stdlib.h>

enum { HEADER = 5, DATA = 23, ALERT_SIZE = 2 };

/* What AES-GCM adds to a record: in TLS 1.2 nonce and tag, in TLS 1.3 tag and type. */
static int64_t overhead(int version)
{
    return version == 12 ? 8 + 16 : 16 + 1;
}

/* Goes through the whole records of recorded bytes. */
struct reel {
    const unsigned char *bytes;
    size_t length, at;
    int type;
    int64_t plain; /* of the record before `at`; what it would be, if it is not encrypted */
};

static bool next_record(struct reel *r, int version)
{
    if (r->length - r->at < HEADER)
        return false;
    const unsigned char *header = r->bytes + r->at;
    size_t size = (size_t)header[3] << 8 | header[4];
    if (r->length - r->at - HEADER < size)
        return false;
    r->type = header[0];
    r->plain = (int64_t)size - overhead(version);
    r->at += HEADER + size;
    return true;
}

/* The next record that has data, after `shakes` that only look so. */
static bool next_data(struct reel *r, int version, size_t *shakes)
{
    while (next_record(r, version)) {
        if (r->type != DATA)
            continue;
        if (*shakes == 0)
            return true;
        --*shakes;
    }
    return false;
}

/* Plaintext of commands or replies. In TLS 1.3 an alert, the last thing to be said, looks like data of
 * two bytes; nothing tested here ends in so short a record. */
static int64_t plaintext(const char *bytes, size_t length, int version, size_t shakes)
{
    struct reel r = {.bytes = (const unsigned char *)bytes, .length = length};
    int64_t all = 0;
    while (next_data(&r, version, &shakes))
        if (version == 12 || r.plain != ALERT_SIZE || r.at < length)
            all += r.plain;
    return all;
}

/* ---- measuring ------------------------------------------------------------------------------ */

/* Behind how many of the records of a recorded connection there are exactly `plain` bytes: those are
 * the handshake's. */
static size_t count_shakes(const char *bytes, size_t length, int version, int64_t plain)
{
    for (size_t shakes = 0; shakes < 64; shakes++)
        if (plaintext(bytes, length, version, shakes) == plain)
            return shakes;
    ck_abort_msg("what passed over TLS is not what passed without: %lld bytes",
                 (long long)plaintext(bytes, length, version, 0));
}

/* Ciphertext up to the record with the first byte behind `plain`. */
static int64_t ciphertext_of(const char *bytes, size_t length, int version, size_t shakes,
                             int64_t plain)
{
    struct reel r = {.bytes = (const unsigned char *)bytes, .length = length};
    int64_t all = 0;
    size_t before = 0;
    while (next_data(&r, version, &shakes) && all + r.plain <= plain) {
        all += r.plain;
        before = r.at;
    }
    return (int64_t)before;
}

static void run_once(struct rig *rig, const struct work *w, const vouch_client_options *options)
{
    vouch_client_options patient = *options;
    vouch_results *results = NULL;
    vouch_error e;
    int connection = rig_next_connection(rig);
    patient.connect_ms = 0;
    vouch_client *client = rig_open(rig, &patient);
    vouch_batch *b = account_batch(w);
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_gone(rig->proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
}

static void measure_plain(struct rig *rig, struct work *w, const vouch_client_options *options)
{
    ts_proxy_options po = {.upstream = ts_server_truth_address(rig->server)};
    struct rig plain = {.server = rig->server, .proxy = ts_proxy_start(&po)};
    account_measure(&plain, w, options);
    ts_conn_close(plain.truth);
    ts_proxy_free(plain.proxy);
}

void account_tls_measure(struct rig *rig, struct work *w, const vouch_client_options *options,
                         int version, struct sealed *s)
{
    size_t length;
    measure_plain(rig, w, options);
    int connection = rig_next_connection(rig);
    run_once(rig, w, options);
    *s = (struct sealed){.version = version};
    char *bytes = ts_proxy_recorded(rig->proxy, connection, TS_TO_SERVER, &length);
    s->all_out = (int64_t)length;
    s->shakes_out = count_shakes(bytes, length, version, account_all_out(w));
    s->hello_out = ciphertext_of(bytes, length, version, s->shakes_out, w->hello_out);
    free(bytes);
    bytes = ts_proxy_recorded(rig->proxy, connection, TS_TO_CLIENT, &length);
    s->all_in = (int64_t)length;
    s->shakes_in = count_shakes(bytes, length, version, account_all_in(w));
    s->hello_in = ciphertext_of(bytes, length, version, s->shakes_in, w->hello_in);
    free(bytes);
    rig_flush(rig);
}

/* ---- the account ---------------------------------------------------------------------------- */

struct seen account_tls_seen(struct rig *rig, int connection, const struct work *w,
                             const struct sealed *s)
{
    size_t out, in;
    ts_proxy_counts c = ts_proxy_count(rig->proxy, connection);
    char *said = ts_proxy_recorded(rig->proxy, connection, TS_TO_SERVER, &out);
    char *heard = ts_proxy_recorded(rig->proxy, connection, TS_TO_CLIENT, &in);
    ck_assert_int_eq(c.from_client, (int64_t)out);
    ck_assert_int_ge((int64_t)in, c.to_client);
    int64_t sent = plaintext(said, out, s->version, s->shakes_out);
    int64_t came = plaintext(heard, (size_t)c.to_client, s->version, s->shakes_in);
    if (rig->peer) /* which knows what it put into each record */
        ck_assert_int_eq(came, ts_tls_peer_readable(rig->peer, connection, c.to_client));
    free(said);
    free(heard);
    return (struct seen){.answered = account_whole(came, w->hello_in, w->in),
                         .handed = account_whole(sent, w->hello_out, w->out)};
}
