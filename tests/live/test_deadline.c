/* A server that stands still, at each step that a call takes: the call returns by its deadline, with
 * the right effect, and says what it was waiting for. */
#include "base.h"
#include "certs.h"
#include "hole.h"
#include "rig.h"
#include "script.h"
#include "tls_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS 60
#define LATE_MS  50   /* how much later a call may return */
#define TRIES    12   /* of which one must be as good as that: the machine may be busy */
#define WORST_MS 5000 /* and none is as late as this */
#define BEHIND   (LIMIT_MS + LATE_MS + 1)
#define COMMANDS 6

/* ---- calls and how long they take ----------------------------------------------------------- */

enum call { OPEN, RUN, STREAM, CALLS };

/* What a call must end with. */
struct want {
    vouch_cause cause;
    size_t applied, maybe; /* of COMMANDS; the rest is NOT_APPLIED */
    const char *words[CALLS];
};

static bool source(vouch_batch *into, void *user)
{
    int *given = user;
    vouch_batch_add(into, "INCR", "k");
    return ++*given < COMMANDS;
}

/* Tells a call that did not come so far in its time, on a busy machine, from a wrong one. */
static bool is_behind(const struct want *w, const vouch_totals *t)
{
    return t->applied + t->maybe < w->applied + w->maybe || t->applied < w->applied;
}

/* What was said instead of the wanted words. */
static char other_words[VOUCH_MESSAGE_MAX];

/* False if the call did not come to the step that is tried: then it says nothing of it. */
static bool check(enum call call, const struct want *w, vouch_status status, const vouch_error *e,
                  const vouch_totals *t)
{
    vouch_cause cause = w->cause;
    if (call == STREAM && cause == VOUCH_CAUSE_DEADLINE)
        cause = VOUCH_CAUSE_STALLED;
    if ((call != OPEN && is_behind(w, t)) || !strstr(e->message, w->words[call])) {
        memcpy(other_words, e->message, sizeof other_words);
        return false;
    }
    ck_assert_int_eq(status, call == OPEN ? VOUCH_ECONNECT
                             : w->maybe   ? VOUCH_EUNKNOWN
                                          : VOUCH_ENOTSENT);
    ck_assert_msg(e->cause == cause, "call %d: cause %d, %s", (int)call, (int)e->cause, e->message);
    ck_assert_int_eq(e->effect, w->maybe     ? VOUCH_MAYBE_APPLIED
                                : w->applied ? VOUCH_PARTLY_APPLIED
                                             : VOUCH_NOT_APPLIED);
    if (call == OPEN)
        return true;
    ck_assert_uint_eq(t->commands, COMMANDS);
    ck_assert_msg(t->applied == w->applied && t->maybe == w->maybe, "call %d: %s", (int)call,
                  e->message);
    return true;
}

static vouch_status run(vouch_client *client, vouch_totals *totals, vouch_error *e)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    vouch_batch *b = rig_counters(COMMANDS);
    o.deadline_ms = LIMIT_MS;
    vouch_status status = vouch_pipeline_run(client, b, &o, &results, e);
    *totals = vouch_results_totals(results);
    vouch_results_free(results);
    vouch_batch_free(b);
    return status;
}

static vouch_status stream(vouch_client *client, vouch_totals *totals, vouch_error *e)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    int given = 0;
    o.stall_ms = LIMIT_MS;
    return vouch_pipeline_stream(client, source, NULL, &given, &o, totals, e);
}

/* One call of that kind, on a client of its own; returns how long it took. */
static int64_t call_once(enum call call, const char *url, const vouch_client_options *options,
                         const struct want *w)
{
    vouch_client_options o = *options;
    vouch_client *client = NULL;
    vouch_totals totals = {0};
    vouch_error e;
    if (call == OPEN) {
        o.lazy = 0;
        o.connect_ms = LIMIT_MS;
    }
    int64_t begun = ts_now_ms();
    vouch_status status = vouch_client_open(url, &o, &client, &e);
    if (call != OPEN) {
        ck_assert_msg(status == VOUCH_OK, "%s", e.message);
        begun = ts_now_ms();
        status = call == RUN ? run(client, &totals, &e) : stream(client, &totals, &e);
    }
    int64_t took = ts_now_ms() - begun;
    bool there = check(call, w, status, &e, &totals);
    vouch_client_close(client);
    return there ? took : BEHIND;
}

/* The best of several tries is in time, none is early, and none is late beyond reason. */
struct timing {
    int64_t best;
    int tries;
};

static bool try_again(struct timing *t, int64_t took)
{
    ck_assert_int_ge(took, LIMIT_MS - 1);
    ck_assert_int_lt(took, WORST_MS);
    if (t->tries++ == 0 || took < t->best)
        t->best = took;
    if (t->best <= LIMIT_MS + LATE_MS)
        return false;
    ck_assert_msg(t->tries < TRIES, "%lld ms at best; %s", (long long)t->best, other_words);
    return true;
}

static void calls_in_time(const char *url, const vouch_client_options *o, const struct want *w)
{
    for (enum call call = OPEN; call < CALLS; call++) {
        struct timing t = {0, 0};
        while (try_again(&t, call_once(call, url, o, w)))
            ;
    }
}

/* ---- connecting ----------------------------------------------------------------------------- */

START_TEST(nobody_accepts)
{
    struct hole h = hole_dig(TS_TCP);
    static const struct want want = {
        VOUCH_CAUSE_DEADLINE,
        0,
        0,
        {"no connection within connect_ms", "not connected yet", "not connected yet"}};
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(3, 0);
    calls_in_time(ts_address_url(&h.address, url, sizeof url), &o, &want);
    hole_close(&h);
}
END_TEST

/* A Unix socket whose queue is full refuses at once: it is tried again, until the time is up. */
START_TEST(nobody_accepts_on_a_unix_socket)
{
    struct hole h = hole_dig(TS_UNIX);
    static const struct want want = {
        VOUCH_CAUSE_DEADLINE, 0, 0, {NULL, "cannot connect: ", "cannot connect: "}};
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(3, 0);
    vouch_client *client = NULL;
    vouch_error e;
    (void)ts_address_url(&h.address, url, sizeof url);
    o.outages = 1000000;
    for (enum call call = RUN; call < CALLS; call++) {
        struct timing t = {0, 0};
        while (try_again(&t, call_once(call, url, &o, &want)))
            ;
    }
    o.lazy = 0;
    ck_assert_int_eq(vouch_client_open(url, &o, &client, &e), VOUCH_ECONNECT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_CONNECT);
    hole_close(&h);
}
END_TEST

/* ---- the addresses of a name ---------------------------------------------------------------- */

#define MANY     "many.test"
#define MANY_MAX 4

static int many[MANY_MAX]; /* the ports of its addresses, up to the first 0 */

struct found {
    struct addrinfo info[MANY_MAX]; /* first */
    struct sockaddr_in at[MANY_MAX];
};

#define SLOW "slow.test"

/* Look-ups of SLOW wait until a byte can be read here; how many have ended. */
static int slow_pipe[2];
static atomic_int slow_ended;

/* In place of the C library's: MANY has the addresses of `many`, SLOW has none, and says so late; others
 * are numbers. */
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    struct in_addr host = {htonl(INADDR_LOOPBACK)};
    bool may_ask = !(hints->ai_flags & AI_NUMERICHOST);
    bool named = may_ask && strcmp(node, MANY) == 0;
    if (may_ask && strcmp(node, SLOW) == 0) {
        char byte;
        while (read(slow_pipe[0], &byte, 1) < 0 && errno == EINTR)
            ;
        (void)atomic_fetch_add(&slow_ended, 1);
        return EAI_AGAIN;
    }
    if (!named && inet_pton(AF_INET, node, &host) != 1)
        return EAI_NONAME;
    struct found *f = ts_alloc(sizeof *f);
    int one[MANY_MAX] = {atoi(service)}; /* NOLINT(cert-err34-c): our own port */
    const int *ports = named ? many : one;
    for (size_t i = 0; i < MANY_MAX && ports[i]; i++) {
        f->at[i] = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons((uint16_t)ports[i]), .sin_addr = host};
        f->info[i].ai_family = AF_INET;
        f->info[i].ai_socktype = SOCK_STREAM;
        f->info[i].ai_addrlen = sizeof f->at[i];
        f->info[i].ai_addr = (struct sockaddr *)&f->at[i];
        if (i)
            f->info[i - 1].ai_next = &f->info[i];
    }
    *out = f->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    free(list);
}

START_TEST(no_address_of_a_name_answers)
{
    struct hole h = hole_dig(TS_TCP);
    static const struct want want = {
        VOUCH_CAUSE_DEADLINE, 0, 0, {" within connect_ms", MANY ":6379: ", MANY ":6379: "}};
    vouch_client_options o = rig_options(3, 0);
    for (size_t i = 0; i < MANY_MAX; i++)
        many[i] = h.address.port;
    calls_in_time("redis://" MANY, &o, &want);
    hole_close(&h);
}
END_TEST

/* An address that does not answer uses up its share of the time, not that of the others. */
START_TEST(the_last_address_of_a_name_is_reached_in_time)
{
    struct hole h = hole_dig(TS_TCP);
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    vouch_error e;
    ts_server_options so = {.kind = _i ? TS_VALKEY : TS_REDIS, .transport = TS_TCP};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    many[0] = many[2] = h.address.port;
    many[1] = ts_free_port(); /* refused at once */
    many[3] = ts_server_address(server).port;
    o.connect_ms = 2000;
    int64_t begun = ts_now_ms();
    ck_assert_msg(!vouch_client_open("redis://" MANY, &o, &client, &e), "%s", e.message);
    ck_assert_int_ge(ts_now_ms() - begun, 1000); /* two shares: a quarter, and half of the rest */
    ck_assert_int_le(ts_now_ms() - begun, 2000 + WORST_MS);
    vouch_client_close(client);
    hole_close(&h);
    ts_server_free(server);
}
END_TEST

/* ---- a resolver that hangs ------------------------------------------------------------------ */

/* The look-ups go on in their threads; each client gives up its own. */
START_TEST(the_resolver_does_not_answer)
{
    static const struct want want = {VOUCH_CAUSE_DEADLINE,
                                     0,
                                     0,
                                     {SLOW ":6379: the host's name was not resolved within",
                                      SLOW ":6379: the host's name is not resolved yet",
                                      SLOW ":6379: the host's name is not resolved yet"}};
    vouch_client_options o = rig_options(3, 0);
    vouch_client *client = NULL;
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    int lookups = 3; /* at least, of the calls below */
    atomic_store(&slow_ended, 0);
    ck_assert_int_eq(pipe(slow_pipe), 0);
    calls_in_time("redis://" SLOW, &o, &want);
    /* An answer that comes in the middle of a call is taken, also if it is none. */
    o.outages = 1;
    o.retry_min_ms = o.retry_max_ms = 1;
    ck_assert_int_eq(vouch_client_open("redis://" SLOW, &o, &client, &e), VOUCH_OK);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    (void)close(slow_pipe[1]); /* every read ends now */
    ck_assert_int_eq(vouch_pipeline_finish(op, &results, &e), VOUCH_ENOTSENT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_ADDRESS);
    ck_assert_msg(strstr(e.message, "the host has no address: "), "%s", e.message);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (atomic_load(&slow_ended) < lookups)
        ck_assert(ts_look_again(limit));
    (void)close(slow_pipe[0]);
}
END_TEST

/* ---- TLS ------------------------------------------------------------------------------------ */

START_TEST(tls_is_not_answered)
{
    static const struct want want = {VOUCH_CAUSE_DEADLINE,
                                     0,
                                     0,
                                     {"connected, but no TLS session within connect_ms",
                                      "TLS is not set up yet", "TLS is not set up yet"}};
    struct rig rig = rig_start_tcp(TS_REDIS);
    ts_plan mute = ts_plan_none();
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(3, 0);
    mute.mute = true;
    ts_proxy_plan(rig.proxy, TS_EVERY, &mute);
    (void)snprintf(url, sizeof url, "rediss://127.0.0.1:%d", ts_proxy_address(rig.proxy).port);
    o.tls_verify = VOUCH_TLS_VERIFY_NONE;
    calls_in_time(url, &o, &want);
    rig_stop(&rig);
}
END_TEST

/* The handshake of TLS comes to a halt after so many bytes, and at its very end. */
START_TEST(tls_comes_to_a_halt)
{
    static const int64_t bytes[] = {0, 1, 5, 100, 500};
    static const struct want want = {
        VOUCH_CAUSE_DEADLINE, 0, 0, {"within connect_ms", " yet", " yet"}};
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    ts_certs *certs = ts_certs_make();
    ts_tls_peer_options po = {.transport = TS_TCP, .upstream = ts_server_address(rig.server)};
    po.tls.cert_file = ts_cert_file(certs, TS_CERT_SERVER);
    po.tls.key_file = ts_cert_key_file(certs, TS_CERT_SERVER);
    ts_tls_peer *peer = ts_tls_peer_start(&po);
    ts_tls_plan plan = ts_tls_plan_act(bytes[_i], TS_TLS_STALL);
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(3, 0);
    o.tls_ca_file = ts_cert_file(certs, TS_CERT_AUTHORITY);
    ts_tls_peer_plan(peer, TS_EVERY, &plan);
    calls_in_time(ts_tls_peer_url(peer, url, sizeof url), &o, &want);
    ts_tls_peer_free(peer);
    ts_certs_free(certs);
    rig_stop(&rig);
}
END_TEST

/* ---- answers that do not come --------------------------------------------------------------- */

/* Answers so many commands, the handshake's counted, then falls silent. */
struct silence {
    int after;
};

static bool answer_some(ts_responder_state *state, const ts_request *request, ts_buffer *reply)
{
    const struct silence *s = state->user;
    int n = (int)(intptr_t)state->queued;
    state->queued = n + 1;
    if (n >= s->after)
        return true;
    if (ts_request_is(request, 0, "INCR"))
        ts_buffer_print(reply, ":1\r\n");
    else if (ts_request_is(request, 0, "MULTI") || ts_request_is(request, 0, "DISCARD"))
        ts_buffer_print(reply, "+OK\r\n");
    else
        return false;
    return true;
}

/* The replies of a handshake that says all it can: HELLO or AUTH, SELECT, three CLIENT, MULTI,
 * DISCARD. */
#define HANDSHAKE 7

START_TEST(an_answer_of_the_handshake_does_not_come)
{
    static const struct want want = {VOUCH_CAUSE_DEADLINE,
                                     0,
                                     0,
                                     {"no handshake within connect_ms",
                                      "the handshake is not answered yet",
                                      "the handshake is not answered yet"}};
    struct silence s = {_i / 2};
    ts_script_options so = {
        .transport = TS_TCP, .respond = true, .responder = answer_some, .user = &s};
    ts_script *script = ts_script_start(&so);
    vouch_client_options o = rig_options(_i % 2 ? 2 : 3, 0);
    char url[TS_URL_MAX];
    o.password = "hunter2";
    o.database = 4;
    o.name = "me";
    calls_in_time(ts_script_url(script, url, sizeof url), &o, &want);
    ts_script_free(script);
}
END_TEST

/* With a window of four: two are answered, four wait for an answer, or fewer are left. */
START_TEST(an_answer_of_a_command_does_not_come)
{
    struct want want = {
        VOUCH_CAUSE_DEADLINE, (size_t)_i, 0, {"", "no answer yet", "no answer yet"}};
    want.maybe = COMMANDS - want.applied < 4 ? COMMANDS - want.applied : 4;
    struct silence s = {HANDSHAKE - 2 + _i}; /* without database and name */
    ts_script_options so = {
        .transport = TS_UNIX, .respond = true, .responder = answer_some, .user = &s};
    ts_script *script = ts_script_start(&so);
    vouch_client_options o = rig_options(3, 4);
    char url[TS_URL_MAX];
    o.lazy = 0;
    o.connect_ms = RIG_PATIENCE_MS;
    (void)ts_script_url(script, url, sizeof url);
    for (enum call call = RUN; call < CALLS; call++) {
        struct timing t = {0, 0};
        while (try_again(&t, call_once(call, url, &o, &want)))
            ;
    }
    ts_script_free(script);
}
END_TEST

/* ---- waiting for others --------------------------------------------------------------------- */

static void run_in_time(vouch_client *client, const struct want *w)
{
    struct timing t = {0, 0};
    int64_t took;
    do {
        vouch_totals totals;
        vouch_error e;
        int64_t begun = ts_now_ms();
        vouch_status status = run(client, &totals, &e);
        took = ts_now_ms() - begun;
        if (!check(RUN, w, status, &e, &totals))
            took = BEHIND;
    } while (try_again(&t, took));
}

/* Another call's commands fill the window of the connection, and are not answered. */
START_TEST(there_is_no_room_on_the_connection)
{
    static const struct want want = {
        VOUCH_CAUSE_DEADLINE, 0, 0, {NULL, "others' commands fill the connection's window", NULL}};
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 3);
    (void)rig_connection_id(client);
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    ck_assert(ts_server_pause(rig.server));
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    run_in_time(client, &want);
    ck_assert(ts_server_resume(rig.server));
    ck_assert_msg(!vouch_pipeline_finish(op, &results, &e), "%s", e.message); /* unharmed */
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

static void wait_blocked(vouch_client *client, const struct rig *rig)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (int blocked = 0; blocked < VOUCH_CLIENT_MAX_CONNECTIONS;) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
        char *info = ts_info(rig->server, "clients", "blocked_clients");
        blocked = info ? (int)strtol(info, NULL, 10) : 0;
        free(info);
    }
}

START_TEST(there_is_no_connection_left)
{
    static const struct want want = {
        VOUCH_CAUSE_DEADLINE, 0, 0, {NULL, "all VOUCH_CLIENT_MAX_CONNECTIONS connections", NULL}};
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_op *ops[VOUCH_CLIENT_MAX_CONNECTIONS];
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch_add(b, "BLPOP", "nothing", 0);
    for (int i = 0; i < VOUCH_CLIENT_MAX_CONNECTIONS; i++)
        ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &ops[i], &e), VOUCH_OK);
    wait_blocked(client, &rig);
    run_in_time(client, &want);
    for (int i = 0; i < VOUCH_CLIENT_MAX_CONNECTIONS; i++) {
        vouch_op_cancel(ops[i]);
        ck_assert_int_eq(vouch_pipeline_finish(ops[i], &results, &e), VOUCH_EUNKNOWN);
        vouch_results_free(results);
    }
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- backoff -------------------------------------------------------------------------------- */

START_TEST(the_time_is_up_during_a_backoff)
{
    static const struct want want = {
        VOUCH_CAUSE_DEADLINE, 0, 0, {NULL, "before the handshake's end", "before the handshake's"}};
    struct rig rig = rig_start_tcp(_i ? TS_VALKEY : TS_REDIS);
    ts_plan refuse = ts_plan_none();
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(3, 0);
    refuse.refuse = true;
    ts_proxy_plan(rig.proxy, TS_EVERY, &refuse);
    o.outages = 1000000;
    o.retry_min_ms = o.retry_max_ms = 3600000;
    for (enum call call = RUN; call < CALLS; call++) {
        struct timing t = {0, 0};
        while (try_again(&t, call_once(call, ts_proxy_url(rig.proxy, url, sizeof url), &o, &want)))
            ;
    }
    rig_stop(&rig);
}
END_TEST

/* ---- a server that is stopped --------------------------------------------------------------- */

START_TEST(the_server_is_stopped)
{
    static const struct want cold = {VOUCH_CAUSE_DEADLINE,
                                     0,
                                     0,
                                     {"no handshake within connect_ms",
                                      "the handshake is not answered yet",
                                      "the handshake is not answered yet"}};
    ts_server_options so = {.kind = _i % 2 ? TS_VALKEY : TS_REDIS,
                            .transport = _i < 2 ? TS_UNIX : TS_TCP};
    ts_server *server = ts_server_start(&so);
    vouch_client_options o = rig_options(3, 0);
    char url[TS_URL_MAX];
    ck_assert_ptr_nonnull(server);
    ck_assert(ts_server_pause(server));
    calls_in_time(ts_server_url(server, url, sizeof url), &o, &cold);
    ck_assert(ts_server_resume(server));
    ck_assert(ts_server_wait_clients(server, 0, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), 0); /* what was NOT_APPLIED never was */
    ts_server_free(server);
}
END_TEST

/* ---- bytes that drip ------------------------------------------------------------------------ */

#define DRIP_MS  10
#define DRIPS    4000
#define TO_HELLO "%1\r\n$5\r\nproto\r\n:3\r\n"

/* A server whose answers come byte by byte, each within any limit of its own. */
struct dripper {
    ts_script *script;
    ts_step steps[2 * DRIPS + 4];
    int stop;
    pthread_t thread;
};

static void *drip(void *user)
{
    const struct dripper *d = user;
    struct pollfd stop = {.fd = d->stop, .events = POLLIN};
    if (!ts_script_wait_connections(d->script, 1, ts_deadline(RIG_PATIENCE_MS)))
        ts_die("nobody connects");
    while (poll(&stop, 1, DRIP_MS) == 0)
        ts_script_resume(d->script, 0);
    return NULL;
}

static void begin_dripping(struct dripper *d, const char *until, const char *bytes)
{
    static const ts_step *scripts[1];
    size_t n = 0, size = strlen(bytes);
    memset(d, 0, sizeof *d);
    d->steps[n++] = (ts_step){TS_STEP_RESPOND_UNTIL, until, 0, 0};
    for (size_t i = 0; i < DRIPS; i++) {
        d->steps[n++] = (ts_step){TS_STEP_SEND, bytes + i % size, 1, 0};
        d->steps[n++] = (ts_step){TS_STEP_PAUSE, NULL, 0, 0};
    }
    scripts[0] = d->steps;
    ts_script_options so = {.transport = TS_TCP, .scripts = scripts, .count = 1};
    d->script = ts_script_start(&so);
    d->stop = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_eq(pthread_create(&d->thread, NULL, drip, d), 0);
}

static void end_dripping(struct dripper *d)
{
    static const uint64_t one = 1;
    ck_assert_int_eq(write(d->stop, &one, sizeof one), sizeof one);
    ck_assert_int_eq(pthread_join(d->thread, NULL), 0);
    ts_script_free(d->script);
    (void)close(d->stop);
}

START_TEST(a_handshake_that_drips_ends_in_time)
{
    static const struct want want = {
        VOUCH_CAUSE_DEADLINE, 0, 0, {"no handshake within connect_ms", "handshake is not", ""}};
    static struct dripper d;
    struct timing t = {0, 0};
    int64_t took;
    do {
        char url[TS_URL_MAX];
        vouch_client_options o = rig_options(3, 0);
        begin_dripping(&d, "HELLO", TO_HELLO);
        took = call_once(_i ? RUN : OPEN, ts_script_url(d.script, url, sizeof url), &o, &want);
        end_dripping(&d);
    } while (try_again(&t, took));
}
END_TEST

/* A reply every 40 ms: they count, and do not put the deadline off. */
START_TEST(replies_that_drip_are_kept_and_end_in_time)
{
    static struct dripper d;
    struct timing t = {0, 0};
    int64_t took;
    do {
        char url[TS_URL_MAX];
        vouch_client_options o = rig_options(3, 0);
        vouch_pipeline_options p = VOUCH_PIPELINE_OPTIONS_INIT;
        vouch_client *client = NULL;
        vouch_totals totals = {0};
        vouch_error e;
        int given = 0;
        begin_dripping(&d, "INCR", "$1\r\nx\r\n$3\r\nabc\r\n");
        o.lazy = 0;
        o.connect_ms = RIG_PATIENCE_MS;
        ck_assert_int_eq(
            vouch_client_open(ts_script_url(d.script, url, sizeof url), &o, &client, &e), VOUCH_OK);
        p.deadline_ms = LIMIT_MS;
        p.stall_ms = RIG_PATIENCE_MS;
        int64_t begun = ts_now_ms();
        vouch_status status =
            _i ? vouch_pipeline_stream(client, source, NULL, &given, &p, &totals, &e)
               : run(client, &totals, &e);
        took = ts_now_ms() - begun;
        if (totals.not_applied == COMMANDS) { /* not even sent: a busy machine */
            took = BEHIND;
        } else {
            ck_assert_int_eq(status, VOUCH_EUNKNOWN);
            ck_assert_int_eq(e.cause, VOUCH_CAUSE_DEADLINE);
            ck_assert_uint_eq(totals.applied + totals.maybe, COMMANDS);
        }
        vouch_client_close(client);
        end_dripping(&d);
    } while (try_again(&t, took));
}
END_TEST

/* True if the stream went through; false if the machine was so busy that nothing dripped for stall_ms. */
static bool stream_slowly(struct dripper *d)
{
    char url[TS_URL_MAX];
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_pipeline_options p = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_client *client = NULL;
    vouch_totals totals = {0};
    vouch_error e;
    int given = 0;
    o.connect_ms = RIG_PATIENCE_MS;
    begin_dripping(d, "INCR", ":1\r\n");
    ck_assert_msg(!vouch_client_open(ts_script_url(d->script, url, sizeof url), &o, &client, &e),
                  "%s", e.message);
    p.stall_ms = 150; /* 24 bytes, DRIP_MS between them, are more in all */
    int64_t begun = ts_now_ms();
    vouch_status status = vouch_pipeline_stream(client, source, NULL, &given, &p, &totals, &e);
    if (status == VOUCH_OK) {
        ck_assert_int_ge(ts_now_ms() - begun, p.stall_ms);
        ck_assert_uint_eq(totals.applied, COMMANDS);
    } else {
        ck_assert_int_eq(e.cause, VOUCH_CAUSE_STALLED);
    }
    vouch_client_close(client);
    end_dripping(d);
    return status == VOUCH_OK;
}

/* As long as something moves a stream is not stalled, however slow it is. */
START_TEST(a_stream_that_drips_is_not_stalled)
{
    static struct dripper d;
    for (int tries = 1; !stream_slowly(&d); tries++)
        ck_assert_int_lt(tries, TRIES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deadline");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 250);
    tcase_add_test(c, nobody_accepts);
    tcase_add_test(c, nobody_accepts_on_a_unix_socket);
    tcase_add_test(c, no_address_of_a_name_answers);
    tcase_add_loop_test(c, the_last_address_of_a_name_is_reached_in_time, 0, 2);
    tcase_add_test(c, the_resolver_does_not_answer);
    tcase_add_test(c, tls_is_not_answered);
    tcase_add_loop_test(c, tls_comes_to_a_halt, 0, 5);
    tcase_add_loop_test(c, an_answer_of_the_handshake_does_not_come, 0, 2 * HANDSHAKE);
    tcase_add_loop_test(c, an_answer_of_a_command_does_not_come, 0, COMMANDS);
    tcase_add_loop_test(c, there_is_no_room_on_the_connection, 0, 2);
    tcase_add_loop_test(c, there_is_no_connection_left, 0, 2);
    tcase_add_loop_test(c, the_time_is_up_during_a_backoff, 0, 2);
    tcase_add_loop_test(c, the_server_is_stopped, 0, 4);
    tcase_add_loop_test(c, a_handshake_that_drips_ends_in_time, 0, 2);
    tcase_add_loop_test(c, replies_that_drip_are_kept_and_end_in_time, 0, 2);
    tcase_add_test(c, a_stream_that_drips_is_not_stalled);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
