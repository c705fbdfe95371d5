/* The TLS peer's thread, and what tests call. The thread polls without the lock, then does with the
 * lock all that can be done, for every session: there are only a few. */
#include "tls_peer.h"

#include "base.h"
#include "clock.h"
#include "temp.h"
#include "tls_peer_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* The poll set: the wake-up, the listener, then client and upstream of each session. */
enum { WAKE, LISTENER, FIRST };

typedef struct tls_planned {
    int connection;
    ts_tls_plan plan;
} tls_planned;

struct ts_tls_peer {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* told after every turn */
    pthread_t thread;
    char folder[TS_TEMP_MAX];
    ts_address address, upstream;
    SSL_CTX *context;
    int listener, wake_fd;
    bool stopping;
    tls_session **sessions; /* all that were accepted, by index */
    size_t count;
    ts_tls_plan plan; /* of connections without their own */
    tls_planned *planned;
    size_t planned_count;
};

ts_tls_plan ts_tls_plan_none(void)
{
    return (ts_tls_plan){.act_after = TS_NEVER, .update_after = TS_NEVER, .end_after = TS_NEVER};
}

ts_tls_plan ts_tls_plan_act(int64_t after, ts_tls_act act)
{
    ts_tls_plan plan = ts_tls_plan_none();
    plan.act_after = after;
    plan.act = act;
    return plan;
}

/* ---- the context ---------------------------------------------------------------------------- */

static void must(long ok, const char *what)
{
    if (ok != 1)
        ts_die("the TLS peer: %s: %s", what, ERR_reason_error_string(ERR_peek_last_error()));
}

static int version_number(int version)
{
    return TLS1_VERSION + version - 10;
}

static void allow_versions(SSL_CTX *context, int lowest, int highest)
{
    lowest = lowest ? lowest : 12;
    highest = highest ? highest : 13;
    if (lowest < 12) /* what these need is not secure enough for the default level */
        SSL_CTX_set_security_level(context, 0);
    must(SSL_CTX_set_min_proto_version(context, version_number(lowest)), "its lowest version");
    must(SSL_CTX_set_max_proto_version(context, version_number(highest)), "its highest version");
}

static void ask_clients(SSL_CTX *context, const ts_server_tls *tls)
{
    static const int modes[] = {SSL_VERIFY_NONE, SSL_VERIFY_PEER,
                                SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT};
    SSL_CTX_set_verify(context, modes[tls->clients], NULL);
    if (tls->clients == TS_CLIENTS_ANONYMOUS)
        return;
    must(SSL_CTX_load_verify_locations(context, tls->ca_file, NULL), "its authority");
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(tls->ca_file));
}

static SSL_CTX *make_context(const ts_tls_peer_options *options)
{
    static const unsigned char own[] = "ts";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    must(context != NULL, "a context");
    allow_versions(context, options->lowest, options->highest);
    must(SSL_CTX_use_certificate_chain_file(context, options->tls.cert_file), "its certificate");
    must(SSL_CTX_use_PrivateKey_file(context, options->tls.key_file, SSL_FILETYPE_PEM), "its key");
    must(SSL_CTX_set_session_id_context(context, own, sizeof own - 1), "sessions");
    ask_clients(context, &options->tls);
    if (options->tickets != 0)
        SSL_CTX_set_num_tickets(context, options->tickets > 0 ? (size_t)options->tickets : 0);
    if (options->tickets < 0)
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return context;
}

/* ---- the thread ----------------------------------------------------------------------------- */

static const ts_tls_plan *plan_for(const ts_tls_peer *peer, int index)
{
    for (size_t i = 0; i < peer->planned_count; i++)
        if (peer->planned[i].connection == index)
            return &peer->planned[i].plan;
    return &peer->plan;
}

static void accept_all(ts_tls_peer *peer)
{
    for (;;) {
        int client = accept4(peer->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0)
            return;
        int on = 1;
        if (peer->address.transport != TS_UNIX)
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const ts_tls_plan *plan = plan_for(peer, (int)peer->count);
        peer->sessions = ts_resize(peer->sessions, (peer->count + 1) * sizeof(tls_session *));
        peer->sessions[peer->count++] =
            tls_session_new(peer->context, client, plan, &peer->upstream);
    }
}

static struct pollfd want(int fd, short events)
{
    /* A socket that nothing is wanted of would still report its hang-up, for ever. */
    return (struct pollfd){.fd = events ? fd : -1, .events = events};
}

static struct pollfd *poll_set(const ts_tls_peer *peer, struct pollfd *set)
{
    set = ts_resize(set, (FIRST + 2 * peer->count) * sizeof *set);
    set[WAKE] = want(peer->wake_fd, POLLIN);
    set[LISTENER] = want(peer->listener, POLLIN);
    for (size_t i = 0; i < peer->count; i++) {
        const tls_session *s = peer->sessions[i];
        set[FIRST + 2 * i] = want(s->client, tls_session_client_wants(s));
        set[FIRST + 2 * i + 1] = want(s->upstream, tls_session_upstream_wants(s));
    }
    return set;
}

static void turn(ts_tls_peer *peer, const struct pollfd *set, size_t polled)
{
    uint64_t told;
    if (read(peer->wake_fd, &told, sizeof told) < 0 && errno != EAGAIN)
        ts_die("the TLS peer's wake-up is broken: %s", strerror(errno));
    for (size_t i = 0; i < polled; i++) {
        tls_session *s = peer->sessions[i];
        if (s->client >= 0 || s->upstream >= 0)
            tls_session_pump(s, set[FIRST + 2 * i].revents, set[FIRST + 2 * i + 1].revents);
    }
    accept_all(peer);
}

static void *loop(void *argument)
{
    ts_tls_peer *peer = argument;
    struct pollfd *set = NULL;
    pthread_mutex_lock(&peer->lock);
    while (!peer->stopping) {
        set = poll_set(peer, set);
        size_t polled = peer->count;
        pthread_mutex_unlock(&peer->lock);
        if (poll(set, FIRST + 2 * polled, -1) < 0 && errno != EINTR)
            ts_die("the TLS peer cannot poll: %s", strerror(errno));
        pthread_mutex_lock(&peer->lock);
        turn(peer, set, polled);
        pthread_cond_broadcast(&peer->changed);
    }
    pthread_mutex_unlock(&peer->lock);
    free(set);
    return NULL;
}

/* ---- what tests call ------------------------------------------------------------------------ */

ts_tls_peer *ts_tls_peer_start(const ts_tls_peer_options *options)
{
    ts_tls_peer *peer = ts_alloc(sizeof *peer);
    ts_temp_make(peer->folder);
    peer->address = ts_address_new(options->transport, peer->folder, "tls");
    peer->upstream = options->upstream;
    peer->context = make_context(options);
    peer->plan = ts_tls_plan_none();
    peer->listener = ts_listen(&peer->address);
    peer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (peer->listener < 0 || peer->wake_fd < 0)
        ts_die("the TLS peer cannot listen: %s", strerror(errno));
    pthread_mutex_init(&peer->lock, NULL);
    ts_condition_init(&peer->changed);
    if (pthread_create(&peer->thread, NULL, loop, peer) != 0)
        ts_die("no thread for the TLS peer");
    return peer;
}

void ts_tls_peer_free(ts_tls_peer *peer)
{
    uint64_t one = 1;
    if (!peer)
        return;
    pthread_mutex_lock(&peer->lock);
    peer->stopping = true;
    if (write(peer->wake_fd, &one, sizeof one) < 0)
        ts_die("the TLS peer's wake-up is broken: %s", strerror(errno));
    pthread_mutex_unlock(&peer->lock);
    pthread_join(peer->thread, NULL);
    for (size_t i = 0; i < peer->count; i++)
        tls_session_free(peer->sessions[i]);
    SSL_CTX_free(peer->context);
    close(peer->listener);
    close(peer->wake_fd);
    free(peer->sessions);
    free(peer->planned);
    pthread_cond_destroy(&peer->changed);
    pthread_mutex_destroy(&peer->lock);
    ts_temp_remove(peer->folder);
    free(peer);
}

const char *ts_tls_peer_url(const ts_tls_peer *peer, char *url, size_t size)
{
    return ts_address_url_tls(&peer->address, url, size);
}

ts_address ts_tls_peer_address(const ts_tls_peer *peer)
{
    return peer->address;
}

void ts_tls_peer_plan(ts_tls_peer *peer, int connection, const ts_tls_plan *plan)
{
    pthread_mutex_lock(&peer->lock);
    if (connection == TS_EVERY) {
        peer->plan = *plan;
    } else {
        peer->planned = ts_resize(peer->planned, (peer->planned_count + 1) * sizeof *peer->planned);
        peer->planned[peer->planned_count++] = (tls_planned){connection, *plan};
    }
    pthread_mutex_unlock(&peer->lock);
}

int ts_tls_peer_connections(ts_tls_peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    int count = (int)peer->count;
    pthread_mutex_unlock(&peer->lock);
    return count;
}

static const tls_session *accepted(const ts_tls_peer *peer, int index)
{
    return index >= 0 && (size_t)index < peer->count ? peer->sessions[index] : NULL;
}

ts_tls_seen ts_tls_peer_seen(ts_tls_peer *peer, int connection)
{
    ts_tls_seen seen = {0};
    pthread_mutex_lock(&peer->lock);
    const tls_session *s = accepted(peer, connection);
    if (s)
        seen = s->seen;
    pthread_mutex_unlock(&peer->lock);
    return seen;
}

int64_t ts_tls_peer_readable(ts_tls_peer *peer, int connection, int64_t ciphertext)
{
    int64_t plaintext = 0;
    pthread_mutex_lock(&peer->lock);
    const tls_session *s = accepted(peer, connection);
    if (s)
        plaintext = tls_session_readable(s, ciphertext);
    pthread_mutex_unlock(&peer->lock);
    return plaintext;
}

/* ---- waiting -------------------------------------------------------------------------------- */

typedef struct wait_goal {
    ts_direction direction;
    int64_t count;
} wait_goal;

typedef bool (*condition)(const ts_tls_seen *seen, const wait_goal *goal);

static bool wait_until(ts_tls_peer *peer, int connection, condition reached, wait_goal goal,
                       int64_t deadline)
{
    bool met = false, late = false;
    pthread_mutex_lock(&peer->lock);
    while (!met && !late) {
        const tls_session *s = accepted(peer, connection);
        met = s && reached(&s->seen, &goal);
        late = !met && !ts_condition_wait(&peer->changed, &peer->lock, deadline);
    }
    pthread_mutex_unlock(&peer->lock);
    return met;
}

static bool is_open(const ts_tls_seen *seen, const wait_goal *goal)
{
    (void)goal;
    return seen->version != 0;
}

static bool is_closed(const ts_tls_seen *seen, const wait_goal *goal)
{
    (void)goal;
    return seen->closed;
}

static bool enough(const ts_tls_seen *seen, const wait_goal *goal)
{
    int64_t n = goal->direction == TS_TO_SERVER ? seen->from_client : seen->to_client;
    return n >= goal->count;
}

bool ts_tls_peer_wait_open(ts_tls_peer *peer, int connection, int64_t deadline)
{
    return wait_until(peer, connection, is_open, (wait_goal){0}, deadline);
}

bool ts_tls_peer_wait_closed(ts_tls_peer *peer, int connection, int64_t deadline)
{
    return wait_until(peer, connection, is_closed, (wait_goal){0}, deadline);
}

bool ts_tls_peer_wait_bytes(ts_tls_peer *peer, int connection, ts_direction direction, int64_t n,
                            int64_t deadline)
{
    return wait_until(peer, connection, enough, (wait_goal){direction, n}, deadline);
}
