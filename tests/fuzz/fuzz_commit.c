/* A transaction against servers that answer anything at any time, on connections that go at any byte.
 *
 *   1. It ends, at the latest when its deadline passes, and what it says goes together.
 *   2. MULTI goes out only when every WATCH on its connection was answered +OK, and with a marker also GET.
 *   3. EXEC answered with an array, behind MULTI's +OK: committed, and nothing else. Committed: only then.
 *   4. With an EXEC handed over and not answered: not applied only after the marker was asked, or asked
 *      again; settled only if a marker's value was this run's; without a marker unknown.
 *   5. No connection is left to others with WATCH or MULTI in force, or with answers to come.
 *
 * The input: options, then steps: a letter, an argument. */
#include "fuzz.h"

#include "commit/commit.h"
#include "transaction/transaction.h"

#include <stdbool.h>

enum { WIRES_MAX = 64, COMMANDS_MAX = 400, WORD_MAX = 120, STEPS_MAX = 400, DEADLINE_MS = 1000 };

enum word {
    W_OTHER,
    W_HELLO,
    W_WATCH,
    W_UNWATCH,
    W_GET,
    W_INFO,
    W_MULTI,
    W_SET,
    W_DEL,
    W_EXEC,
    W_DISCARD
};

struct order {
    enum word word;
    bool marker;  /* its first argument is the marker's key */
    bool aborts;  /* SET … NX */
    bool own;     /* of a take-over, or of the handshake: not this run's MULTI and EXEC */
    char said[8]; /* the first bytes of what it was answered; "" as yet */
    size_t end;
};

static struct wire {
    struct link *link;
    uint64_t connection;
    char *sent;
    size_t taken, handed;
    struct order c[COMMANDS_MAX];
    size_t count, answered;
    bool gone;
} wires[WIRES_MAX];

static struct model {
    struct core core;
    struct vouch_tx *tx;
    struct fuzz_input in;
    size_t wires;
    bool marker, reads, cancels, denied;
    bool committed; /* an array was read */
    bool open;      /* an EXEC was handed over, and will not be answered */
    bool asked;     /* since then the marker was */
    bool ours;      /* its value was this run's */
    char value[WORD_MAX];
} m;

/* ---- the transaction ------------------------------------------------------------------------ */

static vouch_tx_step body(vouch_tx *tx, void *user)
{
    (void)user;
    if (m.reads && !vouch_tx_read(tx, "GET", "k"))
        return VOUCH_TX_READ;
    if (m.cancels && vouch_tx_attempt(tx) > 1)
        return VOUCH_TX_CANCEL;
    vouch_tx_queue(tx, "INCR", "n");
    vouch_tx_queue(tx, "APPEND", "k", "x");
    return VOUCH_TX_COMMIT;
}

/* ---- what was sent -------------------------------------------------------------------------- */

static size_t number(const char *at, const char *end)
{
    size_t n = 0;
    for (at++; at < end && *at != '\r'; at++)
        n = n * 10 + (size_t)(*at - '0');
    return n;
}

/* One word from *at on; false if it is not there whole. */
static bool next_word(const char **at, const char *end, const char **word, size_t *size)
{
    const char *line = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    if (!line)
        return false;
    *size = number(*at, end);
    *word = line + 1;
    *at = *word + *size + 2;
    return *at <= end;
}

static enum word word_of(const char *text, size_t n)
{
    static const char *const names[] = {"",      "HELLO", "WATCH", "UNWATCH", "GET",    "INFO",
                                        "MULTI", "SET",   "DEL",   "EXEC",    "DISCARD"};
    for (size_t i = 1; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && memcmp(names[i], text, n) == 0)
            return (enum word)i;
    return W_OTHER;
}

static bool decode(const struct wire *w, size_t from, struct order *c)
{
    const char *at = w->sent + from, *end = w->sent + w->taken, *word = NULL, *line;
    size_t size = 0;
    *c = (struct order){W_OTHER};
    line = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    if (!line)
        return false;
    size_t words = number(at, end);
    at = line + 1;
    for (size_t i = 0; i < words; i++) {
        if (!next_word(&at, end, &word, &size))
            return false;
        if (i == 0)
            c->word = word_of(word, size);
        else if (i == 1)
            c->marker = size > 6 && memcmp(word, "vouch:", 6) == 0;
        else if (c->word == W_SET && c->marker && i == 2 && size < sizeof m.value && *word != 'a')
            (void)snprintf(m.value, sizeof m.value, "%.*s", (int)size, word);
        else if (c->word == W_SET && size == 2 && memcmp(word, "NX", 2) == 0)
            c->aborts = true;
    }
    c->end = (size_t)(at - w->sent);
    return true;
}

static bool said_ok(const struct order *c)
{
    return strncmp(c->said, "+OK", 3) == 0;
}

/* Promise 2. */
static void check_multi(const struct wire *w)
{
    bool watched = true, got = false; /* in this attempt */
    for (size_t i = 0; i < w->count; i++) {
        const struct order *c = &w->c[i];
        if (c->word == W_UNWATCH || c->word == W_EXEC)
            watched = true, got = false;
        watched = watched && (c->word != W_WATCH || said_ok(c));
        got = got || (c->word == W_GET && c->marker && c->said[0]);
    }
    FUZZ_CHECK(watched);
    FUZZ_CHECK(got || !m.marker);
}

static void look_at_sent(struct wire *w)
{
    struct order c = {0};
    while (decode(w, w->count ? w->c[w->count - 1].end : 0, &c)) {
        FUZZ_CHECK(w->count < COMMANDS_MAX);
        const struct order *before = w->count ? &w->c[w->count - 1] : NULL;
        bool greeting = w->link->state == LINK_GREETING;
        c.own = greeting || (c.word == W_EXEC && before && before->word == W_DEL && before->marker);
        w->c[w->count++] = c;
        if (c.word == W_MULTI && !greeting)
            check_multi(w);
    }
}

/* The MULTI that belongs to the EXEC at `at`, or NULL. */
static const struct order *multi_of(const struct wire *w, size_t at)
{
    for (size_t i = at; i--;)
        if (w->c[i].word == W_MULTI)
            return &w->c[i];
    return NULL;
}

static void end_wire(struct wire *w)
{
    if (w->gone)
        return;
    w->gone = true;
    for (size_t i = w->answered; i < w->count; i++) {
        const struct order *multi = multi_of(w, i);
        bool refused = multi && multi->said[0] == '-'; /* then EXEC does nothing */
        if (w->c[i].word != W_EXEC || w->c[i].own || w->c[i].end > w->handed || refused)
            continue;
        m.open = true;
        m.asked = m.ours = false;
    }
}

/* ---- the driver ----------------------------------------------------------------------------- */

static struct wire *wire_of(struct link *l)
{
    for (size_t i = m.wires; i--;)
        if (wires[i].link == l && !wires[i].gone && wires[i].connection == l->connection)
            return &wires[i];
    if (m.wires == WIRES_MAX)
        return NULL;
    struct wire *w = &wires[m.wires++];
    free(w->sent);
    memset(w, 0, sizeof *w);
    w->sent = calloc(1, 65536);
    FUZZ_CHECK(w->sent != NULL);
    w->link = l;
    w->connection = l->connection;
    return w;
}

/* The link is on another connection now, or on none. */
static void reap(void)
{
    for (size_t i = 0; i < m.wires; i++)
        if (wires[i].link->connection != wires[i].connection)
            end_wire(&wires[i]);
}

static void advance(void)
{
    core_advance(&m.core, m.core.now);
    reap();
    for (size_t i = 0; i < m.core.link_count; i++)
        m.core.links[i]->close_transport = false;
}

/* Moves at most n bytes out. */
static void write_link(struct link *l, size_t n)
{
    struct span spans[16];
    if (l->state == LINK_OPENING)
        link_connected(l);
    if (l->state < LINK_GREETING)
        return;
    struct wire *w = wire_of(l);
    size_t count = w ? conn_output(&l->conn, spans, 16) : 0;
    for (size_t i = 0; i < count && n; i++) {
        size_t k = spans[i].size < n ? spans[i].size : n;
        FUZZ_CHECK(w->taken + k < 65536);
        memcpy(w->sent + w->taken, spans[i].bytes, k);
        w->taken += k;
        n -= k;
        look_at_sent(w);
        w->handed += k;
        conn_taken(&l->conn, k);
        link_handed(l, k);
    }
}

static void break_link(struct link *l)
{
    if (l->state >= LINK_GREETING)
        link_broken(l, VOUCH_CAUSE_LOST, false, "cut");
    reap();
}

/* ---- answers -------------------------------------------------------------------------------- */

static const char info[] =
    "run_id:%c\r\nmaster_replid:r\r\nevicted_keys:0\r\ntotal_commands_processed:%d\r\n"
    "server_time_usec:1\r\n";

static void print_bulk(char *out, size_t room, const char *text)
{
    (void)snprintf(out, room, "$%zu\r\n%s\r\n", strlen(text), text);
}

static void good_answer(const struct order *c, bool inside, char *out, size_t room)
{
    char text[300];
    if (c->word == W_HELLO)
        (void)snprintf(out, room, "*0\r\n");
    else if (c->word == W_EXEC)
        (void)snprintf(out, room, m.marker ? "*3\r\n+OK\r\n:1\r\n:2\r\n" : "*2\r\n:1\r\n:2\r\n");
    else if (inside)
        (void)snprintf(out, room, "+QUEUED\r\n");
    else if (c->word == W_INFO) {
        (void)snprintf(text, sizeof text, info, 'a', 5);
        print_bulk(out, room, text);
    } else if (c->word == W_GET || c->aborts)
        (void)snprintf(out, room, "$-1\r\n");
    else
        (void)snprintf(out, room, "+OK\r\n");
}

static void odd_answer(unsigned which, char *out, size_t room)
{
    static const char *const odd[] = {
        "*-1\r\n",
        "_\r\n",
        "-ERR no\r\n",
        "-LOADING wait\r\n",
        "-NOPERM no\r\n",
        "-OOM full\r\n",
        "-EXECABORT Transaction discarded because of previous errors.\r\n",
        "-EXECABORT Transaction discarded because of: OOM full\r\n",
        ":1\r\n",
        "+QUEUED\r\n",
        "+OK\r\n",
        "*0\r\n",
        "*2\r\n:1\r\n-ERR half\r\n",
        "*3\r\n+OK\r\n-WRONGTYPE x\r\n:2\r\n",
        "$5\r\nhello\r\n",
        "$15\r\naborted:someone\r\n",
        "$3\r\nx:1\r\n",
        "%0\r\n",
        "*1\r\n+OK\r\n",
        "-NOAUTH who\r\n"};
    char text[300];
    size_t n = sizeof odd / sizeof *odd;
    if (which % (n + 2) < n) {
        (void)snprintf(out, room, "%s", odd[which % (n + 2)]);
    } else if (which % (n + 2) == n) {
        print_bulk(out, room, m.value);
    } else {
        (void)snprintf(text, sizeof text, info, 'b', 1);
        print_bulk(out, room, text);
    }
}

/* Whether the command stands behind an accepted MULTI. */
static bool is_inside(const struct wire *w, size_t at)
{
    for (size_t i = at; i--;) {
        if (w->c[i].word == W_EXEC || w->c[i].word == W_DISCARD)
            return false;
        if (w->c[i].word == W_MULTI)
            return said_ok(&w->c[i]);
    }
    return false;
}

static void note_answer(const struct wire *w, size_t at)
{
    const struct order *c = &w->c[at];
    bool asks = c->marker && (c->word == W_GET || c->aborts);
    m.asked = m.asked || (asks && c->said[0] != '-');
    /* Told by this run's name, whatever follows it. */
    m.ours = m.ours || (asks && m.value[0] && c->said[0] == '$' && c->said[1] != '-');
    if (c->word != W_EXEC || c->own || c->said[0] != '*' || c->said[1] == '-')
        return;
    const struct order *multi = multi_of(w, at);
    m.committed = m.committed || (multi && said_ok(multi));
}

static void answer(struct link *l, unsigned how)
{
    char text[400];
    struct wire *w = l->state >= LINK_GREETING ? wire_of(l) : NULL;
    if (!w || w->answered == w->count || w->c[w->answered].end > w->handed)
        return;
    struct order *c = &w->c[w->answered];
    bool greeting = l->state == LINK_GREETING;
    if (greeting && c->word == W_MULTI && m.denied)
        (void)snprintf(text, sizeof text, "-NOPERM no\r\n");
    else if (how < 160 || greeting)
        good_answer(c, !greeting && is_inside(w, w->answered), text, sizeof text);
    else
        odd_answer(how, text, sizeof text);
    memcpy(c->said, text, sizeof c->said - 1);
    note_answer(w, w->answered++);
    link_received(l, text, strlen(text));
    reap();
}

/* ---- the end -------------------------------------------------------------------------------- */

static void check_connections(void)
{
    for (size_t i = 0; i < m.wires; i++) {
        const struct wire *w = &wires[i];
        bool watch = false, multi = false;
        if (w->gone || w->link->state != LINK_READY)
            continue;
        for (size_t k = 0; k < w->count; k++) {
            enum word word = w->c[k].word;
            FUZZ_CHECK(w->c[k].said[0]);
            watch = word == W_WATCH || (watch && word != W_UNWATCH && word != W_EXEC);
            multi = (word == W_MULTI && said_ok(&w->c[k])) ||
                    (multi && word != W_EXEC && word != W_DISCARD);
        }
        if (watch || multi)
            for (size_t k = 0; k < w->count; k++)
                (void)fprintf(stderr, "%zu: word %d said %s\n", k, (int)w->c[k].word, w->c[k].said);
        FUZZ_CHECK(!watch && !multi && w->taken == w->handed);
    }
}

static bool is_no(vouch_tx_outcome o)
{
    return o >= VOUCH_OUTCOME_CONFLICT && o <= VOUCH_OUTCOME_NOT_SENT;
}

static void check_end(vouch_status status, const vouch_tx_result *r, const vouch_error *e)
{
    vouch_tx_outcome o = vouch_tx_result_outcome(r);
    bool yes = o == VOUCH_OUTCOME_COMMITTED || o == VOUCH_OUTCOME_ERRORS;
    FUZZ_CHECK(!m.committed || yes); /* promise 3 */
    FUZZ_CHECK(!yes || m.committed);
    FUZZ_CHECK(!is_no(o) || (status != VOUCH_OK && e->effect == VOUCH_NOT_APPLIED));
    FUZZ_CHECK((o == VOUCH_OUTCOME_UNKNOWN) == (status == VOUCH_EUNKNOWN));
    FUZZ_CHECK(status == VOUCH_OK || e->message[0]);
    FUZZ_CHECK(!m.open || !is_no(o) || (m.marker && m.asked)); /* promise 4 */
    FUZZ_CHECK(o != VOUCH_OUTCOME_SETTLED || m.ours);
    for (size_t i = 0; is_no(o) && i < vouch_tx_result_count(r); i++)
        FUZZ_CHECK(vouch_tx_result_at(r, i)->effect == VOUCH_NOT_APPLIED);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void step(void)
{
    unsigned what = fuzz_byte(&m.in), argument = fuzz_byte(&m.in);
    for (size_t i = 0; i < m.core.link_count; i++) {
        struct link *l = m.core.links[i];
        if (what % 8 < 3)
            write_link(l, argument < 200 ? 100000 : argument - 199);
        else if (what % 8 < 6)
            answer(l, argument);
        else if (what % 8 == 6 && argument < 128)
            break_link(l);
    }
    if (what % 8 == 6 && argument >= 128)
        m.core.now += (argument - INT64_C(127)) * 1000;
    if (what == 255 && argument == 255)
        m.tx->commit.op.ops->expire(&m.tx->commit.op, VOUCH_CAUSE_CANCELLED);
    advance();
}

static void finish(void)
{
    struct commit *c = &m.tx->commit;
    vouch_tx_result *result = NULL;
    vouch_error e;
    if (!c->op.done) {
        m.core.now = c->op.deadline;
        advance();
    }
    FUZZ_CHECK(c->op.done);
    check_connections();
    reap();
    for (size_t i = 0; i < m.wires; i++)
        end_wire(&wires[i]);
    core_end(&m.core, &c->op);
    vouch_status status = commit_finish(c, &result, &e);
    check_end(status, result, &e);
    vouch_tx_result_free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_error e;
    memset(&m, 0, sizeof m);
    m.in = fuzz_input(data, size);
    unsigned flags = fuzz_byte(&m.in);
    FUZZ_CHECK(settings_read(&settings, "unix:///nowhere", NULL, &e) == VOUCH_OK);
    core_init(&m.core, &settings, flags);
    memcpy(m.core.identity, "0123456789abcdef0123456789abcdef", 33);
    m.core.now = m.core.uptime = 1000000;
    m.reads = flags & 1;
    m.cancels = flags & 2;
    m.denied = flags & 64 && flags & 128;
    o.strict = (flags & 4) != 0;
    o.resolve = (flags & 8) != 0;
    o.token = flags & 16 ? "token" : NULL;
    o.deadline_ms = DEADLINE_MS;
    m.marker = o.resolve || o.token;
    m.tx = transaction_new(&m.core, body, NULL, &o, &e);
    FUZZ_CHECK(m.tx != NULL && core_start(&m.core, &m.tx->commit.op, &e) == VOUCH_OK);
    advance();
    for (int i = 0; i < STEPS_MAX && fuzz_left(&m.in) && !m.tx->commit.op.done; i++)
        step();
    finish();
    core_free(&m.core);
    for (size_t i = 0; i < WIRES_MAX; i++) {
        free(wires[i].sent);
        wires[i] = (struct wire){NULL};
    }
    return 0;
}
